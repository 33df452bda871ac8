//! The product of a matrix that is mostly zeros with a dense one: what is zero is looked at, and not
//! multiplied.

use std::ops::Range;

use pulp::{Arch, NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use super::element::Work;
use super::vector::Vector;

/// The largest share of numbers that are not zero. A dense product reads its second factor once for
/// several rows, and this one for each of them: at a third or a half it has lost what it gains.
const DENSEST: f64 = 0.25;
/// Registers of a row of the result that are summed together.
const TILE: usize = 8;
/// Products that are worth a task of their own: about 20 µs of work.
const TASK: f64 = 262_144.0;
/// Rows that are looked at, to know whether there is much to leave out.
const SEEN: usize = 64;
/// Numbers that are looked at together: where there is one, there are more beside it.
const GROUP: usize = 16;

/// `left · right`, of `left` `[n, k]` and `right` `[k, m]`. None if `left` is too dense for that.
pub(super) fn product<W: Work>(left: &[W], right: &[W], [n, k, m]: [usize; 3]) -> Option<Vec<W>> {
    let share = sparse(left, k)?;
    let mut out = vec![W::zero(); n * m];
    let size = rows_of_a_task(share * (k * m) as f64, n);
    let tasks = left.par_chunks(size * k).zip(out.par_chunks_mut(size * m));
    tasks.for_each(|(left, out)| {
        let entries = Arch::new().dispatch(OfRows { left, k });
        Arch::new().dispatch(Product {
            entries: &entries,
            rows: 0..entries.len(),
            right,
            out,
        });
    });
    Some(out)
}

/// `leftᵀ · right`, of `left` `[n, k]` and `right` `[n, m]`. None if `left` is too dense for that.
pub(super) fn transposed_product<W: Work>(
    left: &[W],
    right: &[W],
    [n, k, m]: [usize; 3],
) -> Option<Vec<W>> {
    let share = sparse(left, k)?;
    let mut out = vec![W::zero(); k * m];
    let size = rows_of_a_task(share * (n * m) as f64, k);
    let entries = Arch::new().dispatch(OfRows { left, k }).transposed(k);
    let tasks = out.par_chunks_mut(size * m).enumerate();
    tasks.for_each(|(task, out)| {
        let first = task * size;
        Arch::new().dispatch(Product {
            entries: &entries,
            rows: first..first + out.len() / m,
            right,
            out,
        });
    });
    Some(out)
}

/// Which share of `left` is not zero, if little enough, by a look at some of its rows of `k` numbers.
fn sparse<W: Work>(left: &[W], k: usize) -> Option<f64> {
    let rows = left.len() / k;
    let seen = rows.min(SEEN);
    let row = |index: usize| {
        let start = (index * rows / seen) * k;
        &left[start..start + k]
    };
    let counts = (0..seen).map(|index| row(index).iter().filter(|x| is_entry(**x)).count());
    let share = counts.sum::<usize>() as f64 / (seen * k) as f64;
    (share <= DENSEST).then_some(share)
}

/// Of some `rows`, each of which takes so many products.
fn rows_of_a_task(products: f64, rows: usize) -> usize {
    ((TASK / products.max(1.0)) as usize).clamp(1, rows)
}

/// A number that is not zero.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry<W> {
    /// The row of the second factor that it is multiplied with.
    at: u32,
    value: W,
}

/// What is not zero in each row of a matrix.
#[derive(Debug, PartialEq)]
struct Entries<W> {
    /// Where the entries of each row begin, and where all of them end.
    starts: Vec<usize>,
    entries: Vec<Entry<W>>,
}

impl<W: Work> Entries<W> {
    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn of(&self, row: usize) -> &[Entry<W>] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
    }

    /// Those of the columns, of which there are `k`.
    fn transposed(&self, k: usize) -> Self {
        let mut starts = vec![0; k + 1];
        for entry in &self.entries {
            starts[entry.at as usize + 1] += 1;
        }
        for column in 0..k {
            starts[column + 1] += starts[column];
        }
        let mut entries = vec![Entry::nothing(); self.entries.len()];
        let mut ends = starts[..k].to_vec();
        for row in 0..self.len() {
            let at = row as u32;
            for &Entry { at: column, value } in self.of(row) {
                let end = &mut ends[column as usize];
                entries[*end] = Entry { at, value };
                *end += 1;
            }
        }
        Self { starts, entries }
    }
}

impl<W: Work> Entry<W> {
    fn nothing() -> Self {
        Self {
            at: 0,
            value: W::zero(),
        }
    }
}

/// A NaN is one.
#[inline(always)]
fn is_entry<W: Work>(x: W) -> bool {
    x != W::zero()
}

/// Finds the entries of rows of `k` numbers, compiled for each instruction set.
struct OfRows<'a, W> {
    left: &'a [W],
    k: usize,
}

