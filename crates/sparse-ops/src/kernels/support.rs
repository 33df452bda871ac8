//! Packing: which entries of `[batch, classes]` probabilities are not zero.
//!
//! Three kernels and no read back: the rows' counts; their running sum, by one cube; the entries.
//! Where units share a row or the batch, each takes a contiguous segment of it, and learns from the
//! others' counts where its own entries go.

use burn_core::backend::{TensorMetadata, cubecl::dtype_to_storage_type};
use burn_core::tensor::{DType, IntDType, Shape};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::elementary::is_nan;
use super::launch::{address_type, empty, work_type};
use super::plan::{Geometry, Plan};
use super::rows::Rows;
use super::running_sum::{counters, running_sum};

/// Exclusive prefix sums of the rows' support sizes, `[batch + 1]`. A NaN counts.
pub(crate) fn support_offsets(probs: CubeTensor, int_dtype: IntDType) -> CubeTensor {
    let probs = into_contiguous(probs);
    let batch = probs.shape()[0];
    let offsets = empty(&probs, Shape::from([batch + 1]), DType::from(int_dtype));
    let client = probs.client.clone();
    let int_type = dtype_to_storage_type(offsets.dtype);
    let dtype = probs.dtype;
    let address = address_type(&[&probs, &offsets]);
    let Geometry {
        rows,
        plan,
        cubes,
        dim,
    } = Geometry::without_tiles(&probs, 1);
    // SAFETY: both tensors are contiguous, `rows` covers the probabilities exactly, and `offsets`
    // has an element for each row after its first.
    unsafe {
        count_kernel::launch_unchecked(
            &client,
            cubes,
            dim,
            address,
            probs.clone().into_buffer_arg(),
            offsets.clone().into_buffer_arg(),
            rows.launch(),
            plan,
            [dtype_to_storage_type(dtype), work_type(dtype), int_type],
        )
    };
    // the batch as one row
    let batch = Rows {
        count: 1,
        len: batch,
        inner: 1,
    };
    let plan = Plan::shared(batch.len, &client);
    // SAFETY: the one cube stays within the batch.
    unsafe {
        running_sum_kernel::launch_unchecked(
            &client,
            CubeCount::Static(1, 1, 1),
            CubeDim::new_1d(plan.units as u32),
            address,
            offsets.clone().into_buffer_arg(),
            batch.launch(),
            plan,
            int_type,
        )
    };
    offsets
}

