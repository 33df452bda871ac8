//! Trains the semi-supervised VAE: it learns digits from few labels through an exact expectation
//! over the unknown classes of the others.

use std::process::ExitCode;

use clap::Parser;
use sparse_examples::{EstimatorFlags, Preset, RunFlags, finish, flags};
use sparse_models::{
    estimators::Method,
    ssvae::{SsvaeData, SsvaeRun, SsvaeSettings, SsvaeTest},
    training::{Metrics, RunError, chosen_device},
};

/// Train the semi-supervised VAE (model M2 of Kingma et al. 2014) with a sparse posterior over
/// classes: only the classes of positive probability are decoded.
///
/// Backends are features: `--no-default-features --features wgpu`; BURN_DEVICE chooses among those
/// compiled in. The run folder gets settings, checkpoints, pictures and metrics.json.
#[derive(Parser, Debug)]
#[command(name = "ssvae", version)]
struct Command {
    /// Images: the embedded 8×8 digits, or MNIST, from --data-dir or downloaded [default: digits]
    #[arg(long, value_parser = flags::one_of(SsvaeData::ALL, SsvaeData::name))]
    data: Option<SsvaeData>,
    /// How the expectation over classes is computed [default: sparsemax]
    #[arg(long, value_parser = flags::one_of(Method::ALL, Method::name))]
    method: Option<Method>,
    /// Where settings come from that no flag gives [default: best]
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Labelled images of each class [default: 10 of the digits, 500 of MNIST]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    labels: Option<usize>,
    /// Epochs on the labelled images alone, at first [default: 100 of the digits, 30 of MNIST; preset paper: 100]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::whole::<usize>)]
    warm_up_epochs: Option<usize>,
    /// Epochs on all images, after the warm-up [default: 800 of the digits, 100 of MNIST; preset paper: 200]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    epochs: Option<usize>,
    /// Epochs in a row after the warm-up without a better one, after which training ends [default: any number]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    patience: Option<usize>,
    /// Labelled images in a batch, and as many unlabelled ones [default: 64]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    batch_size: Option<usize>,
    /// Learning rate after the warm-up [default: 1e-3 of the digits, 5e-4 of MNIST; preset paper: 5e-4]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = flags::positive)]
    lr: Option<f64>,
    /// Weight of the classification loss of labelled images [default: 10 of the digits, 100 of MNIST; preset paper: 1]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true, value_parser = flags::not_negative)]
    label_weight: Option<f64>,
    /// Weight of the loss of unlabelled images [default: 2 of the digits, 1 of MNIST; preset paper: unlabelled / labelled]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true, value_parser = flags::not_negative)]
    unlabelled_weight: Option<f64>,
    /// Seed of all random numbers [default: 42]
    #[arg(long, allow_negative_numbers = true, value_parser = flags::whole::<u64>)]
    seed: Option<u64>,
    #[command(flatten)]
    estimator: EstimatorFlags,
    #[command(flatten)]
    run: RunFlags,
}

fn main() -> ExitCode {
    finish(run(&Command::parse()))
}

fn run(command: &Command) -> Result<Metrics<SsvaeTest>, RunError> {
    let device = chosen_device()?;
    let flags = &command.run;
    let (settings, started) = flags.started(|started| command.settings(started))?;
    settings.validate()?;
    settings.method.demand_read(&command.estimator.given())?;
    let data = settings.read_data(flags.data_dir.as_deref())?;
    let name = format!(
        "ssvae-{}-{}-{}",
        settings.data, settings.method, settings.seed
    );
    let folder = flags.begin(started, &name, &settings)?;
    flags.run::<SsvaeRun>(folder, settings, data, device)
}

impl Command {
    /// The settings: what flags give, then what the run has been started with, then the preset.
    fn settings(&self, started: Option<SsvaeSettings>) -> SsvaeSettings {
        let of = |get: fn(&SsvaeSettings) -> (SsvaeData, Method)| started.as_ref().map(get);
        let (data, method) =
            of(|s| (s.data, s.method)).unwrap_or((SsvaeData::Digits, Method::Sparsemax));
        let (data, method) = (self.data.unwrap_or(data), self.method.unwrap_or(method));
        let base = match (self.preset, started) {
            (Some(Preset::Paper), _) => SsvaeSettings::paper(data, method),
            (None, Some(started)) => started,
            _ => SsvaeSettings::new(data, method),
        };
        SsvaeSettings {
            data,
            method,
            estimator: self.estimator.settings(&base.estimator),
            seed: self.seed.unwrap_or(base.seed),
            labels: self.labels.or(base.labels),
            warm_up_epochs: self.warm_up_epochs.unwrap_or(base.warm_up_epochs),
            epochs: self.epochs.unwrap_or(base.epochs),
            patience: self.patience.or(base.patience),
            batch_size: self.batch_size.unwrap_or(base.batch_size),
            lr: self.lr.unwrap_or(base.lr),
            label_weight: self.label_weight.unwrap_or(base.label_weight),
            unlabelled_weight: self.unlabelled_weight.or(base.unlabelled_weight),
            ..base
        }
    }
}