impl<W: Work> NullaryFnOnce for OfRows<'_, W> {
    type Output = Entries<W>;

    #[inline(always)]
    fn call(self) -> Entries<W> {
        let (mut starts, mut entries) = (vec![0], Vec::new());
        for row in self.left.chunks_exact(self.k) {
            for (group, numbers) in row.chunks(GROUP).enumerate() {
                if !numbers.iter().fold(false, |any, &x| any | is_entry(x)) {
                    continue;
                }
                // each is written, and stays if it is one: nothing is guessed wrong at the edges of what
                // is drawn
                let mut len = entries.len();
                entries.resize(len + GROUP, Entry::nothing());
                for (at, &value) in (group * GROUP..).zip(numbers) {
                    entries[len] = Entry {
                        at: at as u32,
                        value,
                    };
                    len += usize::from(is_entry(value));
                }
                entries.truncate(len);
            }
            starts.push(entries.len());
        }
        Entries { starts, entries }
    }
}

/// Some rows of a product, compiled for each instruction set.
struct Product<'a, W> {
    entries: &'a Entries<W>,
    rows: Range<usize>,
    right: &'a [W],
    out: &'a mut [W],
}

impl<W: Work> WithSimd for Product<'_, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = size_of::<W::Register<S>>() / size_of::<W>();
        let columns = self.out.len() / self.rows.len();
        let mut from = 0;
        // columns outside: those of the second factor stay near while all rows use them
        while columns - from >= TILE * lanes {
            self.tile::<S, TILE>(simd, columns, from);
            from += TILE * lanes;
        }
        while columns - from >= lanes {
            self.tile::<S, 1>(simd, columns, from);
            from += lanes;
        }
        self.rest(columns, from);
    }
}

impl<W: Work> Product<'_, W> {
    /// `N` registers of each row, from the column `from`.
    #[inline(always)]
    fn tile<S: Simd, const N: usize>(&mut self, simd: S, columns: usize, from: usize) {
        let width = N * (size_of::<W::Register<S>>() / size_of::<W>());
        for (row, out) in self.rows.clone().zip(self.out.chunks_exact_mut(columns)) {
            let mut sums = [Vector::splat(simd, W::zero()); N];
            for entry in self.entries.of(row) {
                let value = Vector::splat(simd, entry.value);
                let start = entry.at as usize * columns + from;
                let (right, _) = W::registers::<S>(&self.right[start..start + width]);
                for (sum, &right) in sums.iter_mut().zip(right) {
                    *sum = value.mul_add(Vector::of(simd, right), *sum);
                }
            }
            let out = W::registers_mut::<S>(&mut out[from..from + width]);
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = sum.register();
            }
        }
    }

    /// The columns from `from` on, fewer than a register has.
    #[inline(always)]
    fn rest(&mut self, columns: usize, from: usize) {
        for (row, out) in self.rows.clone().zip(self.out.chunks_exact_mut(columns)) {
            for entry in self.entries.of(row) {
                let start = entry.at as usize * columns;
                let right = &self.right[start + from..start + columns];
                for (out, &right) in out[from..].iter_mut().zip(right) {
                    *out = entry.value * right + *out;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_those_of_rows_and_of_columns() {
        let entry = |at, value| Entry { at, value };
        let left = [0.0, 2.0, 0.0, f32::INFINITY, -0.0, 3.0];
        let rows = OfRows { left: &left, k: 3 }.call();
        assert_eq!(rows.starts, [0, 1, 3]);
        assert_eq!(
            rows.entries,
            [entry(1, 2.0), entry(0, f32::INFINITY), entry(2, 3.0)]
        );
        let columns = rows.transposed(3);
        assert_eq!(columns.starts, [0, 1, 2, 3]);
        assert_eq!(
            columns.entries,
            [entry(1, f32::INFINITY), entry(0, 2.0), entry(1, 3.0)]
        );
        assert_eq!(columns.transposed(2), rows);
    }

    /// A group and more of them, each place by itself and with all others.
    #[test]
    fn entries_of_long_rows() {
        for k in [GROUP, 2 * GROUP + 5] {
            for alone in 0..k {
                let mut left = vec![0.0; k];
                left[alone] = f64::NAN;
                left.extend(vec![1.0; k]);
                let Entries { starts, entries } = OfRows { left: &left, k }.call();
                assert_eq!(starts, [0, 1, 1 + k]);
                let at: Vec<u32> = entries.iter().map(|entry| entry.at).collect();
                let all: Vec<u32> = std::iter::once(alone as u32).chain(0..k as u32).collect();
                assert_eq!(at, all);
                assert!(entries[0].value.is_nan() && entries[1].value == 1.0);
            }
        }
    }

    #[test]
    fn what_is_dense_is_left_to_others() {
        let share = |entries: usize| {
            let mut left = vec![0.0f64; 64];
            left[..entries].fill(f64::NAN);
            product(&left, &[1.0; 32], [16, 4, 8]).is_some()
        };
        assert!(share(0) && share(16));
        assert!(!share(17) && !share(64));
    }
}
