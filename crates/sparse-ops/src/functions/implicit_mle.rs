use std::sync::Arc;

use burn_core::tensor::Tensor;

use super::structure_scores::{StructureScores, read};
use crate::attach::attach;
use crate::sparsemap::{Implicit, Link};
use crate::structure::Structure;

/// What [`implicit_mle`] gives.
#[derive(Debug, Clone)]
pub struct ImplicitSample {
    /// The MAP structures `[batch, n]`, of 0 and 1.
    pub structures: Tensor<2>,
    /// Zeros `[batch]`. Added to the loss of each row, they tell the backward pass what that loss
    /// weighs in the whole, so that a step means the same in a sum, a mean, or under a weight.
    pub anchor: Tensor<1>,
}

/// Implicit maximum likelihood: the MAP structure of each row, with a gradient that points from the
/// MAP structure of scores that are better for the loss.
///
/// With noise added to the scores it estimates the gradient of an expectation over the structures
/// that the noise makes; Gumbel noise over [`OneOf`](crate::OneOf) and logistic noise over
/// [`BitVector`](crate::BitVector) give exact samples of the softmax and of independent bits.
///
/// # Shapes
///
/// - `scores`: unaries `[batch, n]`, and additionals `[batch, m]` where the structure has any
/// - result: one structure `[batch, n]` of 0 and 1 for each row, and an anchor `[batch]`
///
/// # Gradient
///
/// `w (z − z') / λ`, with `z' = MAP(scores − λ g / w)`, g the gradient in z, λ the `step`, and w the
/// gradient in the anchor, which is what the row's loss weighs in the whole. Without the anchor w
/// is 1. For a loss that is linear in z it is, in expectation over the noise, a finite difference of
/// the expected loss along its own gradient.
///
/// # Numerical behaviour
///
/// The MAP structures are found in f64 on the host, in the forward and in the backward pass. Rows
/// that have a NaN or +∞, or no structure without −∞, are NaN, and no other row is.
///
/// # Panics
///
/// If `step` is not positive and finite, or the scores' shapes are not those of the structure.
///
/// # Source
///
/// Niepert, Minervini & Franceschi, [Implicit MLE: Backpropagating Through Discrete Exponential Family
/// Distributions](https://arxiv.org/abs/2106.01798), 2021.
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Device, Tensor};
/// use sparse_ops::{OneOf, implicit_mle};
///
/// let device = Device::default().autodiff();
/// let scores = Tensor::<2>::from_floats([[1.0, 0.5]], &device).require_grad();
/// let sample = implicit_mle(scores.clone(), &OneOf::new(2).unwrap(), 1.0);
/// // the first is chosen, and costs more than it scores better
/// let losses = Tensor::<2>::from_floats([[3.0, 1.0]], &device);
/// let loss = (sample.structures * losses).sum_dim(1).squeeze_dim(1) + sample.anchor;
/// let grads = loss.sum().backward();
/// let grad = scores.grad(&grads).unwrap().into_data();
/// assert_eq!(grad.to_vec::<f32>().unwrap(), [1.0, -1.0]);
/// ```
pub fn implicit_mle<S: Structure + Clone + 'static>(
    scores: impl Into<StructureScores>,
    structure: &S,
    step: f64,
) -> ImplicitSample {
    assert!(
        step > 0.0 && step.is_finite(),
        "implicit_mle: step must be positive and finite, got {step}"
    );
    let scores = scores.into().joined("implicit_mle", structure);
    let ([batch, _], n) = (scores.dims(), structure.unaries());
    let implicit = Implicit::new(structure.clone(), read(&scores), step);
    let (values, shape) = (implicit.values(), [batch, n + 1]);
    let values = attach(&scores, values, shape, Link::implicit(Arc::new(implicit)));
    ImplicitSample {
        structures: values.clone().narrow(1, 0, n),
        anchor: values.narrow(1, n, 1).squeeze_dim(1),
    }
}
