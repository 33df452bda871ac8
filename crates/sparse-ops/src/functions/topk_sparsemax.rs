use burn_core::tensor::Tensor;

use super::sparsemax::sparsemax;
use super::structure_scores::{StructureScores, read};
use crate::distribution::SparseDistribution;
use crate::sparsemap::Candidates;
use crate::structure::KBest;

/// Top-k sparsemax: sparsemax over the scores of the k best structures.
///
/// It is sparsemax over *all* structures wherever its support is smaller than k, or k covers the
/// set; [`is_exact`](SparseDistribution::is_exact) says for which rows that is so.
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
pub fn topk_sparsemax<S: KBest>(
    scores: impl Into<StructureScores>,
    structure: &S,
    k: usize,
) -> SparseDistribution<Tensor<2>> {
    assert!(k > 0, "topk_sparsemax: k must be at least 1, got 0");
    let scores = scores.into().joined("topk_sparsemax", structure);
    let candidates = Candidates::of(
        structure,
        &read(&scores),
        S::Workspace::default,
        |workspace, scores, chosen| structure.k_best(scores, k, workspace, chosen),
    );
    SparseDistribution::weighed(scores, candidates, Some(k), |scores| sparsemax(scores, 1))
}
