//! Trains the bit-vector VAE: a code of 12, 32 or 128 bits generates an image, and the expectation
//! over all codes is exact, as few of them have a positive probability.

use std::process::ExitCode;

use clap::Parser;
use sparse_examples::{BitEstimatorFlags, Preset, RunFlags, finish, flags};
use sparse_models::{
    bit_vector_vae::{
        BitVectorVaeData, BitVectorVaeRun, BitVectorVaeSettings, BitVectorVaeTest,
        ImportanceSettings,
    },
    estimators::BitMethod,
    training::{Metrics, RunError, chosen_device},
};

/// Train the bit-vector VAE (Correia et al. 2020) with a sparse distribution over codes of bits: only
/// the codes of positive probability are decoded.
///
/// Backends are features: `--no-default-features --features wgpu`; BURN_DEVICE chooses among those
/// compiled in. The run folder gets settings, checkpoints, pictures and metrics.json.
#[derive(Parser, Debug)]
#[command(name = "bit_vector_vae", version)]
struct Command {
    /// Images: the embedded 8×8 digits of 17 grey levels, or Fashion-MNIST of 256, from --data-dir or
    /// downloaded [default: digits]
    #[arg(long, value_parser = flags::one_of(BitVectorVaeData::ALL, BitVectorVaeData::name))]
    data: Option<BitVectorVaeData>,
    /// How the expectation over codes is computed [default: local-entmax15]
    #[arg(long, value_parser = flags::one_of(BitMethod::ALL, BitMethod::name))]
    method: Option<BitMethod>,
    /// Where settings come from that no flag gives [default: best]
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Bits of a code [default: 12 for the digits, 32 for Fashion-MNIST]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    bits: Option<usize>,
    /// Training epochs [default: 150 of the digits, 30 of Fashion-MNIST; preset paper: 100]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    epochs: Option<usize>,
    /// Epochs in a row without a better one, after which training ends [default: any number]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    patience: Option<usize>,
    /// Images in a batch [default: 64 of the digits, 16 of Fashion-MNIST; preset paper: 64, and 16 for codes of more than 32 bits]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    batch_size: Option<usize>,
    /// Learning rate at the start [default: 0.002 for the exact methods, 0.001 for those that sample]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = flags::positive)]
    lr: Option<f64>,
    /// Learning rate at the end, reached along half a cosine [default: a twentieth of --lr; preset paper: --lr]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = flags::not_negative)]
    final_lr: Option<f64>,
    /// What the encoder's scores are multiplied by: the less, the longer supports stay large [default: 0.1 for the exact methods, 1 for those that sample; preset paper: 1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = flags::positive)]
    score_scale: Option<f64>,
    /// Weight of the rate at the start of training, from which it falls to 1 over the first half [default: 8 for the exact methods, 1 for those that sample; preset paper: 1]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true, value_parser = flags::positive)]
    rate_weight: Option<f64>,
    /// Probability of each pixel to be hidden from the encoder in training [default: 0.1 for the exact methods, 0 for those that sample; preset paper: 0]
    #[arg(long, value_name = "PROBABILITY", allow_negative_numbers = true, value_parser = flags::not_negative)]
    dropout: Option<f64>,
    /// Samples for each image in the estimate of the marginal likelihood; may differ with --eval-only
    /// [default: 1024]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    importance_samples: Option<usize>,
    /// Test images, the first ones, whose marginal likelihood is estimated; may differ with --eval-only
    /// [default: all of the digits, 1000 of Fashion-MNIST]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    test_images: Option<usize>,
    /// Seed of all random numbers [default: 42]
    #[arg(long, allow_negative_numbers = true, value_parser = flags::whole::<u64>)]
    seed: Option<u64>,
    #[command(flatten)]
    estimator: BitEstimatorFlags,
    #[command(flatten)]
    run: RunFlags,
}

fn main() -> ExitCode {
    finish(run(&Command::parse()))
}

fn run(command: &Command) -> Result<Metrics<BitVectorVaeTest>, RunError> {
    let device = chosen_device()?;
    let flags = &command.run;
    let (mut settings, started) = flags.started(|started| command.settings(started))?;
    settings.importance = command.importance(settings.importance);
    settings.validate()?;
    settings.method.demand_read(&command.estimator.given())?;
    let data = settings.read_data(flags.data_dir.as_deref())?;
    let name = format!(
        "bit_vector_vae-{}-{}-{}",
        settings.data, settings.method, settings.seed
    );
    let folder = flags.begin(started, &name, &settings)?;
    flags.run::<BitVectorVaeRun>(folder, settings, data, device)
}

impl Command {
    /// The settings: what flags give, then what the run has been started with, then the preset.
    fn settings(&self, started: Option<BitVectorVaeSettings>) -> BitVectorVaeSettings {
        let of = |settings: &BitVectorVaeSettings| (settings.data, settings.method);
        let (data, method) = started
            .as_ref()
            .map_or((BitVectorVaeData::Digits, BitMethod::LocalEntmax15), of);
        let (data, method) = (self.data.unwrap_or(data), self.method.unwrap_or(method));
        let bits = started.as_ref().map_or(data.bits(), |started| started.bits);
        let bits = self.bits.unwrap_or(bits);
        let base = match (self.preset, started) {
            (Some(Preset::Paper), _) => BitVectorVaeSettings::paper(data, method, bits),
            (None, Some(started)) => started,
            _ => BitVectorVaeSettings::new(data, method, bits),
        };
        let lr = self.lr.unwrap_or(base.lr);
        // another evaluation of the same training is no other run
        let importance = match self.run.eval_only {
            true => base.importance,
            false => self.importance(base.importance),
        };
        BitVectorVaeSettings {
            data,
            method,
            estimator: self.estimator.settings(&base.estimator),
            seed: self.seed.unwrap_or(base.seed),
            bits,
            epochs: self.epochs.unwrap_or(base.epochs),
            patience: self.patience.or(base.patience),
            batch_size: self.batch_size.unwrap_or(base.batch_size),
            lr,
            final_lr: flags::final_lr(self.final_lr, lr, base.lr, base.final_lr),
            score_scale: self.score_scale.unwrap_or(base.score_scale),
            dropout: self.dropout.unwrap_or(base.dropout),
            rate_weight: self.rate_weight.unwrap_or(base.rate_weight),
            importance,
            ..base
        }
    }

    fn importance(&self, base: ImportanceSettings) -> ImportanceSettings {
        ImportanceSettings {
            importance_samples: self.importance_samples.unwrap_or(base.importance_samples),
            test_images: self.test_images.or(base.test_images),
        }
    }
}
