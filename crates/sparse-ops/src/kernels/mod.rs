//! Kernels for the CubeCL runtimes: one launch and one pass over global memory for each mapping and
//! loss. Packing a [`support`] takes three, and [`categorical`] is bound by its exponentials.
//!
//! # Who works on a row
//!
//! [`rows`] sees a contiguous tensor as `[outer, len, inner]` with its rows along `len`, so that no
//! dimension needs a transposed copy. Rows of up to 64 elements get a unit each: the cube moves 64
//! of them at a time between global and shared memory, coalesced whether they are contiguous or
//! strided, and no unit waits for another in between. A longer row gets a cube of 32 to 256 units,
//! which read it where it lies, with its stride; [`reduce`] adds their sums up.
//!
//! # Algorithm
//!
//! [`threshold`]: the row's maximum; then Newton's iteration for the threshold of the scores shifted
//! by it, from below, by the sums that [`mapping`] defines, about six of them; then every
//! probability by itself. Nothing is sorted, and results do not depend on an offset of the row. The
//! mappings' logarithms are the crate's own ([`elementary`]), since those of shading languages are
//! too coarse for α near 1.
//!
//! # Memory traffic
//!
//! Each row is read once and written once where it fits into shared memory: up to about 7,000
//! elements of f32 in a forward pass and half of that in a backward pass on devices with 32 KiB of
//! it, 3,500 and 1,700 with the 16 KiB that WebGPU guarantees. Of a longer row each unit
//! remembers the scores above the first threshold, if they are few enough, as those of sparse
//! mappings are; it is then read three times, and otherwise again in every pass, mostly from the
//! cache. A strided long row is read by one cube with its stride; neighbouring rows share its cache
//! lines.
//!
//! # Numbers
//!
//! Halves are computed in f32, f64 in f64 where the device has it. A NaN is recognized by its bits
//! and written from a launch argument, since shader compilers may assume that there is none; for
//! the same reason masked scores are sorted out by finite bounds.
//!
//! # Limits
//!
//! A launch covers at most 2³² cubes. Reductions go through shared memory and barriers, which every
//! device has, not through planes. Loops with barriers in them end on a condition that is uniform by
//! WGSL's own analysis.

// kernels index where hosts iterate, and decide at compile time apart from what they do at run time
#![allow(clippy::needless_range_loop, clippy::collapsible_if)]

#[macro_use]
mod launch;
mod alpha_gradient;
mod bernoulli;
mod categorical;
mod elementary;
mod forward;
mod gradient;
mod loss;
mod mapping;
mod plan;
mod reduce;
mod rows;
mod running_sum;
mod support;
mod threshold;
mod tile;

pub(crate) use alpha_gradient::entmax_with_alpha_backward;
pub(crate) use bernoulli::bernoulli_log_likelihood;
pub(crate) use categorical::{categorical_log_likelihood, categorical_residuals};
pub(crate) use forward::{entmax, entmax_with_alpha};
pub(crate) use gradient::entmax_backward;
pub(crate) use loss::{entmax_loss, entmax_loss_backward};
pub(crate) use support::{support_entries, support_offsets};
