use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Agents, GamePlan, SignalGameConfig};
use crate::{
    data::{ConceptData, DataError, omniglot, read_features},
    estimators::{Estimator, EstimatorSettings, Method, SettingError, Setup},
    training::{MOST_EPOCHS, Patience, RunError},
};

/// Symbols, and games in a batch, at most: more than any device plays at once.
const MOST: usize = 1 << 16;

/// A data set of this task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalGameData {
    /// The embedded 8×8 digits; a digit is a concept.
    #[default]
    Digits,
    /// Omniglot; a character is a concept.
    Omniglot,
    /// The file of a user: see [`read_features`].
    Features(PathBuf),
}

impl SignalGameData {
    /// Reads the data, from `folder` if it is Omniglot.
    ///
    /// # Errors
    ///
    /// If files are missing or broken.
    pub fn read(&self, folder: Option<&Path>) -> Result<ConceptData, DataError> {
        match self {
            Self::Digits => ConceptData::digits(),
            Self::Omniglot => omniglot(folder),
            Self::Features(path) => ConceptData::in_order(path, read_features(path)?),
        }
    }
}

impl fmt::Display for SignalGameData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits => f.write_str("digits"),
            Self::Omniglot => f.write_str("omniglot"),
            Self::Features(path) => {
                let name = path.file_stem().unwrap_or(path.as_os_str());
                write!(f, "{}", name.display())
            }
        }
    }
}

/// A name that no data set has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no data is called {given}; give digits, omniglot, or a file that ends in .safetensors or .npy"
)]
pub struct UnknownData {
    given: String,
}

impl FromStr for SignalGameData {
    type Err = UnknownData;

    fn from_str(given: &str) -> Result<Self, UnknownData> {
        match given {
            "digits" => Ok(Self::Digits),
            "omniglot" => Ok(Self::Omniglot),
            path if path.ends_with(".safetensors") || path.ends_with(".npy") => {
                Ok(Self::Features(path.into()))
            }
            _ => Err(UnknownData {
                given: given.to_string(),
            }),
        }
    }
}

/// Everything that a run's result depends on; this is its `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalGameSettings {
    /// The data set.
    pub data: SignalGameData,
    /// The estimator.
    pub method: Method,
    /// What the estimator is told.
    #[serde(flatten)]
    pub estimator: EstimatorSettings,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Who plays.
    pub agents: Agents,
    /// Candidates in a game.
    pub candidates: usize,
    /// Symbols that the sender can choose from.
    pub symbols: usize,
    /// Training epochs.
    pub epochs: usize,
    /// Epochs in a row without a better one, after which the training ends; `None` for all epochs,
    /// whatever they are.
    pub patience: Option<usize>,
    /// Batches in an epoch.
    pub batches: usize,
    /// Games in a batch.
    pub batch_size: usize,
    /// Learning rate at the start.
    pub lr: f64,
    /// Learning rate at the end, reached along half a cosine.
    pub final_lr: f64,
    /// Weight of the squared norm of the parameters.
    pub weight_decay: f64,
    /// Weight of the entropy of the sender's distribution, which is to be large.
    pub entropy: f64,
    /// What the sender's logits are divided by.
    pub tau: f64,
    /// How far images are moved in training, at most, in pixels.
    pub shift: usize,
}

/// Methods whose distributions become narrow by themselves: they need scores on a smaller scale to begin
/// with many symbols.
const SPARSE: [Method; 2] = [Method::Sparsemax, Method::Entmax15];

impl SignalGameSettings {
    /// What works best.
    pub fn new(data: SignalGameData, method: Method) -> Self {
        let common = Self {
            data,
            method,
            estimator: EstimatorSettings::default(),
            seed: 42,
            agents: Agents::Best,
            candidates: 16,
            symbols: 256,
            epochs: 60,
            patience: None,
            batches: 100,
            batch_size: 64,
            lr: 2e-3,
            final_lr: 1e-4,
            weight_decay: 0.0,
            entropy: if method.is_exact() { 0.1 } else { 0.01 },
            tau: if SPARSE.contains(&method) { 10.0 } else { 1.0 },
            shift: 0,
        };
        match common.data {
            // ten concepts are no more than ten candidates
            SignalGameData::Digits => Self {
                candidates: 8,
                epochs: 20,
                ..common
            },
            SignalGameData::Omniglot => Self { shift: 1, ..common },
            SignalGameData::Features(_) => common,
        }
    }

