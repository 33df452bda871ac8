//! Trains two agents that invent a language: a sender sees an example and sends one symbol, and a
//! receiver finds the example among candidates.

use std::process::ExitCode;

use clap::Parser;
use sparse_examples::{EstimatorFlags, Preset, RunFlags, finish, flags};
use sparse_models::{
    estimators::Method,
    signal_game::{SignalGameData, SignalGameRun, SignalGameSettings, SignalGameTest},
    training::{Metrics, RunError, chosen_device},
};

/// Train the signal game (Lazaridou et al. 2017) with a sparse distribution over symbols: only the
/// symbols of positive probability are decoded.
///
/// Backends are features: `--no-default-features --features wgpu`; BURN_DEVICE chooses among those
/// compiled in. The run folder gets settings, checkpoints, pictures and metrics.json.
#[derive(Parser, Debug)]
#[command(name = "signal_game", version)]
struct Command {
    /// Concepts and their examples: digits (the embedded ones), omniglot (from --data-dir), or a file of
    /// features [N, F] and concepts [N]: both in a .safetensors file, or the features in an .npy file
    /// beside concepts.npy [default: digits]
    #[arg(long, value_name = "NAME|FILE")]
    data: Option<SignalGameData>,
    /// How the expectation over symbols is computed [default: sparsemax]
    #[arg(long, value_parser = flags::one_of(Method::ALL, Method::name))]
    method: Option<Method>,
    /// Where settings come from that no flag gives [default: best]
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Candidates in a game, of distinct concepts: 2 at least [default: 8 of the digits, else 16;
    /// preset paper: 10 of the digits]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    candidates: Option<usize>,
    /// Symbols that the sender can choose from [default: 256]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    symbols: Option<usize>,
    /// Training epochs [default: 20 of the digits, else 60; preset paper: 500]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    epochs: Option<usize>,
    /// Epochs in a row without a better one, after which training ends [default: any number]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    patience: Option<usize>,
    /// Batches in an epoch [default: 100]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    batches: Option<usize>,
    /// Games in a batch [default: 64]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    batch_size: Option<usize>,
    /// Learning rate at the start [default: 0.002; preset paper: 0.005 for softmax, sparsemax and entmax15,
    /// else 0.001]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = flags::positive)]
    lr: Option<f64>,
    /// Learning rate at the end, reached along half a cosine [default: a twentieth of --lr;
    /// preset paper: --lr]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = flags::not_negative)]
    final_lr: Option<f64>,
    /// Weight of the entropy of the sender's distribution, which is maximized [default: 0.1 for softmax,
    /// sparsemax and entmax15, else 0.01; preset paper: 0.1]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true, value_parser = flags::not_negative)]
    entropy: Option<f64>,
    /// What the sender's logits are divided by [default: 10 for sparsemax and entmax15, else 1;
    /// preset paper: 10]
    #[arg(long, value_name = "TAU", allow_negative_numbers = true, value_parser = flags::positive)]
    tau: Option<f64>,
    /// How far images are moved in training, at most, in pixels [default: 1 of Omniglot, else 0;
    /// preset paper: 0]
    #[arg(long, value_name = "PIXELS", allow_negative_numbers = true, value_parser = flags::whole::<usize>)]
    shift: Option<usize>,
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

fn run(command: &Command) -> Result<Metrics<SignalGameTest>, RunError> {
    let device = chosen_device()?;
    let flags = &command.run;
    let (settings, started) = flags.started(|started| command.settings(started))?;
    settings.validate()?;
    settings.method.demand_read(&command.estimator.given())?;
    let data = settings.read_data(flags.data_dir.as_deref())?;
    let name = format!(
        "signal_game-{}-{}-{}",
        settings.data, settings.method, settings.seed
    );
    let folder = flags.begin(started, &name, &settings)?;
    flags.run::<SignalGameRun>(folder, settings, data, device)
}

impl Command {
    /// The settings: what flags give, then what the run has been started with, then the preset.
    fn settings(&self, started: Option<SignalGameSettings>) -> SignalGameSettings {
        let (data, method) = match &started {
            Some(started) => (started.data.clone(), started.method),
            None => (SignalGameData::Digits, Method::Sparsemax),
        };
        let data = self.data.clone().unwrap_or(data);
        let method = self.method.unwrap_or(method);
        let base = match (self.preset, started) {
            (Some(Preset::Paper), _) => SignalGameSettings::paper(data.clone(), method),
            (None, Some(started)) => started,
            _ => SignalGameSettings::new(data.clone(), method),
        };
        let lr = self.lr.unwrap_or(base.lr);
        SignalGameSettings {
            data,
            method,
            estimator: self.estimator.settings(&base.estimator),
            seed: self.seed.unwrap_or(base.seed),
            candidates: self.candidates.unwrap_or(base.candidates),
            symbols: self.symbols.unwrap_or(base.symbols),
            epochs: self.epochs.unwrap_or(base.epochs),
            patience: self.patience.or(base.patience),
            batches: self.batches.unwrap_or(base.batches),
            batch_size: self.batch_size.unwrap_or(base.batch_size),
            lr,
            final_lr: flags::final_lr(self.final_lr, lr, base.lr, base.final_lr),
            entropy: self.entropy.unwrap_or(base.entropy),
            tau: self.tau.unwrap_or(base.tau),
            shift: self.shift.unwrap_or(base.shift),
            ..base
        }
    }
}
