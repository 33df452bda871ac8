//! What all launches share.

use burn_core::backend::TensorMetadata;
use burn_core::tensor::{DType, Shape};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::{AddressType, ElemType, FloatKind};
use cubecl::prelude::*;

/// The precision that rows of a dtype are computed in: f32, also for halves, and f64 for itself.
pub(super) fn work_type(dtype: DType) -> ElemType {
    ElemType::Float(match dtype {
        DType::F64 => FloatKind::F64,
        _ => FloatKind::F32,
    })
}

/// Bytes of a number of [`work_type`].
pub(super) fn work_size(dtype: DType) -> usize {
    work_type(dtype).size()
}

/// A NaN that no shader compiler sees: in WGSL a constant one is an error.
pub(super) fn nan(dtype: DType) -> InputScalar {
    InputScalar::new(f64::NAN, work_type(dtype))
}

/// Room for a result on the device of `tensor`.
pub(super) fn empty(tensor: &CubeTensor, shape: Shape, dtype: DType) -> CubeTensor {
    empty_device_contiguous_dtype(tensor.client.clone(), tensor.device.clone(), shape, dtype)
}

pub(super) fn empty_like(tensor: &CubeTensor) -> CubeTensor {
    empty(tensor, tensor.shape(), tensor.dtype)
}

/// The integers that reach every element of every tensor of a launch.
pub(super) fn address_type(tensors: &[&CubeTensor]) -> AddressType {
    let types = tensors.iter().map(|tensor| tensor.required_address_type());
    types.max().unwrap_or_default()
}

/// Runs `$body` with `$mapping` as the cheapest mapping for `$alpha`.
macro_rules! with_mapping {
    ($alpha:expr, $mapping:ident => $body:expr) => {
        if $alpha == 2.0 {
            type $mapping = $crate::kernels::mapping::Sparsemax;
            $body
        } else if $alpha == 1.5 {
            type $mapping = $crate::kernels::mapping::Entmax15;
            $body
        } else {
            type $mapping = $crate::kernels::mapping::Entmax;
            $body
        }
    };
}
