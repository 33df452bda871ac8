//! `burn-flex`: the host kernels on the tensor's own buffer.

use burn_core::backend::{
    Flex,
    ops::FloatTensorOps,
    tensor::{FloatTensor, IntTensor},
};
use burn_core::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};

use crate::{
    SparseOps,
    host::{self, Rows},
};

impl SparseOps for Flex {
    fn entmax(scores: FloatTensor<Self>, alpha: f64, dim: usize) -> FloatTensor<Self> {
        let scores = scores.to_contiguous();
        let probs = host::entmax_bytes(scores.bytes(), scores.dtype(), rows(&scores, dim), alpha);
        like(&scores, probs)
    }

    fn entmax_backward(
        probs: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        alpha: f64,
        dim: usize,
    ) -> FloatTensor<Self> {
        let (probs, grad) = (probs.to_contiguous(), grad.to_contiguous());
        let grad = host::entmax_backward_bytes(
            probs.bytes(),
            grad.bytes(),
            probs.dtype(),
            rows(&probs, dim),
            alpha,
        );
        like(&probs, grad)
    }

    fn entmax_with_alpha_backward(
        probs: FloatTensor<Self>,
        alpha: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        dim: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (probs, alpha) = (probs.to_contiguous(), alpha.to_contiguous());
        let grad = grad.to_contiguous();
        let (scores_grad, alpha_grad) = host::entmax_with_alpha_backward_bytes(
            probs.bytes(),
            alpha.bytes(),
            grad.bytes(),
            probs.dtype(),
            rows(&probs, dim),
        );
        (like(&probs, scores_grad), like(&alpha, alpha_grad))
    }

    fn entmax_loss(
        scores: FloatTensor<Self>,
        targets: IntTensor<Self>,
        alpha: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let scores = scores.to_contiguous();
        let targets = ints(targets);
        let (loss, probs) = host::entmax_loss_bytes(
            scores.bytes(),
            scores.dtype(),
            rows(&scores, 1),
            &targets,
            alpha,
        );
        let shape = Shape::from([targets.len()]);
        let loss = FlexTensor::new(loss, Layout::contiguous(shape), scores.dtype());
        (loss, like(&scores, probs))
    }

    fn entmax_loss_backward(
        probs: FloatTensor<Self>,
        targets: IntTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (probs, grad) = (probs.to_contiguous(), grad.to_contiguous());
        let scores_grad = host::entmax_loss_backward_bytes(
            probs.bytes(),
            &ints(targets),
            grad.bytes(),
            probs.dtype(),
            rows(&probs, 1),
        );
        like(&probs, scores_grad)
    }

    fn bernoulli_log_likelihood(
        logits: FloatTensor<Self>,
        targets: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (logits, targets) = (logits.to_contiguous(), targets.to_contiguous());
        let rows = rows(&logits, 1);
        let (log_likelihood, residuals) = host::bernoulli_log_likelihood_bytes(
            logits.bytes(),
            targets.bytes(),
            logits.dtype(),
            rows,
        );
        let layout = Layout::contiguous(Shape::from([rows.count()]));
        let log_likelihood = FlexTensor::new(log_likelihood, layout, logits.dtype());
        (log_likelihood, like(&logits, residuals))
    }

    fn bernoulli_log_likelihood_backward(
        residuals: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (residuals, grad) = (residuals.to_contiguous(), grad.to_contiguous());
        let dtype = residuals.dtype();
        let logits_grad =
            host::scale_rows_bytes(residuals.bytes(), grad.bytes(), dtype, rows(&residuals, 1));
        like(&residuals, logits_grad)
    }

    fn categorical_log_likelihood(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        rows: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        let inputs = Categorical::new(features, weight, bias, targets, rows);
        let log_likelihood = host::categorical_log_likelihood_bytes(&inputs.bytes());
        inputs.output(log_likelihood, Shape::from([inputs.rows.len()]))
    }

    fn categorical_residuals(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        rows: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let inputs = Categorical::new(features, weight, bias, targets, rows);
        let [log_likelihood, residuals, head_residuals] =
            host::categorical_residuals_bytes(&inputs.bytes());
        let (n, weight) = (inputs.rows.len(), inputs.weight.layout().shape());
        (
            inputs.output(log_likelihood, Shape::from([n])),
            like(&inputs.features, residuals),
            inputs.output(head_residuals, Shape::from([n, weight[0] + 1, weight[1]])),
        )
    }

