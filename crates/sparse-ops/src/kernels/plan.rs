//! How the units of the device share the rows of a tensor.

use burn_core::backend::TensorMetadata;
use burn_cubecl::tensor::CubeTensor;
use cubecl::client::Client;
use cubecl::prelude::*;
use cubecl::server::CubeCountSelection;

use super::rows::Rows;

/// Rows up to this length get a unit each: its barriers would cost a cube more than the sums.
const SHORT: usize = 64;
/// Shared memory that a cube takes at most: more would leave a multiprocessor too few cubes to
/// hide its latencies, and longer rows are read again from the cache instead.
const SHARED_BYTES: usize = 32 * 1024;
/// Of that, what a cube takes at most for lists of scores that matter, in rows it has no room for.
const LIST_BYTES: usize = 16 * 1024;
/// Elements that a unit is worth starting for, where the units of a cube share a row.
const PER_UNIT: usize = 8;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    /// Units of a cube.
    pub units: usize,
    /// Each unit has a row of its own; otherwise the units of a cube share one.
    pub row_per_unit: bool,
    /// Rows are held in shared memory; otherwise they are read again where all of them is needed.
    pub resident: bool,
    /// Elements of a tile in shared memory, and from one row of it to the next.
    pub tile: usize,
    pub pitch: usize,
    /// Scores above the first threshold that a unit remembers of a row that is not resident: later
    /// thresholds are sums over these alone.
    pub list: usize,
}

/// A launch's share of the work: the rows, the plan, and the cubes that cover them.
pub(super) struct Geometry {
    pub rows: Rows,
    pub plan: Plan,
    pub cubes: CubeCount,
    pub dim: CubeDim,
}

impl Geometry {
    /// For a kernel that holds its part of `tiles` tensors, in numbers of `size` bytes.
    pub(super) fn new(tensor: &CubeTensor, dim: usize, tiles: usize, size: usize) -> Self {
        let rows = Rows::along(&tensor.shape(), dim);
        Self::of(
            rows,
            Plan::new(rows.len, tiles, size, &tensor.client),
            tensor,
        )
    }

    /// For a kernel that reads its rows where they are.
    pub(super) fn without_tiles(tensor: &CubeTensor, dim: usize) -> Self {
        let rows = Rows::along(&tensor.shape(), dim);
        let plan = if rows.len <= SHORT {
            Plan::row_per_unit(most_units(&tensor.client).min(64))
        } else {
            Plan::shared(rows.len, &tensor.client)
        };
        Self::of(rows, plan, tensor)
    }

    fn of(rows: Rows, plan: Plan, tensor: &CubeTensor) -> Self {
        let cubes = if plan.row_per_unit {
            rows.count.div_ceil(plan.units)
        } else {
            rows.count
        };
        Self {
            rows,
            plan,
            cubes: CubeCountSelection::new(&tensor.client, cubes as u32).cube_count(),
            dim: CubeDim::new_1d(plan.units as u32),
        }
    }
}

impl Plan {
    fn new(len: usize, tiles: usize, size: usize, client: &Client) -> Self {
        let bytes = client.properties().hardware.max_shared_memory_size;
        let bytes = bytes.min(SHARED_BYTES);
        if len <= SHORT {
            let mut units = most_units(client).min(64);
            let pitch = pitch(len);
            while units > 1 && units * pitch * tiles * size > bytes {
                units /= 2;
            }
            return Self {
                resident: true,
                pitch,
                tile: units * pitch,
                ..Self::row_per_unit(units)
            };
        }
        let plan = Self::shared(len, client);
        // and a place each for the condition of a loop, and for a tile or a list that is not there
        let scratch = (scratch_len(plan.units) + 1) * size + size_of::<u32>();
        let room = bytes.saturating_sub(scratch) / (tiles * size);
        if len > room {
            let lists = LIST_BYTES.min(bytes.saturating_sub(scratch));
            return Self {
                list: lists / (plan.units * size),
                ..plan
            };
        }
        Self {
            resident: true,
            // few sizes, so that few kernels are compiled
            tile: len.next_power_of_two().min(room),
            ..plan
        }
    }

    fn row_per_unit(units: usize) -> Self {
        Self {
            units,
            row_per_unit: true,
            resident: false,
            pitch: 0,
            tile: 1,
            list: 0,
        }
    }

    /// A cube for a row of `len` elements, read where they are.
    pub(super) fn shared(len: usize, client: &Client) -> Self {
        let units = (len / PER_UNIT).next_power_of_two().clamp(32, 256);
        Self {
            units: units.min(most_units(client)),
            row_per_unit: false,
            resident: false,
            pitch: 0,
            tile: 1,
            list: 0,
        }
    }
}

/// A power of two of units that a cube may have.
fn most_units(client: &Client) -> usize {
    1 << client
        .properties()
        .hardware
        .max_units_per_cube
        .clamp(1, 256)
        .ilog2()
}

/// Elements from one row of a tile to the next: odd, so that units that walk along neighbouring
/// rows meet in no memory bank, and few, since a kernel is compiled for each.
fn pitch(len: usize) -> usize {
    len.next_power_of_two() | 1
}

/// Elements of shared memory that [`reduce`](super::reduce) works in.
pub(super) fn scratch_len(units: usize) -> usize {
    2 * (units + groups(units))
}

/// Groups that the first stage of a reduction leaves: about as many as each has members, so that
/// neither stage is long.
pub(super) fn groups(units: usize) -> usize {
    1 << units.ilog2().div_ceil(2)
}
