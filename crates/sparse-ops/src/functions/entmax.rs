use burn_core::backend::Dispatch;
use burn_core::tensor::{AsIndex, Tensor, activation::softmax};

use super::check;
use crate::SparseOps;

/// α-entmax: a family of mappings onto the simplex, from softmax (α = 1) over
/// [`entmax15`](crate::entmax15()) to [`sparsemax`](crate::sparsemax()) (α = 2) and beyond.
///
/// `argmax_{p ∈ Δ} ⟨p, z⟩ + (1/(α(α−1))) Σ (p_j − p_j^α) = [(α−1) z − τ]₊^{1/(α−1)}`. For α > 1 the
/// result is sparse, and the more so the larger α is.
///
/// # Shapes
///
/// - `scores`: any shape; rows lie along `dim`, which may be negative
/// - result: the shape and dtype of `scores`
///
/// # Gradient
///
/// `s ⊙ (g − ⟨s, g⟩ / ‖s‖₁)` with `s_j = p_j^{2−α}` on the support and 0 elsewhere. For α > 2 it is
/// ill-conditioned where a probability is close to 0, since `s` grows without bound there.
///
/// # Numerical behaviour
///
/// As [`sparsemax`](crate::sparsemax()). α = 2 and α = 1.5 take faster paths, and α = 1 is the backend's
/// own softmax. Nothing cancels as α → 1, and equal scores share equally for every α. For α > 2 the
/// mapping is infinitely steep where a probability leaves 0: there it is as good as the (α − 1)th root
/// of the rounding, and where many equal scores are just there, so is the sum of a row for each of them.
///
/// # Panics
///
/// If `dim` is out of range, or `alpha` is below 1, infinite or NaN.
///
/// # Source
///
/// Peters, Niculae & Martins, [Sparse Sequence-to-Sequence Models](https://arxiv.org/abs/1905.05702),
/// 2019.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
///
/// let scores = Tensor::<2>::from_floats([[2.0, 0.0], [0.0, 0.0]], &Default::default());
/// let probs = sparse_ops::entmax(scores, 3.0, 1);
/// assert_eq!(probs.into_data().to_vec::<f32>().unwrap(), [1.0, 0.0, 0.5, 0.5]);
/// ```
pub fn entmax<const D: usize>(scores: Tensor<D>, alpha: f64, dim: impl AsIndex) -> Tensor<D> {
    check::alpha("entmax", alpha);
    mapping(scores, alpha, check::dim::<D>("entmax", dim))
}

/// [`entmax`] with an α for each row, differentiable in the scores and in α.
///
/// # Shapes
///
/// - `scores`: any shape; rows lie along `dim`, which may be negative
/// - `alpha`: the shape of `scores`, but size 1 along `dim`
/// - result: the shape and dtype of `scores`
///
/// # Gradient
///
/// In the scores as [`entmax`]; in α, with `p̃ = s/‖s‖₁` and `h_j = −p_j log p_j`,
/// `∂p/∂α = (p − p̃)/(α−1)² + (h − p̃ Σ_j h_j)/(α−1)`, computed in a form that stays accurate down
/// to α = 1, where it is `p_j (E[log² p] − log² p_j) / 2`.
///
/// # Numerical behaviour
///
/// As [`entmax`]. Since α is data here, a row with α below 1, infinite or NaN is NaN instead of a
/// panic.
///
/// # Panics
///
/// If `dim` is out of range, or the shape or dtype of `alpha` does not fit.
///
/// # Source
///
/// Correia, Niculae & Martins, [Adaptively Sparse Transformers](https://arxiv.org/abs/1909.00015),
/// 2019.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
///
/// let device = Default::default();
/// let scores = Tensor::<2>::from_floats([[1.0, 0.5, -0.5], [1.0, 0.5, -0.5]], &device);
/// let alpha = Tensor::<2>::from_floats([[2.0], [1.5]], &device);
/// let probs = sparse_ops::entmax_with_alpha(scores, alpha, 1);
/// let size = probs.greater_elem(0.0).int().sum_dim(1).into_data();
/// assert_eq!(size.iter::<i64>().collect::<Vec<_>>(), [2, 3]);
/// ```
pub fn entmax_with_alpha<const D: usize>(
    scores: Tensor<D>,
    alpha: Tensor<D>,
    dim: impl AsIndex,
) -> Tensor<D> {
    let dim = check::dim::<D>("entmax_with_alpha", dim);
    let (given, mut wanted) = (alpha.dims(), scores.dims());
    wanted[dim] = 1;
    assert!(
        given == wanted,
        "entmax_with_alpha: scores of shape {:?} along dim {dim} need alpha of shape {wanted:?}, got {given:?}",
        scores.dims()
    );
    assert!(
        alpha.dtype() == scores.dtype(),
        "entmax_with_alpha: alpha must have the dtype of scores, {:?}, got {:?}",
        scores.dtype(),
        alpha.dtype()
    );
    if scores.shape().num_elements() == 0 {
        return scores;
    }
    Tensor::from_dispatch(<Dispatch as SparseOps>::entmax_with_alpha(
        scores.into_dispatch(),
        alpha.into_dispatch(),
        dim,
    ))
}

/// The dispatch that all members of the family share.
pub(super) fn mapping<const D: usize>(scores: Tensor<D>, alpha: f64, dim: usize) -> Tensor<D> {
    if scores.shape().num_elements() == 0 {
        return scores;
    }
    if alpha == 1.0 {
        return softmax(scores, dim);
    }
    Tensor::from_dispatch(<Dispatch as SparseOps>::entmax(
        scores.into_dispatch(),
        alpha,
        dim,
    ))
}
