//! The vector-Jacobian products with an α for each row: in the scores and in α.

use burn_core::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::elementary::{exp, exp_remainder, is_finite, is_nan, ln};
use super::launch::{address_type, empty_like, nan, work_size, work_type};
use super::plan::{Geometry, Plan};
use super::reduce::{Sum, fold_row};
use super::rows::{Row, Rows};
use super::threshold::Workspace;
use super::tile::{load, read, store, write};

/// The product of [`entmax_backward`](super::entmax_backward), and that with ∂p/∂α by the formula of
/// [`compose::entmax_with_alpha_backward`](crate::compose::entmax_with_alpha_backward).
pub(crate) fn entmax_with_alpha_backward(
    probs: CubeTensor,
    alpha: CubeTensor,
    grad: CubeTensor,
    dim: usize,
) -> (CubeTensor, CubeTensor) {
    let (probs, alpha) = (into_contiguous(probs), into_contiguous(alpha));
    let grad = into_contiguous(grad);
    let (scores_grad, alpha_grad) = (empty_like(&probs), empty_like(&alpha));
    let (dtype, client) = (probs.dtype, probs.client.clone());
    let Geometry {
        rows,
        plan,
        cubes,
        dim,
    } = Geometry::new(&probs, dim, 2, work_size(dtype));
    // SAFETY: probabilities and gradients are contiguous and of one shape, which `rows` covers
    // exactly, and both tensors of α have an element for each row, in their order.
    unsafe {
        entmax_with_alpha_backward_kernel::launch_unchecked(
            &client,
            cubes,
            dim,
            address_type(&[&probs, &alpha]),
            probs.into_buffer_arg(),
            alpha.into_buffer_arg(),
            grad.into_buffer_arg(),
            scores_grad.clone().into_buffer_arg(),
            alpha_grad.clone().into_buffer_arg(),
            rows.launch(),
            nan(dtype),
            plan,
            [dtype_to_storage_type(dtype), work_type(dtype)],
        )
    };
    (scores_grad, alpha_grad)
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn entmax_with_alpha_backward_kernel<E: Float, W: Float>(
    probs: &[E],
    alpha: &[E],
    grad: &[E],
    scores_grad: &mut [E],
    alpha_grad: &mut [E],
    rows: Rows,
    nan: InputScalar,
    #[comptime] plan: Plan,
    #[define(E, W)] _dtypes: [ElemType; 2],
) {
    let row = Row::new(&rows, plan);
    let mut probs_tile = Shared::<[W]>::new_slice(comptime!(plan.tile));
    let mut grad_tile = Shared::<[W]>::new_slice(comptime!(plan.tile));
    let mut workspace = Workspace::<W>::new(plan);
    let nan = nan.get::<W>();
    let zero = W::new(0.0);
    load::<E, W>(probs, &mut probs_tile, &rows, &row, plan);
    load::<E, W>(grad, &mut grad_tile, &rows, &row, plan);
    if row.exists {
        let epsilon = W::cast_from(alpha[row.index]) - W::new(1.0);
        let mut total = zero;
        let mut inner = zero;
        let mut entropy = zero;
        let mut mean_a = zero;
        let mut j = row.first;
        while j < row.len {
            let p = read::<E, W>(probs, &probs_tile, &row, j, plan);
            if p > zero {
                let terms = AlphaTerms::<W>::new(p, epsilon);
                total += terms.weight;
                inner += terms.weight * read::<E, W>(grad, &grad_tile, &row, j, plan);
                entropy -= p * terms.log;
                mean_a += p * terms.a;
            }
            if is_nan::<W>(p) {
                total += nan;
            }
            j += row.step;
        }
        let (total, inner) = fold_row::<Sum, W>(total, inner, &mut workspace.scratch, plan);
        let (entropy, mean_a) = fold_row::<Sum, W>(entropy, mean_a, &mut workspace.scratch, plan);
        let mean = inner / total;
        let ok = is_finite::<W>(mean);

        let mut slope = zero;
        let mut j = row.first;
        while j < row.len {
            let mut value = nan;
            if ok {
                let p = read::<E, W>(probs, &probs_tile, &row, j, plan);
                value = zero;
                if p > zero {
                    let terms = AlphaTerms::<W>::new(p, epsilon);
                    // ∂p/∂α sums to 0, so centring g changes nothing but the rounding
                    let g = read::<E, W>(grad, &grad_tile, &row, j, plan) - mean;
                    value = terms.weight * g;
                    let mixed = terms.log * mean_a + terms.a * entropy;
                    slope += g * p * (mean_a - terms.a - epsilon * mixed);
                }
            }
            write::<E, W>(scores_grad, &mut probs_tile, &row, j, value, plan);
            j += row.step;
        }
        let (slope, _zero) = fold_row::<Sum, W>(slope, zero, &mut workspace.scratch, plan);
        if row.first == 0 {
            alpha_grad[row.index] = E::cast_from(select(ok, slope / total, nan));
        }
    }
    store::<E, W>(scores_grad, &probs_tile, &rows, plan);
}

/// What a positive probability adds to the sums of its row.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
struct AlphaTerms<W: Float> {
    /// `log p`.
    log: W,
    /// `p^(1 − ε)`.
    weight: W,
    /// `(p^(−ε) − 1 + ε log p) / ε²`.
    a: W,
}

#[cube]
impl<W: Float> AlphaTerms<W> {
    fn new(p: W, epsilon: W) -> AlphaTerms<W> {
        let log = ln::<W>(p, p - W::new(1.0));
        AlphaTerms::<W> {
            log,
            weight: exp::<W>((W::new(1.0) - epsilon) * log),
            a: log * log * exp_remainder::<W>(-epsilon * log),
        }
    }
}
