use burn_core::tensor::Tensor;

use super::distribution_over_candidates::weigh;
use super::structure_scores::StructureScores;
use crate::candidates::MapAndNeighbors;
use crate::distribution::SparseDistribution;
use crate::mapping::{Entmax15, Sparsemax};
use crate::structure::Neighbors;

/// Local sparsemax: sparsemax over the scores of the MAP structure and its neighbours.
///
/// For bit vectors the neighbours are the flips of one bit, whose scores are less by `|η_i|`: a
/// distribution over at most n + 1 codes that gives every uncertain bit a gradient. Other mappings:
/// [`distribution_over_candidates`](crate::distribution_over_candidates).
///
/// # Shapes
///
/// - `scores`: unaries `[batch, n]`, and additionals `[batch, m]` where the structure has any
/// - result: packed structures `[total, n]` of 0 and 1, the MAP structure first in each row
///
/// # Gradient
///
/// Through the mapping, then to each part from the structures that have it. The choice of the MAP
/// structure is not differentiated.
///
/// # Numerical behaviour
///
/// The candidates are found in f64 on the host. A structure with a part of −∞ has probability 0.
/// Rows that have a NaN or +∞, or no structure without −∞, are NaN, and no other row is.
///
/// # Panics
///
/// If the scores' shapes are not those of the structure.
///
/// # Source
///
/// Sparsemax: Martins & Astudillo, [From Softmax to Sparsemax](https://arxiv.org/abs/1602.02068), 2016. The
/// choice of the candidates is this library's.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
/// use sparse_ops::{BitVector, local_sparsemax};
///
/// let scores = Tensor::<2>::from_floats([[2.0, -0.25, 3.0]], &Default::default());
/// let q = local_sparsemax(scores, &BitVector::new(3).unwrap());
/// // the best code, and the one in which its least certain bit is flipped: 0.25 apart
/// assert_eq!(q.outcomes().to_data().to_vec::<f32>().unwrap(), [1., 0., 1., 1., 1., 1.]);
/// assert_eq!(q.probs().to_data().to_vec::<f32>().unwrap(), [0.625, 0.375]);
/// ```
pub fn local_sparsemax<S: Neighbors>(
    scores: impl Into<StructureScores>,
    structure: &S,
) -> SparseDistribution<Tensor<2>> {
    let op = "local_sparsemax";
    weigh(op, scores, structure, &MapAndNeighbors, &Sparsemax)
}

/// Local entmax: [`local_sparsemax`] with [`entmax15`](crate::entmax15()) as the mapping, which
/// keeps more neighbours. Shapes, gradient and numerical behaviour are those of [`local_sparsemax`].
///
/// # Panics
///
/// If the scores' shapes are not those of the structure.
///
/// # Source
///
/// 1.5-entmax: Peters, Niculae & Martins,
/// [Sparse Sequence-to-Sequence Models](https://arxiv.org/abs/1905.05702), 2019.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
/// use sparse_ops::{BitVector, local_entmax15, local_sparsemax};
///
/// let (scores, bits) = (Tensor::<2>::from_floats([[1.5, -0.25]], &Default::default()), BitVector::new(2).unwrap());
/// let [more, less] = [local_entmax15(scores.clone(), &bits), local_sparsemax(scores, &bits)]
///     .map(|q| q.support_size().into_scalar::<i64>());
/// assert_eq!([more, less], [3, 2]);
/// ```
pub fn local_entmax15<S: Neighbors>(
    scores: impl Into<StructureScores>,
    structure: &S,
) -> SparseDistribution<Tensor<2>> {
    let op = "local_entmax15";
    weigh(op, scores, structure, &MapAndNeighbors, &Entmax15)
}
