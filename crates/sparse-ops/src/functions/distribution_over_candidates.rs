use std::sync::Arc;

use burn_core::tensor::Tensor;

use super::structure_scores::{StructureScores, read};
use crate::attach::attach;
use crate::candidates::{CandidateSet, Candidates};
use crate::distribution::SparseDistribution;
use crate::mapping::Mapping;
use crate::sparsemap::Link;
use crate::structure::Structure;

/// The distribution that a mapping makes of the scores of a few structures: any [`Candidates`]
/// with any [`Mapping`].
///
/// [`topk_sparsemax`](crate::topk_sparsemax), [`local_sparsemax`](crate::local_sparsemax) and
/// [`local_entmax15`](crate::local_entmax15) are three of them.
/// [`is_exact`](SparseDistribution::is_exact) says for which rows it is the same as over all
/// structures.
///
/// # Shapes
///
/// - `scores`: unaries `[batch, n]`, and additionals `[batch, m]` where the structure has any
/// - result: packed structures `[total, n]` of 0 and 1, in the order of the candidates in each row,
///   without those of probability 0
///
/// # Gradient
///
/// Through the mapping, then to each part from the structures that have it. The choice of the
/// candidates is not differentiated.
///
/// # Numerical behaviour
///
/// The candidates are chosen and scored in f64 on the host, the scores read back once; the mapping
/// gets their scores relative to the best, in the dtype of the scores. A structure with a part of
/// −∞ has probability 0. Rows that have a NaN or +∞, or no candidate without −∞, are NaN, and no
/// other row is; [`solve_status`](SparseDistribution::solve_status) says why.
///
/// # Panics
///
/// If the scores' shapes are not those of the structure, or the mapping changes a shape.
///
/// # Source
///
/// The k best with sparsemax: Correia, Niculae, Aziz & Martins,
/// [Efficient Marginalization of Discrete and Structured Latent Variables via
/// Sparsity](https://arxiv.org/abs/2007.01919), 2020.
///
/// # Example
///
/// A softmax over the eight best of 2³² codes; for candidates of one's own see [`Candidates`]:
///
/// ```
/// use burn_core::tensor::Tensor;
/// use sparse_ops::{BitVector, KBestCandidates, Softmax, distribution_over_candidates};
///
/// let scores = Tensor::<2>::ones([1, 32], &Default::default());
/// let bits = BitVector::new(32).unwrap();
/// let q = distribution_over_candidates(scores, &bits, &KBestCandidates::new(8), &Softmax);
/// assert_eq!(q.outcomes().dims(), [8, 32]);
/// assert_eq!(q.is_exact(), [false]);
/// ```
pub fn distribution_over_candidates<S, C, M>(
    scores: impl Into<StructureScores>,
    structure: &S,
    candidates: &C,
    mapping: &M,
) -> SparseDistribution<Tensor<2>>
where
    S: Structure,
    C: Candidates<S> + ?Sized,
    M: Mapping + ?Sized,
{
    let op = "distribution_over_candidates";
    weigh(op, scores, structure, candidates, mapping)
}

/// The same, for the operation of another name.
pub(super) fn weigh<S, C, M>(
    op: &str,
    scores: impl Into<StructureScores>,
    structure: &S,
    candidates: &C,
    mapping: &M,
) -> SparseDistribution<Tensor<2>>
where
    S: Structure,
    C: Candidates<S> + ?Sized,
    M: Mapping + ?Sized,
{
    let scores = scores.into().joined(op, structure);
    let candidates = Arc::new(CandidateSet::choose(structure, &read(&scores), candidates));
    let shape = [candidates.batch(), candidates.width];
    let link = Link::candidates(candidates.clone());
    let probs = mapping.probs(attach(&scores, candidates.scores.clone(), shape, link));
    assert!(
        probs.dims() == shape,
        "{op}: the mapping must keep the shape {shape:?} of the candidates' scores, got {:?}",
        probs.dims()
    );
    SparseDistribution::weighed(probs, candidates, mapping.is_sparse())
}
