use burn_core::backend::Dispatch;
use burn_core::tensor::Tensor;

use crate::SparseOps;

/// The log-likelihood of each row of `targets` under independent Bernoulli variables with the given
/// logits: `Σ_j x_j log σ(l_j) + (1 − x_j) log(1 − σ(l_j))`.
///
/// What a decoder of binary pixels costs for every supported outcome, in one pass over its logits,
/// and no pass more for the gradient but a product.
///
/// # Shapes
///
/// - `logits`, `targets`: `[n, p]`, the targets in `[0, 1]`
/// - result: `[n]`, in nats
///
/// # Gradient
///
/// In the logits: `g (x − σ(l))`. The targets are data and get none.
///
/// # Numerical behaviour
///
/// `Σ x l − max(l, 0) − ln(1 + e^(−|l|))`, which neither overflows nor cancels; halves are computed
/// in f32. A logit of ±∞ is certain: it adds 0 for the target that it makes certain, and −∞ for
/// others. A row with a NaN is NaN, and no other row is.
///
/// # Panics
///
/// If shapes or dtypes differ.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
///
/// let device = Default::default();
/// let logits = Tensor::<2>::from_floats([[0.0, 1e4]], &device);
/// let targets = Tensor::<2>::from_floats([[1.0, 1.0]], &device);
/// let log_likelihood = sparse_ops::bernoulli_log_likelihood(logits, targets);
/// assert!((log_likelihood.into_scalar::<f32>() + 2f32.ln()).abs() < 1e-6);
/// ```
pub fn bernoulli_log_likelihood(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let (given, wanted) = (targets.dims(), logits.dims());
    assert!(
        given == wanted,
        "bernoulli_log_likelihood: logits of shape {wanted:?} need targets of that shape, got {given:?}"
    );
    let (given, wanted) = (targets.dtype(), logits.dtype());
    assert!(
        given == wanted,
        "bernoulli_log_likelihood: targets must have the dtype of logits, {wanted:?}, got {given:?}"
    );
    if logits.shape().num_elements() == 0 {
        let [n, _] = logits.dims();
        return logits.sum_dim(1).reshape([n]);
    }
    let (log_likelihood, _) = <Dispatch as SparseOps>::bernoulli_log_likelihood(
        logits.into_dispatch(),
        targets.into_dispatch(),
    );
    Tensor::from_dispatch(log_likelihood)
}
