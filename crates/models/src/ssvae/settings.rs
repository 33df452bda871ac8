use std::{fmt, path::Path, str::FromStr};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{BatchPlan, LossWeights, SsvaeConfig};
use crate::{
    data::{self, DataError, DataSet, SemiSupervised, UnknownData},
    estimators::{Estimator, EstimatorSettings, Method, SettingError, Setup},
    training::{MOST_EPOCHS, Patience, RunError},
};

/// A data set of this task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SsvaeData {
    /// The embedded 8×8 digits.
    #[default]
    Digits,
    /// MNIST.
    Mnist,
}

impl SsvaeData {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Digits, Self::Mnist];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Mnist => "mnist",
        }
    }

    /// Reads the data, from `folder` if it is not embedded.
    ///
    /// # Errors
    ///
    /// If files are missing or broken, or images are not 28 × 28 pixels, or one of the parts has none.
    pub fn read(self, folder: Option<&Path>) -> Result<SemiSupervised, DataError> {
        match self {
            Self::Digits => data::digits(),
            Self::Mnist => {
                let folder = data::locate(DataSet::Mnist, folder)?;
                let data = data::mnist(&folder)?;
                data.demand(&folder, (28, 28))?;
                Ok(data)
            }
        }
    }

    /// The sizes of the networks.
    pub fn networks(self) -> SsvaeConfig {
        match self {
            Self::Digits => SsvaeConfig::digits(),
            Self::Mnist => SsvaeConfig::mnist(),
        }
    }

    /// Whether the classifier sees grey levels: binarizing 8×8 pixels loses too much.
    fn grey(self) -> bool {
        self == Self::Digits
    }
}

impl fmt::Display for SsvaeData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SsvaeData {
    type Err = UnknownData;

    fn from_str(given: &str) -> Result<Self, UnknownData> {
        let found = Self::ALL.into_iter().find(|data| data.name() == given);
        found.ok_or_else(|| UnknownData::new(given, Self::ALL.map(Self::name)))
    }
}

/// Everything that a run's result depends on; this is its `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SsvaeSettings {
    /// The data set.
    pub data: SsvaeData,
    /// The estimator.
    pub method: Method,
    /// What the estimator is told.
    #[serde(flatten)]
    pub estimator: EstimatorSettings,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Labelled images of each class; `None` for the split of the data set.
    pub labels: Option<usize>,
    /// Epochs on labelled images only.
    pub warm_up_epochs: usize,
    /// Epochs on all images, after the warm-up.
    pub epochs: usize,
    /// Epochs in a row, after the warm-up, without a better one, after which the training ends; `None` for
    /// all epochs, whatever they are.
    pub patience: Option<usize>,
    /// Images of each kind in a batch.
    pub batch_size: usize,
    /// Learning rate while warming up.
    pub warm_up_lr: f64,
    /// Learning rate after the warm-up.
    pub lr: f64,
    /// Weight of the squared norm of the parameters.
    pub weight_decay: f64,
    /// Weight of the classification loss of labelled images.
    pub label_weight: f64,
    /// Weight of the loss of unlabelled images; `None` for the ratio of unlabelled to labelled
    /// images.
    pub unlabelled_weight: Option<f64>,
}

impl SsvaeSettings {
    /// What works best.
    pub fn new(data: SsvaeData, method: Method) -> Self {
        let common = Self {
            data,
            method,
            estimator: EstimatorSettings::default(),
            seed: 42,
            labels: None,
            warm_up_epochs: 30,
            epochs: 100,
            patience: None,
            batch_size: 64,
            warm_up_lr: 1e-3,
            lr: 5e-4,
            weight_decay: 1e-5,
            label_weight: 100.0,
            unlabelled_weight: Some(1.0),
        };
        match data {
            SsvaeData::Mnist => common,
            SsvaeData::Digits => Self {
                warm_up_epochs: 100,
                epochs: 800,
                lr: 1e-3,
                label_weight: 10.0,
                unlabelled_weight: Some(2.0),
                ..common
            },
        }
    }

