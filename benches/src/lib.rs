//! How the benchmarks call an operation: the code that is timed, the same in all of them; and how they are
//! asked to.

mod case;
mod serve;

use burn::prelude::*;

pub use case::{Case, Measurement};
pub use serve::serve;

/// The operation on scores outside autodiff.
pub fn forward<const D: usize>(
    operation: impl Fn(Tensor<2>) -> Tensor<D>,
    scores: &Tensor<2>,
) -> Tensor<D> {
    operation(scores.clone())
}

/// Forward and backward of the operation alone: the gradient of the sum of its outputs, started
/// from a tensor of ones without computing the sum.
///
/// # Panics
///
/// If `scores` is not a [`leaf`].
pub fn backward<const D: usize>(
    operation: impl Fn(Tensor<2>) -> Tensor<D>,
    scores: &Tensor<2>,
) -> Tensor<2> {
    gradient(scores, operation(scores.clone()))
}

/// Forward and backward of `(operation(scores) * upstream).sum()`, with what the product and the
/// sum cost.
///
/// # Panics
///
/// If `scores` is not a [`leaf`], or `upstream` has not the shape of the operation's output.
pub fn expression<const D: usize>(
    operation: impl Fn(Tensor<2>) -> Tensor<D>,
    scores: &Tensor<2>,
    upstream: &Tensor<D>,
) -> Tensor<2> {
    gradient(scores, (operation(scores.clone()) * upstream.clone()).sum())
}

/// The tensor as a leaf that gets a gradient, as [`backward`] and [`expression`] need it.
pub fn leaf<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    tensor.autodiff().require_grad()
}

fn gradient<const D: usize>(scores: &Tensor<2>, output: Tensor<D>) -> Tensor<2> {
    let mut gradients = output.backward();
    scores
        .grad_remove(&mut gradients)
        .expect("the operation should depend on the scores, and the scores be a leaf")
}
