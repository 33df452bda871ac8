//! The numerics on plain slices: no tensor, no backend.
//!
//! A row kernel ([`mapping`], [`forward`], [`gradient`], [`loss`]) sees one contiguous row in its
//! working precision; [`rows`] walks the rows of a tensor along any dimension, in parallel and with
//! the widest vector instructions of the machine; this file chooses element type and mapping.

// burn-ndarray has no way to its buffers, so that its backward passes compose its own operations.
#![cfg_attr(not(feature = "flex"), allow(dead_code))]

#[macro_use]
mod dispatch;
mod bernoulli;
mod categorical;
mod element;
mod elementary;
mod entmax;
mod forward;
mod gradient;
mod lanes;
mod layout;
mod loss;
mod mapping;
mod rows;
mod sigmoids;
mod simd;
mod sparse_product;
mod support;
mod taylor;
mod threshold;
mod vector;

use burn_core::tensor::{Bytes, DType, Shape, TensorData};
use element::Element;
pub(crate) use rows::Rows;
pub(crate) use support::{support_entries, support_offsets};

/// See [`SparseOps::entmax`](crate::SparseOps::entmax).
pub(crate) fn entmax(scores: TensorData, alpha: f64, dim: usize) -> TensorData {
    let (rows, shape, dtype) = (
        Rows::new(scores.shape(), dim),
        scores.shape().clone(),
        scores.dtype(),
    );
    let bytes = entmax_bytes(scores.bytes(), dtype, rows, alpha);
    TensorData::from_bytes(bytes, shape, dtype)
}

/// The same on the bytes of a contiguous tensor.
pub(crate) fn entmax_bytes(scores: &[u8], dtype: DType, rows: Rows, alpha: f64) -> Bytes {
    with_element!(dtype, E => with_mappings!(alpha, mappings => {
        let kernel = forward::Forward { mappings };
        let probs = rows.map::<E, 1, _>([elements(scores)], &mut [], &kernel);
        Bytes::from_elems(probs)
    }))
}

/// See [`SparseOps::entmax_backward`](crate::SparseOps::entmax_backward); on the bytes of
/// contiguous tensors.
pub(crate) fn entmax_backward_bytes(
    probs: &[u8],
    grad: &[u8],
    dtype: DType,
    rows: Rows,
    alpha: f64,
) -> Bytes {
    with_element!(dtype, E => with_mappings!(alpha, mappings => {
        let kernel = gradient::Gradient { mappings };
        Bytes::from_elems(rows.map::<E, 2, _>([elements(probs), elements(grad)], &mut [], &kernel))
    }))
}

/// See [`SparseOps::entmax_with_alpha`](crate::SparseOps::entmax_with_alpha).
pub(crate) fn entmax_with_alpha(scores: TensorData, alpha: TensorData, dim: usize) -> TensorData {
    let (rows, shape, dtype) = (
        Rows::new(scores.shape(), dim),
        scores.shape().clone(),
        scores.dtype(),
    );
    let alpha = to_f64(alpha.bytes(), alpha.dtype());
    let bytes = with_element!(dtype, E => {
        let kernel = forward::Forward { mappings: entmax::Alphas(&alpha) };
        Bytes::from_elems(rows.map::<E, 1, _>([elements(scores.bytes())], &mut [], &kernel))
    });
    TensorData::from_bytes(bytes, shape, dtype)
}

/// See [`SparseOps::entmax_with_alpha_backward`](crate::SparseOps::entmax_with_alpha_backward); on
/// the bytes of contiguous tensors.
pub(crate) fn entmax_with_alpha_backward_bytes(
    probs: &[u8],
    alpha: &[u8],
    grad: &[u8],
    dtype: DType,
    rows: Rows,
) -> (Bytes, Bytes) {
    let alpha = to_f64(alpha, dtype);
    let mut alpha_grad = vec![0.0; rows.count()];
    let scores_grad = with_element!(dtype, E => {
        let kernel = gradient::GradientWithAlpha { alpha: &alpha };
        let inputs = [elements(probs), elements(grad)];
        Bytes::from_elems(rows.map::<E, 2, _>(inputs, &mut alpha_grad, &kernel))
    });
    (scores_grad, from_f64(&alpha_grad, dtype))
}

/// See [`SparseOps::entmax_loss`](crate::SparseOps::entmax_loss).
pub(crate) fn entmax_loss(
    scores: TensorData,
    targets: TensorData,
    alpha: f64,
) -> (TensorData, TensorData) {
    let targets: Vec<i64> = targets.iter::<i64>().collect();
    let (shape, dtype) = (scores.shape().clone(), scores.dtype());
    let (loss, probs) =
        entmax_loss_bytes(scores.bytes(), dtype, Rows::new(&shape, 1), &targets, alpha);
    (
        TensorData::from_bytes(loss, [targets.len()], dtype),
        TensorData::from_bytes(probs, shape, dtype),
    )
}

