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

use super::{CategoricalEstimator, Estimate, Outcomes, Query, one_hot};

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

impl Mapping {
    /// The α of the family of [`entmax`](fn@entmax) that it is.
    fn alpha(self) -> f64 {
        match self {
            Self::Softmax => 1.0,
            Self::Sparsemax => 2.0,
            Self::Entmax15 => 1.5,
        }
    }

    /// The probabilities `[batch, classes]` of scores of that shape.
    pub fn probs(self, scores: Tensor<2>) -> Tensor<2> {
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

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        let classes = query.scores.dims()[1];
        let q = SparseDistribution::categorical(self.mapping.probs(query.scores));
        let codes = one_hot(q.outcomes().clone(), classes);
        let losses = loss(Outcomes {
            rows: q.rows(),
            codes,
        });
        let [decoder_calls] = losses.dims();
        Estimate::new(q.expect(losses), q.entropy(), decoder_calls)
    }
}
