use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{EpochLog, Figure, RunError};

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

impl<T> Metrics<T> {
    /// Checks that no figure is infinite or NaN, which a file of JSON could not hold.
    ///
    /// # Errors
    ///
    /// If one is: the model of the run in `folder` is not sound.
    pub(crate) fn demand_finite(
        &self,
        figures: &[Figure<T>],
        folder: &Path,
    ) -> Result<(), RunError> {
        for Figure { name, of } in figures {
            if let Some(value) = of(&self.test).filter(|value| !value.is_finite()) {
                return Err(RunError::Damaged {
                    path: folder.to_path_buf(),
                    what: format!(
                        "the model of epoch {} has {name} of {value} on the test set",
                        self.best_epoch
                    ),
                });
            }
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURES: &[Figure<Option<f64>>] = &[Figure::new("loss", |loss| *loss)];

    fn metrics(test: Option<f64>) -> Metrics<Option<f64>> {
        let of = |name: &str| name.to_string();
        Metrics {
            task: of("task"),
            data: of("digits"),
            method: of("sparsemax"),
            seed: 1,
            epochs: 4,
            backend: of("flex"),
            best_epoch: 3,
            test,
            train: Timings {
                seconds_per_epoch: Vec::new(),
                ms_per_step: 0.0,
            },
        }
    }

    #[test]
    fn figures_that_are_not_finite_are_refused() {
        let check = |value| metrics(value).demand_finite(FIGURES, Path::new("run"));
        assert!(check(Some(0.5)).is_ok() && check(None).is_ok());
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = check(Some(value)).expect_err("no figure").to_string();
            let expected =
                format!("run is damaged: the model of epoch 3 has loss of {value} on the test set");
            assert_eq!(error, expected);
        }
    }
}
