//! Linear systems of the graph of the pairs with a positive marginal.
//!
//! `[[diag(r) + ε, A], [Aᵀ, diag(c) + ε]] (x, y) = (e, f)`, where A has a 1 for each pair of the graph, and
//! r and c count them: what row and column numbers x and y do to the sums of `x_i + y_j` over the pairs
//! of each row and column. It is the Laplacian of a bipartite graph, with the signs of one side turned
//! over, and singular for each connected part if ε is 0.

use super::vector::dot;

/// What is left of a pivot where a part of the graph has no more to say.
const SINGULAR: f64 = 1e-10;

/// The graph, and the factor of its system.
#[derive(Debug, Default)]
pub(super) struct Bipartite {
    size: usize,
    /// The columns of the pairs, row by row, and where those of each row end.
    columns: Vec<u32>,
    ends: Vec<usize>,
    /// `1 / (r + ε)`, or 0 of a row without pairs if ε is.
    shares: Vec<f64>,
    /// The Cholesky factor of what is left for y when x is eliminated, lower triangular, row by row. A
    /// pivot of 0 stands for a number that may be anything, and is 0.
    factor: Vec<f64>,
    /// Of a projection: the sums of rows and columns, and the solution.
    sums: [Vec<f64>; 2],
    solution: [Vec<f64>; 2],
}

impl Bipartite {
    /// The graph of the pairs `[size · size]` with a positive mean, and its system.
    #[inline(always)]
    pub(super) fn read(&mut self, means: &[f64], size: usize, epsilon: f64) {
        self.size = size;
        self.columns.clear();
        self.ends.clear();
        self.shares.clear();
        self.factor.clear();
        self.factor.resize(size * size, 0.0);
        for column in 0..size {
            self.factor[column * size + column] = epsilon;
        }
        for means in means.chunks_exact(size) {
            let first = self.columns.len();
            for (column, mean) in means.iter().enumerate() {
                if *mean > 0.0 {
                    self.columns.push(column as u32);
                }
            }
            self.ends.push(self.columns.len());
            let pairs = &self.columns[first..];
            let share = match pairs.len() as f64 + epsilon {
                0.0 => 0.0,
                count => 1.0 / count,
            };
            self.shares.push(share);
            for (at, &a) in pairs.iter().enumerate() {
                let row = &mut self.factor[a as usize * size..(a as usize + 1) * size];
                row[a as usize] += 1.0;
                for &b in &pairs[..=at] {
                    row[b as usize] -= share;
                }
            }
        }
        self.factorize();
    }

    #[inline(always)]
    fn factorize(&mut self) {
        let size = self.size;
        for at in 0..size {
            let (above, below) = self.factor.split_at_mut(at * size);
            let row = &mut below[..size];
            let whole = row[at].max(1.0);
            for column in 0..at {
                let other = &above[column * size..(column + 1) * size];
                let rest = row[column] - dot(&row[..column], &other[..column]);
                row[column] = match other[column] {
                    0.0 => 0.0,
                    pivot => rest / pivot,
                };
            }
            let pivot = row[at] - dot(&row[..at], &row[..at]);
            row[at] = if pivot > SINGULAR * whole {
                pivot.sqrt()
            } else {
                0.0
            };
        }
    }

    /// Solves for `x` and `y`, given the sums over each row and each column.
    #[inline(always)]
    pub(super) fn solve(&self, sums: (&[f64], &[f64]), x: &mut [f64], y: &mut [f64]) {
        let size = self.size;
        let pairs = |row: usize| {
            let first = if row == 0 { 0 } else { self.ends[row - 1] };
            self.columns[first..self.ends[row]]
                .iter()
                .map(|&column| column as usize)
        };
        y.copy_from_slice(sums.1);
        for row in 0..size {
            let share = self.shares[row] * sums.0[row];
            pairs(row).for_each(|column| y[column] -= share);
        }
        for at in 0..size {
            let row = &self.factor[at * size..(at + 1) * size];
            let rest = y[at] - dot(&row[..at], &y[..at]);
            y[at] = if row[at] == 0.0 { 0.0 } else { rest / row[at] };
        }
        for at in (0..size).rev() {
            let row = &self.factor[at * size..(at + 1) * size];
            y[at] = if row[at] == 0.0 { 0.0 } else { y[at] / row[at] };
            let value = y[at];
            for (y, entry) in y[..at].iter_mut().zip(row) {
                *y -= value * entry;
            }
        }
        for (row, x) in x.iter_mut().enumerate() {
            let of_columns: f64 = pairs(row).map(|column| y[column]).sum();
            *x = self.shares[row] * (sums.0[row] - of_columns);
        }
    }

