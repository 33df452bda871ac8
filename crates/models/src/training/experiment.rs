use std::{
    fmt::{Debug, Display as Named},
    path::Path,
    str::FromStr,
};

use burn::tensor::Device;
use serde::{Serialize, de::DeserializeOwned};

use super::{Display, EpochLog, Metrics, Patience, RunError, RunFolder, patience::is_over};
use crate::{data::Fingerprint, estimators::UnreadSetting};

/// A task as it is run: from settings and data, through training in a run folder, to the figures of
/// its test. Whoever trains many runs, such as a comparison of methods, needs to know no more of it.
///
/// The type of a run implements it, such as [`SsvaeRun`](crate::ssvae::SsvaeRun).
pub trait Experiment: Sized {
    /// The name of the task, as in `metrics.json`.
    const TASK: &'static str;
    /// All methods that the task can be trained by.
    const METHODS: &'static [Self::Method];
    /// How good a run is, from that which matters most.
    const QUALITY: &'static [Figure<Self::Test>];

    /// What epochs are compared by in validation.
    const SELECTION: Selection;

    /// Which data there are; the default is embedded.
    type Source: Clone + Debug + Default + Named + FromStr<Err: Named>;
    /// A method, by its name.
    type Method: Copy + Debug + PartialEq + Named + FromStr<Err: Named> + 'static;
    /// Everything that a run's result depends on: its `config.json`, with `data`, `method`, `seed` and
    /// `epochs` among its fields.
    type Settings: Clone + Debug + Serialize + DeserializeOwned;
    /// What is trained and tested on.
    type Data: Fingerprint;
    /// The figures of the test.
    type Test: Clone + Debug + Serialize + DeserializeOwned + 'static;

    /// The settings that work best.
    fn best(source: Self::Source, method: Self::Method) -> Self::Settings;

    /// The settings of the paper's experiment.
    fn paper(source: Self::Source, method: Self::Method) -> Self::Settings;

    /// How many epochs a run has, a warm-up included.
    fn total_epochs(settings: &Self::Settings) -> usize;

    /// When the training ends before its last epoch.
    fn patience(settings: &Self::Settings) -> Option<Patience>;

    /// Checks that a method reads a setting, if that is one of an estimator.
    ///
    /// # Errors
    ///
    /// If it does not.
    fn demand_read(method: Self::Method, setting: &str) -> Result<(), UnreadSetting>;

    /// Whether the training in a run folder has come to its end: an evaluation alone, which writes
    /// `metrics.json`, does not say so.
    ///
    /// # Errors
    ///
    /// If the log cannot be read.
    fn is_trained(folder: &RunFolder, settings: &Self::Settings) -> Result<bool, RunError> {
        let rows = EpochLog::read(folder.path())?;
        let total = Self::total_epochs(settings);
        Ok(is_over(&rows, total, Self::patience(settings)))
    }

    /// Checks the settings and reads the data, from `folder` if they are not embedded.
    ///
    /// # Errors
    ///
    /// If a setting is impossible, or the data cannot be read.
    fn read_data(settings: &Self::Settings, folder: Option<&Path>) -> Result<Self::Data, RunError>;

    /// A value of that metric in the unit of [`SELECTION`](Self::SELECTION); as it is by default.
    fn selected(settings: &Self::Settings, value: f64) -> f64 {
        let _ = settings;
        value
    }

    /// The mean number of outcomes of positive probability; `None` of a method that gives one to all.
    fn support(test: &Self::Test) -> Option<f64>;

    /// The mean number of decoded outcomes.
    fn decoder_calls(test: &Self::Test) -> f64;

    /// The run in `folder` with these settings, on `data`.
    fn new(folder: RunFolder, settings: Self::Settings, data: Self::Data, device: Device) -> Self;

    /// The same, after a look whether the run in `folder` is one of these data.
    ///
    /// # Errors
    ///
    /// If it is not, or the folder cannot be read or written.
    fn of_data(
        folder: RunFolder,
        settings: Self::Settings,
        data: Self::Data,
        device: Device,
    ) -> Result<Self, RunError> {
        folder.claim_data(&data.fingerprint())?;
        Ok(Self::new(folder, settings, data, device))
    }

    /// Trains from the newest checkpoint, or from the start.
    ///
    /// # Errors
    ///
    /// As [`Session::fit`](super::Session::fit), or if a setting is impossible.
    fn train(&self, display: Display) -> Result<(), RunError>;

    /// Evaluates the epoch that was best in validation, draws the pictures and writes
    /// `metrics.json`.
    ///
    /// # Errors
    ///
    /// If there is no checkpoint, one is damaged or makes a figure of [`QUALITY`](Self::QUALITY) infinite or
    /// NaN, or a file cannot be written.
    fn evaluate(&self) -> Result<Metrics<Self::Test>, RunError>;
}

/// A metric of the validation, by which the [`best`](super::best) epoch is found.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    /// Its name in the rows of an [`EpochLog`](super::EpochLog).
    pub metric: &'static str,
    /// What it is, in words.
    pub meaning: &'static str,
    /// The unit that it is shown in.
    pub unit: &'static str,
    /// Which values of it, and of the test's first figure, are better: "higher" or "lower".
    pub better: &'static str,
}

impl Selection {
    /// The larger, the better.
    pub const ACCURACY: Self = Self {
        metric: super::SELECTION,
        meaning: "accuracy",
        unit: "%",
        better: "higher",
    };
}

/// One of the figures of a test.
#[derive(Debug)]
pub struct Figure<T> {
    /// What it is called.
    pub name: &'static str,
    /// Its value; none where the test has none, as one of an earlier version.
    pub of: fn(&T) -> Option<f64>,
}

impl<T> Figure<T> {
    /// The figure `of` a test, called `name`.
    pub const fn new(name: &'static str, of: fn(&T) -> Option<f64>) -> Self {
        Self { name, of }
    }
}
