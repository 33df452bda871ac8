//! Finding a row's largest score and threshold: the heart of every forward kernel.

use cubecl::prelude::*;

use super::elementary::{is_finite, is_nan};
use super::mapping::Mapping;
use super::plan::{Plan, scratch_len};
use super::reduce::{Max, Sum, fold_row};
use super::rows::Row;
use super::tile::read;

/// Steps after which a row takes the threshold it has.
///
/// For α ≤ 2 the search never needs them. Its function is convex and decreasing, so of the excess e
/// over 1 and the slope d a Newton step leaves e' and d' with `e'/e + d'/d ≤ 1`: their product
/// falls at least fourfold, from `len²` to the rounding in some 40 steps at worst, and in about 6 as
/// a rule. For α > 2 every fourth step halves the bracket, and 256 / 4 halvings exhaust f64.
const STEPS: u32 = 256;

/// What is known of a row once its threshold is.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Solved<W: Float> {
    /// False where the row is NaN: it has a NaN or +∞, or −∞ alone.
    pub ok: bool,
    pub largest: W,
    /// The threshold of shifted scores.
    pub threshold: W,
}

/// What a cube's units find thresholds with.
#[derive(CubeType)]
pub(super) struct Workspace<W: Float> {
    pub scratch: Shared<[W]>,
    pub running: Shared<[u32]>,
}

#[cube]
impl<W: Float> Workspace<W> {
    pub fn new(#[comptime] plan: Plan) -> Workspace<W> {
        // units with rows of their own need neither
        let len = comptime!(if plan.row_per_unit {
            1
        } else {
            scratch_len(plan.units)
        });
        Workspace::<W> {
            scratch: Shared::new_slice(len),
            running: Shared::new_slice(1usize),
        }
    }
}

/// The largest score and the threshold of a row that exists.
#[cube]
pub(super) fn solve<E: Float, W: Float, M: Mapping>(
    scores: &[E],
    tile: &Shared<[W]>,
    row: &Row,
    epsilon: W,
    workspace: &mut Workspace<W>,
    #[comptime] plan: Plan,
) -> Solved<W> {
    // NaNs are recognized by their bits and counted apart: what `max` makes of them is undefined
    let mut largest = read::<E, W>(scores, tile, row, row.first, plan);
    let mut nan = W::new(0.0);
    let mut j = row.first;
    while j < row.len {
        let z = read::<E, W>(scores, tile, row, j, plan);
        largest = max(largest, z);
        if is_nan::<W>(z) {
            nan = W::new(1.0);
        }
        j += row.step;
    }
    let (largest, nan) = fold_row::<Max, W>(largest, nan, &mut workspace.scratch, plan);
    let bad = nan > W::new(0.0) || !is_finite::<W>(largest);

    let mut threshold = M::lowest::<W>();
    let mut low = threshold;
    let mut high = M::lowest::<W>();
    let one = W::new(1.0);
    let bracketed = epsilon > one;
    if bracketed {
        high = M::highest::<W>(W::cast_from(row.len));
    }
    let mut step = 0u32;
    // shifted scores, those of neighbouring units side by side
    let mut list = Shared::<[W]>::new_slice(comptime!((plan.list * plan.units).max(1)));
    let unit = UNIT_POS as usize;
    // scores of this unit that the first pass has found above the lowest threshold, and no later pass
    // will find others
    let mut above = 0usize.runtime();
    let mut listed = false.runtime();
    // a bad row takes a step like the others, so that units meet at the same barriers
    let mut running = true.runtime();
    while running {
        let factor = M::factor::<W>(threshold, epsilon);
        let mut mass = W::new(0.0);
        let mut slope = W::new(0.0);
        if listed {
            for place in 0..above {
                let z = list[place * comptime!(plan.units) + unit];
                let (m, s) = M::terms::<W>(z, threshold, factor, epsilon);
                mass += m;
                slope += s;
            }
        } else {
            let mut j = row.first;
            while j < row.len {
                let z = read::<E, W>(scores, tile, row, j, plan) - largest;
                let (m, s) = M::terms::<W>(z, threshold, factor, epsilon);
                mass += m;
                slope += s;
                if comptime!(plan.list > 0) {
                    if step == 0 && m > W::new(0.0) {
                        if above < comptime!(plan.list) {
                            list[above * comptime!(plan.units) + unit] = z;
                        }
                        above += 1;
                    }
                }
                j += row.step;
            }
            if comptime!(plan.list > 0) {
                listed = above <= comptime!(plan.list);
            }
        }
        let (mass, slope) = fold_row::<Sum, W>(mass, slope, &mut workspace.scratch, plan);

        let mut next = threshold;
        // no score left above the threshold: rounding, it stands
        if mass > W::new(0.0) {
            next = M::next::<W>(threshold, mass, slope, epsilon);
        }
        // α ≤ 2: from below, until rounding stops the rise. It may have led past the answer, where fewer
        // scores are left and a step goes far back: that one is not taken.
        let mut more = next > threshold;
        if bracketed {
            if mass >= one {
                low = threshold;
            }
            if mass <= one {
                high = threshold;
            }
            if !(next > low && next < high) || step % 4 == 3 {
                next = (low + high) * W::new(0.5);
            }
            // until no number is left between the ends
            more = next > low && next < high;
        }
        if more {
            threshold = next;
        }
        step += 1;
        running = agree(more && !bad && step < STEPS, &mut workspace.running, plan);
    }
    Solved::<W> {
        ok: !bad,
        largest,
        threshold,
    }
}

/// The condition of a loop with barriers inside, of which a compiler must see that it is the same
/// for all units of the cube. It is that already: every unit has computed it from the same sums.
#[cube]
fn agree(condition: bool, shared: &mut Shared<[u32]>, #[comptime] plan: Plan) -> bool {
    if comptime!(plan.row_per_unit) {
        condition
    } else {
        if UNIT_POS == 0 {
            shared[0] = u32::cast_from(condition);
        }
        workgroup_uniform_load(&shared[0]) == 1
    }
}
