//! Entmax with any α ≥ 1.

use pulp::Simd;

use super::element::Work;
use super::lanes;
use super::layout::{Along, Layout};
use super::mapping::{Mapping, Mappings};
use super::taylor::exp_slope;
use super::threshold::{self, Step};
use super::vector::Vector;

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

/// `p = q exp_ε(z q^−ε)` with `ε = α − 1`, the probability q of the largest score, and the deformed
/// exponential `exp_ε(x) = [1 + ε x]₊^(1/ε)`, which is `exp` at ε = 0.
///
/// The threshold is `t = −ln q`: between 0 and the logarithm of how many scores there are, whatever α
/// is. Scores are compared with the largest one, and not with a number near `q^ε`, which for equal
/// scores and a large α is below the rounding of 1, or below all numbers.
pub(super) struct Entmax<W: Work, S: Simd> {
    alpha: Vector<W, S>,
    epsilon: Vector<W, S>,
    reciprocal: Vector<W, S>,
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
        }
    }

    /// `ε q^−ε`, or a number so large that only scores within 1e-35 of the largest could tell.
    #[inline(always)]
    fn factor(self, threshold: Vector<W, S>) -> Vector<W, S> {
        let [most, largest] = [80.0, 1e37].map(|constant| threshold.like(constant));
        let exponent = self.epsilon * threshold;
        let exponent = most.below(exponent).select(most, exponent);
        let factor = self.epsilon * exponent.exp();
        largest.below(factor).select(largest, factor)
    }

    /// `p`, and `−ε z q^−ε` divided by `1 + ε z q^−ε`; 0 and 0 where p is 0.
    #[inline(always)]
    fn terms(
        self,
        z: Vector<W, S>,
        threshold: Vector<W, S>,
        factor: Vector<W, S>,
    ) -> [Vector<W, S>; 2] {
        let [zero, one] = [0.0, 1.0].map(|constant| z.like(constant));
        // 0 · −∞ would be NaN
        let lowest = z.like(-1e30);
        let z = z.below(lowest).select(lowest, z);
        let y = z * factor;
        let base = one + y;
        let off = base.at_most(zero);
        let [base, y] = [off.select(one, base), off.select(zero, y)];
        let log = ln_of_sum(base, y) * self.reciprocal;
        let exponent = self.epsilon.at_most(zero).select(z, log) - threshold;
        // 0 · t: a NaN goes through `exp` and `ln` as some number
        let p = exponent.exp() + (y - threshold) * zero;
        [off.select(zero, p), zero - y / base]
    }

    /// By how much Newton's step raises t: in s it takes the share `ε δ` of `q^ε` away.
    #[inline(always)]
    fn rise(self, mass: Vector<W, S>, lead: Vector<W, S>) -> Vector<W, S> {
        let [zero, half, one] = [0.0, 0.5, 1.0].map(|x| mass.like(x));
        let log = mass.ln();
        let exponent = zero - self.epsilon * log;
        let slope = mass + lead;
        let delta = mass / slope * log * exp_slope(exponent);
        let share = self.epsilon * delta;
        // a large share leaves little, which is summed up without the cancellation in 1 − ε δ
        let left = ((lead + mass * exponent.exp()) / slope).max(mass.like(1e-30));
        let by_rest = left.ln();
        let by_share = ln_of_sum(one - share, zero - share);
        let log_left = half.below(share).select(by_rest, by_share);
        let rise = zero - log_left * self.reciprocal;
        self.epsilon.at_most(zero).select(delta, rise)
    }
}

/// `ln(1 + y)`, given the rounded sum. What rounding took from it, times 1 / base to first order, is
/// added: without it, ε⁻¹ times the rounding would be an error of p.
#[inline(always)]
fn ln_of_sum<W: Work, S: Simd>(base: Vector<W, S>, y: Vector<W, S>) -> Vector<W, S> {
    let one = y.like(1.0);
    base.ln() + (y - (base - one)) * (one + one - base)
}

impl<W: Work, S: Simd> Mapping<W, S> for Entmax<W, S> {
    #[inline(always)]
    fn scale(self, simd: S) -> Vector<W, S> {
        Vector::constant(simd, 1.0)
    }

    #[inline(always)]
    fn bound(self, simd: S) -> Vector<W, S> {
        Vector::constant(simd, 0.0) - self.reciprocal
    }

    /// Newton's iteration on `log_ε Σ p`, which is linear in `s`, with `q^ε = 1 − ε s`, for softmax, for
    /// equal scores and for a single one, and convex for α ≤ 2.
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
        // more than the sum's rounding; what the last step leaves is the square of it
        let tolerance = Vector::splat(simd, W::epsilon() * W::narrow(64.0));
        let mut previous = constant(f64::INFINITY);
        threshold::search(
            // at t = 0 the largest score alone has probability 1, and t is at most the logarithm of how
            // many scores there are
            [constant(-1e-4), constant(45.0)],
            zero,
            #[inline(always)]
            |threshold| {
                let factor = self.factor(threshold);
                let [mass, lead] = lanes::sum(
                    simd,
                    layout,
                    candidates,
                    #[inline(always)]
                    |z| {
                        let [p, lead] = self.terms(z, threshold, factor);
                        [p, p * lead]
                    },
                );
                let excess = mass - one;
                let size = excess.max(zero - excess);
                let settled = size.at_most(tolerance);
                // rounding has led past the answer, where fewer scores are left and a step goes far back
                let past = settled.and(excess.below(zero));
                let newton = past.select(zero, self.rise(mass, lead));
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
        )
    }

    #[inline(always)]
    fn prob(self, scores: Vector<W, S>, threshold: Vector<W, S>) -> Vector<W, S> {
        let [p, _] = self.terms(scores, threshold, self.factor(threshold));
        p
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
