use std::error::Error;

use burn::train::{
    Interrupter, LearnerSummary,
    logger::{EvaluationProgressLogger, TrainingProgressLogger},
    metric::MetricDefinition,
    renderer::{
        EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
        MetricsRendererTraining, tui::TuiMetricsRendererWrapper,
    },
};

/// burn-train's dashboard, with an interrupter of its own.
///
/// When training ends, the dashboard resets the interrupter that it has been given, and with it the
/// error that the training has ended by, before anyone has read it. So it gets one that only its keys
/// stop, and what they ask for is passed on to the training.
pub(super) struct Dashboard {
    screen: TuiMetricsRendererWrapper,
    keys: Interrupter,
    training: Interrupter,
}

impl Dashboard {
    /// A dashboard that may stop the training by its interrupter, and begins with an epoch.
    pub(super) fn new(training: Interrupter, epochs_done: usize) -> Self {
        let keys = Interrupter::new();
        let begun = (epochs_done > 0).then_some(epochs_done);
        Self {
            screen: TuiMetricsRendererWrapper::new(keys.clone(), begun),
            keys,
            training,
        }
    }

    fn pass_on(&self) {
        if self.keys.should_stop() && !self.training.should_stop() {
            self.training.stop(Some("stopped at the dashboard"));
        }
    }
}

/// Lets Ctrl-C be a signal, as it is without a dashboard, which reads single keys and looks for `q` only.
#[cfg(unix)]
fn keep_ctrl_c() {
    use rustix::{
        stdio::stdin,
        termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr},
    };
    // where the input is no terminal, there is no key to be read either
    if let Ok(mut terminal) = tcgetattr(stdin())
        && !terminal.local_modes.contains(LocalModes::ISIG)
    {
        terminal.local_modes |= LocalModes::ISIG;
        let _ = tcsetattr(stdin(), OptionalActions::Now, &terminal);
    }
}

#[cfg(not(unix))]
fn keep_ctrl_c() {}

impl MetricsRendererTraining for Dashboard {
    fn update_train(&mut self, state: MetricState) {
        self.screen.update_train(state);
        self.pass_on();
    }

    fn update_valid(&mut self, state: MetricState) {
        self.screen.update_valid(state);
        self.pass_on();
    }

    fn on_train_end(&mut self, summary: Option<LearnerSummary>) -> Result<(), Box<dyn Error>> {
        self.pass_on();
        self.screen.on_train_end(summary)
    }
}

impl MetricsRendererEvaluation for Dashboard {
    fn update_test(&mut self, name: EvaluationName, state: MetricState) {
        self.screen.update_test(name, state);
    }

    fn on_test_end(&mut self, summary: Option<LearnerSummary>) -> Result<(), Box<dyn Error>> {
        self.screen.on_test_end(summary)
    }
}

impl TrainingProgressLogger for Dashboard {
    fn start(&mut self, epochs: usize, first: usize, items: Option<usize>, label: Option<&str>) {
        TrainingProgressLogger::start(&mut self.screen, epochs, first, items, label);
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.screen.update_epoch(epoch);
    }

    fn start_split(&mut self, split: &str, items: usize) {
        // not before: the dashboard's own thread takes the terminal over
        keep_ctrl_c();
        self.screen.start_split(split, items);
    }

    fn update_split(&mut self, items: usize) {
        self.screen.update_split(items);
        self.pass_on();
    }

    fn end_split(&mut self) {
        self.screen.end_split();
    }

    fn end(&mut self) {
        self.screen.end();
    }

    fn log_event_training(&mut self, event: String) {
        self.screen.log_event_training(event);
    }
}

impl EvaluationProgressLogger for Dashboard {
    fn start_global_progress(&mut self, tests: usize) {
        self.screen.start_global_progress(tests);
    }

    fn start_test(&mut self, name: &str, items: usize) {
        self.screen.start_test(name, items);
    }

    fn update_test_progress(&mut self, items: usize) {
        self.screen.update_test_progress(items);
    }

    fn end_test(&mut self) {
        self.screen.end_test();
    }

    fn end_global_progress(&mut self) {
        self.screen.end_global_progress();
    }

    fn log_event_evaluation(&mut self, event: String) {
        self.screen.log_event_evaluation(event);
    }
}

impl MetricsRenderer for Dashboard {
    fn manual_close(&mut self) {
        self.screen.manual_close();
    }

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.screen.register_metric(definition);
    }
}
