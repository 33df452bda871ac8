use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use serde_json::Value;
use sparse_models::{
    data::Fingerprint,
    training::{Checkpoints, Display, Experiment, Metrics, RunError, RunFolder},
};

use super::{ComparisonError, Overrides, Progress, Stop, overrides::with};

/// What is to be compared, and where.
#[derive(Debug)]
pub struct Request<E: Experiment> {
    /// The data.
    pub source: E::Source,
    /// The methods, in the order of the table.
    pub methods: Vec<E::Method>,
    /// The seeds that each is trained with.
    pub seeds: Vec<u64>,
    /// Whether settings are those of the paper's experiment, or those that work best.
    pub paper: bool,
    /// Epochs, if not as many as the settings say.
    pub epochs: Option<usize>,
    /// What replaces these settings.
    pub overrides: Overrides,
    /// The folder with the files of data that are not embedded.
    pub data_dir: Option<PathBuf>,
    /// The folder of the run folders.
    pub out: PathBuf,
}

/// All runs of a comparison, in the order they are trained: all methods with the first seed, so that
/// there is something of each early on, then with the next one.
#[derive(Debug)]
pub struct Comparison<E: Experiment> {
    request: Request<E>,
    runs: Vec<PlannedRun<E>>,
}

/// One run.
#[derive(Debug)]
pub struct PlannedRun<E: Experiment> {
    /// The method.
    pub method: E::Method,
    /// The seed.
    pub seed: u64,
    /// The settings.
    pub settings: E::Settings,
    /// Its folder.
    pub path: PathBuf,
    /// What it has come to.
    pub state: State<E::Test>,
}

/// What a run has come to.
#[derive(Debug)]
pub enum State<T> {
    /// It has not been started, or not ended.
    Unfinished,
    /// Its training has come to its end, and its `metrics.json` is written.
    Finished(Box<Metrics<T>>),
    /// Why it could not end.
    Failed(String),
}

impl<E: Experiment> Comparison<E> {
    /// Plans the runs, and finds out how far those are that have been started already. Nothing is
    /// written.
    ///
    /// # Errors
    ///
    /// If nothing is to be trained or something twice, a setting is unknown or impossible, data cannot
    /// be read, or a folder holds a run that was started with other settings or is one of other data.
    pub fn plan(request: Request<E>) -> Result<Self, ComparisonError> {
        refuse_none_and_repeated("method", &request.methods)?;
        refuse_none_and_repeated("seed", &request.seeds)?;
        request.overrides.demand_methods::<E>()?;
        request.overrides.demand_readers::<E>(&request.methods)?;
        let settings = request
            .methods
            .iter()
            .map(|&method| request.settings(method))
            .collect::<Result<Vec<_>, _>>()?;
        let mut runs = Vec::new();
        for &seed in &request.seeds {
            for (&method, (settings, data)) in request.methods.iter().zip(&settings) {
                let settings = with::<E>(settings, "seed", &Value::from(seed))?;
                let path = request.out.join(format!("{method}-{seed}"));
                let state = found::<E>(&path, &settings, data)?;
                runs.push(PlannedRun {
                    method,
                    seed,
                    settings,
                    path,
                    state,
                });
            }
        }
        Ok(Self { request, runs })
    }