    /// The part of a gradient `[size · size]` along which the means can move: 0 but for the pairs of their
    /// graph, with sums of 0 over each row and each column.
    #[inline(always)]
    pub(super) fn project(&mut self, means: &[f64], size: usize, grad: &[f64], out: &mut [f64]) {
        self.read(means, size, 0.0);
        let [mut rows, mut columns] = std::mem::take(&mut self.sums);
        let [mut x, mut y] = std::mem::take(&mut self.solution);
        for numbers in [&mut rows, &mut columns, &mut x, &mut y] {
            numbers.clear();
            numbers.resize(size, 0.0);
        }
        for (at, (&mean, &grad)) in means.iter().zip(grad).enumerate() {
            if mean > 0.0 {
                rows[at / size] += grad;
                columns[at % size] += grad;
            }
        }
        self.solve((&rows, &columns), &mut x, &mut y);
        for (at, (out, &mean)) in out.iter_mut().zip(means).enumerate() {
            if mean > 0.0 {
                *out = grad[at] - x[at / size] - y[at % size];
            }
        }
        (self.sums, self.solution) = ([rows, columns], [x, y]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splitmix::SplitMix;

    /// Two parts: rows 0 to 2 with columns 0 to 2, where one pair is missing, and a pair alone.
    const MEANS: [f64; 16] = [
        0.5, 0.5, 0.0, 0.0, //
        0.2, 0.3, 0.5, 0.0, //
        0.3, 0.2, 0.5, 0.0, //
        0.0, 0.0, 0.0, 1.0,
    ];

    #[test]
    fn a_projection_has_sums_of_zero_and_moves_nothing_that_may_move() {
        let (mut graph, mut random) = (Bipartite::default(), SplitMix(3));
        let grad: Vec<f64> = (0..16).map(|_| random.uniform()).collect();
        let mut out = vec![0.0; 16];
        graph.project(&MEANS, 4, &grad, &mut out);
        // numbers up to 1, of a few roundings
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-14, "{a} {b}");
        for i in 0..4 {
            near(out[4 * i..4 * i + 4].iter().sum(), 0.0);
            near((0..4).map(|j| out[4 * j + i]).sum(), 0.0);
        }
        assert!(
            MEANS
                .iter()
                .zip(&out)
                .all(|(mean, out)| *mean > 0.0 || *out == 0.0)
        );
        // around each cycle: rows 0 and 1, and rows 1 and 2, with columns 0 and 1; rows 1 and 2 with 0 and 2
        for [a, b, c, d] in [[0, 1, 5, 4], [4, 5, 9, 8], [4, 6, 10, 8]] {
            let around = |x: &[f64]| x[a] - x[b] + x[c] - x[d];
            near(around(&out), around(&grad));
        }
        let before = out.clone();
        graph.project(&MEANS, 4, &before, &mut out);
        before.iter().zip(&out).for_each(|(a, b)| near(*a, *b));
    }

    #[test]
    fn a_system_that_is_not_singular_is_solved() {
        let (mut graph, epsilon) = (Bipartite::default(), 0.25);
        graph.read(&MEANS, 4, epsilon);
        let (rows, columns) = ([1.0, -2.0, 0.5, 3.0], [0.0, 1.5, -1.0, 2.0]);
        let (mut x, mut y) = ([0.0; 4], [0.0; 4]);
        graph.solve((&rows, &columns), &mut x, &mut y);
        for i in 0..4 {
            let on = |at: usize, sum: f64| if MEANS[at] > 0.0 { sum } else { 0.0 };
            let row: f64 = (0..4).map(|j| on(4 * i + j, x[i] + y[j])).sum();
            let column: f64 = (0..4).map(|j| on(4 * j + i, x[j] + y[i])).sum();
            assert!((row + epsilon * x[i] - rows[i]).abs() < 1e-13);
            assert!((column + epsilon * y[i] - columns[i]).abs() < 1e-13);
        }
    }
}