    fn sum_of_sigmoids(
        inputs: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let tensors = [inputs, slopes, weights].map(|tensor| tensor.to_contiguous());
        let sums =
            host::sum_of_sigmoids_bytes(tensors.each_ref().map(|t| t.bytes()), tensors[0].dtype());
        like(&tensors[0], sums)
    }

    fn sum_of_sigmoids_backward(
        inputs: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let tensors = [inputs, slopes, weights].map(|tensor| tensor.to_contiguous());
        let [inputs, slopes, weights] = host::sum_of_sigmoids_backward_bytes(
            tensors.each_ref().map(|t| t.bytes()),
            grad.to_contiguous().bytes(),
            tensors[0].dtype(),
        );
        (
            like(&tensors[0], inputs),
            like(&tensors[1], slopes),
            like(&tensors[2], weights),
        )
    }

    fn sparse_matmul(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>) -> FloatTensor<Self> {
        let (lhs, rhs) = (lhs.to_contiguous(), rhs.to_contiguous());
        let sizes = sizes(&lhs, &rhs);
        match host::sparse_matmul_bytes([lhs.bytes(), rhs.bytes()], lhs.dtype(), sizes) {
            Some(product) => matrix(product, [sizes[0], sizes[2]], lhs.dtype()),
            None => Self::float_matmul(lhs, rhs),
        }
    }

    fn sparse_matmul_backward(
        lhs: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (lhs, grad) = (lhs.to_contiguous(), grad.to_contiguous());
        let sizes = sizes(&lhs, &grad);
        match host::sparse_matmul_transposed_bytes([lhs.bytes(), grad.bytes()], lhs.dtype(), sizes)
        {
            Some(product) => matrix(product, [sizes[1], sizes[2]], lhs.dtype()),
            None => Self::float_matmul(Self::float_swap_dims(lhs, 0, 1), grad),
        }
    }
}

/// The sizes `[n, k, m]` of a product.
fn sizes(lhs: &FlexTensor, columns_of: &FlexTensor) -> [usize; 3] {
    let (lhs, shape) = (lhs.layout().shape(), columns_of.layout().shape());
    [lhs[0], lhs[1], shape[1]]
}

/// The inputs of the categorical log-likelihood, contiguous.
struct Categorical {
    features: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    targets: Vec<i64>,
    rows: Vec<i64>,
}

impl Categorical {
    fn new(
        features: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        targets: FlexTensor,
        rows: FlexTensor,
    ) -> Self {
        Self {
            features: features.to_contiguous(),
            weight: weight.to_contiguous(),
            bias: bias.to_contiguous(),
            targets: ints(targets),
            rows: ints(rows),
        }
    }

    fn bytes(&self) -> host::CategoricalBytes<'_> {
        host::CategoricalBytes {
            dtype: self.features.dtype(),
            features: self.features.bytes(),
            weight: self.weight.bytes(),
            bias: self.bias.bytes(),
            targets: &self.targets,
            rows: &self.rows,
            pixels: self.features.layout().shape()[1],
        }
    }

    fn output(&self, bytes: Bytes, shape: Shape) -> FlexTensor {
        FlexTensor::new(bytes, Layout::contiguous(shape), self.features.dtype())
    }
}

fn rows(tensor: &FlexTensor, dim: usize) -> Rows {
    Rows::new(tensor.layout().shape(), dim)
}

fn like(tensor: &FlexTensor, bytes: Bytes) -> FlexTensor {
    FlexTensor::new(
        bytes,
        Layout::contiguous(tensor.layout().shape().clone()),
        tensor.dtype(),
    )
}

fn matrix(bytes: Bytes, shape: [usize; 2], dtype: DType) -> FlexTensor {
    FlexTensor::new(bytes, Layout::contiguous(Shape::from(shape)), dtype)
}

fn ints(tensor: FlexTensor) -> Vec<i64> {
    tensor.into_data().iter::<i64>().collect()
}
