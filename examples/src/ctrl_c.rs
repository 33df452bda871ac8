//! What Ctrl-C does to a training.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use burn::train::Interrupter;

/// While it lives, Ctrl-C ends the training after its current step; the second one insists. Before and
/// after, it ends the process, as it does without a handler: whatever is written meanwhile has a
/// temporary name.
pub struct StopOnCtrlC {
    training: Arc<AtomicBool>,
}

impl StopOnCtrlC {
    /// Asks by `interrupter`. Where the process has a handler already, Ctrl-C is its business.
    pub fn new(interrupter: Interrupter) -> Self {
        let training = Arc::new(AtomicBool::new(true));
        let going_on = training.clone();
        let _ = ctrlc::set_handler(move || {
            if interrupter.should_stop() || !going_on.load(Ordering::SeqCst) {
                leave_screen();
                std::process::exit(130);
            }
            interrupter.stop(Some("Ctrl-C"));
        });
        Self { training }
    }
}

impl Drop for StopOnCtrlC {
    fn drop(&mut self) {
        self.training.store(false, Ordering::SeqCst);
    }
}

/// Gives the terminal back, if a dashboard has it.
fn leave_screen() {
    use crossterm::{cursor::Show, event::DisableMouseCapture, execute, terminal};
    if terminal::is_raw_mode_enabled().unwrap_or(false) {
        let _ = terminal::disable_raw_mode();
        let _ = execute!(
            std::io::stdout(),
            DisableMouseCapture,
            terminal::LeaveAlternateScreen,
            Show
        );
    }
}
