use burn_core::tensor::Tensor;

use super::entmax15::entmax15;
use super::sparsemax::sparsemax;
use super::structure_scores::{StructureScores, read};
use crate::distribution::SparseDistribution;
use crate::sparsemap::{Candidates, Neighborhood};
use crate::structure::Neighbors;

/// Local sparsemax: sparsemax over the scores of the MAP structure and its neighbours.
///
/// For bit vectors the neighbours are the flips of one bit, whose scores are less by `|η_i|`: a
/// distribution over at most n + 1 codes that gives every uncertain bit a gradient.
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
pub fn local_sparsemax<S: Neighbors>(
    scores: impl Into<StructureScores>,
    structure: &S,
) -> SparseDistribution<Tensor<2>> {
    local(scores, structure, "local_sparsemax", |scores| {
        sparsemax(scores, 1)
    })
}

/// Local entmax: [`local_sparsemax`] with [`entmax15`](crate::entmax15()) as the mapping, which
/// keeps more neighbours.
///
/// # Panics
///
/// If the scores' shapes are not those of the structure.
pub fn local_entmax15<S: Neighbors>(
    scores: impl Into<StructureScores>,
    structure: &S,
) -> SparseDistribution<Tensor<2>> {
    local(scores, structure, "local_entmax15", |scores| {
        entmax15(scores, 1)
    })
}

fn local<S: Neighbors>(
    scores: impl Into<StructureScores>,
    structure: &S,
    op: &str,
    mapping: impl Fn(Tensor<2>) -> Tensor<2>,
) -> SparseDistribution<Tensor<2>> {
    let scores = scores.into().joined(op, structure);
    let candidates = Candidates::of(
        structure,
        &read(&scores),
        || Neighborhood::new(structure),
        |room, scores, chosen| room.choose(structure, scores, chosen),
    );
    SparseDistribution::weighed(scores, candidates, None, mapping)
}
