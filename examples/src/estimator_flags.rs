use clap::Args;
use sparse_models::estimators::EstimatorSettings;

use crate::flags;

/// The flags of the estimators: each method reads its own.
#[derive(Args, Debug)]
pub struct EstimatorFlags {
    /// Outcomes taken without repetition: summed by sum-and-sample [default: 1], sampled by
    /// unordered-set [default: 4]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    pub k: Option<usize>,
    /// Samples of vimco [default: 4]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = flags::at_least_one)]
    pub samples: Option<usize>,
    /// Temperature that gumbel, st-gumbel and gapped-st come down to from 1 [default: 0.5]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = flags::positive)]
    pub temperature: Option<f64>,
    /// How fast they do: exp(−RATE · step) [default: 0.0001]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = flags::not_negative)]
    pub temperature_rate: Option<f64>,
    /// By how much gapped-st lifts the score of its sample above the others [default: 1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = flags::not_negative)]
    pub gap: Option<f64>,
    /// How far i-mle goes along the gradient of the loss [default: 1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = flags::positive)]
    pub target_step: Option<f64>,
}

impl EstimatorFlags {
    /// The settings that flags give, and `base` for the others.
    pub fn settings(&self, base: &EstimatorSettings) -> EstimatorSettings {
        EstimatorSettings {
            k: self.k.or(base.k),
            samples: self.samples.unwrap_or(base.samples),
            temperature: self.temperature.unwrap_or(base.temperature),
            temperature_rate: self.temperature_rate.unwrap_or(base.temperature_rate),
            gap: self.gap.unwrap_or(base.gap),
            target_step: self.target_step.unwrap_or(base.target_step),
            budget: base.budget,
        }
    }

    /// The names of the settings that flags give.
    pub fn given(&self) -> Vec<&'static str> {
        let Self {
            k,
            samples,
            temperature,
            temperature_rate,
            gap,
            target_step,
        } = self;
        let given = [
            ("k", k.is_some()),
            ("samples", samples.is_some()),
            ("temperature", temperature.is_some()),
            ("temperature_rate", temperature_rate.is_some()),
            ("gap", gap.is_some()),
            ("target_step", target_step.is_some()),
        ];
        let given = given.into_iter().filter(|(_, given)| *given);
        given.map(|(name, _)| name).collect()
    }
}
