use std::sync::Arc;

use burn::{
    module::Module,
    optim::{AdamConfig, decay::WeightDecayConfig},
    tensor::Device,
    train::{
        Learner,
        metric::{AccuracyMetric, LossMetric},
    },
};

use super::{
    EpochLoader, FixedLoader, SsvaeLearner, SsvaeSettings, SsvaeTest, draw_pictures, evaluate,
};
use crate::{
    data::SemiSupervised,
    pictures::draw_curves,
    training::{
        Checkpoints, Display, EpochLog, Metrics, RunError, RunFolder, Session, Timings, TwoPhases,
        backend_name, best,
    },
};

/// Images that are validated together.
const VALIDATION_BATCH: usize = 500;

/// The semi-supervised VAE in a run folder, from training to pictures.
#[derive(Debug)]
pub struct SsvaeRun {
    folder: RunFolder,
    settings: SsvaeSettings,
    data: Arc<SemiSupervised>,
    device: Device,
}

impl SsvaeRun {
    /// The run in `folder` with these settings, on `data`.
    pub fn new(
        folder: RunFolder,
        settings: SsvaeSettings,
        data: SemiSupervised,
        device: Device,
    ) -> Self {
        Self {
            folder,
            settings,
            data: Arc::new(data),
            device,
        }
    }

    /// Trains from the newest checkpoint, or from the start.
    ///
    /// # Errors
    ///
    /// As [`Session::fit`].
    pub fn train(&self, display: Display) -> Result<(), RunError> {
        let session = Session::of(&self.folder)?;
        let (settings, plan) = (&self.settings, self.settings.plan());
        let device = self.device.clone().autodiff();
        let schedule = TwoPhases::new(
            settings.warm_up_lr,
            settings.warm_up_epochs * plan.warm_up_steps(&self.data),
            settings.lr,
        );
        let optimizer = AdamConfig::new()
            .with_epsilon(1e-8)
            .with_weight_decay(Some(WeightDecayConfig::new(settings.weight_decay as f32)))
            .init();
        let learner = Learner::new(self.fresh(&device)?, optimizer, schedule);
        let validation = FixedLoader::validation(
            self.data.clone(),
            &plan,
            VALIDATION_BATCH,
            self.device.clone(),
        );
        let train = EpochLoader::new(self.data.clone(), plan, device, session.epochs_done());
        session.fit(
            learner,
            Arc::new(train),
            Arc::new(validation),
            settings.total_epochs(),
            |training| training.metrics((LossMetric::new(), AccuracyMetric::new())),
            display,
        )
    }

    /// Evaluates the epoch of the best validation accuracy, draws the pictures and writes
    /// `metrics.json`.
    ///
    /// # Errors
    ///
    /// If there is no checkpoint, one is damaged, or a file cannot be written.
    pub fn evaluate(&self) -> Result<Metrics<SsvaeTest>, RunError> {
        let path = self.folder.path();
        let checkpoints = Checkpoints::of(path);
        let kept = checkpoints.epochs()?;
        let rows = EpochLog::read(path)?;
        let best_epoch = best(rows.iter().filter(|row| kept.contains(&row.epoch)))
            .map(|row| row.epoch)
            .ok_or(RunError::NoRun {
                path: path.to_path_buf(),
                expected: "a checkpoint",
            })?;
        let learner = self
            .fresh(&self.device)?
            .load_record(checkpoints.model(best_epoch)?);
        let (plan, test) = (self.settings.plan(), &self.data.test);
        let metrics = Metrics {
            task: "ssvae".to_string(),
            data: self.settings.data.name().to_string(),
            method: self.settings.method.to_string(),
            seed: self.settings.seed,
            epochs: self.settings.epochs,
            backend: backend_name(&self.device),
            best_epoch,
            test: evaluate(&learner, test, &plan, &self.device),
            train: Timings::of(path, self.settings.warm_up_epochs)?,
        };
        draw_pictures(&self.folder, &learner, test, &plan, &self.device)?;
        draw_curves(&self.folder.file("curves.svg"), &rows)?;
        self.folder.write_json("metrics.json", &metrics)?;
        Ok(metrics)
    }

    fn fresh(&self, device: &Device) -> Result<SsvaeLearner, RunError> {
        device.seed(self.settings.seed);
        let networks = self.settings.data.networks().init(device);
        let weights = self.settings.weights(&self.data);
        let estimator = self.settings.init_estimator(device)?;
        Ok(SsvaeLearner::new(networks, estimator, weights))
    }
}