/// The same on the bytes of a contiguous tensor: the losses and the probabilities.
pub(crate) fn entmax_loss_bytes(
    scores: &[u8],
    dtype: DType,
    rows: Rows,
    targets: &[i64],
    alpha: f64,
) -> (Bytes, Bytes) {
    let mut losses = vec![0.0; targets.len()];
    let probs = with_element!(dtype, E => if alpha == 1.0 {
        let kernel = loss::Loss { mappings: mapping::Softmax, targets };
        Bytes::from_elems(rows.map::<E, 1, _>([elements(scores)], &mut losses, &kernel))
    } else {
        with_mappings!(alpha, mappings => {
            let kernel = loss::Loss { mappings, targets };
            Bytes::from_elems(rows.map::<E, 1, _>([elements(scores)], &mut losses, &kernel))
        })
    });
    (from_f64(&losses, dtype), probs)
}

/// See [`SparseOps::entmax_loss_backward`](crate::SparseOps::entmax_loss_backward); on the bytes of
/// contiguous tensors.
pub(crate) fn entmax_loss_backward_bytes(
    probs: &[u8],
    targets: &[i64],
    grad: &[u8],
    dtype: DType,
    rows: Rows,
) -> Bytes {
    let grad = to_f64(grad, dtype);
    with_element!(dtype, E => {
        let kernel = loss::LossGradient { targets, grad: &grad };
        Bytes::from_elems(rows.map::<E, 1, _>([elements(probs)], &mut [], &kernel))
    })
}

/// See [`SparseOps::bernoulli_log_likelihood`](crate::SparseOps::bernoulli_log_likelihood).
pub(crate) fn bernoulli_log_likelihood(
    logits: TensorData,
    targets: TensorData,
) -> (TensorData, TensorData) {
    let (shape, dtype) = (logits.shape().clone(), logits.dtype());
    let (log_likelihood, residuals) = bernoulli_log_likelihood_bytes(
        logits.bytes(),
        targets.bytes(),
        dtype,
        Rows::new(&shape, 1),
    );
    (
        TensorData::from_bytes(log_likelihood, [shape[0]], dtype),
        TensorData::from_bytes(residuals, shape, dtype),
    )
}

/// The same on the bytes of contiguous tensors: the log-likelihoods and the residuals.
pub(crate) fn bernoulli_log_likelihood_bytes(
    logits: &[u8],
    targets: &[u8],
    dtype: DType,
    rows: Rows,
) -> (Bytes, Bytes) {
    let mut log_likelihoods = vec![0.0; rows.count()];
    let residuals = with_element!(dtype, E => {
        let inputs = [elements(logits), elements(targets)];
        let kernel = bernoulli::BernoulliLogLikelihood;
        Bytes::from_elems(rows.map::<E, 2, _>(inputs, &mut log_likelihoods, &kernel))
    });
    (from_f64(&log_likelihoods, dtype), residuals)
}

/// The inputs of [`SparseOps::categorical_log_likelihood`](crate::SparseOps::categorical_log_likelihood)
/// as the bytes of contiguous tensors.
pub(crate) struct CategoricalBytes<'a> {
    pub(crate) dtype: DType,
    pub(crate) features: &'a [u8],
    pub(crate) weight: &'a [u8],
    pub(crate) bias: &'a [u8],
    pub(crate) targets: &'a [i64],
    pub(crate) rows: &'a [i64],
    pub(crate) pixels: usize,
}

/// The log-likelihoods.
pub(crate) fn categorical_log_likelihood_bytes(inputs: &CategoricalBytes<'_>) -> Bytes {
    let log_likelihoods = with_element!(inputs.dtype, E => {
        let features = E::widened(elements::<E>(inputs.features));
        categorical::log_likelihoods(&features, &inputs.head::<E>(), inputs.targets())
    });
    from_f64(&log_likelihoods, inputs.dtype)
}

/// The log-likelihoods and the residuals in the features and in the head.
pub(crate) fn categorical_residuals_bytes(inputs: &CategoricalBytes<'_>) -> [Bytes; 3] {
    with_element!(inputs.dtype, E => {
        let features = E::widened(elements::<E>(inputs.features));
        let (log_likelihoods, residuals) =
            categorical::log_likelihoods_and_residuals(&features, &inputs.head::<E>(), inputs.targets());
        [
            from_f64(&log_likelihoods, inputs.dtype),
            Bytes::from_elems(E::narrowed(residuals.features)),
            Bytes::from_elems(E::narrowed(residuals.head)),
        ]
    })
}

