//! The rows of a contiguous tensor along one dimension, and which of them a unit works on.

use cubecl::prelude::*;

use super::plan::Plan;

/// A contiguous tensor seen as `[outer, len, inner]`, with its rows along the middle.
#[derive(Debug, CubeType, CubeLaunch, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Rows {
    pub count: usize,
    pub len: usize,
    pub inner: usize,
}

impl Rows {
    pub(super) fn along(shape: &[usize], dim: usize) -> Self {
        let inner = shape[dim + 1..].iter().product();
        Self {
            count: shape[..dim].iter().product::<usize>() * inner,
            len: shape[dim],
            inner,
        }
    }

    pub(super) fn launch(self) -> RowsLaunch {
        RowsLaunch::new(self.count, self.len, self.inner)
    }
}

/// The row that a unit works on, alone or with its cube, and its elements of it: `first`,
/// `first + step`, … below `len`.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Row {
    pub index: usize,
    pub len: usize,
    pub first: usize,
    pub step: usize,
    /// Whether there is such a row: launches are rounded up. The same for all units that share it.
    pub exists: bool,
    /// Where element 0 is in the tensor, and how far element 1 is from it.
    pub start: usize,
    pub stride: usize,
    /// Where element 0 is in a tile.
    pub slot: usize,
}

#[cube]
impl Row {
    pub fn new(rows: &Rows, #[comptime] plan: Plan) -> Row {
        let unit = UNIT_POS as usize;
        if comptime!(plan.row_per_unit) {
            let index = CUBE_POS * comptime!(plan.units) + unit;
            Row {
                index,
                len: rows.len,
                first: 0usize.runtime(),
                step: 1usize.runtime(),
                exists: index < rows.count,
                start: start(rows, index),
                stride: rows.inner,
                slot: unit * comptime!(plan.pitch),
            }
        } else {
            Row {
                index: CUBE_POS,
                len: rows.len,
                first: unit,
                step: comptime!(plan.units).runtime(),
                exists: CUBE_POS < rows.count,
                start: start(rows, CUBE_POS),
                stride: rows.inner,
                slot: 0usize.runtime(),
            }
        }
    }
}

/// Where a row begins.
#[cube]
pub(super) fn start(rows: &Rows, index: usize) -> usize {
    (index / rows.inner) * rows.len * rows.inner + index % rows.inner
}
