//! Solved numbers as tensors that are differentiable in the scores.

use burn_core::backend::Dispatch;
use burn_core::tensor::Tensor;

use crate::host::from_doubles;
use crate::{Link, SparseOps};

/// `values` with the device, the dtype and, by `link`, the gradients of `scores` `[batch, n + m]`.
pub(crate) fn attach<const D: usize>(
    scores: &Tensor<2>,
    values: Vec<f64>,
    shape: [usize; D],
    link: Link,
) -> Tensor<D> {
    let data = from_doubles(&values, shape, scores.dtype());
    let values = Tensor::from_data(data, (&scores.device(), scores.dtype()));
    if values.shape().num_elements() == 0 {
        return values;
    }
    let scores = scores.clone().into_dispatch();
    Tensor::from_dispatch(<Dispatch as SparseOps>::attach(
        scores,
        values.into_dispatch(),
        link,
    ))
}
