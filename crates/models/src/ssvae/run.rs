use std::{path::Path, sync::Arc};

use burn::{
    tensor::Device,
    train::{
        Learner,
        metric::{AccuracyMetric, LossMetric},
    },
};

use super::{
    SsvaeData, SsvaeLearner, SsvaeSettings, SsvaeTest, TrainingImages, ValidationImages,
    draw_pictures, evaluate,
};
use crate::{
    data::SemiSupervised,
    estimators::{Method, UnreadSetting},
    pictures::{Caption, draw_curves},
    training::{
        BestEpoch, Display, EpochLoader, Experiment, Figure, LOSS, Metrics, Patience, RunError,
        RunFolder, Selection, Session, Timings, TwoPhases, adam, backend_name, fresh_weights, load,
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

impl Experiment for SsvaeRun {
    const TASK: &'static str = "ssvae";
    const METHODS: &'static [Method] = &Method::ALL;
    const QUALITY: &'static [Figure<SsvaeTest>] = &[
        Figure::new("accuracy", |test| Some(test.accuracy)),
        Figure::new("accuracy on grey images", |test| Some(test.accuracy_grey)),
        Figure::new("ELBO (nats)", |test| Some(test.elbo)),
    ];

    const SELECTION: Selection = Selection::ACCURACY;

    type Source = SsvaeData;
    type Method = Method;
    type Settings = SsvaeSettings;
    type Data = SemiSupervised;
    type Test = SsvaeTest;

    fn best(source: SsvaeData, method: Method) -> SsvaeSettings {
        SsvaeSettings::new(source, method)
    }

    fn paper(source: SsvaeData, method: Method) -> SsvaeSettings {
        SsvaeSettings::paper(source, method)
    }

    fn total_epochs(settings: &SsvaeSettings) -> usize {
        settings.total_epochs()
    }

    fn patience(settings: &SsvaeSettings) -> Option<Patience> {
        settings.patience()
    }

    fn demand_read(method: Method, setting: &str) -> Result<(), UnreadSetting> {
        method.demand_read_by_name(setting)
    }

    fn read_data(
        settings: &SsvaeSettings,
        folder: Option<&Path>,
    ) -> Result<SemiSupervised, RunError> {
        settings.validate()?;
        Ok(settings.read_data(folder)?)
    }

    fn support(test: &SsvaeTest) -> Option<f64> {
        Some(test.support_mean)
    }

    fn decoder_calls(test: &SsvaeTest) -> f64 {
        test.decoder_calls_mean
    }

    fn new(
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

    fn train(&self, display: Display) -> Result<(), RunError> {
        let session = Session::of(&self.folder)?.with_patience(self.settings.patience());
        let (settings, plan) = (&self.settings, self.settings.plan());
        let device = self.device.clone().autodiff();
        let schedule = TwoPhases::new(
            settings.warm_up_lr,
            settings.warm_up_epochs * plan.warm_up_steps(&self.data),
            settings.lr,
        );
        let optimizer = adam(Some(settings.weight_decay));
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

    fn evaluate(&self) -> Result<Metrics<SsvaeTest>, RunError> {
        let BestEpoch { epoch, model, rows } = BestEpoch::of(&self.folder)?;
        let learner = load(self.fresh(&self.device)?, model, &self.folder, epoch)?;
        let (plan, test) = (self.settings.plan(), &self.data.test);
        let metrics = Metrics {
            task: Self::TASK.to_string(),
            data: self.settings.data.name().to_string(),
            method: self.settings.method.to_string(),
            seed: self.settings.seed,
            epochs: rows.len().saturating_sub(self.settings.warm_up_epochs),
            backend: backend_name(&self.device),
            best_epoch: epoch,
            test: evaluate(&learner, test, &plan, &self.device),
            train: Timings::of(self.folder.path(), self.settings.warm_up_epochs)?,
        };
        metrics.demand_finite(Self::QUALITY, self.folder.path())?;
        draw_pictures(&self.folder, &learner, test, &plan, &self.device)?;
        let captions = [Caption {
            metric: LOSS,
            text: "objective in training, −ELBO of known classes in validation (nats)",
            factor: 1.0,
        }];
        draw_curves(&self.folder.file("curves.svg"), &rows, &captions)?;
        self.folder.write_json(RunFolder::METRICS, &metrics)?;
        Ok(metrics)
    }
}

impl SsvaeRun {
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
