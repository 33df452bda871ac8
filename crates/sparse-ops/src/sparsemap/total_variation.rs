//! Total variation denoising of a chain, by dynamic programming in O(n).
//!
//! `argmin_x Σ ½(x_i − y_i)² + Σ λ_i |x_i − x_{i+1}|` with λ ≥ 0 (Johnson, *A dynamic programming
//! algorithm for the fused lasso and L₀-segmentation*, 2013).

use std::collections::VecDeque;

/// The derivative of a message is piecewise linear and grows: from the left end on, at each knot
/// its slope and intercept change.
#[derive(Debug, Clone, Copy)]
struct Knot {
    at: f64,
    slope: f64,
    intercept: f64,
}

/// What is allocated once.
#[derive(Debug, Default)]
pub(super) struct TotalVariation {
    knots: VecDeque<Knot>,
    /// Where a message's derivative passes −λ and +λ: the best x_i is the next x clamped to this.
    bounds: Vec<(f64, f64)>,
}

impl TotalVariation {
    /// Replaces `y` by x. `weights` has one entry less.
    pub(super) fn denoise(&mut self, y: &mut [f64], weights: &[f64]) {
        let Some((last, rest)) = y.split_last_mut() else {
            return;
        };
        self.knots.clear();
        self.bounds.clear();
        // The derivative left of all knots and right of them, as (slope, intercept).
        let (mut left, mut right) = ((1.0, 0.0), (1.0, 0.0));
        let mut first = true;
        for (y, &weight) in rest.iter().zip(weights) {
            let add = if first { (0.0, -*y) } else { (1.0, -*y) };
            first = false;
            left = (left.0 + add.0, left.1 + add.1);
            right = (right.0 + add.0, right.1 + add.1);
            // from the left: drop what lies below −λ
            let mut line = left;
            while let Some(knot) = self.knots.front() {
                if line.0 * knot.at + line.1 >= -weight {
                    break;
                }
                line = (line.0 + knot.slope, line.1 + knot.intercept);
                self.knots.pop_front();
            }
            let low = (-weight - line.1) / line.0;
            let lower = Knot {
                at: low,
                slope: line.0,
                intercept: line.1 + weight,
            };
            // from the right: drop what lies above λ
            let mut line = right;
            while let Some(knot) = self.knots.back() {
                if line.0 * knot.at + line.1 <= weight {
                    break;
                }
                line = (line.0 - knot.slope, line.1 - knot.intercept);
                self.knots.pop_back();
            }
            let high = ((weight - line.1) / line.0).max(low);
            self.knots.push_front(lower);
            self.knots.push_back(Knot {
                at: high,
                slope: -line.0,
                intercept: weight - line.1,
            });
            self.bounds.push((low, high));
            (left, right) = ((0.0, -weight), (0.0, weight));
        }
        let add = if first { (0.0, -*last) } else { (1.0, -*last) };
        // the zero of the last derivative
        let mut line = (left.0 + add.0, left.1 + add.1);
        for knot in &self.knots {
            if line.0 * knot.at + line.1 >= 0.0 {
                break;
            }
            line = (line.0 + knot.slope, line.1 + knot.intercept);
        }
        let mut x = -line.1 / line.0;
        *last = x;
        for (y, &(low, high)) in rest.iter_mut().zip(&self.bounds).rev() {
            x = x.max(low).min(high);
            *y = x;
        }
    }
}
