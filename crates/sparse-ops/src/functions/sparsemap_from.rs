use burn_core::tensor::Tensor;

use super::sparsemap::solved;
use super::structure_scores::StructureScores;
use crate::distribution::SparseDistribution;
use crate::sparsemap::SparseMapOptions;
use crate::structure::Structure;

/// [`sparsemap`](crate::sparsemap()) with a warm start: the active set of each row begins with the
/// structures and probabilities of that row in a previous distribution.
///
/// Marginals and certificates are those of `sparsemap`, to the tolerance; what is saved are calls of
/// the MAP oracle ([`Certificate::iterations`](crate::Certificate::iterations)), most of them where
/// the scores have moved little: the same inputs one step of training later, the next time frame.
/// The distribution may be another one with the same marginals.
///
/// - Structures that may no longer be, since a part has score −∞ or the structure does not
///   [contain](crate::Structure::contains) them, are dropped (a structure that does not say what it
///   contains must be the one of before); if none is left, the row starts as in
///   `sparsemap`. So does a row whose previous solution failed.
/// - Of a previous distribution over candidates, all candidates are taken, with equal weights.
/// - Rows that are solved by a closed form, as those of a square [`Assignment`](crate::Assignment) mostly
///   are, have no use for it.
///
/// # Shapes
///
/// As [`sparsemap`](crate::sparsemap()).
///
/// # Gradient
///
/// As [`sparsemap`](crate::sparsemap()); there is none through the previous distribution.
///
/// # Panics
///
/// As [`sparsemap`](crate::sparsemap()), or if the previous distribution has another number of rows
/// or of unary parts.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
/// use sparse_ops::{Assignment, SparseMapOptions, sparsemap, sparsemap_from};
///
/// let (structure, options) = (Assignment::new(2, 3).unwrap(), SparseMapOptions::default());
/// let scores = Tensor::<2>::from_floats([[0.5, 0.25, 0.0, 0.125, 0.25, 0.0]], &Default::default());
/// let first = sparsemap(scores.clone(), &structure, &options);
/// let second = sparsemap_from(&first, scores + 0.125, &structure, &options);
/// assert!(second.certificates()[0].iterations < first.certificates()[0].iterations);
/// ```
pub fn sparsemap_from<S: Structure>(
    previous: &SparseDistribution<Tensor<2>>,
    scores: impl Into<StructureScores>,
    structure: &S,
    options: &SparseMapOptions,
) -> SparseDistribution<Tensor<2>> {
    solved(
        "sparsemap_from",
        previous.warm_start(),
        scores,
        structure,
        options,
    )
}
