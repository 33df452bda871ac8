//! Kernels for the CubeCL runtimes.
