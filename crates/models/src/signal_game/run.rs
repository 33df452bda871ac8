use std::sync::Arc;

use burn::{
    module::Module,
    optim::{
        AdamConfig, decay::WeightDecayConfig,
        lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig,
    },
    tensor::Device,
    train::{
        Learner,
        metric::{AccuracyMetric, LossMetric},
    },
};

use super::{
    ChosenGames, SignalGameLearner, SignalGameSettings, SignalGameTest, Standard, TrainingGames,
    draw_pictures, evaluate,
};
use crate::{
    data::ConceptData,
    pictures::draw_curves,
    training::{
        BestEpoch, Display, EpochLoader, Metrics, RunError, RunFolder, Session, Timings,
        backend_name, fresh_weights,
    },
};

/// The signal game in a run folder, from training to pictures.
#[derive(Debug)]
pub struct SignalGameRun {
    folder: RunFolder,
    settings: SignalGameSettings,
    data: Arc<ConceptData>,
    device: Device,
}

impl SignalGameRun {
    /// The run in `folder` with these settings, on `data`.
    pub fn new(
        folder: RunFolder,
        settings: SignalGameSettings,
        data: ConceptData,
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
    /// As [`Session::fit`]; or if the learning rates are none, see
    /// [`validate`](SignalGameSettings::validate).
    pub fn train(&self, display: Display) -> Result<(), RunError> {
        let session = Session::of(&self.folder)?;
        let (settings, plan) = (&self.settings, self.settings.plan());
        let device = self.device.clone().autodiff();
        let steps = settings.epochs * settings.batches;
        let schedule = CosineAnnealingLrSchedulerConfig::new(settings.lr, steps)
            .with_min_lr(settings.final_lr)
            .init()
            .map_err(|_| RunError::Setting {
                name: "lr",
                given: format!("{} to {}", settings.lr, settings.final_lr),
                allowed: "above 0, at most 1, and not rising",
            })?;
        let optimizer = AdamConfig::new()
            .with_epsilon(1e-8)
            .with_weight_decay(Some(WeightDecayConfig::new(settings.weight_decay as f32)))
            .init();
        let learner = Learner::new(self.fresh(&device)?, optimizer, schedule);
        let validation = ChosenGames::validation(self.data.clone(), &plan);
        let data = self.data.clone();
        let train =
            EpochLoader::training(TrainingGames { data, plan }, device, session.epochs_done());
        session.fit(
            learner,
            Arc::new(train),
            Arc::new(EpochLoader::fixed(validation, self.device.clone())),
            settings.epochs,
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
    pub fn evaluate(&self) -> Result<Metrics<SignalGameTest>, RunError> {
        let BestEpoch { epoch, model, rows } = BestEpoch::of(&self.folder)?;
        let learner = self.fresh(&self.device)?.load_record(model);
        let games = ChosenGames::test(self.data.clone(), &self.settings.plan());
        let metrics = Metrics {
            task: "signal_game".to_string(),
            data: self.settings.data.to_string(),
            method: self.settings.method.to_string(),
            seed: self.settings.seed,
            epochs: self.settings.epochs,
            backend: backend_name(&self.device),
            best_epoch: epoch,
            test: evaluate(&learner, &games, &self.device),
            train: Timings::of(self.folder.path(), 0)?,
        };
        draw_pictures(&self.folder, &learner, &games, &self.device)?;
        draw_curves(&self.folder.file("curves.svg"), &rows)?;
        self.folder.write_json("metrics.json", &metrics)?;
        Ok(metrics)
    }

    fn fresh(&self, device: &Device) -> Result<SignalGameLearner, RunError> {
        let (settings, features) = (&self.settings, self.data.set.width());
        let (config, standard) = (settings.config(features), Standard::of(&self.data));
        fresh_weights(device, settings.seed, || {
            let agents = config.init(&standard, device);
            let estimator = settings.init_estimator(features, device)?;
            Ok(SignalGameLearner::new(agents, estimator, settings.entropy))
        })
    }
}