impl CategoricalBytes<'_> {
    fn head<E: Element>(&self) -> categorical::Head<E::Work> {
        categorical::Head::new(
            &E::widened(elements::<E>(self.weight)),
            &E::widened(elements::<E>(self.bias)),
        )
    }

    fn targets(&self) -> categorical::Targets<'_> {
        categorical::Targets {
            levels: self.targets,
            rows: self.rows,
            pixels: self.pixels,
        }
    }
}

/// See [`SparseOps::sum_of_sigmoids`](crate::SparseOps::sum_of_sigmoids); on the bytes of contiguous
/// tensors.
pub(crate) fn sum_of_sigmoids_bytes([inputs, slopes, weights]: [&[u8]; 3], dtype: DType) -> Bytes {
    with_element!(dtype, E => {
        let [inputs, slopes, weights] =
            [inputs, slopes, weights].map(|bytes| E::widened(elements::<E>(bytes)));
        let filters = sigmoids::Filters::new(&slopes, &weights);
        Bytes::from_elems(E::narrowed(filters.apply(&inputs)))
    })
}

/// Its gradients in the inputs, the slopes and the weights, from the `grad` of the sums.
pub(crate) fn sum_of_sigmoids_backward_bytes(
    [inputs, slopes, weights]: [&[u8]; 3],
    grad: &[u8],
    dtype: DType,
) -> [Bytes; 3] {
    with_element!(dtype, E => {
        let [inputs, slopes, weights, grad] =
            [inputs, slopes, weights, grad].map(|bytes| E::widened(elements::<E>(bytes)));
        let gradients = sigmoids::Filters::new(&slopes, &weights).derive(&inputs, &grad);
        [
            Bytes::from_elems(E::narrowed(gradients.inputs)),
            from_f64(&gradients.slopes, dtype),
            from_f64(&gradients.weights, dtype),
        ]
    })
}

/// See [`SparseOps::sparse_matmul`](crate::SparseOps::sparse_matmul), of the bytes of contiguous tensors
/// `[n, k]` and `[k, m]`; `None` if the first one is dense.
pub(crate) fn sparse_matmul_bytes(
    [lhs, rhs]: [&[u8]; 2],
    dtype: DType,
    sizes: [usize; 3],
) -> Option<Bytes> {
    with_element!(dtype, E => {
        let [lhs, rhs] = [lhs, rhs].map(|bytes| E::widened(elements::<E>(bytes)));
        let product = sparse_product::product(&lhs, &rhs, sizes)?;
        Some(Bytes::from_elems(E::narrowed(product)))
    })
}

/// The same of the first one transposed, with one `[n, m]`.
pub(crate) fn sparse_matmul_transposed_bytes(
    [lhs, rhs]: [&[u8]; 2],
    dtype: DType,
    sizes: [usize; 3],
) -> Option<Bytes> {
    with_element!(dtype, E => {
        let [lhs, rhs] = [lhs, rhs].map(|bytes| E::widened(elements::<E>(bytes)));
        let product = sparse_product::transposed_product(&lhs, &rhs, sizes)?;
        Some(Bytes::from_elems(E::narrowed(product)))
    })
}

/// Every row of a contiguous tensor times its element of `factors`.
pub(crate) fn scale_rows_bytes(tensor: &[u8], factors: &[u8], dtype: DType, rows: Rows) -> Bytes {
    let factors = to_f64(factors, dtype);
    with_element!(dtype, E => {
        Bytes::from_elems(rows.map::<E, 1, _>([elements(tensor)], &mut [], &bernoulli::Scale(&factors)))
    })
}

fn elements<E: Element>(bytes: &[u8]) -> &[E] {
    bytemuck::cast_slice(bytes)
}

/// The numbers of a tensor in f64.
pub(crate) fn doubles(data: &TensorData) -> Vec<f64> {
    to_f64(data.bytes(), data.dtype())
}

/// And back, in another dtype.
pub(crate) fn from_doubles(values: &[f64], shape: impl Into<Shape>, dtype: DType) -> TensorData {
    TensorData::from_bytes(from_f64(values, dtype), shape, dtype)
}

fn to_f64(bytes: &[u8], dtype: DType) -> Vec<f64> {
    with_element!(dtype, E => elements::<E>(bytes).iter().map(|&x| x.to_f64()).collect())
}

fn from_f64(values: &[f64], dtype: DType) -> Bytes {
    with_element!(dtype, E => {
        Bytes::from_elems(values.iter().map(|&x| E::from_f64(x)).collect::<Vec<E>>())
    })
}
