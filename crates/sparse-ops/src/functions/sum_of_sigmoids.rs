use burn_core::backend::Dispatch;
use burn_core::tensor::Tensor;

use crate::SparseOps;

/// The same sum of sigmoids of each input: `Σ_f w_f σ(a_f x)`.
///
/// A network of one hidden layer with one input and one output, without biases, applied to many
/// numbers; as convolutions, `f` filters of 1 × 1, a sigmoid, and a filter that collapses them, as
/// senders of emergent communication have them. On flex and ndarray the hidden layer, `n · f` numbers,
/// is never in memory: it is made once for the value, and again for the gradients. Other backends
/// compose it of their own operations.
///
/// # Shapes
///
/// - `inputs`: `[n]`
/// - `slopes`, `weights`: `[f]`
/// - result: `[n]`
///
/// # Gradient
///
/// In all three: `g Σ_f w_f a_f σ′(a_f x)`, `w_f Σ g x σ′(a_f x)` and `Σ g σ(a_f x)`, sums over the
/// inputs. Differentiable again.
///
/// # Numerical behaviour
///
/// `σ` and `σ′ = σ(t) σ(−t)` are made of `e^(−|t|)`, which neither overflows nor cancels; on flex and
/// ndarray halves are computed in f32. A NaN among the inputs makes its result NaN and no other, and
/// the gradients that are sums over inputs; a NaN among slopes or weights makes all results NaN. An
/// infinite input has a result and a gradient, but those of the slopes are NaN; an infinite slope has
/// them, but those of the inputs are NaN; and a σ of `0 · ∞` is.
///
/// # Panics
///
/// If there are not as many weights as slopes, or dtypes differ.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
///
/// let device = Default::default();
/// let inputs = Tensor::<1>::from_floats([0.0, 1e4, -1e4], &device);
/// let slopes = Tensor::<1>::from_floats([1.0, 2.0], &device);
/// let weights = Tensor::<1>::from_floats([1.0, 3.0], &device);
/// let sums = sparse_ops::sum_of_sigmoids(inputs, slopes, weights);
/// assert_eq!(sums.into_data().to_vec::<f32>().unwrap(), [2.0, 4.0, 0.0]);
/// ```
pub fn sum_of_sigmoids(inputs: Tensor<1>, slopes: Tensor<1>, weights: Tensor<1>) -> Tensor<1> {
    let ([n], [filters], [given]) = (inputs.dims(), slopes.dims(), weights.dims());
    assert!(
        given == filters,
        "sum_of_sigmoids: {filters} slopes need as many weights, got {given}"
    );
    let dtype = inputs.dtype();
    assert!(
        slopes.dtype() == dtype && weights.dtype() == dtype,
        "sum_of_sigmoids: slopes and weights must have the dtype of inputs, {dtype:?}, got {:?} and {:?}",
        slopes.dtype(),
        weights.dtype()
    );
    if n == 0 || filters == 0 {
        return inputs.mul_scalar(0.0);
    }
    Tensor::from_dispatch(<Dispatch as SparseOps>::sum_of_sigmoids(
        inputs.into_dispatch(),
        slopes.into_dispatch(),
        weights.into_dispatch(),
    ))
}
