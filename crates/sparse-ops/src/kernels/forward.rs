//! Scores to probabilities.

use burn_core::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::elementary::is_finite;
use super::launch::{address_type, empty_like, nan, work_size, work_type};
use super::mapping::{Entmax, Mapping};
use super::plan::{Geometry, Plan};
use super::rows::{Row, Rows};
use super::threshold::{Solved, Workspace, solve};
use super::tile::{load, read, store, write};

/// The α-entmax of every row along `dim`.
pub(crate) fn entmax(scores: CubeTensor, alpha: f64, dim: usize) -> CubeTensor {
    let scores = into_contiguous(scores);
    let probs = empty_like(&scores);
    let (dtype, client) = (scores.dtype, scores.client.clone());
    let Geometry {
        rows,
        plan,
        cubes,
        dim,
    } = Geometry::new(&scores, dim, 1, work_size(dtype));
    // SAFETY: both tensors are contiguous and of one shape, which `rows` covers exactly.
    with_mapping!(alpha, M => unsafe {
        entmax_kernel::launch_unchecked::<M>(
            &client,
            cubes,
            dim,
            address_type(&[&scores]),
            scores.into_buffer_arg(),
            probs.clone().into_buffer_arg(),
            rows.launch(),
            InputScalar::new(alpha - 1.0, work_type(dtype)),
            nan(dtype),
            plan,
            [dtype_to_storage_type(dtype), work_type(dtype)],
        )
    });
    probs
}

/// The same with an α for each row.
pub(crate) fn entmax_with_alpha(scores: CubeTensor, alpha: CubeTensor, dim: usize) -> CubeTensor {
    let (scores, alpha) = (into_contiguous(scores), into_contiguous(alpha));
    let probs = empty_like(&scores);
    let (dtype, client) = (scores.dtype, scores.client.clone());
    let Geometry {
        rows,
        plan,
        cubes,
        dim,
    } = Geometry::new(&scores, dim, 1, work_size(dtype));
    // SAFETY: as above, and `alpha` has an element for each row, in their order.
    unsafe {
        entmax_with_alpha_kernel::launch_unchecked(
            &client,
            cubes,
            dim,
            address_type(&[&scores, &alpha]),
            scores.into_buffer_arg(),
            alpha.into_buffer_arg(),
            probs.clone().into_buffer_arg(),
            rows.launch(),
            nan(dtype),
            plan,
            [dtype_to_storage_type(dtype), work_type(dtype)],
        )
    };
    probs
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn entmax_kernel<E: Float, W: Float, M: Mapping>(
    scores: &[E],
    probs: &mut [E],
    rows: Rows,
    epsilon: InputScalar,
    nan: InputScalar,
    #[comptime] plan: Plan,
    #[define(E, W)] _dtypes: [ElemType; 2],
) {
    let row = Row::new(&rows, plan);
    let mut tile = Shared::<[W]>::new_slice(comptime!(plan.tile));
    let mut workspace = Workspace::<W>::new(plan);
    let epsilon = epsilon.get::<W>();
    load::<E, W>(scores, &mut tile, &rows, &row, plan);
    if row.exists {
        let solved = solve::<E, W, M>(scores, &tile, &row, epsilon, &mut workspace, plan);
        let nan = nan.get::<W>();
        write_probs::<E, W, M>(scores, probs, &mut tile, &row, &solved, epsilon, nan, plan);
    }
    store::<E, W>(probs, &tile, &rows, plan);
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn entmax_with_alpha_kernel<E: Float, W: Float>(
    scores: &[E],
    alpha: &[E],
    probs: &mut [E],
    rows: Rows,
    nan: InputScalar,
    #[comptime] plan: Plan,
    #[define(E, W)] _dtypes: [ElemType; 2],
) {
    let row = Row::new(&rows, plan);
    let mut tile = Shared::<[W]>::new_slice(comptime!(plan.tile));
    let mut workspace = Workspace::<W>::new(plan);
    load::<E, W>(scores, &mut tile, &rows, &row, plan);
    if row.exists {
        let alpha = W::cast_from(alpha[row.index]);
        // α < 1 has no sparse answer
        let one = W::new(1.0);
        let known = alpha >= one && is_finite::<W>(alpha);
        let epsilon = select(known, alpha - one, one);
        let mut solved = solve::<E, W, Entmax>(scores, &tile, &row, epsilon, &mut workspace, plan);
        solved.ok = solved.ok && known;
        let nan = nan.get::<W>();
        write_probs::<E, W, Entmax>(scores, probs, &mut tile, &row, &solved, epsilon, nan, plan);
    }
    store::<E, W>(probs, &tile, &rows, plan);
}

/// The probabilities of a row, or NaNs where it has none.
#[cube]
pub(super) fn write_probs<E: Float, W: Float, M: Mapping>(
    scores: &[E],
    probs: &mut [E],
    tile: &mut Shared<[W]>,
    row: &Row,
    solved: &Solved<W>,
    epsilon: W,
    nan: W,
    #[comptime] plan: Plan,
) {
    let factor = M::factor::<W>(solved.threshold, epsilon);
    let mut j = row.first;
    while j < row.len {
        let mut p = nan;
        if solved.ok {
            let z = read::<E, W>(scores, &*tile, row, j, plan) - solved.largest;
            p = M::prob::<W>(z, solved.threshold, factor, epsilon);
        }
        write::<E, W>(probs, tile, row, j, p, plan);
        j += row.step;
    }
}
