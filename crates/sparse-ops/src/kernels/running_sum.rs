//! Running sums over the units that share a row.

use cubecl::prelude::*;

use super::plan::{Plan, groups};

/// Shared memory for [`running_sum`].
#[cube]
pub(super) fn counters<I: Int>(#[comptime] plan: Plan) -> Shared<[I]> {
    let len = comptime!(if plan.row_per_unit {
        1
    } else {
        plan.units + groups(plan.units)
    });
    Shared::new_slice(len)
}

/// The sum of `value` over the units before this one, and over all that share the row.
///
/// In two stages, like [`fold_row`](super::reduce::fold_row), but with groups of neighbours.
#[cube]
pub(super) fn running_sum<I: Int>(
    value: I,
    scratch: &mut Shared<[I]>,
    #[comptime] plan: Plan,
) -> (I, I) {
    if comptime!(plan.row_per_unit) {
        (I::new(0), value)
    } else {
        let units = comptime!(plan.units);
        let groups = comptime!(groups(plan.units));
        let members = comptime!(units / groups);
        let unit = UNIT_POS as usize;
        scratch[unit] = value;
        sync_cube();
        if unit < groups {
            let mut sum = I::new(0);
            for member in 0..members {
                sum += scratch[unit * members + member];
            }
            scratch[units + unit] = sum;
        }
        sync_cube();
        let mut before = I::new(0);
        let mut total = I::new(0);
        for group in 0..groups {
            if group < unit / members {
                before += scratch[units + group];
            }
            total += scratch[units + group];
        }
        for other in unit / members * members..unit {
            before += scratch[other];
        }
        (before, total)
    }
}
