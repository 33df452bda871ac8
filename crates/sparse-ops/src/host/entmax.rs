//! Entmax with any α ≥ 1.

use pulp::Simd;

use super::element::Work;
use super::lanes;
use super::layout::{Along, Layout};
use super::mapping::{Mapping, Mappings};
use super::taylor::exp_slope;
use super::threshold::{self, Step};
use super::vector::{Mask, Vector};

/// One α for all rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alpha(pub(super) f64);

impl Mappings for Alpha {
    type Mapping<W: Work, S: Simd> = Entmax<W, S>;

    #[inline(always)]
    fn of<W: Work, S: Simd, L: Layout>(self, simd: S, _: L, _: usize) -> Entmax<W, S> {
        Entmax::new(simd, Along, &[self.0])
    }
}

/// An α for each row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alphas<'a>(pub(super) &'a [f64]);

impl Mappings for Alphas<'_> {
    type Mapping<W: Work, S: Simd> = Entmax<W, S>;

    #[inline(always)]
    fn of<W: Work, S: Simd, L: Layout>(self, simd: S, layout: L, row: usize) -> Entmax<W, S> {
        Entmax::new(simd, layout, &self.0[row..])
    }
}

/// `p = exp_ε(z − s)` with `ε = α − 1` and the deformed exponential `exp_ε(x) = [1 + ε x]₊^(1/ε)`,
/// which is `exp` at ε = 0.
///
/// The threshold is the deformed log-partition `s` with `Σ exp_ε(z − s) = 1`: at α = 1 it is the
/// log-sum-exp, and nothing cancels on the way there. From α = 3/2 on it is `τ = ε s − 1`, which
/// is precise near 0, where `1 + ε x` is no more: `p = [ε z − τ]₊^(1/ε)`. Where `−τ`, the largest
/// probability to the power ε, is below all normal numbers, the largest scores share alone, and what
/// stands for the threshold is how many they are.
pub(super) struct Entmax<W: Work, S: Simd> {
    alpha: Vector<W, S>,
    epsilon: Vector<W, S>,
    reciprocal: Vector<W, S>,
    /// Where the threshold is `s`.
    shallow: Mask<W, S>,
}

impl<W: Work, S: Simd> Copy for Entmax<W, S> {}

impl<W: Work, S: Simd> Clone for Entmax<W, S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<W: Work, S: Simd> Entmax<W, S> {
    #[inline(always)]
    fn new<L: Layout>(simd: S, layout: L, alpha: &[f64]) -> Self {
        // α < 1 has no sparse answer here: NaN makes the row NaN
        let checked = |alpha: f64| {
            if alpha >= 1.0 && alpha.is_finite() {
                alpha
            } else {
                f64::NAN
            }
        };
        let epsilon = layout.per_row(simd, alpha, |alpha| checked(alpha) - 1.0);
        Self {
            alpha: layout.per_row(simd, alpha, checked),
            epsilon,
            reciprocal: epsilon.like(1.0) / epsilon,
            shallow: epsilon.below(epsilon.like(0.5)),
        }
    }

    /// `p` and `p^ε = [1 + ε (z − s)]₊`, of `z − s` or `ε z − τ`; 0 and 1 where that is 0.
    #[inline(always)]
    fn powers(self, x: Vector<W, S>) -> [Vector<W, S>; 2] {
        let [zero, one] = [0.0, 1.0].map(|constant| x.like(constant));
        // −∞ · ε and −∞ + ∞ would be NaN
        let lowest = x.like(-1e30);
        let x = x.below(lowest).select(lowest, x);
        let product = self.epsilon * x;
        let base = self.shallow.select(one + product, x);
        let off = base.at_most(zero);
        let base = off.select(one, base);
        // what rounding took from 1 + εx, times 1 / base to first order: without it, ε⁻¹ times
        // the rounding would be an error of p
        let lost = (product - (base - one)) * (one + one - base);
        let log = base.ln() + self.shallow.select(lost, zero);
        let exponent = self.epsilon.at_most(zero).select(x, log * self.reciprocal);
        // 0 · x: a NaN goes through `ln` as some number
        [off.select(zero, exponent.exp() + x * zero), base]
    }
}

