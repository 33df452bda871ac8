//! Compares methods on a task: trains each with several seeds, and writes one table and four pictures.

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
};

use clap::{Parser, ValueEnum};
use serde_json::Value;
use sparse_examples::{
    Preset,
    comparison::{
        Comparison, ComparisonError, Overrides, Progress, Report, Request, State, Stop, assignment,
        today, without_folders,
    },
    complain, flags, say,
};
use sparse_models::{
    bit_vector_vae::BitVectorVaeRun,
    signal_game::SignalGameRun,
    ssvae::SsvaeRun,
    training::{Experiment, RunError, chosen_device},
};

/// Train methods on a task, each with several seeds, and write a table (Markdown) and pictures (SVG):
/// quality, support, decoder calls and times.
///
/// The same command again goes on where it stopped: finished runs are kept, others continue from their
/// checkpoints. Ctrl-C ends it with what is done. Exit code 0: every run is finished; 1: some have
/// failed, as the table says; 2: bad input, before anything is trained, or the page cannot be written;
/// 130: stopped; 141: nobody reads what is printed.
#[derive(Parser, Debug)]
#[command(name = "compare", version)]
struct Command {
    /// The task
    #[arg(value_enum)]
    task: Task,
    /// Data, as the command of the task calls them [default: digits]
    #[arg(long, value_name = "NAME|FILE")]
    data: Option<String>,
    /// Methods, in the order of the table [default: all of the task's]
    #[arg(long, value_name = "METHOD,..", value_delimiter = ',')]
    methods: Option<Vec<String>>,
    /// Seeds, a run of each method with each
    #[arg(
        long,
        value_name = "SEED,..",
        allow_negative_numbers = true,
        value_parser = flags::whole::<u64>,
        value_delimiter = ',',
        default_value = "1,2,3"
    )]
    seeds: Vec<u64>,
    /// Training epochs, after a warm-up if the task has one [default: those of the preset]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    epochs: Option<usize>,
    /// Where settings come from that nothing else gives
    #[arg(long, value_enum, default_value_t = Preset::Best)]
    preset: Preset,
    /// Settings of methods, as {"METHOD": {"NAME": VALUE, ..}, ..}, with the names of config.json
    #[arg(long, value_name = "FILE.json")]
    settings: Option<PathBuf>,
    /// A setting of all methods, by its name in config.json; wins over --settings. Others stay as the
    /// preset has them: whoever sets lr may want to set final_lr too
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, Value)>,
    /// Folder with the files of a data set that is not embedded [default: $SPARSE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Folder of the run folders [default: runs/compare-TASK-DATA]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The table; pictures go beside it [default: results.md in --out]
    #[arg(long, value_name = "FILE.md")]
    results: Option<PathBuf>,
}

/// A task, by the name of its command.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    /// The semi-supervised VAE
    Ssvae,
    /// The signal game
    SignalGame,
    /// The bit-vector VAE
    BitVectorVae,
}

fn main() -> ExitCode {
    let command = Command::parse();
    let result = match command.task {
        Task::Ssvae => run::<SsvaeRun>(&command),
        Task::SignalGame => run::<SignalGameRun>(&command),
        Task::BitVectorVae => run::<BitVectorVaeRun>(&command),
    };
    result.unwrap_or_else(|error| {
        complain(error);
        ExitCode::from(2)
    })
}

fn run<E: Experiment>(command: &Command) -> Result<ExitCode, ComparisonError> {
    let device = chosen_device()?;
    let mut comparison = Comparison::plan(command.request::<E>()?)?;
    let report = command.report(&comparison.request().out);
    make_folders(&comparison.request().out, &report)?;
    // what is there already; where it cannot be written, training would be in vain
    report.write(&comparison)?;
    let stop = Stop::default();
    stop.on_ctrl_c();
    let (done, all) = comparison.epochs();
    let progress = Progress::new(done, all);
    comparison.train(&device, &progress, &stop, |comparison| {
        report.write(comparison)
    })?;
    progress.finish();
    say(format_args!("results: {}", report.path.display()));
    let failed = |state: &State<E::Test>| matches!(state, State::Failed(_));
    Ok(match comparison.runs() {
        _ if stop.asked() => ExitCode::from(130),
        runs if runs.iter().any(|run| failed(&run.state)) => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

/// The folder of the runs. That of the page, if it is another one, must be there already.
fn make_folders(out: &Path, report: &Report) -> Result<(), RunError> {
    let write = |path: &Path| {
        let path = path.to_path_buf();
        move |source| RunError::Write { path, source }
    };
    if report.folder() != out {
        fs::read_dir(report.folder()).map_err(write(report.folder()))?;
    }
    fs::create_dir_all(out).map_err(write(out))
}

/// What is called by a name, or the names that there are.
fn known<T: FromStr<Err: Display>>(name: &str) -> Result<T, ComparisonError> {
    name.parse()
        .map_err(|error: T::Err| ComparisonError::Unknown(error.to_string()))
}

impl Command {
    fn task(&self) -> String {
        let value = self.task.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_string())
    }

    fn request<E: Experiment>(&self) -> Result<Request<E>, ComparisonError> {
        let source = match &self.data {
            Some(name) => known::<E::Source>(name)?,
            None => E::Source::default(),
        };
        let methods = match &self.methods {
            Some(names) => names
                .iter()
                .map(|name| known::<E::Method>(name))
                .collect::<Result<_, _>>()?,
            None => E::METHODS.to_vec(),
        };
        let mut overrides = Overrides::of_all(self.set.clone());
        if let Some(file) = &self.settings {
            overrides = overrides.with_file(file)?;
        }
        let folder = || Path::new("runs").join(format!("compare-{}-{source}", self.task()));
        Ok(Request {
            out: self.out.clone().unwrap_or_else(folder),
            source,
            methods,
            seeds: self.seeds.clone(),
            paper: self.preset == Preset::Paper,
            epochs: self.epochs,
            overrides,
            data_dir: self.data_dir.clone(),
        })
    }

    fn report(&self, out: &Path) -> Report {
        Report {
            path: self
                .results
                .clone()
                .unwrap_or_else(|| out.join("results.md")),
            task: self.task(),
            command: format!(
                "cargo run --release --example compare -- {}",
                without_folders(
                    std::env::args_os()
                        .skip(1)
                        .map(|word| word.to_string_lossy().into_owned())
                )
            ),
            date: today(),
        }
    }
}
