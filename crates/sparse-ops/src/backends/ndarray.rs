//! `burn-ndarray`: the default bodies, whose host kernels run on the tensor's own buffer.

use burn_core::backend::NdArray;

use crate::SparseOps;

impl SparseOps for NdArray {}
