use std::{fmt, path::Path, str::FromStr};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{BitVectorVaeConfig, RateWeight};
use crate::{
    data::{self, DataError, DataSet, SplitImages, UnknownData},
    estimators::{BitEstimator, BitMethod, EstimatorSettings, SettingError, Setup},
    training::{MOST_EPOCHS, Patience, RunError},
};

/// A data set of this task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BitVectorVaeData {
    /// The embedded 8×8 digits of 17 grey levels.
    #[default]
    Digits,
    /// Fashion-MNIST, of 256 grey levels.
    FashionMnist,
}

impl BitVectorVaeData {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Digits, Self::FashionMnist];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::FashionMnist => "fashion-mnist",
        }
    }

    /// Reads the data, from `folder` if it is not embedded.
    ///
    /// # Errors
    ///
    /// If files are missing or broken.
    pub fn read(self, folder: Option<&Path>) -> Result<SplitImages, DataError> {
        match self {
            Self::Digits => SplitImages::digits(),
            Self::FashionMnist => {
                SplitImages::fashion_mnist(&data::locate(DataSet::FashionMnist, folder)?)
            }
        }
    }

    /// The bits of a code, if nothing else is said: as many as in the paper, and for the digits so few
    /// that all codes can be tried.
    pub fn bits(self) -> usize {
        match self {
            Self::Digits => 12,
            Self::FashionMnist => 32,
        }
    }

    /// The pixels of an image.
    pub fn pixels(self) -> usize {
        match self {
            Self::Digits => 8 * 8,
            Self::FashionMnist => 28 * 28,
        }
    }

    /// The grey levels of a pixel.
    pub fn levels(self) -> usize {
        match self {
            Self::Digits => 17,
            Self::FashionMnist => 256,
        }
    }

    fn hidden(self) -> usize {
        match self {
            Self::Digits => 64,
            Self::FashionMnist => 128,
        }
    }
}

impl fmt::Display for BitVectorVaeData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BitVectorVaeData {
    type Err = UnknownData;

    fn from_str(given: &str) -> Result<Self, UnknownData> {
        let found = Self::ALL.into_iter().find(|data| data.name() == given);
        found.ok_or_else(|| UnknownData::new(given, Self::ALL.map(Self::name)))
    }
}

/// How the marginal likelihood of test images is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportanceSettings {
    /// Samples for each image.
    pub importance_samples: usize,
    /// The number of images, the first of the test set; `None` for all.
    pub test_images: Option<usize>,
}

/// Everything that a run's result depends on; this is its `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BitVectorVaeSettings {
    /// The data set.
    pub data: BitVectorVaeData,
    /// The estimator.
    pub method: BitMethod,
    /// What the estimator is told.
    #[serde(flatten)]
    pub estimator: EstimatorSettings,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Bits of a code.
    pub bits: usize,
    /// Grey levels of a pixel.
    pub levels: usize,
    /// Training epochs.
    pub epochs: usize,
    /// Epochs in a row without a better one, after which the training ends; `None` for all epochs,
    /// whatever they are.
    pub patience: Option<usize>,
    /// Images in a batch.
    pub batch_size: usize,
    /// Learning rate at the start.
    pub lr: f64,
    /// Learning rate at the end, reached along half a cosine.
    pub final_lr: f64,
    /// What the encoder's scores are multiplied by before they go to the estimator. Below 1, a sparse
    /// distribution keeps more codes in its support, and does so for longer.
    pub score_scale: f64,
    /// Whether the encoder sees standardized pixels; see
    /// [`with_standard`](super::BitVectorVae::with_standard). Runs of earlier versions, whose `config.json` has
    /// neither this nor the next three, did without.
    #[serde(default)]
    pub standardized: bool,
    /// Whether the generator sees a bit that is off as −1 instead of 0.
    #[serde(default)]
    pub signed_codes: bool,
    /// The probability of each pixel to be hidden from the encoder in training; see
    /// [`with_dropout`](super::GreyImages::with_dropout).
    #[serde(default)]
    pub dropout: f64,
    /// The weight of the rate in the first step of training, from which it falls to 1 over the first half;
    /// see [`RateWeight`](super::RateWeight). 1 for none.
    #[serde(default = "one")]
    pub rate_weight: f64,
    /// Whether the generator begins at the frequencies of the grey levels, or with random biases; see
    /// [`with_level_counts`](super::BitVectorVae::with_level_counts).
    pub level_frequencies: bool,
    /// How the test set is evaluated.
    #[serde(flatten)]
    pub importance: ImportanceSettings,
}

