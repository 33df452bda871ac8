use std::sync::Arc;

use burn_core::tensor::Tensor;

use super::structure_scores::{StructureScores, read};
use super::structure_targets::StructureTargets;
use crate::attach::attach;
use crate::sparsemap::{Link, Losses, SparseMapOptions, solve};
use crate::structure::Structure;

/// The Fenchel–Young loss of [`sparsemap`](crate::sparsemap()), the one that fits it: convex in the
/// scores, never negative, and 0 exactly where the target is a solution itself.
///
/// `max_{μ ∈ M} (⟨η, μ⟩ − Ω(μ)) + Ω(μ_true) − ⟨η, μ_true⟩`, with the marginals of additional parts
/// among μ. `Ω` is the structure's own [penalty](crate::Structure::penalty) of the unary ones:
/// `½‖μ‖²`, or on/off `½‖μ‖² + ½‖1 − μ‖²`. There is no reduction over the batch: take `.mean()`.
///
/// # Shapes
///
/// - `scores`: unaries `[batch, n]`, and additionals `[batch, m]` where the structure has any
/// - `targets`: the same, of 0 and 1; the additional parts may not be left out. That they are a
///   structure of the set (or marginals) is not checked
/// - result: `[batch]`
///
/// # Gradient
///
/// In the scores: `μ − μ_true`, for additional parts with their expectations. None in the targets.
///
/// # Numerical behaviour
///
/// Solved in f64 on the host, without cancellation where the loss is small. Parts with score −∞ add
/// nothing (and nothing to the gradient), unless the target has them: then the loss is +∞. Rows that
/// [`sparsemap`](crate::sparsemap()) cannot solve are NaN, as is their gradient, and no other row
/// is. A row that has not converged has too small a loss, by no more than its Wolfe gap (twice that
/// for on/off).
///
/// # Panics
///
/// If the shapes of the scores or of the targets are not those of the structure, if they differ in
/// the batch, or if an option is out of range.
///
/// # Source
///
/// Niculae, Martins, Blondel & Cardie, [SparseMAP](https://arxiv.org/abs/1802.04223), 2018; Blondel,
/// Martins & Niculae, [Learning with Fenchel-Young Losses](https://arxiv.org/abs/1901.02324), 2020.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
/// use sparse_ops::{BitVector, SparseMapOptions, sparsemap_loss};
///
/// let (device, bits) = (Default::default(), BitVector::new(2).unwrap());
/// let scores = Tensor::<2>::from_floats([[1.5, -2.0], [0.0, -1.0]], &device);
/// let targets = Tensor::<2>::from_floats([[1.0, 0.0], [1.0, 0.0]], &device);
/// let loss = sparsemap_loss(scores, targets, &bits, &SparseMapOptions::default());
/// // a score of ±1 settles a bit, one of 0 leaves it at ½
/// assert_eq!(loss.into_data().to_vec::<f32>().unwrap(), [0.0, 0.25]);
/// ```
pub fn sparsemap_loss<S: Structure>(
    scores: impl Into<StructureScores>,
    targets: impl Into<StructureTargets>,
    structure: &S,
    options: &SparseMapOptions,
) -> Tensor<1> {
    let op = "sparsemap_loss";
    options.check(op);
    let scores = scores.into().joined(op, structure);
    let targets = targets.into().joined(op, structure);
    let ([batch, _], [given, _]) = (scores.dims(), targets.dims());
    assert!(
        given == batch,
        "{op}: a batch of {batch} scores needs as many targets, got {given}"
    );
    let numbers = read(&scores);
    let solution = solve(structure, &numbers, options, false);
    let targets = read(&targets);
    let losses = Arc::new(Losses::new(
        structure.penalty(),
        &numbers,
        &targets,
        &solution,
    ));
    attach(
        &scores,
        losses.values.clone(),
        [batch],
        Link::losses(losses),
    )
}
