use burn_core::tensor::{AsIndex, Tensor};

use super::{check, entmax::mapping};

/// Sparsemax: the Euclidean projection of each row of scores onto the simplex.
///
/// `sparsemax(z) = argmin_{p ∈ Δ} ½‖p − z‖² = [z − τ]₊`, with τ such that each row sums to 1.
/// Unlike softmax it gives most low scores a probability of exactly 0.
///
/// # Shapes
///
/// - `scores`: any shape; rows lie along `dim`, which may be negative
/// - result: the shape and dtype of `scores`
///
/// # Gradient
///
/// `s ⊙ (g − ⟨s, g⟩ / ‖s‖₁)` with `s = 1[p > 0]`, on the support chosen in the forward pass.
///
/// # Numerical behaviour
///
/// Invariant to an offset of the row (also in f32 at offsets of 1e5), no sort, exact up to the
/// rounding of the dtype; f16 and bf16 are computed in f32. Equal scores get equal probabilities. A
/// score of −∞ has probability and gradient exactly 0. A row with a NaN or +∞, or of −∞ alone, is
/// NaN, and no other row is touched. Without elements the result is empty.
///
/// # Panics
///
/// If `dim` is out of range.
///
/// # Source
///
/// Martins & Astudillo, [From Softmax to Sparsemax](https://arxiv.org/abs/1602.02068), 2016.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
///
/// let scores = Tensor::<2>::from_floats([[1.0, 0.5, -1.0]], &Default::default());
/// let probs = sparse_ops::sparsemax(scores, -1);
/// assert_eq!(probs.into_data().to_vec::<f32>().unwrap(), [0.75, 0.25, 0.0]);
/// ```
pub fn sparsemax<const D: usize>(scores: Tensor<D>, dim: impl AsIndex) -> Tensor<D> {
    mapping(scores, 2.0, check::dim::<D>("sparsemax", dim))
}
