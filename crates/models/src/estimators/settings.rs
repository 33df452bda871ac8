use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// The settings of all methods: each reads its own, and refuses what it cannot have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EstimatorSettings {
    /// Outcomes that are taken without repetition: the most probable ones that `sum-and-sample` sums
    /// (default: 1), the samples of `unordered-set` (default: 4), the codes of `topk-sparsemax`
    /// (default: 10).
    pub k: Option<usize>,
    /// Independent samples of `vimco`. Default: 4.
    pub samples: usize,
    /// The temperature that the relaxations come down to. Default: 0.5.
    pub temperature: f64,
    /// How fast they do; see [`Annealing`](super::Annealing). Default: 1e-4.
    pub temperature_rate: f64,
    /// By how much `gapped-st` lifts the score of its sample above the others. Default: 1.
    pub gap: f64,
    /// How far `i-mle` goes along the gradient of the loss, in scores by nats. Default: 1.
    pub target_step: f64,
    /// The most ones in a code of `sparsemap-budget`. `None`, the default, is half of the bits.
    pub budget: Option<usize>,
}

impl EstimatorSettings {
    /// The names of all of them.
    pub const NAMES: [&'static str; 7] = [
        "k",
        "samples",
        "temperature",
        "temperature_rate",
        "gap",
        "target_step",
        "budget",
    ];
}

impl Default for EstimatorSettings {
    fn default() -> Self {
        Self {
            k: None,
            samples: 4,
            temperature: 0.5,
            temperature_rate: 1e-4,
            gap: 1.0,
            target_step: 1.0,
            budget: None,
        }
    }
}

/// A setting that a method cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be {allowed}, got {given}")]
pub struct SettingError {
    name: &'static str,
    given: String,
    allowed: String,
}

impl SettingError {
    /// `given` is not what `allowed` says, such as "a positive number".
    pub fn new(name: &'static str, given: impl Display, allowed: impl Into<String>) -> Self {
        Self {
            name,
            given: given.to_string(),
            allowed: allowed.into(),
        }
    }

    pub(super) fn positive(name: &'static str, given: f64) -> Result<f64, Self> {
        match given as f32 {
            single if single > 0.0 && single.is_finite() => Ok(given),
            _ => Err(Self::new(name, given, "a positive number that f32 holds")),
        }
    }

    pub(super) fn not_negative(name: &'static str, given: f64) -> Result<f64, Self> {
        match given as f32 {
            single if given >= 0.0 && single.is_finite() => Ok(given),
            _ => Err(Self::new(
                name,
                given,
                "0 or a positive number that f32 holds",
            )),
        }
    }
}

/// A setting that was given to a method that does not read it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is no setting of {method}{}", but_of(readers))]
pub struct UnreadSetting {
    name: String,
    method: &'static str,
    readers: Vec<&'static str>,
}

impl UnreadSetting {
    pub(super) fn new(
        name: &'static str,
        method: &'static str,
        readers: Vec<&'static str>,
    ) -> Self {
        Self {
            name: name.replace('_', "-"),
            method,
            readers,
        }
    }
}

fn but_of(readers: &[&str]) -> String {
    match readers {
        [] => String::new(),
        readers => format!(", but of {}", readers.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_settings_have_their_names() {
        let fields = serde_json::to_value(EstimatorSettings::default()).expect("an object");
        let mut fields: Vec<&String> = fields.as_object().expect("an object").keys().collect();
        let mut names = EstimatorSettings::NAMES;
        fields.sort();
        names.sort();
        assert_eq!(fields, names);
    }
}
