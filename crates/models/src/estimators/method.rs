use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Estimator, Mapping, Marginalize};

/// An estimator by the name that commands call it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exact and dense.
    Softmax,
    /// Exact, over the support of sparsemax.
    Sparsemax,
    /// Exact, over the support of 1.5-entmax.
    Entmax15,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Softmax, Self::Sparsemax, Self::Entmax15];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Sparsemax => "sparsemax",
            Self::Entmax15 => "entmax15",
        }
    }

    /// A fresh estimator.
    pub fn init(self) -> Estimator {
        let exact = |mapping| Estimator::Marginalize(Marginalize::new(mapping));
        match self {
            Self::Softmax => exact(Mapping::Softmax),
            Self::Sparsemax => exact(Mapping::Sparsemax),
            Self::Entmax15 => exact(Mapping::Entmax15),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no estimator has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no method is called {given}; there are {}", Method::ALL.map(Method::name).join(", "))]
pub struct UnknownMethod {
    given: String,
}

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let found = Self::ALL.into_iter().find(|method| method.name() == name);
        found.ok_or_else(|| UnknownMethod {
            given: name.to_string(),
        })
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
        assert!("reinforce".parse::<Method>().is_err());
    }
}
