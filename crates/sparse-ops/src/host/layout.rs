//! How rows lie in registers. Row kernels are written once for both ways.

use pulp::Simd;

use super::element::Work;
use super::vector::Vector;

/// A row kernel sees a slice of numbers a register at a time, keeps what it knows of a row in all
/// of the lanes that belong to it, and reduces over them by the layout.
pub(super) trait Layout: Copy {
    /// How many rows a kernel works on at once.
    fn rows<W: Work, S: Simd>(self) -> usize;
    /// Sums of some lanes of each row, made the sum of all of its lanes.
    fn sum<W: Work, S: Simd>(self, lanes: Vector<W, S>) -> Vector<W, S>;
    /// The same with the largest.
    fn largest<W: Work, S: Simd>(self, lanes: Vector<W, S>) -> Vector<W, S>;
    /// A number for each row.
    fn per_row<W: Work, S: Simd>(
        self,
        simd: S,
        numbers: &[f64],
        f: impl Fn(f64) -> f64,
    ) -> Vector<W, S>;
}

/// One row, in the order of its elements: for long rows, which are read where they lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Along;

impl Layout for Along {
    #[inline(always)]
    fn rows<W: Work, S: Simd>(self) -> usize {
        1
    }
    #[inline(always)]
    fn sum<W: Work, S: Simd>(self, lanes: Vector<W, S>) -> Vector<W, S> {
        lanes.sum()
    }
    #[inline(always)]
    fn largest<W: Work, S: Simd>(self, lanes: Vector<W, S>) -> Vector<W, S> {
        lanes.largest()
    }
    #[inline(always)]
    fn per_row<W: Work, S: Simd>(
        self,
        simd: S,
        numbers: &[f64],
        f: impl Fn(f64) -> f64,
    ) -> Vector<W, S> {
        Vector::splat(simd, W::narrow(f(numbers[0])))
    }
}

/// A row in each lane: element 0 of all of them, then element 1. Nothing is reduced over lanes,
/// which is most of the work on short rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Across;

impl Layout for Across {
    #[inline(always)]
    fn rows<W: Work, S: Simd>(self) -> usize {
        size_of::<W::Register<S>>() / size_of::<W>()
    }
    #[inline(always)]
    fn sum<W: Work, S: Simd>(self, lanes: Vector<W, S>) -> Vector<W, S> {
        lanes
    }
    #[inline(always)]
    fn largest<W: Work, S: Simd>(self, lanes: Vector<W, S>) -> Vector<W, S> {
        lanes
    }
    #[inline(always)]
    fn per_row<W: Work, S: Simd>(
        self,
        simd: S,
        numbers: &[f64],
        f: impl Fn(f64) -> f64,
    ) -> Vector<W, S> {
        Vector::from_fn(simd, |lane| {
            // the last rows may be too few to fill all lanes
            W::narrow(f(numbers[lane.min(numbers.len() - 1)]))
        })
    }
}
