use burn_core::backend::Dispatch;
use burn_core::tensor::activation::log_softmax;
use burn_core::tensor::{DType, FloatDType, Int, Tensor};

use crate::SparseOps;

/// The log-likelihood of each row of pixels under categorical variables whose logits are a linear
/// map of a few features each, the same map for all: `Σ_j log softmax(f_j W + b)[t_j]`.
///
/// What a decoder of grey levels costs for every supported outcome, or a softmax of low rank for
/// every example, without `n · p · c` logits in memory: each pixel's are made, used and forgotten,
/// with one exponential a logit for the value and the gradient together on a CPU, and two on a GPU.
///
/// # Shapes
///
/// - `features`: `[n, p, r]`, `r` numbers for each of `p` pixels
/// - `weight`: `[r, c]`, `bias`: `[c]`, for `c` levels
/// - `targets`: `[m, p]`, levels in `0..c`
/// - `rows`: `[n]` in `0..m`, the row of `targets` that each row of features is to explain, such as
///   [`SparseDistribution::rows`](crate::SparseDistribution::rows); without it, `m` is `n`
/// - result: `[n]`, in nats
///
/// # Gradient
///
/// In features, weight and bias, with `p_j = softmax(f_j W + b)`: `g (W[t_j] − W p_j)`, and
/// `Σ g [f_j; 1] (1_{t_j} − p_j)ᵀ` over all rows and pixels. It is made with the value, where one of
/// the three is tracked, and kept until it is asked for: `n (p r + (r + 1) c)` numbers of the dtype
/// of the features, in which the sum over a row's pixels of `[f; 1] (1 − p)ᵀ` must not overflow.
/// Once differentiable.
///
/// # Numerical behaviour
///
/// The largest logit is subtracted, so that nothing overflows; pixels are summed in f64 on a CPU (in
/// the dtype where the operation is composed, see below). Halves are computed in f32. A bias of −∞
/// makes a level impossible. A feature that is not finite,
/// a target outside of `0..c` or a row outside of `0..m` makes its row NaN and no other, but the
/// gradient of weight and bias is a sum over rows. A weight that is not finite, or a bias of +∞ or
/// NaN, makes rows NaN, on a CPU all of them. Where the logits of a row are not more than what
/// is kept of it (`p ≤ r`: a head for one token, not for an image), it is composed of a matrix
/// product, a log-softmax and a gather instead.
///
/// # Panics
///
/// If shapes or dtypes do not match, or there are no features or no levels.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
///
/// let device = Default::default();
/// let features = Tensor::<3>::zeros([2, 6, 1], &device);
/// let (weight, bias) = (Tensor::<2>::ones([1, 4], &device), Tensor::<1>::zeros([4], &device));
/// // both rows are to explain the one image
/// let image = Tensor::from_data([[0, 1, 2, 3, 2, 1]], &device);
/// let rows = Tensor::from_data([0, 0], &device);
/// let log_likelihood =
///     sparse_ops::categorical_log_likelihood(features, weight, bias, image, Some(rows));
/// assert_eq!(log_likelihood.dims(), [2]);
/// assert!((log_likelihood.sum().into_scalar::<f32>() + 12.0 * 4f32.ln()).abs() < 1e-4);
/// ```
pub fn categorical_log_likelihood(
    features: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<2, Int>,
    rows: Option<Tensor<1, Int>>,
) -> Tensor<1> {
    let [n, p, r] = features.dims();
    let [rank, levels] = weight.dims();
    let [biases] = bias.dims();
    let [m, pixels] = targets.dims();
    assert!(
        r > 0 && levels > 0 && rank == r && biases == levels,
        "categorical_log_likelihood: features {:?} need a weight [{r}, levels] and a bias [levels], with at \
         least 1 feature and 1 level, got {:?} and {:?}",
        [n, p, r],
        [rank, levels],
        [biases],
    );
    let given = rows.as_ref().map(|rows| rows.dims()[0]);
    assert!(
        pixels == p && given.unwrap_or(m) == n && (m > 0 || n == 0),
        "categorical_log_likelihood: features {:?} need targets [{n}, {p}], or at least 1 row of targets of \
         {p} and rows [{n}], got {:?} and {given:?} rows",
        [n, p, r],
        [m, pixels],
    );
    assert!(
        weight.dtype() == features.dtype() && bias.dtype() == features.dtype(),
        "categorical_log_likelihood: weight and bias must have the dtype of features, {:?}, got {:?} and {:?}",
        features.dtype(),
        weight.dtype(),
        bias.dtype()
    );
    if n * p == 0 {
        return features.reshape([n, p * r]).sum_dim(1).reshape([n]);
    }
    if p <= r {
        return composed(features, weight, bias, targets, rows);
    }
    let rows = rows.unwrap_or_else(|| Tensor::arange(0..n as i64, &targets.device()));
    Tensor::from_dispatch(<Dispatch as SparseOps>::categorical_log_likelihood(
        features.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        targets.into_dispatch(),
        rows.into_dispatch(),
    ))
}

/// The definition.
fn composed(
    features: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<2, Int>,
    rows: Option<Tensor<1, Int>>,
) -> Tensor<1> {
    let [n, p, r] = features.dims();
    let [_, c] = weight.dims();
    let [m, _] = targets.dims();
    let outside = |indices: &Tensor<2, Int>, end: usize| {
        let negative = indices.clone().lower_elem(0);
        negative.bool_or(indices.clone().greater_equal_elem(end as i64))
    };
    let mut bad = outside(&targets, c);
    let mut targets = targets.clamp(0, c as i64 - 1);
    if let Some(rows) = rows {
        let missing = outside(&rows.clone().reshape([n, 1]), m);
        let rows = rows.clamp(0, m as i64 - 1);
        targets = targets.select(0, rows.clone());
        let bad_rows = bad.int().select(0, rows).bool();
        bad = bad_rows.bool_or(missing.expand([n, p]));
    }
    let dtype = features.dtype();
    let work = match dtype {
        DType::F64 => FloatDType::F64,
        _ => FloatDType::F32,
    };
    let (features, weight, bias) = (features.cast(work), weight.cast(work), bias.cast(work));
    let logits = features.reshape([n * p, r]).matmul(weight) + bias.reshape([1, c]);
    let log_probs = log_softmax(logits, 1).gather(1, targets.reshape([n * p, 1]));
    // a factor of NaN, so that the gradient is NaN too
    let one = Tensor::<2>::ones([n, p], &log_probs.device()).cast(work);
    let log_probs = log_probs.reshape([n, p]) * one.mask_fill(bad, f64::NAN);
    log_probs.sum_dim(1).squeeze_dim(1).cast(dtype)
}
