//! What the commands share: the flags of every training, where its run folder is, and how it shows
//! its progress; what [`structures`] shows, and how methods are compared ([`comparison`]).

mod bit_estimator_flags;
pub mod comparison;
mod ctrl_c;
mod estimator_flags;
pub mod flags;
mod preset;
mod say;
pub mod structures;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use burn::{tensor::Device, train::Interrupter};
use clap::Args;
use ctrl_c::StopOnCtrlC;
use serde::{Serialize, de::DeserializeOwned};
use sparse_models::training::{
    Display, EpochLog, EpochRow, Experiment, Metrics, OnEpoch, RunError, RunFolder,
};

pub use bit_estimator_flags::BitEstimatorFlags;
pub use estimator_flags::EstimatorFlags;
pub use preset::Preset;
pub use say::{complain, say};

/// The flags of every training.
#[derive(Args, Debug)]
pub struct RunFlags {
    /// Folder of the run: settings, checkpoints, pictures, metrics.json [default: a new one in runs/]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Continue the run in --out from its newest checkpoint, with its settings
    #[arg(long, requires = "out")]
    pub resume: bool,
    /// Evaluate the best checkpoint of the run in --out and draw its pictures, without training
    #[arg(long, requires = "out", conflicts_with = "resume")]
    pub eval_only: bool,
    /// Folder with the files of a data set that is not embedded [default: $SPARSE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print a line for each epoch instead of the dashboard
    #[arg(long)]
    pub plain: bool,
}

impl RunFlags {
    /// The settings of the run, and its folder if it has been started already. `settings` makes the
    /// former from those that the run was started with, if any.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read, or its run was started with other settings.
    pub fn started<S: Serialize + DeserializeOwned>(
        &self,
        settings: impl FnOnce(Option<S>) -> S,
    ) -> Result<(S, Option<RunFolder>), RunError> {
        let Some(path) = self.out.as_ref().filter(|_| self.resume || self.eval_only) else {
            return Ok((settings(None), None));
        };
        let folder = RunFolder::open(path)?;
        let settings = settings(Some(folder.settings()?));
        folder.demand_settings(&settings)?;
        Ok((settings, Some(folder)))
    }

    /// Begins a run with `settings` in the folder that is given, or else in one in `runs`, called
    /// `name`, that is not there yet; unless it has been `started` already.
    ///
    /// # Errors
    ///
    /// If the folder holds another run, or cannot be written.
    pub fn begin<S: Serialize>(
        &self,
        started: Option<RunFolder>,
        name: &str,
        settings: &S,
    ) -> Result<RunFolder, RunError> {
        let folder = match started {
            Some(folder) => folder,
            None => RunFolder::begin(&self.folder(name), settings)?,
        };
        say(format_args!("run folder: {}", folder.path().display()));
        Ok(folder)
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.out.clone().unwrap_or_else(|| fresh_folder(name))
    }

    /// Trains, unless there is only to be an evaluation, and evaluates. Ctrl-C ends the training after
    /// the current step, an evaluation at once.
    ///
    /// # Errors
    ///
    /// Those of the training and of the evaluation.
    pub fn run<E: Experiment>(
        &self,
        folder: RunFolder,
        settings: E::Settings,
        data: E::Data,
        device: Device,
    ) -> Result<Metrics<E::Test>, RunError> {
        let epochs = E::total_epochs(&settings);
        let run = E::of_data(folder.clone(), settings, data, device)?;
        if !self.eval_only {
            let interrupter = Interrupter::new();
            let _training = StopOnCtrlC::new(interrupter.clone());
            run.train(self.display(epochs, interrupter))?;
            say_if_early(&folder, epochs)?;
        }
        run.evaluate()
    }

    /// The dashboard, or lines.
    fn display(&self, total_epochs: usize, interrupter: Interrupter) -> Display {
        let dashboard = !self.plain && std::io::IsTerminal::is_terminal(&std::io::stdout());
        let on_epoch = move |row: &EpochRow| print_row(row, total_epochs);
        Display {
            dashboard,
            on_epoch: (!dashboard).then(|| Box::new(on_epoch) as OnEpoch),
            interrupter,
        }
    }
}

/// Says so if the training in `folder` has ended before the last of its epochs.
fn say_if_early(folder: &RunFolder, total_epochs: usize) -> Result<(), RunError> {
    let done = EpochLog::read(folder.path())?.len();
    if done < total_epochs {
        say(format_args!(
            "training ended after epoch {done} of {total_epochs}: no better one for as long as --patience"
        ));
    }
    Ok(())
}

/// A folder in `runs` that is not there yet.
pub fn fresh_folder(name: &str) -> PathBuf {
    let runs = Path::new("runs");
    let numbered = (2..).map(|n| runs.join(format!("{name}-{n}")));
    std::iter::once(runs.join(name))
        .chain(numbered)
        .find(|path| !path.exists())
        .unwrap_or_else(|| runs.join(name))
}

fn print_row(row: &EpochRow, total: usize) {
    let figures = |values: &std::collections::BTreeMap<String, f64>| {
        let figures = values
            .iter()
            .map(|(name, value)| format!("{} {value:.4}", name.to_lowercase()));
        figures.collect::<Vec<_>>().join(", ")
    };
    say(format_args!(
        "epoch {}/{total}: train {}; valid {}; {:.2} s, {:.2} ms per step",
        row.epoch,
        figures(&row.train),
        figures(&row.valid),
        row.seconds,
        1e3 * row.seconds / row.steps.max(1) as f64,
    ));
}

/// Prints what a command has come to, or its error, and says so to the shell: 0 for success, 130
/// when it was interrupted, 2 for anything else.
pub fn finish<T: Serialize>(result: Result<T, RunError>) -> ExitCode {
    match result {
        Ok(metrics) => {
            let text = serde_json::to_string_pretty(&metrics);
            say(text.unwrap_or_else(|error| error.to_string()));
            ExitCode::SUCCESS
        }
        Err(error) => failure(&error),
    }
}

/// Prints why a command failed, and says so to the shell: 130 when it was interrupted, 2 for
/// anything else.
pub fn failure(error: &RunError) -> ExitCode {
    complain(error);
    ExitCode::from(match error {
        RunError::Interrupted { .. } => 130,
        _ => 2,
    })
}
