//! The registries: a line for each method.

use std::{fmt, str::FromStr};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};

use super::{
    BitDistribution, BitVectorEstimator, CategoricalEstimator, Disarm, Estimate, EstimatorSettings,
    GappedSt, Gumbel, ImplicitMle, Mapping, Marginalize, MarginalizeBits, Nvil, Outcomes, Query,
    ReinMax, SettingError, Sfe, SfePlus, StGumbel, SumAndSample, UnorderedSet, UnreadSetting,
    Vimco,
};

/// What an estimator is made for.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// The settings of the methods.
    pub settings: &'a EstimatorSettings,
    /// The number of classes, or of bits.
    pub size: usize,
    /// The number of features of a [query's inputs](Query::inputs).
    pub inputs: usize,
    /// Where the estimator's state is.
    pub device: &'a Device,
}

/// A name that no method of the latent family has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no method for {family} is called {given}; there are {}", known.join(", "))]
pub struct UnknownMethod {
    given: String,
    family: &'static str,
    known: Vec<&'static str>,
}

/// The name of a setting, which there is.
macro_rules! setting {
    ($setting:ident) => {{
        let _ = |settings: &EstimatorSettings| {
            let _ = &settings.$setting;
        };
        stringify!($setting)
    }};
}

/// Makes the methods of a latent family by name, and an estimator that is any of theirs.
macro_rules! registry {
    (
        $(#[$method_doc:meta])* $method:ident,
        $(#[$estimator_doc:meta])* $estimator:ident: $trait:ident, $family:literal;
        $(
            $(#[$doc:meta])* $name:literal $variant:ident($type:ty)
                $(reads [$($setting:ident),*])? = $make:expr;
        )*
    ) => {
        $(#[$method_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $method {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        $(#[$estimator_doc])*
        #[derive(Module, Debug)]
        // a run has one: its size does not matter
        #[allow(clippy::large_enum_variant)]
        pub enum $estimator {
            $($(#[$doc])* $variant($type),)*
        }

        impl $method {
            /// All of them.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The settings that it reads, by their names in [`EstimatorSettings`].
            pub fn settings(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => &[$($(setting!($setting)),*)?],)*
                }
            }

            /// Checks that it reads all the settings that were `given`.
            ///
            /// # Errors
            ///
            /// If there is one that it does not read.
            pub fn demand_read(self, given: &[&'static str]) -> Result<(), UnreadSetting> {
                match given.iter().find(|name| !self.settings().contains(name)) {
                    None => Ok(()),
                    Some(name) => {
                        let reads = |method: &Self| method.settings().contains(name);
                        let readers = Self::ALL.into_iter().filter(reads);
                        let readers = readers.map(Self::name).collect();
                        Err(UnreadSetting::new(name, self.name(), readers))
                    }
                }
            }

            /// The same of one setting, by its name; one that is no estimator's is none to read.
            ///
            /// # Errors
            ///
            /// If it is an estimator's, and not read.
            pub fn demand_read_by_name(self, given: &str) -> Result<(), UnreadSetting> {
                let known = EstimatorSettings::NAMES.iter().find(|name| **name == given);
                known.map_or(Ok(()), |&name| self.demand_read(&[name]))
            }

            /// A fresh estimator.
            ///
            /// # Errors
            ///
            /// If a setting is not one that the method can have.
            pub fn init(self, setup: Setup<'_>) -> Result<$estimator, SettingError> {
                Ok(match self {
                    $(Self::$variant => {
                        let make: fn(Setup<'_>) -> Result<$type, SettingError> = $make;
                        $estimator::$variant(make(setup)?)
                    })*
                })
            }
        }

        impl fmt::Display for $method {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $method {
            type Err = UnknownMethod;

            fn from_str(name: &str) -> Result<Self, UnknownMethod> {
                let found = Self::ALL.into_iter().find(|method| method.name() == name);
                found.ok_or_else(|| UnknownMethod {
                    given: name.to_string(),
                    family: $family,
                    known: Self::ALL.map(Self::name).to_vec(),
                })
            }
        }

        registry!(@implement $trait for $estimator: $($variant)*);
    };

    (@implement CategoricalEstimator for $estimator:ident: $($variant:ident)*) => {
        impl CategoricalEstimator for $estimator {
            fn mapping(&self) -> Mapping {
                match self {
                    $(Self::$variant(estimator) => CategoricalEstimator::mapping(estimator),)*
                }
            }

            fn is_exact(&self) -> bool {
                match self {
                    $(Self::$variant(estimator) => CategoricalEstimator::is_exact(estimator),)*
                }
            }

            fn estimate(
                &self,
                query: Query,
                loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
            ) -> Estimate {
                match self {
                    $(Self::$variant(estimator) => {
                        CategoricalEstimator::estimate(estimator, query, loss)
                    })*
                }
            }
        }
    };

    (@implement BitVectorEstimator for $estimator:ident: $($variant:ident)*) => {
        impl BitVectorEstimator for $estimator {
            fn distribution(&self) -> Option<&BitDistribution> {
                match self {
                    $(Self::$variant(estimator) => BitVectorEstimator::distribution(estimator),)*
                }
            }

            fn estimate(
                &self,
                query: Query,
                loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
            ) -> Estimate {
                match self {
                    $(Self::$variant(estimator) => {
                        BitVectorEstimator::estimate(estimator, query, loss)
                    })*
                }
            }
        }
    };
}

registry! {
    /// An estimator for categories, by the name that commands call it by.
    Method,
    /// Any of the estimators for categories.
    Estimator: CategoricalEstimator, "categories";

    /// Exact and dense.
    "softmax" Softmax(Marginalize) = |_| Ok(Marginalize::new(Mapping::Softmax));
    /// Exact, over the support of sparsemax.
    "sparsemax" Sparsemax(Marginalize) = |_| Ok(Marginalize::new(Mapping::Sparsemax));
    /// Exact, over the support of 1.5-entmax.
    "entmax15" Entmax15(Marginalize) = |_| Ok(Marginalize::new(Mapping::Entmax15));
    /// The score function, with a running mean as baseline.
    "sfe" Sfe(Sfe) = |setup| Ok(Sfe::new(setup.device));
    /// The score function, with a second sample as baseline.
    "sfe-plus" SfePlus(SfePlus) = |_| Ok(SfePlus::default());
    /// The score function, with a learned baseline.
    "nvil" Nvil(Nvil) = |setup| Ok(Nvil::new(setup.inputs, setup.device));
    /// The most probable classes summed, the rest sampled.
    "sum-and-sample" SumAndSample(SumAndSample) reads [k] =
        |setup| SumAndSample::new(setup.settings, setup.size);
    /// Relaxed.
    "gumbel" Gumbel(Gumbel) reads [temperature, temperature_rate] =
        |setup| Gumbel::new(setup.settings, setup.device);
    /// Sampled, with the gradient of the relaxation.
    "st-gumbel" StGumbel(StGumbel) reads [temperature, temperature_rate] =
        |setup| StGumbel::new(setup.settings, setup.device);
    /// The score function of several samples, with leave-one-out baselines.
    "vimco" Vimco(Vimco) reads [samples] = |setup| Vimco::new(setup.settings);
    /// Straight-through, of second order.
    "reinmax" ReinMax(ReinMax) = |_| Ok(ReinMax::default());
    /// Straight-through, from scores that agree with the sample.
    "gapped-st" GappedSt(GappedSt) reads [gap, temperature, temperature_rate] =
        |setup| GappedSt::new(setup.settings, setup.device);
    /// The score function of samples without replacement.
    "unordered-set" UnorderedSet(UnorderedSet) reads [k] =
        |setup| UnorderedSet::new(setup.settings, setup.size);
    /// The mode with noise, differentiated by where it would go.
    "i-mle" ImplicitMle(ImplicitMle) reads [target_step] = |setup| ImplicitMle::new(setup.settings);
}

registry! {
    /// An estimator for bit vectors, by the name that commands call it by.
    BitMethod,
    /// Any of the estimators for bit vectors.
    BitEstimator: BitVectorEstimator, "bit vectors";

    /// Exact, over the k best codes.
    "topk-sparsemax" TopKSparsemax(MarginalizeBits) reads [k] =
        |setup| MarginalizeBits::topk_sparsemax(setup.settings, setup.size);
    /// Exact, over the best code and its neighbours, by sparsemax.
    "local-sparsemax" LocalSparsemax(MarginalizeBits) =
        |setup| MarginalizeBits::over(BitDistribution::LocalSparsemax, setup.size);
    /// Exact, over the best code and its neighbours, by 1.5-entmax.
    "local-entmax15" LocalEntmax15(MarginalizeBits) =
        |setup| MarginalizeBits::over(BitDistribution::LocalEntmax15, setup.size);
    /// Exact, over the support of SparseMAP.
    "sparsemap" SparseMap(MarginalizeBits) =
        |setup| MarginalizeBits::over(BitDistribution::SparseMap, setup.size);
    /// Exact, over the support of SparseMAP with a budget of ones.
    "sparsemap-budget" SparseMapBudget(MarginalizeBits) reads [budget] =
        |setup| MarginalizeBits::sparsemap_budget(setup.settings, setup.size);
    /// The score function, with a running mean as baseline.
    "sfe" Sfe(Sfe) = |setup| Ok(Sfe::new(setup.device));
    /// The score function, with a second sample as baseline.
    "sfe-plus" SfePlus(SfePlus) = |_| Ok(SfePlus::default());
    /// The score function, with a learned baseline.
    "nvil" Nvil(Nvil) = |setup| Ok(Nvil::new(setup.inputs, setup.device));
    /// Two antithetic samples.
    "disarm" Disarm(Disarm) = |_| Ok(Disarm::default());
    /// Relaxed.
    "gumbel" Gumbel(Gumbel) reads [temperature, temperature_rate] =
        |setup| Gumbel::new(setup.settings, setup.device);
    /// Sampled, with the gradient of the relaxation.
    "st-gumbel" StGumbel(StGumbel) reads [temperature, temperature_rate] =
        |setup| StGumbel::new(setup.settings, setup.device);
    /// The score function of several samples, with leave-one-out baselines.
    "vimco" Vimco(Vimco) reads [samples] = |setup| Vimco::new(setup.settings);
    /// The mode with noise, differentiated by where it would go.
    "i-mle" ImplicitMle(ImplicitMle) reads [target_step] = |setup| ImplicitMle::new(setup.settings);
}

impl Method {
    /// Whether the expectation is exact: every outcome of positive probability is decoded.
    pub fn is_exact(self) -> bool {
        matches!(self, Self::Softmax | Self::Sparsemax | Self::Entmax15)
    }
}

impl BitMethod {
    /// Whether the expectation is exact: every outcome of positive probability is decoded.
    pub fn is_exact(self) -> bool {
        matches!(
            self,
            Self::TopKSparsemax
                | Self::LocalSparsemax
                | Self::LocalEntmax15
                | Self::SparseMap
                | Self::SparseMapBudget
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_serde_agree() {
        for method in Method::ALL {
            assert_eq!(method.name().parse(), Ok(method));
            let json = serde_json::to_string(&method).expect("a string");
            assert_eq!(json, format!("\"{method}\""));
        }
        for method in BitMethod::ALL {
            assert_eq!(method.name().parse(), Ok(method));
        }
    }

    fn small<'a>(settings: &'a EstimatorSettings, device: &'a Device) -> Setup<'a> {
        Setup {
            settings,
            size: 8,
            inputs: 2,
            device,
        }
    }

    /// Each setting with a value that no method can have, and its name.
    fn impossible() -> [(&'static str, EstimatorSettings); 7] {
        let base = EstimatorSettings::default;
        [
            (
                "k",
                EstimatorSettings {
                    k: Some(0),
                    ..base()
                },
            ),
            (
                "samples",
                EstimatorSettings {
                    samples: 0,
                    ..base()
                },
            ),
            (
                "temperature",
                EstimatorSettings {
                    temperature: -1.0,
                    ..base()
                },
            ),
            (
                "temperature_rate",
                EstimatorSettings {
                    temperature_rate: -1.0,
                    ..base()
                },
            ),
            (
                "gap",
                EstimatorSettings {
                    gap: -1.0,
                    ..base()
                },
            ),
            (
                "target_step",
                EstimatorSettings {
                    target_step: -1.0,
                    ..base()
                },
            ),
            (
                "budget",
                EstimatorSettings {
                    budget: Some(0),
                    ..base()
                },
            ),
        ]
    }

    /// As far as a setting is checked where it is read, which all are.
    #[test]
    fn methods_read_the_settings_that_they_name_and_no_others() {
        let all = serde_json::to_value(EstimatorSettings::default()).expect("settings");
        let all: Vec<&String> = all.as_object().expect("an object").keys().collect();
        let mut tried = impossible().map(|(name, _)| name);
        tried.sort_unstable();
        assert_eq!(tried.to_vec(), all);
        let device = &Device::default();
        for (name, settings) in &impossible() {
            let setup = small(settings, device);
            for method in Method::ALL {
                let refused = method.init(setup).is_err();
                assert_eq!(
                    refused,
                    method.settings().contains(name),
                    "{method}: {name}"
                );
            }
            for method in BitMethod::ALL {
                let refused = method.init(setup).is_err();
                assert_eq!(
                    refused,
                    method.settings().contains(name),
                    "{method}: {name}"
                );
            }
        }
    }

    #[test]
    fn a_method_is_as_exact_as_its_estimator() {
        let device = &Device::default();
        let settings = &EstimatorSettings::default();
        let setup = small(settings, device);
        for method in Method::ALL {
            let estimator = method.init(setup).expect("default settings");
            assert_eq!(estimator.is_exact(), method.is_exact(), "{method}");
        }
    }

    #[test]
    fn a_setting_that_is_not_read_is_refused_with_the_methods_that_do() {
        assert_eq!(
            Method::GappedSt.demand_read(&["gap", "temperature"]),
            Ok(())
        );
        assert_eq!(Method::Sparsemax.demand_read(&[]), Ok(()));
        let refused = Method::Vimco.demand_read(&["samples", "temperature_rate"]);
        assert_eq!(
            refused.expect_err("not read").to_string(),
            "temperature-rate is no setting of vimco, but of gumbel, st-gumbel, gapped-st"
        );
        let refused = Method::Sfe.demand_read(&["budget"]);
        assert_eq!(
            refused.expect_err("not read").to_string(),
            "budget is no setting of sfe"
        );
        let refused = BitMethod::SparseMap.demand_read(&["budget"]);
        assert_eq!(
            refused.expect_err("not read").to_string(),
            "budget is no setting of sparsemap, but of sparsemap-budget"
        );
    }

    #[test]
    fn a_method_of_another_family_is_refused_with_those_of_this_one() {
        let refused = |text: &str| text.parse::<Method>().map_err(|error| error.to_string());
        let message = refused("disarm").expect_err("for bit vectors alone");
        assert!(
            message.starts_with(
                "no method for categories is called disarm; there are softmax, sparsemax,"
            ),
            "{message}"
        );
        let refused = "reinmax".parse::<BitMethod>();
        let message = refused.expect_err("for categories alone").to_string();
        assert!(message.contains("for bit vectors"), "{message}");
        assert!(message.ends_with("vimco, i-mle"), "{message}");
    }
}
