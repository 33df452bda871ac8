//! `burn-ndarray`: the default bodies, whose host kernels run on the tensor's own buffer; and host
//! kernels where the default would compose.

use burn_core::backend::{NdArray, ops::FloatTensorOps, tensor::FloatTensor};
use burn_core::tensor::{Bytes, TensorData};

use crate::{SparseOps, host, ops::read};

impl SparseOps for NdArray {
    fn sum_of_sigmoids(
        inputs: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let data = [inputs, slopes, weights].map(read::<Self>);
        let bytes = data.each_ref().map(|data| &data.bytes()[..]);
        let sums = host::sum_of_sigmoids_bytes(bytes, data[0].dtype());
        like(&data[0], sums)
    }

    fn sum_of_sigmoids_backward(
        inputs: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let data = [inputs, slopes, weights].map(read::<Self>);
        let bytes = data.each_ref().map(|data| &data.bytes()[..]);
        let grad = read::<Self>(grad);
        let [inputs, slopes, weights] =
            host::sum_of_sigmoids_backward_bytes(bytes, grad.bytes(), data[0].dtype());
        (
            like(&data[0], inputs),
            like(&data[1], slopes),
            like(&data[2], weights),
        )
    }

    fn sparse_matmul(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>) -> FloatTensor<Self> {
        let data = [lhs.clone(), rhs.clone()].map(read::<Self>);
        let bytes = data.each_ref().map(|data| &data.bytes()[..]);
        let sizes = sizes(&data);
        match host::sparse_matmul_bytes(bytes, data[0].dtype(), sizes) {
            Some(product) => matrix(product, [sizes[0], sizes[2]], &data[0]),
            None => Self::float_matmul(lhs, rhs),
        }
    }

    fn sparse_matmul_backward(
        lhs: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let data = [lhs.clone(), grad.clone()].map(read::<Self>);
        let bytes = data.each_ref().map(|data| &data.bytes()[..]);
        let sizes = sizes(&data);
        match host::sparse_matmul_transposed_bytes(bytes, data[0].dtype(), sizes) {
            Some(product) => matrix(product, [sizes[1], sizes[2]], &data[0]),
            None => Self::float_matmul(Self::float_swap_dims(lhs, 0, 1), grad),
        }
    }
}

/// The sizes `[n, k, m]` of a product.
fn sizes([lhs, rhs]: &[TensorData; 2]) -> [usize; 3] {
    [lhs.shape()[0], lhs.shape()[1], rhs.shape()[1]]
}

fn matrix(bytes: Bytes, shape: [usize; 2], like: &TensorData) -> FloatTensor<NdArray> {
    let data = TensorData::from_bytes(bytes, shape, like.dtype());
    NdArray::float_from_data(data, &Default::default())
}

fn like(data: &TensorData, bytes: Bytes) -> FloatTensor<NdArray> {
    let data = TensorData::from_bytes(bytes, data.shape().clone(), data.dtype());
    NdArray::float_from_data(data, &Default::default())
}
