use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{EpochLog, RunError};

/// What `metrics.json` holds at the end of a run: the settings that matter, the test set's figures
/// `T` of the task, and how long the training took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics<T> {
    /// The task, as the command is called.
    pub task: String,
    /// The data set.
    pub data: String,
    /// The estimator.
    pub method: String,
    /// The seed.
    pub seed: u64,
    /// Epochs after the warm-up that it has trained.
    pub epochs: usize,
    /// The backend that evaluated it.
    pub backend: String,
    /// The epoch, counted from the start of the warm-up, whose model was evaluated.
    pub best_epoch: usize,
    /// Figures of the test set.
    pub test: T,
    /// Timings of the training.
    pub train: Timings,
}

/// Wall time of training steps: data, forward, backward and update, without validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Seconds of each epoch, warm-up included.
    pub seconds_per_epoch: Vec<f64>,
    /// Milliseconds of a step, the mean over the epochs after the warm-up.
    pub ms_per_step: f64,
}

impl Timings {
    /// The timings of the run in `folder`, whose first `warm_up` epochs do not count as steps.
    ///
    /// # Errors
    ///
    /// If the log cannot be read.
    pub fn of(folder: &Path, warm_up: usize) -> Result<Self, RunError> {
        let rows = EpochLog::read(folder)?;
        let seconds_per_epoch = rows.iter().map(|row| row.seconds).collect();
        let (mut seconds, mut steps) = (0.0, 0);
        for row in rows.iter().filter(|row| row.epoch > warm_up) {
            seconds += row.seconds;
            steps += row.steps;
        }
        Ok(Self {
            seconds_per_epoch,
            ms_per_step: 1e3 * seconds / (steps.max(1) as f64),
        })
    }
}
