use std::{path::Path, sync::Arc};

use burn::{
    optim::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig,
    tensor::Device,
    train::{Learner, metric::LossMetric},
};

use super::{
    BitVectorVaeData, BitVectorVaeLearner, BitVectorVaeSettings, BitVectorVaeTest, GreyImages,
    RateWeight, draw_pictures, evaluate, evaluate::bits_per_dim,
};
use crate::{
    data::SplitImages,
    estimators::{BitMethod, UnreadSetting},
    networks::Standard,
    pictures::{Caption, draw_curves},
    training::{
        BestEpoch, Display, EpochLoader, Experiment, Figure, LOSS, Metrics, Patience, RunError,
        RunFolder, Selection, Session, Timings, adam, backend_name, fresh_weights, load,
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

impl Experiment for BitVectorVaeRun {
    const TASK: &'static str = "bit_vector_vae";
    const METHODS: &'static [BitMethod] = &BitMethod::ALL;
    const QUALITY: &'static [Figure<BitVectorVaeTest>] = &[
        Figure::new("−ELBO (bits per dimension)", |test| {
            Some(test.negative_elbo_bits_per_dim)
        }),
        Figure::new("−ELBO of the images of the NLL", |test| {
            Some(test.negative_elbo_bits_per_dim_importance_images)
        }),
        Figure::new("NLL (bits per dimension)", |test| {
            Some(test.marginal.nll_bits_per_dim)
        }),
        Figure::new("upper bound of the NLL", |test| {
            test.marginal.nll_bits_per_dim_bound
        }),
        Figure::new("NLL by the paper's proposal", |test| {
            Some(test.marginal.nll_bits_per_dim_paper)
        }),
        Figure::new("rate (nats)", |test| Some(test.rate)),
        Figure::new("distortion (nats)", |test| Some(test.distortion)),
    ];

    const SELECTION: Selection = Selection {
        metric: LOSS,
        meaning: "−ELBO",
        unit: "bits per dimension",
        better: "lower",
    };

    type Source = BitVectorVaeData;
    type Method = BitMethod;
    type Settings = BitVectorVaeSettings;
    type Data = SplitImages;
    type Test = BitVectorVaeTest;

    fn best(source: BitVectorVaeData, method: BitMethod) -> BitVectorVaeSettings {
        BitVectorVaeSettings::new(source, method, source.bits())
    }

    fn paper(source: BitVectorVaeData, method: BitMethod) -> BitVectorVaeSettings {
        BitVectorVaeSettings::paper(source, method, source.bits())
    }

    fn total_epochs(settings: &BitVectorVaeSettings) -> usize {
        settings.epochs
    }

    fn patience(settings: &BitVectorVaeSettings) -> Option<Patience> {
        settings.patience()
    }

    fn demand_read(method: BitMethod, setting: &str) -> Result<(), UnreadSetting> {
        method.demand_read_by_name(setting)
    }

    fn read_data(
        settings: &BitVectorVaeSettings,
        folder: Option<&Path>,
    ) -> Result<SplitImages, RunError> {
        settings.validate()?;
        Ok(settings.read_data(folder)?)
    }

    fn selected(settings: &BitVectorVaeSettings, nats: f64) -> f64 {
        bits_per_dim(nats, settings.data.pixels())
    }

    fn support(test: &BitVectorVaeTest) -> Option<f64> {
        test.support_mean
    }

    fn decoder_calls(test: &BitVectorVaeTest) -> f64 {
        test.decoder_calls_mean
    }

    fn new(
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

    fn train(&self, display: Display) -> Result<(), RunError> {
        let session = Session::of(&self.folder)?.with_patience(self.settings.patience());
        let (settings, seed) = (&self.settings, self.settings.seed);
        let device = self.device.clone().autodiff();
        let steps = settings.epochs * self.steps_per_epoch();
        let schedule = CosineAnnealingLrSchedulerConfig::new(settings.lr, steps)
            .with_min_lr(settings.final_lr)
            .init()
            .map_err(|_| RunError::Setting {
                name: "lr",
                given: format!("{} to {}", settings.lr, settings.final_lr),
                allowed: "above 0, at most 1, and not rising",
            })?;
        let optimizer = adam(None);
        let learner = Learner::new(self.fresh(&device)?, optimizer, schedule);
        let mut training = GreyImages::training(self.data.clone(), seed, settings.batch_size);
        if settings.dropout > 0.0 {
            training = training.with_dropout(settings.dropout, &self.standard().mean);
        }
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

    fn evaluate(&self) -> Result<Metrics<BitVectorVaeTest>, RunError> {
        let BestEpoch { epoch, model, rows } = BestEpoch::of(&self.folder)?;
        let learner = load(self.fresh(&self.device)?, model, &self.folder, epoch)?;
        let (settings, test) = (&self.settings, &self.data.test);
        let metrics = Metrics {
            task: Self::TASK.to_string(),
            data: settings.data.to_string(),
            method: settings.method.to_string(),
            seed: settings.seed,
            epochs: rows.len(),
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
        metrics.demand_finite(Self::QUALITY, self.folder.path())?;
        draw_pictures(&self.folder, &learner, test, settings.seed, &self.device)?;
        let captions = [Caption {
            metric: LOSS,
            text: "−ELBO (bits per dimension)",
            factor: Self::selected(settings, 1.0),
        }];
        draw_curves(&self.folder.file("curves.svg"), &rows, &captions)?;
        self.folder.write_json(RunFolder::METRICS, &metrics)?;
        Ok(metrics)
    }
}

impl BitVectorVaeRun {
    fn steps_per_epoch(&self) -> usize {
        let images = self.data.training.len();
        images.div_ceil(self.settings.batch_size)
    }

    /// That of the images to train on.
    fn standard(&self) -> Standard {
        Standard::of_images(&self.data.train, &self.data.training)
    }

    fn fresh(&self, device: &Device) -> Result<BitVectorVaeLearner, RunError> {
        let (settings, pixels) = (&self.settings, self.data.train.pixels());
        let standard = settings.standardized.then(|| self.standard());
        let (start, steps) = (settings.rate_weight, self.steps_per_epoch());
        let rate_weight = RateWeight::over_half(start, settings.epochs, steps);
        fresh_weights(device, settings.seed, || {
            let mut networks = settings.config(pixels).init(device);
            if let Some(standard) = &standard {
                networks = networks.with_standard(standard);
            }
            if settings.level_frequencies {
                networks = networks.with_level_counts(&self.data.level_counts(settings.levels));
            }
            let estimator = settings.init_estimator(pixels, device)?;
            Ok(BitVectorVaeLearner::new(networks, estimator).with_rate_weight(rate_weight))
        })
    }
}
