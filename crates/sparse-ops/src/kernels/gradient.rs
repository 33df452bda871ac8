//! The vector-Jacobian product of a mapping.

use burn_core::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::elementary::{is_finite, is_nan};
use super::launch::{address_type, empty_like, nan, work_size, work_type};
use super::mapping::Mapping;
use super::plan::{Geometry, Plan};
use super::reduce::{Sum, fold_row};
use super::rows::{Row, Rows};
use super::threshold::Workspace;
use super::tile::{load, read, store, write};

/// `s ⊙ (g − ⟨s, g⟩ / ‖s‖₁)` with `s = p^(2 − α)` on the support.
pub(crate) fn entmax_backward(
    probs: CubeTensor,
    grad: CubeTensor,
    alpha: f64,
    dim: usize,
) -> CubeTensor {
    let (probs, grad) = (into_contiguous(probs), into_contiguous(grad));
    let scores_grad = empty_like(&probs);
    let (dtype, client) = (probs.dtype, probs.client.clone());
    let Geometry {
        rows,
        plan,
        cubes,
        dim,
    } = Geometry::new(&probs, dim, 2, work_size(dtype));
    // SAFETY: all tensors are contiguous and of one shape, which `rows` covers exactly.
    with_mapping!(alpha, M => unsafe {
        entmax_backward_kernel::launch_unchecked::<M>(
            &client,
            cubes,
            dim,
            address_type(&[&probs]),
            probs.into_buffer_arg(),
            grad.into_buffer_arg(),
            scores_grad.clone().into_buffer_arg(),
            rows.launch(),
            InputScalar::new(alpha - 1.0, work_type(dtype)),
            nan(dtype),
            plan,
            [dtype_to_storage_type(dtype), work_type(dtype)],
        )
    });
    scores_grad
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn entmax_backward_kernel<E: Float, W: Float, M: Mapping>(
    probs: &[E],
    grad: &[E],
    scores_grad: &mut [E],
    rows: Rows,
    epsilon: InputScalar,
    nan: InputScalar,
    #[comptime] plan: Plan,
    #[define(E, W)] _dtypes: [ElemType; 2],
) {
    let row = Row::new(&rows, plan);
    let mut probs_tile = Shared::<[W]>::new_slice(comptime!(plan.tile));
    let mut grad_tile = Shared::<[W]>::new_slice(comptime!(plan.tile));
    let mut workspace = Workspace::<W>::new(plan);
    let (epsilon, nan) = (epsilon.get::<W>(), nan.get::<W>());
    let zero = W::new(0.0);
    load::<E, W>(probs, &mut probs_tile, &rows, &row, plan);
    load::<E, W>(grad, &mut grad_tile, &rows, &row, plan);
    if row.exists {
        let mut total = zero;
        let mut inner = zero;
        let mut j = row.first;
        while j < row.len {
            let p = read::<E, W>(probs, &probs_tile, &row, j, plan);
            if p > zero {
                let weight = M::weight::<W>(p, epsilon);
                total += weight;
                inner += weight * read::<E, W>(grad, &grad_tile, &row, j, plan);
            }
            if is_nan::<W>(p) {
                total += nan;
            }
            j += row.step;
        }
        let (total, inner) = fold_row::<Sum, W>(total, inner, &mut workspace.scratch, plan);
        let mean = inner / total;
        let ok = is_finite::<W>(mean);
        let mut j = row.first;
        while j < row.len {
            let mut value = nan;
            if ok {
                let p = read::<E, W>(probs, &probs_tile, &row, j, plan);
                value = zero;
                if p > zero {
                    let g = read::<E, W>(grad, &grad_tile, &row, j, plan);
                    value = M::weight::<W>(p, epsilon) * (g - mean);
                }
            }
            write::<E, W>(scores_grad, &mut probs_tile, &row, j, value, plan);
            j += row.step;
        }
    }
    store::<E, W>(scores_grad, &probs_tile, &rows, plan);
}
