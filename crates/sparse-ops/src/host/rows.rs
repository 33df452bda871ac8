//! The rows of a tensor along one dimension: contiguous or strided, in parallel, vectorized.

use std::mem::MaybeUninit;

use pulp::{Arch, WithSimd};
use rayon::prelude::*;

use super::element::Element;

/// Columns that are gathered together when rows are strided: a cache line of f32.
const TILE: usize = 16;
/// Elements that are worth a task of their own: about 10 µs of work.
const TASK: usize = 1 << 14;

/// A contiguous tensor seen as `[outer, len, inner]`, with its rows along the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rows {
    outer: usize,
    len: usize,
    inner: usize,
}

/// What is done with each row.
///
/// `row` counts the rows in the order of the tensor without the dimension. `extra` is the row's one
/// number beside `out` (a loss, a gradient in α), and `scratch` has at least the row's length.
pub(super) trait RowKernel<E: Element, const INPUTS: usize>: Sync {
    fn row(
        &self,
        row: usize,
        inputs: [&[E::Work]; INPUTS],
        out: &mut [MaybeUninit<E>],
        extra: &mut f64,
        scratch: &mut [E::Work],
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
    pub(super) fn map<E: Element, const INPUTS: usize, K: RowKernel<E, INPUTS>>(
        self,
        inputs: [&[E]; INPUTS],
        extra: &mut [f64],
        kernel: &K,
    ) -> Vec<E> {
        let total = self.count() * self.len;
        assert!(inputs.iter().all(|input| input.len() == total));
        assert!(extra.is_empty() || extra.len() == self.count());
        if self.len == 0 {
            return Vec::new();
        }
        let mut out = Vec::with_capacity(total);
        let slots = &mut out.spare_capacity_mut()[..total];
        if self.inner == 1 {
            self.contiguous(inputs, slots, extra, kernel);
        } else {
            self.strided(inputs, slots, extra, kernel);
        }
        // SAFETY: every kernel writes the whole of its row, and the rows cover `total` elements.
        unsafe { out.set_len(total) };
        out
    }

    fn contiguous<E: Element, const INPUTS: usize, K: RowKernel<E, INPUTS>>(
        self,
        inputs: [&[E]; INPUTS],
        out: &mut [MaybeUninit<E>],
        extra: &mut [f64],
        kernel: &K,
    ) {
        let len = self.len;
        let per_task = (TASK / len).max(1);
        let task = |index: usize, out: &mut [MaybeUninit<E>], extra: &mut [f64]| {
            let first = index * per_task;
            let span = first * len..first * len + out.len();
            let inputs = inputs.map(|input| &input[span.clone()]);
            Arch::new().dispatch(Block {
                first,
                len,
                inputs,
                out,
                extra,
                kernel,
            });
        };
        let tasks = self.count().div_ceil(per_task);
        if tasks < 2 || rayon::current_num_threads() == 1 {
            // one block: nothing is gained by cutting it, and each cut costs a dispatch
            Arch::new().dispatch(Block {
                first: 0,
                len,
                inputs,
                out,
                extra,
                kernel,
            });
        } else if extra.is_empty() {
            out.par_chunks_mut(per_task * len)
                .enumerate()
                .for_each(|(index, out)| task(index, out, &mut []));
        } else {
            out.par_chunks_mut(per_task * len)
                .zip(extra.par_chunks_mut(per_task))
                .enumerate()
                .for_each(|(index, (out, extra))| task(index, out, extra));
        }
    }

    fn strided<E: Element, const INPUTS: usize, K: RowKernel<E, INPUTS>>(
        self,
        inputs: [&[E]; INPUTS],
        out: &mut [MaybeUninit<E>],
        extra: &mut [f64],
        kernel: &K,
    ) {
        let tiles = self.inner.div_ceil(TILE);
        let tile = |index: usize, out: &Shared<MaybeUninit<E>>, extra: &Shared<f64>| {
            let (outer, first) = (index / tiles, index % tiles * TILE);
            let width = TILE.min(self.inner - first);
            let start = outer * self.len * self.inner + first;
            let row = outer * self.inner + first;
            let gathered = inputs.map(|input| self.gather(input, start, width));
            let inputs = std::array::from_fn(|i| gathered[i].as_slice());
            let mut done = vec![MaybeUninit::uninit(); width * self.len];
            let mut numbers = [0.0; TILE];
            Arch::new().dispatch(Block {
                first: row,
                len: self.len,
                inputs,
                out: &mut done,
                extra: &mut numbers[..width],
                kernel,
            });
            for (column, values) in done.chunks_exact(self.len).enumerate() {
                for (j, value) in values.iter().enumerate() {
                    // SAFETY: inside of the tensor; no other tile has this column.
                    unsafe { out.write(start + j * self.inner + column, *value) };
                }
            }
            if extra.len > 0 {
                for (column, number) in numbers[..width].iter().enumerate() {
                    // SAFETY: one number for each row; no other tile has this row.
                    unsafe { extra.write(row + column, *number) };
                }
            }
        };
        let (out, extra) = (Shared::new(out), Shared::new(extra));
        let count = self.outer * tiles;
        if count * TILE * self.len < 2 * TASK || rayon::current_num_threads() == 1 {
            (0..count).for_each(|index| tile(index, &out, &extra));
        } else {
            let at_least = (TASK / (TILE * self.len)).max(1);
            (0..count)
                .into_par_iter()
                .with_min_len(at_least)
                .for_each(|index| tile(index, &out, &extra));
        }
    }

    /// `width` neighbouring columns, each as a contiguous row.
    fn gather<E: Element>(&self, input: &[E], start: usize, width: usize) -> Vec<E> {
        let mut tile = Vec::with_capacity(width * self.len);
        for column in start..start + width {
            tile.extend((0..self.len).map(|j| input[column + j * self.inner]));
        }
        tile
    }
}

/// Consecutive contiguous rows, computed with one choice of instruction set.
struct Block<'a, E: Element, const INPUTS: usize, K> {
    first: usize,
    len: usize,
    inputs: [&'a [E]; INPUTS],
    out: &'a mut [MaybeUninit<E>],
    extra: &'a mut [f64],
    kernel: &'a K,
}

impl<E: Element, const INPUTS: usize, K: RowKernel<E, INPUTS>> WithSimd
    for Block<'_, E, INPUTS, K>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Block {
            first,
            len,
            inputs,
            out,
            extra,
            kernel,
        } = self;
        let zero = num_traits::zero::<E::Work>();
        let mut scratch = vec![zero; len];
        let mut widened: [Vec<E::Work>; INPUTS] = std::array::from_fn(|_| Vec::new());
        let mut unused = 0.0;
        for (index, out) in out.chunks_exact_mut(len).enumerate() {
            let span = index * len..(index + 1) * len;
            let extra = extra.get_mut(index).unwrap_or(&mut unused);
            for (widened, input) in widened.iter_mut().zip(&inputs) {
                if E::as_work(input).is_none() {
                    widened.clear();
                    widened.extend(input[span.clone()].iter().map(|x| x.to_work()));
                }
            }
            let row = std::array::from_fn(|i| match E::as_work(inputs[i]) {
                Some(input) => &input[span.clone()],
                None => widened[i].as_slice(),
            });
            kernel.row(first + index, row, out, extra, &mut scratch);
        }
    }
}

/// A slice that tasks write at disjoint places.
struct Shared<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: `write` demands that no place is written twice, so threads never meet.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn new(slice: &mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
        }
    }

    /// # Safety
    /// `index` is below `len`, and no other task writes it while this one may.
    unsafe fn write(&self, index: usize, value: T) {
        debug_assert!(index < self.len);
        // SAFETY: in bounds and unshared by the contract.
        unsafe { self.start.add(index).write(value) }
    }
}