    /// Trains what is not finished, each run from its newest checkpoint. A run that fails is noted, and
    /// the others go on. `after` each run, whatever it came to, the comparison can be looked at.
    ///
    /// # Errors
    ///
    /// Only those of `after`.
    pub fn train<Error>(
        &mut self,
        device: &Device,
        progress: &Progress,
        stop: &Stop,
        mut after: impl FnMut(&Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for index in 0..self.runs.len() {
            if matches!(self.runs[index].state, State::Finished(_)) {
                continue;
            }
            if stop.asked() {
                break;
            }
            let run = &self.runs[index];
            let name = run.name();
            let display = progress.begin(&name, run.epochs(), stop.interrupter());
            let state = match run.train(self.request.data_dir.as_deref(), device, display, stop) {
                Ok(metrics) => State::Finished(Box::new(metrics)),
                Err(RunError::Interrupted { .. }) => State::Unfinished,
                // where it was kept is the folder's name, and `--resume` not how to go on
                Err(RunError::Training { what, .. }) => State::Failed(what),
                Err(error) => State::Failed(error.to_string()),
            };
            let (done, all) = run.epochs();
            progress.end(&name, &state, E::QUALITY, all.saturating_sub(done));
            self.runs[index].state = state;
            after(self)?;
        }
        Ok(())
    }

    /// What was asked for.
    pub fn request(&self) -> &Request<E> {
        &self.request
    }

    /// The runs.
    pub fn runs(&self) -> &[PlannedRun<E>] {
        &self.runs
    }

    /// The runs of a method.
    pub fn runs_of(&self, method: E::Method) -> impl Iterator<Item = &PlannedRun<E>> {
        self.runs.iter().filter(move |run| run.method == method)
    }

    /// Epochs of all runs: how many are done, and how many there are.
    pub fn epochs(&self) -> (usize, usize) {
        let epochs = self.runs.iter().map(PlannedRun::epochs);
        epochs.fold((0, 0), |sums, (done, all)| (sums.0 + done, sums.1 + all))
    }
}

impl<E: Experiment> Request<E> {
    /// The settings of a method, and what the data that they ask for come to.
    fn settings(&self, method: E::Method) -> Result<(E::Settings, String), ComparisonError> {
        let make = if self.paper { E::paper } else { E::best };
        let mut settings = make(self.source.clone(), method);
        settings = self.overrides.applied::<E>(settings, method)?;
        if let Some(epochs) = self.epochs {
            settings = with::<E>(&settings, "epochs", &Value::from(epochs))?;
        }
        // data that are missing, or are not enough for a setting, show before anything is trained
        match E::read_data(&settings, self.data_dir.as_deref()) {
            Ok(data) => Ok((settings, data.fingerprint())),
            Err(source) => Err(ComparisonError::Method {
                method: method.to_string(),
                source,
            }),
        }
    }
}

impl<E: Experiment> PlannedRun<E> {
    /// What it is called.
    pub fn name(&self) -> String {
        format!("{}, seed {}", self.method, self.seed)
    }

    /// Its figures, if it is finished.
    pub fn metrics(&self) -> Option<&Metrics<E::Test>> {
        match &self.state {
            State::Finished(metrics) => Some(metrics),
            State::Unfinished | State::Failed(_) => None,
        }
    }

    /// Its epochs: how many are done, and how many there are, which is not more if it is finished.
    fn epochs(&self) -> (usize, usize) {
        // a folder that cannot be read fails when the run begins
        let kept = Checkpoints::of(&self.path).epochs().unwrap_or_default();
        let done = kept.last().copied().unwrap_or(0);
        let all = self.metrics().map(|_| done);
        (done, all.unwrap_or(E::total_epochs(&self.settings)))
    }

    fn train(
        &self,
        data_dir: Option<&Path>,
        device: &Device,
        display: Display,
        stop: &Stop,
    ) -> Result<Metrics<E::Test>, RunError> {
        let data = E::read_data(&self.settings, data_dir)?;
        let folder = match RunFolder::open(&self.path) {
            Err(RunError::NoRun { .. }) => RunFolder::begin(&self.path, &self.settings),
            found => found,
        }?;
        let run = E::of_data(folder, self.settings.clone(), data, device.clone())?;
        stop.while_training(|| run.train(display))?;
        run.evaluate()
    }
}

/// What the run in a folder has come to, if there is one.
fn found<E: Experiment>(
    path: &Path,
    settings: &E::Settings,
    data: &str,
) -> Result<State<E::Test>, ComparisonError> {
    let folder = match RunFolder::open(path) {
        Err(RunError::NoRun { .. }) => return Ok(State::Unfinished),
        found => found?,
    };
    folder.demand_settings(settings)?;
    folder.demand_data(data)?;
    match fs::exists(folder.file(RunFolder::METRICS)) {
        Ok(true) if E::is_trained(&folder, settings)? => {
            Ok(State::Finished(folder.read_json(RunFolder::METRICS)?))
        }
        _ => Ok(State::Unfinished),
    }
}

fn refuse_none_and_repeated<T: PartialEq + std::fmt::Display>(
    what: &'static str,
    given: &[T],
) -> Result<(), ComparisonError> {
    if given.is_empty() {
        return Err(ComparisonError::None { what });
    }
    for (i, one) in given.iter().enumerate() {
        if given[..i].contains(one) {
            return Err(ComparisonError::Repeated {
                what,
                given: one.to_string(),
            });
        }
    }
    Ok(())
}
