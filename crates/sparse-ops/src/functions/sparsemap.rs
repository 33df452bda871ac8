use std::sync::Arc;

use burn_core::tensor::Tensor;

use super::structure_scores::{StructureScores, read};
use crate::distribution::SparseDistribution;
use crate::sparsemap::{SparseMapOptions, WarmStart, solve_from};
use crate::structure::Structure;

/// SparseMAP: the sparse distribution over structures whose marginals are best in expectation, less
/// a quadratic penalty.
///
/// `μ = argmax_{μ ∈ M} ⟨η, μ⟩ − ½‖μ_U‖²` over the marginal polytope `M`, the convex hull of all
/// structures; only unary marginals are penalized, and as
/// [`Structure::penalty`](crate::Structure::penalty) says. μ is unique. The distribution is one of
/// those with these marginals that has at most n + 1 structures: structures with a closed form
/// ([`Structure::closed_form`](crate::Structure::closed_form)) use it, all others the active set
/// method.
///
/// # Shapes
///
/// - `scores`: unaries `[batch, n]`, and additionals `[batch, m]` where the structure has any
/// - result: packed structures `[total, n]` of 0 and 1, on the device of the scores
///
/// # Gradient
///
/// [`probs`](SparseDistribution::probs) through the supported structures: with their parts `M`,
/// `G = M_UᵀM_U` and `Z = G⁻¹ − G⁻¹11ᵀG⁻¹ / 1ᵀG⁻¹1`, a gradient g becomes `M Z g`.
/// [`marginals`](SparseDistribution::marginals) through structures that span the optimal face, so
/// that the Jacobian is that of μ at any number of parts; they are looked for only if the scores
/// are tracked by autodiff. Where a marginal is about to leave 0 or 1, or a
/// [`BinarySequence`](crate::BinarySequence) has a pair of score 0, μ has no derivative: a
/// closed form then gives that of a part at rest, the active set that of a part that moves.
///
/// # Numerical behaviour
///
/// Solved in f64 on the host, whatever comes in; the scores are read back once. Rows are solved in
/// parallel, and neither depends on another nor on the number of threads. A part with score −∞ has
/// marginal 0. Rows that have a NaN or +∞, no structure without a part of −∞, or a wrong oracle are
/// one entry of NaN, as are their marginals;
/// [`solve_status`](SparseDistribution::solve_status) says why, and
/// [`certificates`](SparseDistribution::certificates) how good the others are.
///
/// # Panics
///
/// If the scores' shapes are not those of the structure, an option is out of range, or the structure has
/// no unary part or a [`ClosedForm`](crate::ClosedForm) that does not fit its parts.
///
/// # Source
///
/// Niculae, Martins, Blondel & Cardie, [SparseMAP](https://arxiv.org/abs/1802.04223), 2018; as
/// latent variables: Correia et al., [2020](https://arxiv.org/abs/2007.01919).
///
/// # Example
///
/// A structure of one's own takes a MAP oracle:
///
/// ```
/// use burn_core::tensor::{Device, Tensor};
/// use sparse_ops::{Parts, Scores, SparseMapOptions, Structure, sparsemap};
///
/// /// Runs of ones: `0 0 1 1 1 0`, or none.
/// struct Interval(usize);
///
/// impl Structure for Interval {
///     type Workspace = ();
///
///     fn unaries(&self) -> usize {
///         self.0
///     }
///
///     fn argmax(&self, scores: Scores<'_>, _: &mut (), best: &mut Parts) {
///         // Kadane: the best run that ends here either goes on or starts anew
///         let (mut run, mut sum, mut most, mut chosen) = (0, 0.0, 0.0, 0..0);
///         for (at, score) in scores.unaries.iter().enumerate() {
///             if sum <= 0.0 {
///                 (run, sum) = (at, 0.0);
///             }
///             sum += score;
///             if sum > most {
///                 (most, chosen) = (sum, run..at + 1);
///             }
///         }
///         chosen.for_each(|part| best.insert(part));
///     }
/// }
///
/// let device = Device::default().autodiff();
/// let scores = Tensor::<2>::from_floats([[1.0, 0.5, -1.0, 0.75]], &device).require_grad();
/// let q = sparsemap(scores.clone(), &Interval(4), &SparseMapOptions::default());
/// assert_eq!(q.outcomes().dims(), [3, 4]); // 1100, 1000 and 0001, packed
/// let marginals = q.marginals();
/// let means = marginals.to_data().to_vec::<f32>().unwrap();
/// for (mean, want) in means.iter().zip([0.625, 0.5, 0.0, 0.375]) {
///     assert!((mean - want).abs() < 1e-6);
/// }
/// // the first part gains what the last one loses
/// let grads = marginals.narrow(1, 0, 1).sum().backward();
/// let grad = scores.grad(&grads).unwrap().into_data().to_vec::<f32>().unwrap();
/// for (grad, want) in grad.iter().zip([0.5, 0.0, 0.0, -0.5]) {
///     assert!((grad - want).abs() < 1e-6);
/// }
/// ```
pub fn sparsemap<S: Structure>(
    scores: impl Into<StructureScores>,
    structure: &S,
    options: &SparseMapOptions,
) -> SparseDistribution<Tensor<2>> {
    solved("sparsemap", None, scores, structure, options)
}

/// The same, for the operation of another name and perhaps from an earlier solution.
pub(super) fn solved<S: Structure>(
    op: &str,
    start: Option<WarmStart<'_>>,
    scores: impl Into<StructureScores>,
    structure: &S,
    options: &SparseMapOptions,
) -> SparseDistribution<Tensor<2>> {
    options.check(op);
    let scores = scores.into().joined(op, structure);
    if let Some(start) = start {
        let wanted = (scores.dims()[0], structure.unaries());
        let given = (start.batch(), start.unaries());
        assert!(
            given == wanted,
            "{op}: the previous distribution must have {} rows of {} unary parts as the scores have, \
             got {} rows of {}",
            wanted.0,
            wanted.1,
            given.0,
            given.1
        );
    }
    let numbers = read(&scores);
    let solution = solve_from(start, structure, &numbers, options, scores.is_tracked());
    SparseDistribution::solved(scores, Arc::new(solution))
}
