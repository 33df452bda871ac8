//! Exact marginalization: every outcome of positive probability is decoded.
//!
//! No bias and no variance. Decoder calls: all classes with softmax, the support with a sparse
//! mapping. Source: Correia, Niculae, Aziz & Martins,
//! [Efficient Marginalization of Discrete and Structured Latent Variables via
//! Sparsity](https://arxiv.org/abs/2007.01919), 2020.

use burn::{
    module::Module,
    tensor::{Int, Tensor},
};
use serde::{Deserialize, Serialize};
use sparse_ops::{SparseDistribution, entmax, entmax_loss};

use super::{CategoricalEstimator, Codes, Estimate, Outcomes, Query};

/// A mapping from scores to probabilities, with the loss that fits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mapping {
    /// Dense: every class has a positive probability.
    Softmax,
    /// Sparse; see [`sparsemax`](sparse_ops::sparsemax()).
    Sparsemax,
    /// In between; see [`entmax15`](sparse_ops::entmax15()).
    Entmax15,
}

/// How far below the greatest score that of a class of 10⁻²⁰ of the greatest probability is.
const NEGLIGIBLE_SCORE: f64 = 20.0 * std::f64::consts::LN_10;

impl Mapping {
    /// The α of the family of [`entmax`](fn@entmax) that it is.
    fn alpha(self) -> f64 {
        match self {
            Self::Softmax => 1.0,
            Self::Sparsemax => 2.0,
            Self::Entmax15 => 1.5,
        }
    }

    /// The probabilities `[batch, classes]` of scores of that shape. Softmax leaves out classes whose
    /// probability is below 10⁻²⁰ of the greatest: they are nothing beside the rounding of single
    /// precision, and gradients times them are subnormal numbers, with which a processor takes several
    /// times as long.
    pub fn probs(self, scores: Tensor<2>) -> Tensor<2> {
        let scores = match self {
            Self::Softmax => {
                let least = scores.clone().max_dim(1).sub_scalar(NEGLIGIBLE_SCORE);
                let negligible = scores.clone().lower(least.expand(scores.dims()));
                scores.mask_fill(negligible, f64::NEG_INFINITY)
            }
            Self::Sparsemax | Self::Entmax15 => scores,
        };
        entmax(scores, self.alpha(), 1)
    }

    /// The Fenchel–Young loss `[batch]` of the mapping; cross-entropy for softmax.
    ///
    /// # Panics
    ///
    /// As [`entmax_loss`].
    pub fn loss(self, scores: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
        entmax_loss(scores, targets, self.alpha())
    }
}

/// The exact expectation over the support of a mapping.
#[derive(Module, Debug)]
pub struct Marginalize {
    #[module(skip)]
    mapping: Mapping,
}

impl Marginalize {
    /// Over the support of `mapping`.
    pub fn new(mapping: Mapping) -> Self {
        Self { mapping }
    }
}

impl CategoricalEstimator for Marginalize {
    fn mapping(&self) -> Mapping {
        self.mapping
    }

    fn is_exact(&self) -> bool {
        true
    }

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        let [_, count] = query.scores.dims();
        let q = SparseDistribution::categorical(self.mapping.probs(query.scores));
        let losses = loss(Outcomes {
            rows: q.rows(),
            codes: Codes::Classes {
                classes: q.outcomes().clone(),
                count,
            },
        });
        let [decoder_calls] = losses.dims();
        Estimate::new(q.expect(losses), q.entropy(), decoder_calls)
    }
}
