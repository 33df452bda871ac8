use std::{path::Path, sync::Arc};

use burn::{
    optim::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig,
    tensor::Device,
    train::{
        Learner,
        metric::{AccuracyMetric, LossMetric},
    },
};

use super::{
    ChosenGames, SignalGameData, SignalGameLearner, SignalGameSettings, SignalGameTest,
    TrainingGames, draw_pictures, evaluate,
};
use crate::{
    data::ConceptData,
    estimators::{Method, UnreadSetting},
    networks::Standard,
    pictures::draw_curves,
    training::{
        BestEpoch, Display, EpochLoader, Experiment, Figure, Metrics, Patience, RunError,
        RunFolder, Selection, Session, Timings, adam, backend_name, fresh_weights, load,
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

impl Experiment for SignalGameRun {
    const TASK: &'static str = "signal_game";
    const METHODS: &'static [Method] = &Method::ALL;
    const QUALITY: &'static [Figure<SignalGameTest>] = &[
        Figure::new("communication success", |test| {
            Some(test.communication_success)
        }),
        Figure::new("success of the most probable symbol", |test| {
            Some(test.communication_success_mode)
        }),
    ];

    const SELECTION: Selection = Selection::ACCURACY;

    type Source = SignalGameData;
    type Method = Method;
    type Settings = SignalGameSettings;
    type Data = ConceptData;
    type Test = SignalGameTest;

    fn best(source: SignalGameData, method: Method) -> SignalGameSettings {
        SignalGameSettings::new(source, method)
    }

    fn paper(source: SignalGameData, method: Method) -> SignalGameSettings {
        SignalGameSettings::paper(source, method)
    }

    fn total_epochs(settings: &SignalGameSettings) -> usize {
        settings.epochs
    }

    fn patience(settings: &SignalGameSettings) -> Option<Patience> {
        settings.patience()
    }

    fn demand_read(method: Method, setting: &str) -> Result<(), UnreadSetting> {
        method.demand_read_by_name(setting)
    }

    fn read_data(
        settings: &SignalGameSettings,
        folder: Option<&Path>,
    ) -> Result<ConceptData, RunError> {
        settings.validate()?;
        Ok(settings.read_data(folder)?)
    }

    fn support(test: &SignalGameTest) -> Option<f64> {
        Some(test.support_mean)
    }

    fn decoder_calls(test: &SignalGameTest) -> f64 {
        test.decoder_calls_mean
    }

    fn new(
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

    fn train(&self, display: Display) -> Result<(), RunError> {
        let session = Session::of(&self.folder)?.with_patience(self.settings.patience());
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
        let optimizer = adam(Some(settings.weight_decay));
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

    fn evaluate(&self) -> Result<Metrics<SignalGameTest>, RunError> {
        let BestEpoch { epoch, model, rows } = BestEpoch::of(&self.folder)?;
        let learner = load(self.fresh(&self.device)?, model, &self.folder, epoch)?;
        let games = ChosenGames::test(self.data.clone(), &self.settings.plan());
        let metrics = Metrics {
            task: Self::TASK.to_string(),
            data: self.settings.data.to_string(),
            method: self.settings.method.to_string(),
            seed: self.settings.seed,
            epochs: rows.len(),
            backend: backend_name(&self.device),
            best_epoch: epoch,
            test: evaluate(&learner, &games, &self.device),
            train: Timings::of(self.folder.path(), 0)?,
        };
        metrics.demand_finite(Self::QUALITY, self.folder.path())?;
        draw_pictures(&self.folder, &learner, &games, &self.device)?;
        draw_curves(&self.folder.file("curves.svg"), &rows, &[])?;
        self.folder.write_json(RunFolder::METRICS, &metrics)?;
        Ok(metrics)
    }
}

impl SignalGameRun {
    fn fresh(&self, device: &Device) -> Result<SignalGameLearner, RunError> {
        let (settings, features) = (&self.settings, self.data.set.width());
        let (config, standard) = (settings.config(features), Standard::of_examples(&self.data));
        fresh_weights(device, settings.seed, || {
            let agents = config.init(&standard, device);
            let estimator = settings.init_estimator(features, device)?;
            Ok(SignalGameLearner::new(agents, estimator, settings.entropy))
        })
    }
}