    /// The settings of the paper's experiment.
    pub fn paper(data: SsvaeData, method: Method) -> Self {
        Self {
            warm_up_epochs: 100,
            epochs: 200,
            warm_up_lr: 1e-3,
            lr: 5e-4,
            label_weight: 1.0,
            unlabelled_weight: None,
            ..Self::new(data, method)
        }
    }

    /// Refuses what no run can have.
    ///
    /// # Errors
    ///
    /// If a count is 0, a rate or weight is negative or not finite, or the method cannot have one of
    /// its settings.
    pub fn validate(&self) -> Result<(), RunError> {
        let refuse = |name, given: String, allowed| {
            Err(RunError::Setting {
                name,
                given,
                allowed,
            })
        };
        for (name, count) in [
            ("epochs", self.epochs),
            ("patience", self.patience.unwrap_or(1)),
            ("batch-size", self.batch_size),
        ] {
            if count == 0 {
                return refuse(name, "0".to_string(), "at least 1");
            }
        }
        for (name, count) in [
            ("epochs", self.epochs),
            ("warm-up-epochs", self.warm_up_epochs),
        ] {
            if count > MOST_EPOCHS {
                return refuse(name, count.to_string(), "at most 1000000");
            }
        }
        if self.labels == Some(0) {
            return refuse("labels", "0".to_string(), "at least 1");
        }
        for (name, rate) in [("warm-up-lr", self.warm_up_lr), ("lr", self.lr)] {
            if !(rate > 0.0 && rate.is_finite()) {
                return refuse(name, rate.to_string(), "a positive number");
            }
        }
        let unlabelled = self.unlabelled_weight.unwrap_or(1.0);
        for (name, weight) in [
            ("weight-decay", self.weight_decay),
            ("label-weight", self.label_weight),
            ("unlabelled-weight", unlabelled),
        ] {
            if !(weight >= 0.0 && weight.is_finite()) {
                return refuse(name, weight.to_string(), "0 or a positive number");
            }
        }
        self.init_estimator(&Device::default())?;
        Ok(())
    }

    /// A fresh estimator on `device`.
    ///
    /// # Errors
    ///
    /// If the method cannot have one of its settings.
    pub fn init_estimator(&self, device: &Device) -> Result<Estimator, SettingError> {
        let networks = self.data.networks();
        self.method.init(Setup {
            settings: &self.estimator,
            size: networks.classes,
            inputs: networks.pixels,
            device,
        })
    }

    /// Reads the data, from `folder` if it is not embedded.
    ///
    /// # Errors
    ///
    /// If files are missing or broken, or there are not as many labels.
    pub fn read_data(&self, folder: Option<&Path>) -> Result<SemiSupervised, DataError> {
        let data = self.data.read(folder)?;
        match self.labels {
            Some(count) => data.with_labels(count),
            None => Ok(data),
        }
    }

    /// Warm-up and all.
    pub fn total_epochs(&self) -> usize {
        self.warm_up_epochs + self.epochs
    }

    /// When the training ends before its last epoch.
    pub fn patience(&self) -> Option<Patience> {
        self.patience.map(|epochs| Patience {
            epochs,
            warm_up: self.warm_up_epochs,
        })
    }

    /// The weights of the loss for `data`.
    pub fn weights(&self, data: &SemiSupervised) -> LossWeights {
        let ratio = data.unlabelled.len() as f64 / data.labelled.len() as f64;
        LossWeights {
            label: self.label_weight,
            unlabelled: self.unlabelled_weight.unwrap_or(ratio),
        }
    }

    /// How batches are drawn.
    pub fn plan(&self) -> BatchPlan {
        BatchPlan {
            seed: self.seed,
            batch_size: self.batch_size,
            warm_up_epochs: self.warm_up_epochs,
            style: self.data.networks().style,
            grey: self.data.grey(),
        }
    }
}
