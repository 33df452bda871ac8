use std::sync::Arc;

use burn::{
    module::Module,
    optim::{AdamConfig, lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig},
    tensor::Device,
    train::{Learner, metric::LossMetric},
};

use super::{
    BitVectorVaeLearner, BitVectorVaeSettings, BitVectorVaeTest, GreyImages, draw_pictures,
    evaluate,
};
use crate::{
    data::SplitImages,
    pictures::draw_curves,
    training::{
        BestEpoch, Display, EpochLoader, Metrics, RunError, RunFolder, Session, Timings,
        backend_name, fresh_weights,
    },
};

/// Images that are validated together.
const VALIDATION_BATCH: usize = 64;

/// The bit-vector VAE in a run folder, from training to pictures.
#[derive(Debug)]
pub struct BitVectorVaeRun {
    folder: RunFolder,
    settings: BitVectorVaeSettings,
    data: Arc<SplitImages>,
    device: Device,
}

impl BitVectorVaeRun {
    /// The run in `folder` with these settings, on `data`.
    pub fn new(
        folder: RunFolder,
        settings: BitVectorVaeSettings,
        data: SplitImages,
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
    /// [`validate`](BitVectorVaeSettings::validate).
    pub fn train(&self, display: Display) -> Result<(), RunError> {
        let session = Session::of(&self.folder)?;
        let (settings, seed) = (&self.settings, self.settings.seed);
        let device = self.device.clone().autodiff();
        let steps = self.data.training.len().div_ceil(settings.batch_size);
        let schedule = CosineAnnealingLrSchedulerConfig::new(settings.lr, settings.epochs * steps)
            .with_min_lr(settings.final_lr)
            .init()
            .map_err(|_| RunError::Setting {
                name: "lr",
                given: format!("{} to {}", settings.lr, settings.final_lr),
                allowed: "above 0, at most 1, and not rising",
            })?;
        let optimizer = AdamConfig::new().with_epsilon(1e-8).init();
        let learner = Learner::new(self.fresh(&device)?, optimizer, schedule);
        let training = GreyImages::training(self.data.clone(), seed, settings.batch_size);
        let validation = GreyImages::validation(self.data.clone(), seed, VALIDATION_BATCH);
        let train = EpochLoader::training(training, device, session.epochs_done());
        session.fit(
            learner,
            Arc::new(train),
            Arc::new(EpochLoader::fixed(validation, self.device.clone())),
            settings.epochs,
            |training| training.metrics((LossMetric::new(),)),
            display,
        )
    }

    /// Evaluates the epoch of the best validation ELBO, draws the pictures and writes `metrics.json`.
    ///
    /// # Errors
    ///
    /// If there is no checkpoint, one is damaged, or a file cannot be written.
    pub fn evaluate(&self) -> Result<Metrics<BitVectorVaeTest>, RunError> {
        let BestEpoch { epoch, model, rows } = BestEpoch::of(&self.folder)?;
        let learner = self.fresh(&self.device)?.load_record(model);
        let (settings, test) = (&self.settings, &self.data.test);
        let metrics = Metrics {
            task: "bit_vector_vae".to_string(),
            data: settings.data.to_string(),
            method: settings.method.to_string(),
            seed: settings.seed,
            epochs: settings.epochs,
            backend: backend_name(&self.device),
            best_epoch: epoch,
            test: evaluate(
                &learner,
                test,
                &settings.importance,
                settings.seed,
                &self.device,
            ),
            train: Timings::of(self.folder.path(), 0)?,
        };
        draw_pictures(&self.folder, &learner, test, settings.seed, &self.device)?;
        draw_curves(&self.folder.file("curves.svg"), &rows)?;
        self.folder.write_json("metrics.json", &metrics)?;
        Ok(metrics)
    }

    fn fresh(&self, device: &Device) -> Result<BitVectorVaeLearner, RunError> {
        let (settings, pixels) = (&self.settings, self.data.train.pixels());
        fresh_weights(device, settings.seed, || {
            let mut networks = settings.config(pixels).init(device);
            if settings.level_frequencies {
                networks = networks.with_level_counts(&self.data.level_counts(settings.levels));
            }
            let estimator = settings.init_estimator(pixels, device)?;
            Ok(BitVectorVaeLearner::new(networks, estimator))
        })
    }
}
