//! Fenchel–Young losses `Ω(p) + ⟨p − 1_y, z⟩` and their gradients.

use burn_core::backend::{TensorMetadata, cubecl::dtype_to_storage_type};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::forward::write_probs;
use super::launch::{address_type, empty, empty_like, nan, work_size, work_type};
use super::mapping::Mapping;
use super::plan::{Geometry, Plan};
use super::reduce::{Sum, fold_row};
use super::rows::{Row, Rows};
use super::threshold::{Workspace, solve};
use super::tile::{load, read, store};

/// The losses `[batch]` and the probabilities `[batch, classes]`.
pub(crate) fn entmax_loss(
    scores: CubeTensor,
    targets: CubeTensor,
    alpha: f64,
) -> (CubeTensor, CubeTensor) {
    let (scores, targets) = (into_contiguous(scores), into_contiguous(targets));
    let probs = empty_like(&scores);
    let loss = empty(&scores, targets.shape(), scores.dtype);
    let (dtype, client) = (scores.dtype, scores.client.clone());
    let target_type = dtype_to_storage_type(targets.dtype);
    let Geometry {
        rows,
        plan,
        cubes,
        dim,
    } = Geometry::new(&scores, 1, 1, work_size(dtype));
    // SAFETY: `rows` covers scores and probabilities exactly, targets and losses have an element
    // for each row, and all are contiguous; targets out of range are not followed.
    with_mapping!(alpha, M => unsafe {
        entmax_loss_kernel::launch_unchecked::<M>(
            &client,
            cubes,
            dim,
            address_type(&[&scores, &targets]),
            scores.into_buffer_arg(),
            targets.into_buffer_arg(),
            loss.clone().into_buffer_arg(),
            probs.clone().into_buffer_arg(),
            rows.launch(),
            InputScalar::new(alpha - 1.0, work_type(dtype)),
            nan(dtype),
            plan,
            [dtype_to_storage_type(dtype), work_type(dtype), target_type],
        )
    });
    (loss, probs)
}

/// `g (p − 1_y)`.
pub(crate) fn entmax_loss_backward(
    probs: CubeTensor,
    targets: CubeTensor,
    grad: CubeTensor,
) -> CubeTensor {
    let (probs, targets) = (into_contiguous(probs), into_contiguous(targets));
    let grad = into_contiguous(grad);
    let scores_grad = empty_like(&probs);
    let (dtype, client) = (probs.dtype, probs.client.clone());
    let target_type = dtype_to_storage_type(targets.dtype);
    let elements = probs.shape().num_elements();
    let dim = CubeDim::new(&client, elements);
    let cubes = calculate_cube_count_elemwise(&client, elements, dim);
    let rows = Rows::along(&probs.shape(), 1);
    // SAFETY: as above; units beyond the elements do nothing.
    unsafe {
        entmax_loss_backward_kernel::launch_unchecked(
            &client,
            cubes,
            dim,
            address_type(&[&probs, &targets]),
            probs.into_buffer_arg(),
            targets.into_buffer_arg(),
            grad.into_buffer_arg(),
            scores_grad.clone().into_buffer_arg(),
            rows.launch(),
            [dtype_to_storage_type(dtype), work_type(dtype), target_type],
        )
    };
    scores_grad
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn entmax_loss_kernel<E: Float, W: Float, I: Int, M: Mapping>(
    scores: &[E],
    targets: &[I],
    loss: &mut [E],
    probs: &mut [E],
    rows: Rows,
    epsilon: InputScalar,
    nan: InputScalar,
    #[comptime] plan: Plan,
    #[define(E, W, I)] _dtypes: [ElemType; 3],
) {
    let row = Row::new(&rows, plan);
    let mut tile = Shared::<[W]>::new_slice(comptime!(plan.tile));
    let mut workspace = Workspace::<W>::new(plan);
    let (epsilon, nan) = (epsilon.get::<W>(), nan.get::<W>());
    let zero = W::new(0.0);
    load::<E, W>(scores, &mut tile, &rows, &row, plan);
    if row.exists {
        let solved = solve::<E, W, M>(scores, &tile, &row, epsilon, &mut workspace, plan);
        let factor = M::factor::<W>(solved.threshold, epsilon);
        // ⟨p − 1_y, z⟩ does not change when all scores are shifted; a score of −∞, which would
        // give 0 · ∞, has no probability
        let mut expected = zero;
        let mut j = row.first;
        while j < row.len {
            let z = read::<E, W>(scores, &tile, &row, j, plan) - solved.largest;
            let p = M::prob::<W>(z, solved.threshold, factor, epsilon);
            if p > zero {
                expected += M::entropy::<W>(p, epsilon) + p * z;
            }
            j += row.step;
        }
        let (expected, _zero) = fold_row::<Sum, W>(expected, zero, &mut workspace.scratch, plan);
        if row.first == 0 {
            let target = targets[row.index];
            let mut value = nan;
            if solved.ok && target >= I::new(0) && usize::cast_from(target) < row.len {
                let y = usize::cast_from(target);
                let z = read::<E, W>(scores, &tile, &row, y, plan) - solved.largest;
                // exactly 0 at its minimum, where rounding could leave it below
                value = max(expected - z, zero);
            }
            loss[row.index] = E::cast_from(value);
        }
        write_probs::<E, W, M>(scores, probs, &mut tile, &row, &solved, epsilon, nan, plan);
    }
    store::<E, W>(probs, &tile, &rows, plan);
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn entmax_loss_backward_kernel<E: Float, W: Float, I: Int>(
    probs: &[E],
    targets: &[I],
    grad: &[E],
    scores_grad: &mut [E],
    rows: Rows,
    #[define(E, W, I)] _dtypes: [ElemType; 3],
) {
    if ABSOLUTE_POS < rows.count * rows.len {
        let row = ABSOLUTE_POS / rows.len;
        let mut difference = W::cast_from(probs[ABSOLUTE_POS]);
        let target = targets[row];
        // as wide as the column, which a narrow type of targets may not hold
        if target >= I::new(0) && usize::cast_from(target) == ABSOLUTE_POS % rows.len {
            difference -= W::new(1.0);
        }
        scores_grad[ABSOLUTE_POS] = E::cast_from(difference * W::cast_from(grad[row]));
    }
}
