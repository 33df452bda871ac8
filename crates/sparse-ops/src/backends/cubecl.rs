//! CubeCL runtimes (wgpu, Vulkan, Metal, CUDA, ROCm, CPU): the default bodies.

use burn_cubecl::CubeBackend;

use crate::SparseOps;

impl SparseOps for CubeBackend {}
