use burn_core::tensor::activation::log_softmax;
use burn_core::tensor::{Int, Tensor};

/// The log-likelihood of each row of pixels under categorical variables whose logits are a linear
/// map of a few features each, the same map for all: `Σ_j log softmax(f_j W + b)[t_j]`.
///
/// # Shapes
///
/// - `features`: `[n, p, r]`, `r` numbers for each of `p` pixels
/// - `weight`: `[r, c]`, `bias`: `[c]`, for `c` levels
/// - `targets`: `[m, p]`, levels in `0..c`
/// - `rows`: `[n]` in `0..m`, the row of `targets` that each row of `features` is to explain, such
///   as [`SparseDistribution::rows`](crate::SparseDistribution::rows); without it, `m` is `n`
/// - result: `[n]`, in nats
///
/// # Panics
///
/// If the shapes do not match.
pub fn categorical_log_likelihood(
    features: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<2, Int>,
    rows: Option<Tensor<1, Int>>,
) -> Tensor<1> {
    let [n, p, r] = features.dims();
    let [_, c] = weight.dims();
    let targets = match rows {
        Some(rows) => targets.select(0, rows),
        None => targets,
    };
    let logits = features.reshape([n * p, r]).matmul(weight) + bias.reshape([1, c]);
    let log_probs = log_softmax(logits, 1).gather(1, targets.reshape([n * p, 1]));
    log_probs.reshape([n, p]).sum_dim(1).squeeze_dim(1)
}
