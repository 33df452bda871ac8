use burn_core::backend::Dispatch;
use burn_core::tensor::Tensor;

use crate::SparseOps;

/// The matrix product of a factor that is mostly zeros with a dense one.
///
/// The first layer of a network over ink on paper, counts of words or one-hot codes: on flex and ndarray
/// only what is not zero is multiplied, in the product and in the gradient of `rhs`, which takes as much
/// less time as there is less to multiply. Where more than a quarter of `lhs` is not zero (by a look at some
/// 64 of its rows), and on other backends, it is the backend's own product.
///
/// # Shapes
///
/// - `lhs`: `[n, k]`
/// - `rhs`: `[k, m]`
/// - result: `[n, m]`
///
/// # Gradient
///
/// In both: `g · rhsᵀ`, which is dense, and `lhsᵀ · g`. Differentiable again. Where a size is 0 there is
/// nothing to differentiate.
///
/// # Numerical behaviour
///
/// Each element is one sum over `k`, in the order of the rows of `rhs`; halves are summed in f32. A NaN or
/// an infinity in `lhs` reaches its row of the result, as in any product; whether one in `rhs` does so
/// by way of a zero in `lhs` depends on the path that is taken.
///
/// # Panics
///
/// If the sizes do not match, or dtypes differ.
///
/// # Example
///
/// ```
/// use burn_core::tensor::Tensor;
///
/// let device = Default::default();
/// let words = Tensor::<2>::from_floats([[0.0, 2.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]], &device);
/// let weight = Tensor::<2>::from_floats([[1.0], [3.0], [5.0], [7.0]], &device);
/// let product = sparse_ops::sparse_matmul(words, weight);
/// assert_eq!(product.into_data().to_vec::<f32>().unwrap(), [6.0, 1.0]);
/// ```
pub fn sparse_matmul(lhs: Tensor<2>, rhs: Tensor<2>) -> Tensor<2> {
    let ([n, k], [rows, m]) = (lhs.dims(), rhs.dims());
    assert!(
        k == rows,
        "sparse_matmul: rhs must have {k} rows for lhs of [{n}, {k}], got [{rows}, {m}]"
    );
    assert!(
        lhs.dtype() == rhs.dtype(),
        "sparse_matmul: rhs must have the dtype of lhs, {:?}, got {:?}",
        lhs.dtype(),
        rhs.dtype()
    );
    if n == 0 || k == 0 || m == 0 {
        // not every backend's own product knows what to make of nothing
        return Tensor::zeros([n, m], (&lhs.device(), lhs.dtype()));
    }
    Tensor::from_dispatch(<Dispatch as SparseOps>::sparse_matmul(
        lhs.into_dispatch(),
        rhs.into_dispatch(),
    ))
}
