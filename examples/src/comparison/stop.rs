use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use burn::train::Interrupter;

/// Stops a comparison: the run that is trained after its current step, and all that would follow.
#[derive(Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    training: Arc<AtomicBool>,
    current: Arc<Mutex<Interrupter>>,
}

impl Stop {
    /// Asks to stop.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.current().stop(Some("asked to stop"));
    }

    /// Whether it has been asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// What stops the next run: each has its own, because a failure stays in it.
    pub fn interrupter(&self) -> Interrupter {
        let fresh = Interrupter::new();
        *self.current() = fresh.clone();
        if self.asked() {
            fresh.stop(Some("asked to stop"));
        }
        fresh
    }

    /// Does what takes an [`interrupter`](Self::interrupter) into account.
    pub(super) fn while_training<T>(&self, train: impl FnOnce() -> T) -> T {
        self.training.store(true, Ordering::SeqCst);
        let result = train();
        self.training.store(false, Ordering::SeqCst);
        result
    }

    /// Ctrl-C asks while a run is trained, and the second one insists. At any other time it ends the process:
    /// an evaluation writes its figures when it is done, and the same command repeats it.
    pub fn on_ctrl_c(&self) {
        let stop = self.clone();
        // another handler may be there already: then Ctrl-C is its business
        let _ = ctrlc::set_handler(move || {
            if stop.asked() || !stop.training.load(Ordering::SeqCst) {
                std::process::exit(130);
            }
            stop.ask();
        });
    }

    fn current(&self) -> MutexGuard<'_, Interrupter> {
        // the value is whole at all times
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stop")
            .field("asked", &self.asked())
            .finish()
    }
}
