//! The gradient of an expectation through the probabilities of its samples.
//!
//! `∇ E_q[ℓ] = E_q[∇ℓ + (ℓ − b) ∇ log q(z)]` for any baseline b that does not depend on z: a good
//! one leaves the expectation as it is and takes away variance. Source: Williams, [Simple Statistical
//! Gradient-Following Algorithms for Connectionist Reinforcement
//! Learning](https://doi.org/10.1007/BF00992696), 1992.

use burn::tensor::Tensor;

/// `x − stopgrad(x)`: the value 0 with the gradient of `x`, which must be finite.
pub(super) fn gradient_of<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.clone() - x.detach()
}

/// The losses, with the gradient `∇ℓ + (ℓ − b) ∇ log q`.
pub(super) fn score_function<const D: usize>(
    losses: Tensor<D>,
    baseline: Tensor<D>,
    log_prob: Tensor<D>,
) -> Tensor<D> {
    let signal = (losses.clone() - baseline).detach();
    losses + signal * gradient_of(log_prob)
}
