//! The rows of a tensor along one dimension: contiguous or strided, in parallel, vectorized.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::element::{Element, Work};
use super::layout::{Across, Along, Layout};
use super::simd::MAX_LANES;

/// Rows that are as short as this share registers, one in each lane. Measured on AVX2, where 64
/// elements of f32 are eight registers.
const SHORT: usize = 64;
/// Elements that are worth a task of their own: about 10 µs of work.
const TASK: usize = 1 << 14;

/// A contiguous tensor seen as `[outer, len, inner]`, with its rows along the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rows {
    outer: usize,
    len: usize,
    inner: usize,
}

/// What is done with the rows of a [`Layout`], in their working precision.
///
/// `first` counts the rows in the order of the tensor without the dimension. `extra` has each
/// row's one number beside `out` (a loss, a gradient in α), and `scratch` has room for the input.
/// In [`Across`], lanes beyond the last row repeat it, and what they write is dropped.
pub(super) trait RowKernel<W: Work, const INPUTS: usize>: Sync {
    #[expect(clippy::too_many_arguments)]
    fn rows<S: Simd, L: Layout>(
        &self,
        simd: S,
        layout: L,
        first: usize,
        inputs: [&[W]; INPUTS],
        out: &mut [MaybeUninit<W>],
        extra: &mut [f64],
        scratch: &mut [W],
    );
}

impl Rows {
    pub(crate) fn new(shape: &[usize], dim: usize) -> Self {
        Self {
            outer: shape[..dim].iter().product(),
            len: shape[dim],
            inner: shape[dim + 1..].iter().product(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.outer * self.inner
    }

    /// Runs `kernel` on every row and returns its output. `extra` is empty or has a number a row.
    ///
    /// Half precisions are widened as a whole, so that one kernel is compiled for all that work in
    /// f32.
    pub(super) fn map<E: Element, const INPUTS: usize, K: RowKernel<E::Work, INPUTS>>(
        self,
        inputs: [&[E]; INPUTS],
        extra: &mut [f64],
        kernel: &K,
    ) -> Vec<E> {
        let inputs = inputs.map(E::widened);
        E::narrowed(self.run(inputs.each_ref().map(|input| &**input), extra, kernel))
    }

    fn run<W: Work, const INPUTS: usize, K: RowKernel<W, INPUTS>>(
        self,
        inputs: [&[W]; INPUTS],
        extra: &mut [f64],
        kernel: &K,
    ) -> Vec<W> {
        let total = self.count() * self.len;
        assert!(inputs.iter().all(|input| input.len() == total));
        assert!(extra.is_empty() || extra.len() == self.count());
        if total == 0 {
            return Vec::new();
        }
        let mut out = Vec::with_capacity(total);
        let slots = &mut out.spare_capacity_mut()[..total];
        // rows that share registers come in whole sets of lanes, whatever the number of threads
        let together = if self.share_registers() { MAX_LANES } else { 1 };
        let per_task = (TASK / self.len).max(1).next_multiple_of(together);
        let tasks = self.count().div_ceil(per_task);
        let block = Block {
            rows: self,
            inputs,
            out: Shared::new(slots),
            extra: Shared::new(extra),
            kernel,
        };
        if tasks < 2 || rayon::current_num_threads() == 1 {
            // nothing is gained by cutting it, and each cut costs a dispatch
            block.run(0..self.count());
        } else {
            (0..tasks).into_par_iter().for_each(|task| {
                let first = task * per_task;
                block.run(first..self.count().min(first + per_task));
            });
        }
        // SAFETY: every kernel writes the whole of its rows, and they cover `total` elements.
        unsafe { out.set_len(total) };
        out
    }

    fn share_registers(&self) -> bool {
        self.inner > 1 || self.len <= SHORT
    }

    /// Where a row begins; its elements are `inner` apart.
    fn start(&self, row: usize) -> usize {
        if self.inner == 1 {
            row * self.len
        } else {
            row / self.inner * self.len * self.inner + row % self.inner
        }
    }
}

/// A kernel on a tensor.
struct Block<'a, W: Work, const INPUTS: usize, K> {
    rows: Rows,
    inputs: [&'a [W]; INPUTS],
    out: Shared<'a, MaybeUninit<W>>,
    extra: Shared<'a, f64>,
    kernel: &'a K,
}

impl<W: Work, const INPUTS: usize, K: RowKernel<W, INPUTS>> Block<'_, W, INPUTS, K> {
    /// The rows of one task, with one choice of instruction set.
    fn run(&self, range: Range<usize>) {
        Arch::new().dispatch(Task { block: self, range });
    }

    /// Long rows, one after the other.
    #[inline(always)]
    fn along<S: Simd>(&self, simd: S, range: Range<usize>) {
        let len = self.rows.len;
        let mut scratch = vec![W::zero(); len.next_multiple_of(MAX_LANES)];
        for row in range {
            let span = row * len..(row + 1) * len;
            let inputs = self.inputs.map(|input| &input[span.clone()]);
            // SAFETY: no other task has this row.
            let out = unsafe { self.out.part(span) };
            let mut extra = [0.0];
            self.kernel
                .rows(simd, Along, row, inputs, out, &mut extra, &mut scratch);
            self.put_extra(row, &extra);
        }
    }

    /// Short or strided rows, gathered one in each lane.
    #[inline(always)]
    fn across<S: Simd>(&self, simd: S, range: Range<usize>) {
        let Rows { len, inner, .. } = self.rows;
        let lanes = Across.rows::<W, S>();
        let mut gathered: [Vec<W>; INPUTS] = std::array::from_fn(|_| vec![W::zero(); len * lanes]);
        let mut scratch = vec![W::zero(); len * lanes];
        let mut done = vec![MaybeUninit::uninit(); len * lanes];
        for first in range.clone().step_by(lanes) {
            let count = lanes.min(range.end - first);
            let starts: [usize; MAX_LANES] =
                std::array::from_fn(|lane| self.rows.start(first + lane.min(count - 1)));
            let starts = &starts[..lanes];
            for (gathered, input) in gathered.iter_mut().zip(self.inputs) {
                for (j, gathered) in gathered.chunks_exact_mut(lanes).enumerate() {
                    for (gathered, start) in gathered.iter_mut().zip(starts) {
                        *gathered = input[start + j * inner];
                    }
                }
            }
            let inputs = std::array::from_fn(|i| gathered[i].as_slice());
            let mut extra = [0.0; MAX_LANES];
            self.kernel.rows(
                simd,
                Across,
                first,
                inputs,
                &mut done,
                &mut extra[..lanes],
                &mut scratch,
            );
            for (j, done) in done.chunks_exact(lanes).enumerate() {
                for (&value, start) in done.iter().zip(&starts[..count]) {
                    // SAFETY: no other task has this row.
                    unsafe { self.out.write(start + j * inner, value) };
                }
            }
            self.put_extra(first, &extra[..count]);
        }
    }

    #[inline(always)]
    fn put_extra(&self, first: usize, numbers: &[f64]) {
        if self.extra.len > 0 {
            for (lane, number) in numbers.iter().enumerate() {
                // SAFETY: one number for each row, and no other task has this row.
                unsafe { self.extra.write(first + lane, *number) };
            }
        }
    }
}

struct Task<'a, 'b, W: Work, const INPUTS: usize, K> {
    block: &'a Block<'b, W, INPUTS, K>,
    range: Range<usize>,
}

impl<W: Work, const INPUTS: usize, K: RowKernel<W, INPUTS>> WithSimd
    for Task<'_, '_, W, INPUTS, K>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.block.rows.share_registers() {
            self.block.across(simd, self.range);
        } else {
            self.block.along(simd, self.range);
        }
    }
}

