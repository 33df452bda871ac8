use std::{fs::File, sync::Arc};

use burn::{
    data::dataloader::DataLoader,
    module::Module,
    optim::{OptimizerRecord, lr_scheduler::LrSchedulerRecord},
    store::ModuleRecord,
    train::{
        InferenceStep, Interrupter, Learner, LearnerModel, SupervisedTraining, TrainStep,
        TrainingError,
        checkpoint::{Checkpointer, CheckpointerError},
    },
};

use super::{
    Checkpoints, EpochLog, OnEpoch, RunError, RunFolder,
    best_epoch::load,
    checkpoints::{NewestAndBest, explained},
    dashboard::Dashboard,
    patience::{Patience, Stopping, is_over},
    quiet::Quiet,
    run_folder::CHECKPOINTS,
    timed::Timed,
};

/// Epochs that a run may have: more than anyone waits for, and few enough to be added.
pub const MOST_EPOCHS: usize = 1_000_000;

/// How a training shows itself, and how it is stopped.
#[derive(Default)]
pub struct Display {
    /// Whether burn-train draws its dashboard, where the output is a terminal.
    pub dashboard: bool,
    /// What is done with the figures of each epoch.
    pub on_epoch: Option<OnEpoch>,
    /// Stops the training after the current step.
    pub interrupter: Interrupter,
}

impl std::fmt::Debug for Display {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Display")
            .field("dashboard", &self.dashboard)
            .finish_non_exhaustive()
    }
}

/// The training of a run, from its start or from its newest checkpoint.
#[derive(Debug)]
pub struct Session {
    folder: RunFolder,
    /// Nobody else trains in the folder while it is there.
    _lock: File,
    checkpoints: Checkpoints,
    log: EpochLog,
    epochs_done: usize,
    patience: Option<Patience>,
}

/// The newest checkpoint of an epoch that is among the first ones, which are `logged`.
fn newest(checkpoints: &Checkpoints, logged: usize) -> Result<Option<usize>, RunError> {
    let epochs = checkpoints.epochs()?;
    Ok(epochs.into_iter().rfind(|epoch| *epoch <= logged))
}

impl Session {
    /// The training of the run in `folder`, as far as it has come.
    ///
    /// # Errors
    ///
    /// If another process trains it, the folder cannot be read or written, or a file in it is damaged.
    pub fn of(folder: &RunFolder) -> Result<Self, RunError> {
        let lock = folder.lock()?;
        let checkpoints = Checkpoints::of(folder.path());
        let logged = EpochLog::read(folder.path())?.len();
        match checkpoints.epochs()?.pop() {
            // an epoch's checkpoint may be whole just before its row is
            Some(newest) if newest > logged + 1 => {
                return Err(RunError::Damaged {
                    path: EpochLog::file(folder.path()),
                    what: format!("{logged} epochs, where there is a checkpoint of epoch {newest}"),
                });
            }
            // it is written while the next epoch is trained, and a kill may leave the rows of both without
            // one; what has been trained longer is not begun anew unasked
            None if logged > 2 => {
                return Err(RunError::Damaged {
                    path: folder.file(CHECKPOINTS),
                    what: format!("no whole checkpoint, where {logged} epochs are logged"),
                });
            }
            _ => {}
        }
        checkpoints.prepare()?;
        let epochs_done = newest(&checkpoints, logged)?.unwrap_or(0);
        Ok(Self {
            folder: folder.clone(),
            _lock: lock,
            log: EpochLog::continued(folder.path(), epochs_done)?,
            checkpoints,
            epochs_done,
            patience: None,
        })
    }

    /// The same, which ends when its patience does, if it has any.
    pub fn with_patience(self, patience: Option<Patience>) -> Self {
        Self { patience, ..self }
    }

    /// The epochs that are done already.
    pub fn epochs_done(&self) -> usize {
        self.epochs_done
    }