/// The row and the class of every entry that is not zero, in order.
pub(crate) fn support_entries(
    probs: CubeTensor,
    offsets: CubeTensor,
    total: usize,
) -> (CubeTensor, CubeTensor) {
    let (probs, offsets) = (into_contiguous(probs), into_contiguous(offsets));
    let entries = || empty(&probs, Shape::from([total]), offsets.dtype);
    let (entry_rows, classes) = (entries(), entries());
    if total == 0 {
        return (entry_rows, classes);
    }
    let client = probs.client.clone();
    let int_type = dtype_to_storage_type(offsets.dtype);
    let dtype = probs.dtype;
    let Geometry {
        rows,
        plan,
        cubes,
        dim,
    } = Geometry::without_tiles(&probs, 1);
    // SAFETY: `offsets` are those of `probs`, and `total` is the last of them, so that the entries
    // of all rows have their places.
    unsafe {
        entries_kernel::launch_unchecked(
            &client,
            cubes,
            dim,
            address_type(&[&probs, &offsets, &classes]),
            probs.into_buffer_arg(),
            offsets.into_buffer_arg(),
            entry_rows.clone().into_buffer_arg(),
            classes.clone().into_buffer_arg(),
            rows.launch(),
            plan,
            [dtype_to_storage_type(dtype), work_type(dtype), int_type],
        )
    };
    (entry_rows, classes)
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn count_kernel<E: Float, W: Float, I: Int>(
    probs: &[E],
    offsets: &mut [I],
    rows: Rows,
    #[comptime] plan: Plan,
    #[define(E, W, I)] _dtypes: [ElemType; 3],
) {
    let segment = Segment::new(&rows, plan);
    let mut scratch = counters::<I>(plan);
    if segment.exists {
        let count = segment.count::<E, W, I>(probs);
        let (_before, total) = running_sum::<I>(count, &mut scratch, plan);
        if segment.leads {
            offsets[segment.row + 1] = total;
        }
    }
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn running_sum_kernel<I: Int>(
    offsets: &mut [I],
    batch: Rows,
    #[comptime] plan: Plan,
    #[define(I)] _dtype: ElemType,
) {
    let segment = Segment::new(&batch, plan);
    let mut scratch = counters::<I>(plan);
    let mut sum = I::new(0);
    for row in segment.from..segment.to {
        sum += offsets[row + 1];
    }
    let (before, _total) = running_sum::<I>(sum, &mut scratch, plan);
    if segment.leads {
        offsets[0] = I::new(0);
    }
    let mut sum = before;
    for row in segment.from..segment.to {
        sum += offsets[row + 1];
        offsets[row + 1] = sum;
    }
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn entries_kernel<E: Float, W: Float, I: Int>(
    probs: &[E],
    offsets: &[I],
    entry_rows: &mut [I],
    classes: &mut [I],
    rows: Rows,
    #[comptime] plan: Plan,
    #[define(E, W, I)] _dtypes: [ElemType; 3],
) {
    let segment = Segment::new(&rows, plan);
    let mut scratch = counters::<I>(plan);
    if segment.exists {
        let mut before = I::new(0);
        // a unit with a row of its own need not count
        if comptime!(!plan.row_per_unit) {
            let count = segment.count::<E, W, I>(probs);
            let (others, _total) = running_sum::<I>(count, &mut scratch, plan);
            before = others;
        }
        let mut entry = usize::cast_from(offsets[segment.row] + before);
        let start = segment.row * rows.len;
        for at in segment.from..segment.to {
            if on::<E, W>(probs[at]) {
                entry_rows[entry] = I::cast_from(segment.row);
                classes[entry] = I::cast_from(at - start);
                entry += 1;
            }
        }
    }
}

/// A NaN is kept, so that it reaches the loss instead of vanishing.
#[cube]
fn on<E: Float, W: Float>(p: E) -> bool {
    let p = W::cast_from(p);
    p > W::new(0.0) || is_nan::<W>(p)
}

/// The part of a row that a unit packs: the positions `from..to` of the tensor.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
struct Segment {
    row: usize,
    from: usize,
    to: usize,
    /// Whether there is such a row; the same for all units that share it.
    exists: bool,
    /// Whether this is the first segment of the row.
    leads: bool,
}

#[cube]
impl Segment {
    fn new(rows: &Rows, #[comptime] plan: Plan) -> Segment {
        let unit = UNIT_POS as usize;
        if comptime!(plan.row_per_unit) {
            let row = CUBE_POS * comptime!(plan.units) + unit;
            Segment {
                row,
                from: row * rows.len,
                to: (row + 1) * rows.len,
                exists: row < rows.count,
                leads: true.runtime(),
            }
        } else {
            let each = (rows.len + comptime!(plan.units - 1)) / comptime!(plan.units);
            let start = CUBE_POS * rows.len;
            Segment {
                row: CUBE_POS,
                from: start + min(unit * each, rows.len),
                to: start + min((unit + 1) * each, rows.len),
                exists: CUBE_POS < rows.count,
                leads: unit == 0,
            }
        }
    }

    fn count<E: Float, W: Float, I: Int>(&self, probs: &[E]) -> I {
        let mut count = I::new(0);
        for at in self.from..self.to {
            if on::<E, W>(probs[at]) {
                count += I::new(1);
            }
        }
        count
    }
}