/// A slice that tasks write at disjoint places.
struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: `write` and `part` demand that no place is written twice, so threads never meet.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            slice: PhantomData,
        }
    }

    /// # Safety
    /// `index` is below `len`, and no other task writes it while this one may.
    #[inline(always)]
    unsafe fn write(&self, index: usize, value: T) {
        debug_assert!(index < self.len);
        // SAFETY: in bounds and unshared by the contract.
        unsafe { self.start.add(index).write(value) }
    }

    /// # Safety
    /// The span ends at `len` or before, and nothing else reads or writes it while this lives.
    #[inline(always)]
    #[expect(clippy::mut_from_ref)]
    unsafe fn part(&self, span: Range<usize>) -> &mut [T] {
        debug_assert!(span.end <= self.len);
        // SAFETY: in bounds and unshared by the contract.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(span.start), span.len()) }
    }
}

#[cfg(test)]
mod tests {
    use pulp::Scalar;

    use super::*;
    use crate::host::entmax::Alpha;
    use crate::host::forward::Forward;
    use crate::host::mapping::{Entmax15, Mappings, Softmax, Sparsemax};

    /// What a machine without vector instructions computes.
    fn portable<M: Mappings>(rows: Rows, scores: &[f32], mappings: M) -> Vec<f32> {
        let mut out = vec![MaybeUninit::uninit(); scores.len()];
        let block = Block {
            rows,
            inputs: [scores],
            out: Shared::new(&mut out),
            extra: Shared::new(&mut []),
            kernel: &Forward { mappings },
        };
        let task = Task {
            block: &block,
            range: 0..rows.count(),
        };
        task.with_simd(Scalar::new());
        // SAFETY: the kernel writes the whole of its rows.
        out.iter().map(|p| unsafe { p.assume_init() }).collect()
    }

    fn assert_same<M: Mappings>(mappings: M) {
        for (shape, dim) in [([3, 200], 1), ([5, 7], 1), ([30, 9], 0)] {
            let scores: Vec<f32> = (0..shape[0] * shape[1])
                .map(|i| (i * 7919 % 1000) as f32 / 250.0)
                .collect();
            let rows = Rows::new(&shape, dim);
            let want = rows.map::<f32, 1, _>([&scores], &mut [], &Forward { mappings });
            for (got, want) in portable(rows, &scores, mappings).iter().zip(want) {
                // the same numbers, summed in another order
                assert!((got - want).abs() < 1e-6, "{got} {want}");
            }
        }
    }

    #[test]
    fn no_vector_instructions_are_needed() {
        assert_same(Sparsemax);
        assert_same(Softmax);
        assert_same(Entmax15);
        assert_same(Alpha(1.3));
        assert_same(Alpha(1.7));
    }
}
