//! Mappings from scores onto the simplex, as values: what a distribution over candidates is made
//! by.

mod entmax;
mod entmax15;
mod softmax;
mod sparsemax;

use burn_core::tensor::Tensor;

pub use entmax::Entmax;
pub use entmax15::Entmax15;
pub use softmax::Softmax;
pub use sparsemax::Sparsemax;

/// A differentiable mapping from scores to probabilities, as
/// [`distribution_over_candidates`](crate::distribution_over_candidates) takes it.
///
/// [`Softmax`], [`Entmax15`], [`Sparsemax`] and [`Entmax`] are those of the α-entmax family;
/// implement it for another.
pub trait Mapping {
    /// Probabilities `[batch, candidates]` of scores of that shape, which sum to 1 over each row.
    ///
    /// A score of −∞ must get probability 0, and a row of NaN must stay NaN: rows are padded with
    /// the one, and failed rows are the other.
    fn probs(&self, scores: Tensor<2>) -> Tensor<2>;

    /// Whether a score that gets probability 0 changes nothing: without it, and with any lower
    /// scores beside it, the other probabilities are the same. It is what makes a distribution over
    /// the best few exact over all.
    fn is_sparse(&self) -> bool;
}
