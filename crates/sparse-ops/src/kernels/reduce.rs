//! Sums and maxima over the units that share a row.
//!
//! Two stages through shared memory: groups of about √units members, then the groups. Each stage
//! ends at a barrier, and since a stage writes only what everyone finished reading a barrier ago,
//! calls may follow each other without more. All units get the same result, bit for bit, however
//! often a kernel runs: the order of the terms is fixed.

use cubecl::prelude::*;

use super::plan::{Plan, groups};

/// How two partial results become one.
#[cube]
pub(super) trait Fold: 'static + Send + Sync {
    fn fold<W: Float>(left: W, right: W) -> W;
}

pub(super) struct Sum;

#[cube]
impl Fold for Sum {
    fn fold<W: Float>(left: W, right: W) -> W {
        left + right
    }
}

pub(super) struct Max;

#[cube]
impl Fold for Max {
    fn fold<W: Float>(left: W, right: W) -> W {
        max(left, right)
    }
}

/// Folds two values of every unit of a row at once; where each unit has a row of its own, they are
/// the result already.
#[cube]
pub(super) fn fold_row<F: Fold, W: Float>(
    a: W,
    b: W,
    scratch: &mut Shared<[W]>,
    #[comptime] plan: Plan,
) -> (W, W) {
    if comptime!(plan.row_per_unit) {
        (a, b)
    } else {
        let units = comptime!(plan.units);
        let groups = comptime!(groups(plan.units));
        let unit = UNIT_POS as usize;
        scratch[unit] = a;
        scratch[units + unit] = b;
        sync_cube();
        if unit < groups {
            let mut group_a = scratch[unit];
            let mut group_b = scratch[units + unit];
            // members lie `groups` apart: neighbouring units read neighbouring elements
            let mut member = unit + groups;
            while member < units {
                group_a = F::fold::<W>(group_a, scratch[member]);
                group_b = F::fold::<W>(group_b, scratch[units + member]);
                member += groups;
            }
            scratch[2 * units + unit] = group_a;
            scratch[2 * units + groups + unit] = group_b;
        }
        sync_cube();
        let mut row_a = scratch[2 * units];
        let mut row_b = scratch[2 * units + groups];
        for group in 1..groups {
            row_a = F::fold::<W>(row_a, scratch[2 * units + group]);
            row_b = F::fold::<W>(row_b, scratch[2 * units + groups + group]);
        }
        (row_a, row_b)
    }
}
