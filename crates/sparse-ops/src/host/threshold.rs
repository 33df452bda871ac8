//! The threshold of a row: the root of `Σ p − 1`, which falls as the threshold rises.

use pulp::Simd;

use super::element::Work;
use super::vector::{Mask, Vector};

/// What one pass over the candidates finds at a threshold.
pub(super) struct Step<W: Work, S: Simd> {
    /// `Σ p − 1`.
    pub(super) excess: Vector<W, S>,
    /// What to add to the threshold.
    pub(super) change: Vector<W, S>,
    /// Where this is the last step.
    pub(super) settled: Mask<W, S>,
}

/// Steps until all lanes are settled, from `start` and inside of `low..high`.
///
/// Where a step would leave the bracket, which shrinks at each of them, it is halved instead, so
/// this ends on any input; NaN where a score is. Each lane is as if alone.
#[inline(always)]
pub(super) fn search<W: Work, S: Simd>(
    [mut low, mut high]: [Vector<W, S>; 2],
    start: Vector<W, S>,
    mut step: impl FnMut(Vector<W, S>) -> Step<W, S>,
) -> Vector<W, S> {
    let [zero, half] = [0.0, 0.5].map(|x| start.like(x));
    let mut threshold = start;
    let mut found = start;
    let mut done = start.unequal(start);
    loop {
        let Step {
            excess,
            change,
            settled,
        } = step(threshold);
        let next = threshold + change;
        let settled = settled.or(next.unequal(next));
        if done.or(settled).all() {
            return done.select(found, next);
        }
        let left = zero.at_most(excess);
        low = left.select(threshold, low);
        high = left.select(high, threshold);
        let outside = next.at_most(low).or(high.at_most(next));
        let middle = (low + high) * half;
        let exhausted = middle.at_most(low).or(high.at_most(middle));
        threshold = settled.select(next, outside.select(middle, next));
        found = done.select(found, threshold);
        done = done.or(settled).or(exhausted);
        if done.all() {
            return found;
        }
    }
}

/// Steps that are exact if the scores above the threshold stay the same.
///
/// Scores above a threshold are nested: the same number of them are the same ones. So if it has not
/// changed, the step before was exact, and this one takes away what rounding left.
pub(super) struct ActiveSet<W: Work, S: Simd> {
    active: Vector<W, S>,
    next: Vector<W, S>,
}

impl<W: Work, S: Simd> ActiveSet<W, S> {
    #[inline(always)]
    pub(super) fn new(simd: S) -> Self {
        let nothing = Vector::constant(simd, f64::NAN);
        Self {
            active: nothing,
            next: nothing,
        }
    }

    #[inline(always)]
    pub(super) fn step(
        &mut self,
        threshold: Vector<W, S>,
        excess: Vector<W, S>,
        change: Vector<W, S>,
        active: Vector<W, S>,
    ) -> Step<W, S> {
        let settled = active.equal(self.active).and(threshold.equal(self.next));
        *self = Self {
            active,
            next: threshold + change,
        };
        Step {
            excess,
            change,
            settled,
        }
    }
}