/// Bits of a code, at most: far more than any use of it, and far less than memory has room for.
const MOST_BITS: usize = 4096;
/// The weight of the rate, at most: far more than any loss that it could weigh against.
const MOST_RATE_WEIGHT: f64 = 1e6;
/// Samples of an image, at most, likewise.
const MOST_SAMPLES: usize = 1 << 20;

impl BitVectorVaeSettings {
    /// What works best with codes of `bits` bits.
    pub fn new(data: BitVectorVaeData, method: BitMethod, bits: usize) -> Self {
        let lr = learning_rate(method);
        let common = Self {
            data,
            method,
            estimator: EstimatorSettings::default(),
            seed: 42,
            bits,
            levels: data.levels(),
            epochs: 30,
            patience: None,
            batch_size: 64,
            lr,
            final_lr: lr / 20.0,
            score_scale: 1.0,
            standardized: true,
            signed_codes: true,
            dropout: 0.0,
            rate_weight: 1.0,
            level_frequencies: true,
            importance: ImportanceSettings {
                importance_samples: 1024,
                test_images: Some(1000),
            },
        };
        // a sparse distribution explores while its support is large; samples do anyway
        let common = match method.is_exact() {
            true => Self {
                score_scale: 0.1,
                rate_weight: 8.0,
                dropout: 0.1,
                ..common
            },
            false => common,
        };
        match data {
            // four times the steps of the paper's batches
            BitVectorVaeData::FashionMnist => Self {
                batch_size: 16,
                ..common
            },
            BitVectorVaeData::Digits => Self {
                epochs: 150,
                importance: ImportanceSettings {
                    importance_samples: 1024,
                    test_images: None,
                },
                ..common
            },
        }
    }

    /// The settings of the paper's experiment: 100 epochs at one learning rate, and a generator whose
    /// biases begin as those of any layer. Batches are smaller for long codes.
    pub fn paper(data: BitVectorVaeData, method: BitMethod, bits: usize) -> Self {
        let lr = learning_rate(method);
        Self {
            epochs: 100,
            batch_size: if bits <= 32 { 64 } else { 16 },
            lr,
            final_lr: lr,
            score_scale: 1.0,
            standardized: false,
            signed_codes: false,
            dropout: 0.0,
            rate_weight: 1.0,
            level_frequencies: false,
            ..Self::new(data, method, bits)
        }
    }

    /// When the training ends before its last epoch.
    pub fn patience(&self) -> Option<Patience> {
        // while the rate weighs more, another loss is trained than the one that is measured
        let warm_up = RateWeight::annealed_epochs(self.rate_weight, self.epochs);
        self.patience.map(|epochs| Patience { epochs, warm_up })
    }

    /// Refuses what no run can have.
    ///
    /// # Errors
    ///
    /// If a count is too small, a rate, a scale, a weight or a probability is not what one can be, or the
    /// method cannot have one of its settings.
    pub fn validate(&self) -> Result<(), RunError> {
        let refuse = |name, given: String, allowed| {
            Err(RunError::Setting {
                name,
                given,
                allowed,
            })
        };
        for (name, count) in [
            ("bits", self.bits),
            ("epochs", self.epochs),
            ("patience", self.patience.unwrap_or(1)),
            ("batch-size", self.batch_size),
            ("importance-samples", self.importance.importance_samples),
            ("test-images", self.importance.test_images.unwrap_or(1)),
        ] {
            if count == 0 {
                return refuse(name, "0".to_string(), "at least 1");
            }
        }
        for (name, count, most, allowed) in [
            ("bits", self.bits, MOST_BITS, "at most 4096"),
            ("epochs", self.epochs, MOST_EPOCHS, "at most 1000000"),
            (
                "importance-samples",
                self.importance.importance_samples,
                MOST_SAMPLES,
                "at most 1048576",
            ),
        ] {
            if count > most {
                return refuse(name, count.to_string(), allowed);
            }
        }
        if self.levels < 2 {
            return refuse("levels", self.levels.to_string(), "at least 2");
        }
        if !(self.lr > 0.0 && self.lr <= 1.0) {
            return refuse("lr", self.lr.to_string(), "above 0 and at most 1");
        }
        if !(self.final_lr >= 0.0 && self.final_lr <= self.lr) {
            return refuse("final-lr", self.final_lr.to_string(), "from 0 to lr");
        }
        let scale = self.score_scale as f32;
        if !(scale > 0.0 && scale.is_finite()) {
            let given = self.score_scale.to_string();
            return refuse("score-scale", given, "a positive number of f32");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            let given = self.dropout.to_string();
            return refuse("dropout", given, "at least 0 and below 1");
        }
        if !(self.rate_weight >= 1.0 && self.rate_weight <= MOST_RATE_WEIGHT) {
            let given = self.rate_weight.to_string();
            return refuse("rate-weight", given, "from 1 to 1000000");
        }
        self.init_estimator(1, &Device::default())?;
        Ok(())
    }

