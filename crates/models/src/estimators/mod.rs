//! Estimators of `E_{q(z)}[loss(z)]` for a categorical z, and of its gradient.
//!
//! One estimator a file, behind one trait: an estimator knows no task and a task no estimator.

mod marginalize;

use burn::tensor::{Int, Tensor};

pub use marginalize::{Mapping, Marginalize};

/// Outcomes to decode, packed: entry `i` is an outcome for batch row `rows[i]`.
#[derive(Debug, Clone)]
pub struct Outcomes {
    /// The batch row `[total]` of each entry.
    pub rows: Tensor<1, Int>,
    /// The outcome `[total, classes]` of each entry: one-hot, or relaxed where the estimator
    /// differentiates through it.
    pub codes: Tensor<2>,
}

/// What an estimator makes of scores and losses.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// The surrogate `[batch]` of the expected loss: its value estimates the expectation, its
    /// gradient the gradient of the expectation.
    pub expected_loss: Tensor<1>,
    /// The entropy `[batch]` of the distribution, in nats.
    pub entropy: Tensor<1>,
    /// The number of outcomes that were decoded, all rows together.
    pub decoder_calls: usize,
}

/// An estimator for categorical latent variables.
pub trait CategoricalEstimator: Send + Sync + std::fmt::Debug {
    /// Estimates the expectation of `loss` for the distributions that `scores` `[batch, classes]`
    /// parametrize.
    ///
    /// `loss` is called once, with all outcomes of all rows, and gives a loss for each entry,
    /// `[total]`.
    fn estimate(&self, scores: Tensor<2>, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate;
}
