//! Rows on chip: a tile of shared memory, where it has room for them.

use cubecl::prelude::*;

use super::plan::Plan;
use super::rows::{Row, Rows, start};

/// Brings the rows of this cube on chip.
///
/// Where units have rows of their own, they load and store all of the cube's rows together, with
/// neighbouring units at neighbouring addresses whether rows are contiguous or strided.
#[cube]
pub(super) fn load<E: Float, W: Float>(
    input: &[E],
    tile: &mut Shared<[W]>,
    rows: &Rows,
    row: &Row,
    #[comptime] plan: Plan,
) {
    if comptime!(plan.row_per_unit) {
        let cube = CubeRows::new(rows, plan);
        let mut e = UNIT_POS as usize;
        while e < cube.elements {
            let (slot, at) = cube.places(rows, e, plan);
            tile[slot] = W::cast_from(input[at]);
            e += comptime!(plan.units);
        }
        sync_cube();
    } else if comptime!(plan.resident) {
        // every unit reads back only what it wrote itself: no barrier
        if row.exists {
            let mut j = row.first;
            while j < row.len {
                tile[j] = W::cast_from(input[row.start + j * row.stride]);
                j += row.step;
            }
        }
    }
}

/// Writes the rows that units with rows of their own have left in the tile.
#[cube]
pub(super) fn store<E: Float, W: Float>(
    output: &mut [E],
    tile: &Shared<[W]>,
    rows: &Rows,
    #[comptime] plan: Plan,
) {
    if comptime!(plan.row_per_unit) {
        let cube = CubeRows::new(rows, plan);
        sync_cube();
        let mut e = UNIT_POS as usize;
        while e < cube.elements {
            let (slot, at) = cube.places(rows, e, plan);
            output[at] = E::cast_from(tile[slot]);
            e += comptime!(plan.units);
        }
    }
}

/// Element `j` of the row.
#[cube]
pub(super) fn read<E: Float, W: Float>(
    input: &[E],
    tile: &Shared<[W]>,
    row: &Row,
    j: usize,
    #[comptime] plan: Plan,
) -> W {
    if comptime!(plan.resident) {
        tile[row.slot + j]
    } else {
        W::cast_from(input[row.start + j * row.stride])
    }
}

/// Sets element `j` of the row; [`store`] must follow.
#[cube]
pub(super) fn write<E: Float, W: Float>(
    output: &mut [E],
    tile: &mut Shared<[W]>,
    row: &Row,
    j: usize,
    value: W,
    #[comptime] plan: Plan,
) {
    if comptime!(plan.row_per_unit) {
        tile[row.slot + j] = value;
    } else {
        output[row.start + j * row.stride] = E::cast_from(value);
    }
}

/// The rows of a cube whose units have a row each.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
struct CubeRows {
    first: usize,
    rows: usize,
    elements: usize,
}

#[cube]
impl CubeRows {
    fn new(rows: &Rows, #[comptime] plan: Plan) -> CubeRows {
        let first = CUBE_POS * comptime!(plan.units);
        let mut here = 0usize.runtime();
        if first < rows.count {
            here = rows.count - first;
        }
        if here > comptime!(plan.units) {
            here = comptime!(plan.units).runtime();
        }
        CubeRows {
            first,
            rows: here,
            elements: here * rows.len,
        }
    }

    /// Where the `e`-th element that the cube moves is in the tile and in the tensor, counted
    /// along the rows where they are contiguous and across them where they are strided.
    fn places(&self, rows: &Rows, e: usize, #[comptime] plan: Plan) -> (usize, usize) {
        let mut row = e / rows.len;
        let mut j = e % rows.len;
        if rows.inner > 1 {
            row = e % self.rows;
            j = e / self.rows;
        }
        let at = start(rows, self.first + row) + j * rows.inner;
        (row * comptime!(plan.pitch) + j, at)
    }
}