    /// A fresh estimator on `device`, for images of `pixels` pixels.
    ///
    /// # Errors
    ///
    /// If the method cannot have one of its settings.
    pub fn init_estimator(
        &self,
        pixels: usize,
        device: &Device,
    ) -> Result<BitEstimator, SettingError> {
        self.method.init(Setup {
            settings: &self.estimator,
            size: self.bits,
            inputs: pixels,
            device,
        })
    }

    /// Reads the data, from `folder` if it is not embedded.
    ///
    /// # Errors
    ///
    /// If files are missing or broken, or a pixel has a level that the model has not.
    pub fn read_data(&self, folder: Option<&Path>) -> Result<SplitImages, DataError> {
        let data = self.data.read(folder)?;
        data.demand_levels(Path::new(self.data.name()), self.levels)?;
        Ok(data)
    }

    /// The sizes of the networks for images of `pixels` pixels.
    pub fn config(&self, pixels: usize) -> BitVectorVaeConfig {
        BitVectorVaeConfig::new(pixels, self.levels, self.bits)
            .with_hidden(self.data.hidden())
            .with_score_scale(self.score_scale)
            .with_signed_codes(self.signed_codes)
    }
}

fn one() -> f64 {
    1.0
}

/// As in the paper: gradients without noise allow larger steps.
fn learning_rate(method: BitMethod) -> f64 {
    if method.is_exact() { 2e-3 } else { 1e-3 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn batches_are_small_where_that_works_best_and_as_in_the_paper_where_asked() {
        let method = BitMethod::LocalEntmax15;
        let best = |data, bits| BitVectorVaeSettings::new(data, method, bits).batch_size;
        let paper = |data, bits| BitVectorVaeSettings::paper(data, method, bits).batch_size;
        assert_eq!(best(BitVectorVaeData::Digits, 12), 64);
        assert_eq!(best(BitVectorVaeData::FashionMnist, 32), 16);
        assert_eq!(paper(BitVectorVaeData::FashionMnist, 32), 64);
        assert_eq!(paper(BitVectorVaeData::FashionMnist, 128), 16);
    }

    #[test]
    fn the_papers_training_has_nothing_that_the_paper_has_not() {
        for method in BitMethod::ALL {
            let paper = BitVectorVaeSettings::paper(BitVectorVaeData::FashionMnist, method, 32);
            let lr = if method.is_exact() { 2e-3 } else { 1e-3 };
            // named one by one, so that a new setting asks for its value here
            let expected = BitVectorVaeSettings {
                data: BitVectorVaeData::FashionMnist,
                method,
                estimator: EstimatorSettings::default(),
                seed: 42,
                bits: 32,
                levels: 256,
                epochs: 100,
                patience: None,
                batch_size: 64,
                lr,
                final_lr: lr,
                score_scale: 1.0,
                standardized: false,
                signed_codes: false,
                dropout: 0.0,
                rate_weight: 1.0,
                level_frequencies: false,
                importance: ImportanceSettings {
                    importance_samples: 1024,
                    test_images: Some(1000),
                },
            };
            assert_eq!(paper, expected);
        }
    }

    #[test]
    fn settings_of_earlier_versions_are_those_of_their_training() {
        let data = BitVectorVaeData::FashionMnist;
        let paper = BitVectorVaeSettings::paper(data, BitMethod::LocalSparsemax, 32);
        let mut config = serde_json::to_value(&paper).unwrap();
        let fields = config.as_object_mut().unwrap();
        for new in ["standardized", "signed_codes", "dropout", "rate_weight"] {
            assert!(fields.remove(new).is_some(), "{new}");
        }
        let read: BitVectorVaeSettings = serde_json::from_value(config).unwrap();
        assert_eq!(read, paper);
    }

    #[test]
    fn patience_begins_when_the_rate_has_its_own_weight() {
        let data = BitVectorVaeData::Digits;
        let mut settings = BitVectorVaeSettings::new(data, BitMethod::SparseMap, 12);
        settings.patience = Some(3);
        assert_eq!(
            settings.patience().map(|p| (p.epochs, p.warm_up)),
            Some((3, 75))
        );
        settings.rate_weight = 1.0;
        assert_eq!(settings.patience().map(|p| p.warm_up), Some(0));
    }
}
