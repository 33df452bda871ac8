use burn_core::tensor::{AsIndex, Tensor};

use super::{check, entmax::mapping};

/// 1.5-entmax: half-way between softmax and [`sparsemax`](crate::sparsemax()).
///
/// `argmax_{p ∈ Δ} ⟨p, z⟩ + (4/3) Σ (p_j − p_j^{3/2}) = [z/2 − τ]₊²`. Sparse like sparsemax, but
/// smooth where a probability leaves 0.
///
/// # Shapes
///
/// - `scores`: any shape; rows lie along `dim`, which may be negative
/// - result: the shape and dtype of `scores`
///
/// # Gradient
///
/// `s ⊙ (g − ⟨s, g⟩ / ‖s‖₁)` with `s = √p`.
///
/// # Numerical behaviour
///
/// As [`sparsemax`](crate::sparsemax()); the threshold is found by Newton's iteration, which
/// converges to the rounding of the dtype.
///
/// # Panics
///
/// If `dim` is out of range.
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
/// let scores = Tensor::<1>::from_floats([4.0, 0.0, 0.0], &Default::default());
/// let probs = sparse_ops::entmax15(scores, 0);
/// assert_eq!(probs.into_data().to_vec::<f32>().unwrap(), [1.0, 0.0, 0.0]);
/// ```
pub fn entmax15<const D: usize>(scores: Tensor<D>, dim: impl AsIndex) -> Tensor<D> {
    mapping(scores, 1.5, check::dim::<D>("entmax15", dim))
}
