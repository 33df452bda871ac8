use burn_core::backend::Dispatch;
use burn_core::tensor::{Int, Tensor};

use super::check;
use crate::SparseOps;

/// The Fenchel–Young loss of [`sparsemax`](crate::sparsemax()): [`entmax_loss`] with α = 2.
///
/// It is 0, with gradient 0, as soon as the target's score leads all others by 1.
///
/// # Panics
///
/// As [`entmax_loss`].
///
/// # Source
///
/// Martins & Astudillo, [From Softmax to Sparsemax](https://arxiv.org/abs/1602.02068), 2016.
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Int, Tensor};
///
/// let device = Default::default();
/// let scores = Tensor::<2>::from_floats([[0.0, 0.0], [3.0, 0.0]], &device);
/// let targets = Tensor::<1, Int>::from_ints([0, 0], &device);
/// let loss = sparse_ops::sparsemax_loss(scores, targets);
/// assert_eq!(loss.into_data().to_vec::<f32>().unwrap(), [0.25, 0.0]);
/// ```
pub fn sparsemax_loss(scores: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    loss("sparsemax_loss", scores, targets, 2.0)
}

/// The Fenchel–Young loss of [`entmax15`](crate::entmax15()): [`entmax_loss`] with α = 1.5.
///
/// # Panics
///
/// As [`entmax_loss`].
///
/// # Source
///
/// Peters, Niculae & Martins, [Sparse Sequence-to-Sequence Models](https://arxiv.org/abs/1905.05702),
/// 2019.
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Int, Tensor};
///
/// let device = Default::default();
/// let scores = Tensor::<2>::from_floats([[2.0, 0.0]], &device);
/// let loss = sparse_ops::entmax15_loss(scores, Tensor::<1, Int>::from_ints([0], &device));
/// assert!(loss.into_scalar::<f32>().abs() < 1e-6); // a lead of 2 is enough
/// ```
pub fn entmax15_loss(scores: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    loss("entmax15_loss", scores, targets, 1.5)
}

/// The Fenchel–Young loss of [`entmax`](crate::entmax()), the one that fits the mapping: convex in
/// the scores, and 0 exactly where the mapping gives the target probability 1.
///
/// `Ω(p) + ⟨p − 1_y, z⟩` with `p = entmax(z, α)` and `Ω(p) = (1 − Σ p_j^α)/(α(α−1))`; for α = 1
/// cross-entropy. There is no reduction over the batch: take `.mean()`.
///
/// # Shapes
///
/// - `scores`: `[batch, classes]`
/// - `targets`: `[batch]`, each in `0..classes`
/// - result: `[batch]`, in nats for α = 1
///
/// # Gradient
///
/// In the scores: `p − 1_y`.
///
/// # Numerical behaviour
///
/// As [`entmax`](crate::entmax()). Classes masked by −∞ add nothing (and nothing to
/// the gradient); a masked target has loss +∞. A row with a NaN or +∞ is NaN.
///
/// # Panics
///
/// If the shapes do not fit, a target is out of range (which reads the targets back from the
/// device), or `alpha` is below 1, infinite or NaN.
///
/// # Source
///
/// Blondel, Martins & Niculae, [Learning with Fenchel-Young Losses](https://arxiv.org/abs/1901.02324),
/// 2020.
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Int, Tensor};
///
/// let device = Default::default();
/// let scores = Tensor::<2>::from_floats([[0.0, 0.0]], &device);
/// let loss = sparse_ops::entmax_loss(scores, Tensor::<1, Int>::from_ints([1], &device), 1.0);
/// assert!((loss.into_scalar::<f32>() - 2f32.ln()).abs() < 1e-6);
/// ```
pub fn entmax_loss(scores: Tensor<2>, targets: Tensor<1, Int>, alpha: f64) -> Tensor<1> {
    check::alpha("entmax_loss", alpha);
    loss("entmax_loss", scores, targets, alpha)
}

fn loss(op: &str, scores: Tensor<2>, targets: Tensor<1, Int>, alpha: f64) -> Tensor<1> {
    check::targets(op, &scores, &targets);
    if scores.dims()[0] == 0 {
        return scores.sum_dim(1).reshape([0]);
    }
    let (loss, _) = <Dispatch as SparseOps>::entmax_loss(
        scores.into_dispatch(),
        targets.into_dispatch(),
        alpha,
    );
    Tensor::from_dispatch(loss)
}