impl<W: Work, S: Simd> Mapping<W, S> for Entmax<W, S> {
    #[inline(always)]
    fn scale(self, simd: S) -> Vector<W, S> {
        self.shallow
            .select(Vector::constant(simd, 1.0), self.epsilon)
    }

    #[inline(always)]
    fn bound(self, simd: S) -> Vector<W, S> {
        let [zero, one] = [0.0, 1.0].map(|x| Vector::constant(simd, x));
        zero - self.shallow.select(self.reciprocal, one)
    }

    /// Newton's iteration on `log_ε Σ p`, which is linear in `s` for softmax, for equal scores and
    /// for a single one, and convex for α ≤ 2.
    ///
    /// Above, the slope is infinite where a probability leaves 0, and steps may be too short: where one
    /// has not halved the excess, the bracket is halved instead.
    #[inline(always)]
    fn threshold<L: Layout>(
        self,
        simd: S,
        layout: L,
        candidates: &[W::Register<S>],
    ) -> Vector<W, S> {
        let constant = |x| Vector::constant(simd, x);
        let [zero, one] = [0.0, 1.0].map(constant);
        // at s = 0, τ = −1 the largest score alone has probability 1; s is at most the logarithm of
        // how many scores there are, and τ is below 0
        let low = self.shallow.select(constant(-1e-4), constant(-1.0001));
        let high = self.shallow.select(constant(45.0), zero);
        let start = self.shallow.select(zero, constant(-1.0));
        let unit = self.shallow.select(one, self.epsilon);
        // more than the sum's rounding; what the last step leaves is the square of it
        let tolerance = Vector::splat(simd, W::epsilon() * W::narrow(64.0));
        let rounding = Vector::splat(simd, W::epsilon() + W::epsilon());
        let mut previous = constant(f64::INFINITY);
        let found = threshold::search(
            [low, high],
            start,
            #[inline(always)]
            |threshold| {
                let [sum, slope] = lanes::sum(
                    simd,
                    layout,
                    candidates,
                    #[inline(always)]
                    |z| {
                        let [p, base] = self.powers(z - threshold);
                        [p, p / base]
                    },
                );
                let excess = sum - one;
                let size = excess.max(zero - excess);
                let log = sum.ln();
                let newton = sum * log * exp_slope(zero - self.epsilon * log) / slope * unit;
                // past the answer fewer scores are left, and a step may go far back: that is not the last
                // one, unless nothing is left to be done
                let close = size.at_most(rounding);
                let settled = zero.at_most(excess).and(size.at_most(tolerance)).or(close);
                let newton = close.select(zero, newton);
                // out of the bracket, so that it is halved
                let away = settled.select(newton, constant(f64::INFINITY));
                let slow = previous.below(size + size);
                previous = size;
                Step {
                    excess,
                    change: slow.select(away, newton),
                    settled,
                }
            },
        );
        let tiny = Vector::splat(simd, W::min_positive_value());
        let kept = self.shallow.select(zero - one, found).at_most(zero - tiny);
        if kept.all() {
            return found;
        }
        let [ties] = lanes::sum(
            simd,
            layout,
            candidates,
            #[inline(always)]
            |z| [z.equal(zero).select(one, zero)],
        );
        // 0 · τ: a NaN stays
        kept.select(found, ties + found * zero)
    }

    #[inline(always)]
    fn prob(self, scores: Vector<W, S>, threshold: Vector<W, S>) -> Vector<W, S> {
        let [zero, one] = [0.0, 1.0].map(|constant| scores.like(constant));
        let [p, _] = self.powers(scores - threshold);
        let share = scores.equal(zero).select(one / threshold, zero);
        let shared = zero.below(self.shallow.select(zero, threshold));
        shared.select(share, p)
    }

    #[inline(always)]
    fn weight(self, probs: Vector<W, S>) -> Vector<W, S> {
        (probs.ln() * (probs.like(1.0) - self.epsilon)).exp()
    }

    #[inline(always)]
    fn entropy(self, probs: Vector<W, S>) -> Vector<W, S> {
        let log = probs.ln();
        probs.like(0.0) - probs * log * exp_slope(self.epsilon * log) / self.alpha
    }
}
