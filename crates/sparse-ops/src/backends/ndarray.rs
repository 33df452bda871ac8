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
}

fn like(data: &TensorData, bytes: Bytes) -> FloatTensor<NdArray> {
    let data = TensorData::from_bytes(bytes, data.shape().clone(), data.dtype());
    NdArray::float_from_data(data, &Default::default())
}
