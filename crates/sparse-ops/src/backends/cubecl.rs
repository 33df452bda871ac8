//! CubeCL runtimes (wgpu, Vulkan, Metal, CUDA, ROCm, CPU): the crate's own kernels, for all of it.

use burn_core::backend::tensor::{FloatTensor, IntTensor};
use burn_core::tensor::IntDType;
use burn_cubecl::CubeBackend;

use crate::{SparseOps, kernels};

impl SparseOps for CubeBackend {
    fn entmax(scores: FloatTensor<Self>, alpha: f64, dim: usize) -> FloatTensor<Self> {
        kernels::entmax(scores, alpha, dim)
    }

    fn entmax_backward(
        probs: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        alpha: f64,
        dim: usize,
    ) -> FloatTensor<Self> {
        kernels::entmax_backward(probs, grad, alpha, dim)
    }

    fn entmax_with_alpha(
        scores: FloatTensor<Self>,
        alpha: FloatTensor<Self>,
        dim: usize,
    ) -> FloatTensor<Self> {
        kernels::entmax_with_alpha(scores, alpha, dim)
    }

    fn entmax_with_alpha_backward(
        probs: FloatTensor<Self>,
        alpha: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        dim: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        kernels::entmax_with_alpha_backward(probs, alpha, grad, dim)
    }

    fn entmax_loss(
        scores: FloatTensor<Self>,
        targets: IntTensor<Self>,
        alpha: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        kernels::entmax_loss(scores, targets, alpha)
    }

    fn entmax_loss_backward(
        probs: FloatTensor<Self>,
        targets: IntTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        kernels::entmax_loss_backward(probs, targets, grad)
    }

    fn bernoulli_log_likelihood(
        logits: FloatTensor<Self>,
        targets: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        kernels::bernoulli_log_likelihood(logits, targets)
    }

    fn categorical_log_likelihood(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        rows: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        kernels::categorical_log_likelihood(features, weight, bias, targets, rows)
    }

    fn categorical_residuals(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        rows: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        kernels::categorical_residuals(features, weight, bias, targets, rows)
    }

    fn support_offsets(probs: FloatTensor<Self>, int_dtype: IntDType) -> IntTensor<Self> {
        kernels::support_offsets(probs, int_dtype)
    }

    fn support_entries(
        probs: FloatTensor<Self>,
        offsets: IntTensor<Self>,
        total: usize,
    ) -> (IntTensor<Self>, IntTensor<Self>) {
        kernels::support_entries(probs, offsets, total)
    }
}
