use burn_core::tensor::Tensor;

use super::distribution_over_candidates::weigh;
use super::structure_scores::StructureScores;
use crate::candidates::KBestCandidates;
use crate::distribution::SparseDistribution;
use crate::mapping::Sparsemax;
use crate::structure::KBest;

/// Top-k sparsemax: sparsemax over the scores of the k best structures.
///
/// It is sparsemax over *all* structures wherever its support is smaller than k, or k covers the
/// set; [`is_exact`](SparseDistribution::is_exact) says for which rows that is so. Other
/// mappings: [`distribution_over_candidates`](crate::distribution_over_candidates).
///
/// # Shapes
///
/// - `scores`: unaries `[batch, n]`, and additionals `[batch, m]` where the structure has any
/// - result: packed structures `[total, n]` of 0 and 1, best first in each row
///
/// # Gradient
///
/// Through sparsemax, then to each part from the structures that have it. The choice of the k best
/// is not differentiated.
///
/// # Numerical behaviour
///
/// The k best are found in f64 on the host; equal scores may be ordered in any way. If there are
/// fewer than k structures, all are taken, none twice. A structure with a part of −∞ has
/// probability 0. Rows that have a NaN or +∞, or nothing without −∞, are NaN, and no other row is.
///
/// # Panics
///
/// If `k` is 0, or the scores' shapes are not those of the structure.
///
/// # Source
///
/// Correia, Niculae, Aziz & Martins,
/// [Efficient Marginalization of Discrete and Structured Latent Variables via
/// Sparsity](https://arxiv.org/abs/2007.01919), 2020.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
/// use sparse_ops::{BitVector, topk_sparsemax};
///
/// let scores = Tensor::<2>::from_floats([[2.0, -0.25, 3.0]], &Default::default());
/// let q = topk_sparsemax(scores, &BitVector::new(3).unwrap(), 3);
/// // 101 and 111 of the three: no other code of the eight has a probability
/// assert_eq!(q.probs().to_data().to_vec::<f32>().unwrap(), [0.625, 0.375]);
/// assert_eq!(q.is_exact(), [true]);
/// ```
pub fn topk_sparsemax<S: KBest>(
    scores: impl Into<StructureScores>,
    structure: &S,
    k: usize,
) -> SparseDistribution<Tensor<2>> {
    assert!(k > 0, "topk_sparsemax: k must be at least 1, got 0");
    let k_best = KBestCandidates::new(k);
    weigh("topk_sparsemax", scores, structure, &k_best, &Sparsemax)
}