    /// Trains until `epochs` epochs are done, or its patience ends, with a checkpoint after each. `train`
    /// begins with the first epoch that is not done; `configure` adds what the task wants, such as its
    /// metrics.
    ///
    /// # Errors
    ///
    /// If training is interrupted, a loss is not finite, or a file cannot be read or written. The
    /// checkpoints of finished epochs stay.
    pub fn fit<M: LearnerModel>(
        self,
        learner: Learner<M>,
        train: Arc<dyn DataLoader<<M as TrainStep>::Input>>,
        valid: Arc<dyn DataLoader<<M as InferenceStep>::Input>>,
        epochs: usize,
        configure: impl FnOnce(SupervisedTraining<M>) -> SupervisedTraining<M>,
        display: Display,
    ) -> Result<(), RunError> {
        if is_over(&self.log.rows(), epochs, self.patience) {
            return Ok(());
        }
        let timed = Arc::new(Timed::new(train, self.log.clone()));
        let (model, optimizer, schedule) = self.parts(&learner.model())?;
        // nothing is in the way of going on
        self.folder.forget_metrics()?;
        let interrupter = display.interrupter.clone();
        let logger = self.log.logger(interrupter.clone(), display.on_epoch);
        let strategy = NewestAndBest::new(self.log.clone(), self.checkpoints.epochs()?);
        let mut training = SupervisedTraining::new(self.folder.path(), timed, valid)
            .num_epochs(epochs)
            .with_interrupter(interrupter)
            .with_application_logger(None)
            .with_metric_logger(logger)
            .with_custom_checkpointers(model, optimizer, schedule)
            .with_checkpointing_strategy(strategy);
        if let Some(patience) = self.patience {
            let log = self.log.clone();
            training = training.early_stopping(Stopping { log, patience });
        }
        if self.epochs_done > 0 {
            training = training.checkpoint(self.epochs_done);
        }
        training = training.renderer(match display.dashboard {
            true => Box::new(Dashboard::new(display.interrupter, self.epochs_done)),
            false => Box::new(Quiet),
        });
        let result = configure(training).launch(learner);

        let path = self.folder.path().to_path_buf();
        let rows = EpochLog::read(&path)?;
        let checkpoint = newest(&self.checkpoints, rows.len())?;
        if let Some(error) = result.error {
            // the log stops a training by an error of this kind, whose frame says nothing more
            let what = match &*error {
                TrainingError::Checkpoint(error) => explained(error),
                error => error.to_string(),
            };
            return Err(RunError::Training {
                what,
                path,
                checkpoint,
            });
        }
        // a training that has not come to its end was stopped, whoever says what
        if result.interrupted.is_some() || !is_over(&rows, epochs, self.patience) {
            return Err(RunError::Interrupted { path, checkpoint });
        }
        Ok(())
    }

    /// The files of each part, after a look whether they can be read and are of this model.
    #[allow(clippy::type_complexity)]
    fn parts<M: Module>(
        &self,
        fresh: &M,
    ) -> Result<
        (
            impl Checkpointer<ModuleRecord> + use<M>,
            impl Checkpointer<OptimizerRecord> + use<M>,
            impl Checkpointer<LrSchedulerRecord> + use<M>,
        ),
        RunError,
    > {
        let model = self.checkpoints.part::<ModuleRecord>("model");
        let optimizer = self.checkpoints.part::<OptimizerRecord>("optimizer");
        let schedule = self.checkpoints.part::<LrSchedulerRecord>("schedule");
        if self.epochs_done > 0 {
            let epoch = self.epochs_done;
            let older = newest(&self.checkpoints, epoch - 1)?;
            let damaged = |part: &str| {
                let path = self.checkpoints.file(part, epoch);
                move |error: CheckpointerError| RunError::Damaged {
                    path,
                    what: match older {
                        Some(older) => {
                            let error = explained(&error);
                            format!("{error}; without it, --resume continues from epoch {older}")
                        }
                        None => explained(&error),
                    },
                }
            };
            let record = model.restore(epoch).map_err(damaged("model"))?;
            load(fresh.clone(), record, &self.folder, epoch)?;
            optimizer.restore(epoch).map_err(damaged("optimizer"))?;
            schedule.restore(epoch).map_err(damaged("schedule"))?;
        }
        Ok((model, optimizer, schedule))
    }
}