    /// The settings of the paper's experiment; of the digits, with as many candidates as they allow.
    pub fn paper(data: SignalGameData, method: Method) -> Self {
        let lr = if method.is_exact() { 5e-3 } else { 1e-3 };
        let best = Self::new(data, method);
        Self {
            agents: Agents::Paper,
            symbols: 256,
            epochs: 500,
            batches: 100,
            batch_size: 64,
            lr,
            final_lr: lr,
            weight_decay: 0.0,
            entropy: 0.1,
            tau: 10.0,
            shift: 0,
            candidates: match best.data {
                SignalGameData::Digits => 10,
                SignalGameData::Omniglot | SignalGameData::Features(_) => 16,
            },
            ..best
        }
    }

    /// When the training ends before its last epoch.
    pub fn patience(&self) -> Option<Patience> {
        self.patience.map(|epochs| Patience { epochs, warm_up: 0 })
    }

    /// Refuses what no run can have.
    ///
    /// # Errors
    ///
    /// If a count is too small, a rate, weight or temperature is negative or not finite, or the method
    /// cannot have one of its settings.
    pub fn validate(&self) -> Result<(), RunError> {
        let refuse = |name, given: String, allowed| {
            Err(RunError::Setting {
                name,
                given,
                allowed,
            })
        };
        for (name, count, most, allowed) in [
            ("symbols", self.symbols, MOST, "from 1 to 65536"),
            ("epochs", self.epochs, MOST_EPOCHS, "from 1 to 1000000"),
            ("batches", self.batches, MOST_EPOCHS, "from 1 to 1000000"),
            ("batch-size", self.batch_size, MOST, "from 1 to 65536"),
        ] {
            if !(1..=most).contains(&count) {
                return refuse(name, count.to_string(), allowed);
            }
        }
        if self.patience == Some(0) {
            return refuse("patience", "0".to_string(), "at least 1");
        }
        if self.candidates < 2 {
            return refuse("candidates", self.candidates.to_string(), "at least 2");
        }
        if !(self.lr > 0.0 && self.lr <= 1.0) {
            return refuse("lr", self.lr.to_string(), "above 0 and at most 1");
        }
        if !(self.final_lr >= 0.0 && self.final_lr <= self.lr) {
            return refuse("final-lr", self.final_lr.to_string(), "from 0 to lr");
        }
        if !(self.tau > 0.0 && self.tau.is_finite()) {
            return refuse("tau", self.tau.to_string(), "a positive number");
        }
        for (name, weight) in [
            ("weight-decay", self.weight_decay),
            ("entropy", self.entropy),
        ] {
            if !(weight >= 0.0 && weight.is_finite()) {
                return refuse(name, weight.to_string(), "0 or a positive number");
            }
        }
        self.init_estimator(1, &Device::default())?;
        Ok(())
    }

    /// A fresh estimator on `device`, for examples of `features` features.
    ///
    /// # Errors
    ///
    /// If the method cannot have one of its settings.
    pub fn init_estimator(
        &self,
        features: usize,
        device: &Device,
    ) -> Result<Estimator, SettingError> {
        self.method.init(Setup {
            settings: &self.estimator,
            size: self.symbols,
            inputs: features,
            device,
        })
    }

    /// Reads the data, from `folder` if it is Omniglot.
    ///
    /// # Errors
    ///
    /// If files are missing or broken, or there are fewer concepts than candidates.
    pub fn read_data(&self, folder: Option<&Path>) -> Result<ConceptData, DataError> {
        let data = self.data.read(folder)?;
        let concepts = data.set.concepts();
        if self.candidates > concepts {
            return Err(DataError::invalid(
                Path::new("--candidates"),
                format!("{} of distinct concepts", self.candidates),
                match concepts {
                    0..2 => format!("data of 2 concepts at least; {} has {concepts}", self.data),
                    _ => format!(
                        "from 2 to {concepts}, which is how many concepts {} has",
                        self.data
                    ),
                },
            ));
        }
        Ok(data)
    }

    /// The sizes of the agents for examples of `features` features.
    pub fn config(&self, features: usize) -> SignalGameConfig {
        let config = SignalGameConfig::new(self.agents, features)
            .with_symbols(self.symbols)
            .with_temperature(self.tau);
        match self.agents {
            Agents::Best => config.with_hidden(256).with_embedding(128),
            Agents::Paper => config,
        }
    }

    /// How games are drawn.
    pub fn plan(&self) -> GamePlan {
        GamePlan {
            seed: self.seed,
            batch_size: self.batch_size,
            batches: self.batches,
            candidates: self.candidates,
            shift: self.shift,
        }
    }
}
