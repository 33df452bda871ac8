//! The log-likelihood of independent Bernoulli variables, and its residuals.

use burn_core::backend::TensorMetadata;
use burn_core::backend::cubecl::dtype_to_storage_type;
use burn_core::tensor::Shape;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::elementary::{exp, is_nan, ln_1p};
use super::launch::{address_type, empty, empty_like, work_size, work_type};
use super::plan::{Geometry, Plan};
use super::reduce::{Sum, fold_row};
use super::rows::{Row, Rows};
use super::threshold::Workspace;
use super::tile::{load, read, store, write};

/// The log-likelihoods `[n]` and the residuals `x − σ(l)` `[n, p]`.
pub(crate) fn bernoulli_log_likelihood(
    logits: CubeTensor,
    targets: CubeTensor,
) -> (CubeTensor, CubeTensor) {
    let (logits, targets) = (into_contiguous(logits), into_contiguous(targets));
    let residuals = empty_like(&logits);
    let count = Shape::from([logits.shape()[0]]);
    let log_likelihood = empty(&logits, count, logits.dtype);
    let (dtype, client) = (logits.dtype, logits.client.clone());
    let Geometry {
        rows,
        plan,
        cubes,
        dim,
    } = Geometry::new(&logits, 1, 2, work_size(dtype));
    // SAFETY: logits, targets and residuals are contiguous and of one shape, which `rows` covers
    // exactly, and there is a log-likelihood for each row.
    unsafe {
        bernoulli_log_likelihood_kernel::launch_unchecked(
            &client,
            cubes,
            dim,
            address_type(&[&logits]),
            logits.into_buffer_arg(),
            targets.into_buffer_arg(),
            log_likelihood.clone().into_buffer_arg(),
            residuals.clone().into_buffer_arg(),
            rows.launch(),
            plan,
            [dtype_to_storage_type(dtype), work_type(dtype)],
        )
    };
    (log_likelihood, residuals)
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn bernoulli_log_likelihood_kernel<E: Float, W: Float>(
    logits: &[E],
    targets: &[E],
    log_likelihood: &mut [E],
    residuals: &mut [E],
    rows: Rows,
    #[comptime] plan: Plan,
    #[define(E, W)] _dtypes: [ElemType; 2],
) {
    let row = Row::new(&rows, plan);
    let mut logits_tile = Shared::<[W]>::new_slice(comptime!(plan.tile));
    let mut targets_tile = Shared::<[W]>::new_slice(comptime!(plan.tile));
    let mut workspace = Workspace::<W>::new(plan);
    let zero = W::new(0.0);
    let one = W::new(1.0);
    load::<E, W>(logits, &mut logits_tile, &rows, &row, plan);
    load::<E, W>(targets, &mut targets_tile, &rows, &row, plan);
    if row.exists {
        let mut sum = zero;
        let mut j = row.first;
        while j < row.len {
            let l = read::<E, W>(logits, &logits_tile, &row, j, plan);
            let x = read::<E, W>(targets, &targets_tile, &row, j, plan);
            let on = l > zero;
            let u = exp::<W>(select(on, zero - l, l));
            // x − 1 or x times l: what is impossible has no part in it, not even 0 · ∞
            let weight = select(on, x - one, x);
            let mut residual = x - select(on, one, u) / (one + u);
            if weight != zero {
                sum += weight * l;
            }
            sum -= ln_1p::<W>(u);
            if is_nan::<W>(l) {
                sum += l;
                residual = l;
            }
            write::<E, W>(residuals, &mut logits_tile, &row, j, residual, plan);
            j += row.step;
        }
        let (sum, _zero) = fold_row::<Sum, W>(sum, zero, &mut workspace.scratch, plan);
        if row.first == 0 {
            log_likelihood[row.index] = E::cast_from(sum);
        }
    }
    store::<E, W>(residuals, &logits_tile, &rows, plan);
}
