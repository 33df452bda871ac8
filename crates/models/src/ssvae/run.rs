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
    SsvaeLearner, SsvaeSettings, SsvaeTest, TrainingImages, ValidationImages, draw_pictures,
    evaluate,
};
use crate::{
    data::SemiSupervised,
    pictures::draw_curves,
    training::{
        BestEpoch, Display, EpochLoader, Metrics, RunError, RunFolder, Session, Timings, TwoPhases,
        backend_name, fresh_weights,
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
        let validation = ValidationImages::new(self.data.clone(), &plan, VALIDATION_BATCH);
        let data = self.data.clone();
        let train =
            EpochLoader::training(TrainingImages { data, plan }, device, session.epochs_done());
        session.fit(
            learner,
            Arc::new(train),
            Arc::new(EpochLoader::fixed(validation, self.device.clone())),
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
        let BestEpoch { epoch, model, rows } = BestEpoch::of(&self.folder)?;
        let learner = self.fresh(&self.device)?.load_record(model);
        let (plan, test) = (self.settings.plan(), &self.data.test);
        let metrics = Metrics {
            task: "ssvae".to_string(),
            data: self.settings.data.name().to_string(),
            method: self.settings.method.to_string(),
            seed: self.settings.seed,
            epochs: self.settings.epochs,
            backend: backend_name(&self.device),
            best_epoch: epoch,
            test: evaluate(&learner, test, &plan, &self.device),
            train: Timings::of(self.folder.path(), self.settings.warm_up_epochs)?,
        };
        draw_pictures(&self.folder, &learner, test, &plan, &self.device)?;
        draw_curves(&self.folder.file("curves.svg"), &rows)?;
        self.folder.write_json("metrics.json", &metrics)?;
        Ok(metrics)
    }

    fn fresh(&self, device: &Device) -> Result<SsvaeLearner, RunError> {
        let settings = &self.settings;
        let (config, weights) = (settings.data.networks(), settings.weights(&self.data));
        fresh_weights(device, settings.seed, || {
            let networks = config.init(device);
            let estimator = settings.init_estimator(device)?;
            Ok(SsvaeLearner::new(networks, estimator, weights))
        })
    }
}
