//! The Cholesky factor of a corral's KKT system, under the arrival and departure of vertices.
//!
//! For vertices with unary parts `M = [a_1 … a_k]` the system of the affine minimizer is
//! `[[G, 1], [1ᵀ, 0]]` with `G = MᵀM`. On the plane `Σ p = 1` adding `11ᵀ` to `G` changes nothing,
//! and `H = G + 11ᵀ` is positive definite exactly if the vertices are affinely independent (Wolfe,
//! *Finding the nearest point in a polytope*, 1976). So one triangular factor is enough:
//! `RᵀR = H`, with a column appended or removed in O(k²).

use super::vector::{axpy, dot};

/// A new vertex counts as affinely dependent if its distance² to the span of the others, relative
/// to its length², is below this. The entries of `H` are integers, so a dependent one is off from
/// 0 by rounding alone, a few k·ε.
const DEPENDENT: f64 = 1e-10;

/// `R`, upper triangular, its rows one after the other `stride` apart.
#[derive(Debug, Default)]
pub(super) struct Factor {
    len: usize,
    stride: usize,
    rows: Vec<f64>,
    /// `R⁻ᵀ1`
    ones: Vec<f64>,
    /// `R⁻ᵀh` of the last vertex that was tried.
    column: Vec<f64>,
}

impl Factor {
    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.ones.clear();
    }

    /// Tries to append a vertex that has the products `h = Hᵀ·` with those here, and `square` with
    /// itself. Returns whether it is affinely independent of them; only then is it appended.
    #[inline(always)]
    pub(super) fn push(&mut self, h: &[f64], square: f64) -> bool {
        let k = self.len;
        self.column.clear();
        self.column.extend_from_slice(h);
        self.forward(k);
        let rest = square - dot(&self.column, &self.column);
        if rest <= DEPENDENT * square {
            return false;
        }
        self.reserve(k + 1);
        for (row, &entry) in self.column.iter().enumerate() {
            self.rows[row * self.stride + k] = entry;
        }
        let diagonal = rest.sqrt();
        self.rows[k * self.stride + k] = diagonal;
        self.ones
            .push((1.0 - dot(&self.column, &self.ones)) / diagonal);
        self.len += 1;
        true
    }

    /// After a [`push`](Self::push) that returned false: the affine combination of the vertices
    /// here that equals the one that was tried.
    #[inline(always)]
    pub(super) fn combination(&mut self, weights: &mut Vec<f64>) {
        weights.clear();
        weights.extend_from_slice(&self.column);
        self.backward(weights);
    }

    /// Removes the vertex at a place; those after it move up.
    #[inline(always)]
    pub(super) fn remove(&mut self, place: usize) {
        let (k, stride) = (self.len, self.stride);
        for row in 0..place {
            let start = row * stride;
            self.rows
                .copy_within(start + place + 1..start + k, start + place);
        }
        // What is left is triangular but for one entry below the diagonal in each later column:
        // plane rotations of neighbouring rows take them away.
        for row in place..k - 1 {
            let (upper, lower) = self.rows.split_at_mut((row + 1) * stride);
            let upper = &mut upper[row * stride..];
            let (a, b) = (upper[row + 1], lower[row + 1]);
            // at most √(n + 1) and one of them from the diagonal: nothing overflows or vanishes
            let length = (a * a + b * b).sqrt();
            let (c, s) = (a / length, b / length);
            upper[row] = length;
            // the upper row moves one place to the left as it is rotated
            for column in row + 2..k {
                let (x, y) = (upper[column], lower[column]);
                upper[column - 1] = c * x + s * y;
                lower[column] = c * y - s * x;
            }
            let (x, y) = (self.ones[row], self.ones[row + 1]);
            self.ones[row] = c * x + s * y;
            self.ones[row + 1] = c * y - s * x;
        }
        self.ones.pop();
        self.len -= 1;
    }

    /// `w = Z g` with `Z = H⁻¹ − H⁻¹11ᵀH⁻¹ / 1ᵀH⁻¹1`, in place: what the affine minimizer changes
    /// by if the vertices' scores change by `g`. The result sums to 0.
    #[inline(always)]
    pub(super) fn apply(&mut self, g: &mut Vec<f64>) {
        debug_assert_eq!(g.len(), self.len);
        std::mem::swap(g, &mut self.column);
        self.forward(self.len);
        let level = dot(&self.column, &self.ones) / dot(&self.ones, &self.ones);
        axpy(-level, &self.ones, &mut self.column);
        std::mem::swap(g, &mut self.column);
        self.backward(g);
    }

    /// Solves `Rᵀx = column` in place, for the first `k`.
    #[inline(always)]
    fn forward(&mut self, k: usize) {
        for row in 0..k {
            let start = row * self.stride;
            let x = self.column[row] / self.rows[start + row];
            self.column[row] = x;
            if x == 0.0 {
                continue; // a new vertex differs from the others in its own entry alone
            }
            let rest = &self.rows[start + row + 1..start + k];
            axpy(-x, rest, &mut self.column[row + 1..k]);
        }
    }

    /// Solves `Rw = x` in place.
    #[inline(always)]
    fn backward(&self, x: &mut [f64]) {
        for row in (0..self.len).rev() {
            let start = row * self.stride;
            let rest = &self.rows[start + row + 1..start + self.len];
            let value = x[row] - dot(rest, &x[row + 1..self.len]);
            x[row] = value / self.rows[start + row];
        }
    }

    fn reserve(&mut self, len: usize) {
        if len <= self.stride {
            return;
        }
        let stride = (2 * len).next_multiple_of(8);
        let mut rows = vec![0.0; stride * stride];
        for row in 0..self.len {
            let old = row * self.stride;
            rows[row * stride + row..row * stride + self.len]
                .copy_from_slice(&self.rows[old + row..old + self.len]);
        }
        (self.rows, self.stride) = (rows, stride);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products of points with small integer coordinates, plus one.
    fn products(points: &[[f64; 6]], with: &[f64; 6]) -> Vec<f64> {
        points.iter().map(|p| dot(p, with) + 1.0).collect()
    }

    #[test]
    fn columns_come_and_go() {
        let point =
            |i: usize| std::array::from_fn(|j| ((i * 7 + j * j * 3 + i * i * j) % 5) as f64);
        let (mut factor, mut points) = (Factor::default(), Vec::<[f64; 6]>::new());
        for step in 0..60 {
            let new = point(step);
            if factor.push(&products(&points, &new), dot(&new, &new) + 1.0) {
                points.push(new);
            } else {
                let mut weights = Vec::new();
                factor.combination(&mut weights);
                for j in 0..6 {
                    let sum: f64 = points.iter().zip(&weights).map(|(p, w)| w * p[j]).sum();
                    assert!((sum - new[j]).abs() < 1e-9);
                }
                let place = step % points.len();
                points.remove(place);
                factor.remove(place);
            }
            // Z g solves the KKT system: H w + λ1 = g, 1ᵀw = 0
            let g: Vec<f64> = (0..points.len())
                .map(|i| (i % 3) as f64 - 0.4 * i as f64)
                .collect();
            let mut w = g.clone();
            factor.apply(&mut w);
            assert!(w.iter().sum::<f64>().abs() < 1e-10);
            let rest: Vec<f64> = points
                .iter()
                .zip(&g)
                .map(|(p, g)| g - dot(&products(&points, p), &w))
                .collect();
            assert!(rest.iter().all(|r| (r - rest[0]).abs() < 1e-9), "{rest:?}");
        }
    }
}
