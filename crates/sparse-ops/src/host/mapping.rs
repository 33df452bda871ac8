//! The mappings: how a row's threshold is found, and what it makes of a score.
//!
//! All work on scores shifted by the largest of the row, so that results do not depend on an
//! offset, and all search from a lower bound of the threshold, where Newton's iteration on a
//! convex decreasing function never overshoots. No row is sorted.

use super::element::Work;
use super::sums;

/// One member of the entmax family, for rows in precision `W`.
pub(super) trait Mapping<W: Work>: Copy + Send + Sync {
    /// Shifted scores at or below this have probability 0, whatever the others are.
    fn bound(self) -> W;
    /// The threshold of shifted scores above the bound; NaN if one of them is.
    fn threshold(self, candidates: &[W]) -> f64;
    /// The probability of a shifted score; 0 for −∞.
    fn prob(self, shifted: W, threshold: W) -> W;
    /// `p^(2 − α)` of a positive probability.
    fn weight(self, prob: W) -> W;
    /// `−p log_α p / α`, which the entropy `(1 − Σ p^α) / (α (α − 1))` sums.
    fn entropy(self, prob: f64) -> f64;
}

/// α = 2: `[z − τ]₊`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sparsemax;

impl<W: Work> Mapping<W> for Sparsemax {
    #[inline(always)]
    fn bound(self) -> W {
        -W::one()
    }

    /// Newton's iteration on the piecewise linear `Σ [z − τ]₊ = 1`: it ends after finitely many
    /// steps, exactly.
    #[inline(always)]
    fn threshold(self, candidates: &[W]) -> f64 {
        let mut threshold = -1.0;
        let mut active = usize::MAX as f64;
        loop {
            let cut = W::narrow(threshold);
            let [sum, count] = sums::sum(candidates, |z| {
                let on = !(z <= cut);
                [
                    if on { z } else { W::zero() },
                    if on { W::one() } else { W::zero() },
                ]
            });
            // nothing left above the cut: rounding, the previous threshold stands
            if count == 0.0 {
                return threshold;
            }
            let next = (sum - 1.0) / count;
            if next.is_nan() || count >= active {
                return next;
            }
            (threshold, active) = (next, count);
        }
    }

    #[inline(always)]
    fn prob(self, shifted: W, threshold: W) -> W {
        let p = shifted - threshold;
        if p > W::zero() { p } else { W::zero() }
    }

    #[inline(always)]
    fn weight(self, _: W) -> W {
        W::one()
    }

    #[inline(always)]
    fn entropy(self, prob: f64) -> f64 {
        prob * (1.0 - prob) / 2.0
    }
}

/// α = 3/2: `[z/2 − τ]₊²`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entmax15;

impl<W: Work> Mapping<W> for Entmax15 {
    #[inline(always)]
    fn bound(self) -> W {
        W::narrow(-2.0)
    }

    /// Newton's iteration on `Σ [z/2 − τ]₊² = 1`, until it stops rising: it converges
    /// quadratically, in about six steps.
    #[inline(always)]
    fn threshold(self, candidates: &[W]) -> f64 {
        let half = W::narrow(0.5);
        let mut threshold = -1.0;
        for _ in 0..64 {
            let cut = W::narrow(threshold);
            let [sum, squares] = sums::sum(candidates, |z| {
                let u = z * half - cut;
                let u = if u <= W::zero() { W::zero() } else { u };
                [u, u * u]
            });
            let next = cut.widen() + (squares - 1.0) / (2.0 * sum);
            if next.is_nan() || W::narrow(next) <= cut {
                return next;
            }
            threshold = next;
        }
        threshold
    }

    #[inline(always)]
    fn prob(self, shifted: W, threshold: W) -> W {
        let u = shifted * W::narrow(0.5) - threshold;
        let u = if u > W::zero() { u } else { W::zero() };
        u * u
    }

    #[inline(always)]
    fn weight(self, prob: W) -> W {
        prob.sqrt()
    }

    #[inline(always)]
    fn entropy(self, prob: f64) -> f64 {
        prob * (1.0 - prob.sqrt()) / 0.75
    }
}

/// Any α ≥ 1, in f64: `p = exp_ε(z − s)` with `ε = α − 1` and the deformed exponential
/// `exp_ε(x) = [1 + ε x]₊^(1/ε)`, which is `exp` at ε = 0.
///
/// The threshold is the deformed log-partition `s` with `Σ exp_ε(z − s) = 1`; at α = 1 it is the
/// log-sum-exp, and nothing cancels on the way there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entmax {
    alpha: f64,
    epsilon: f64,
}

impl Entmax {
    pub(super) fn new(alpha: f64) -> Self {
        // α < 1 has no sparse answer here: NaN makes the row NaN
        let alpha = if alpha >= 1.0 && alpha.is_finite() {
            alpha
        } else {
            f64::NAN
        };
        Self {
            alpha,
            epsilon: alpha - 1.0,
        }
    }

    #[inline(always)]
    fn exp(self, x: f64) -> f64 {
        if self.epsilon == 0.0 {
            return x.exp();
        }
        let inside = self.epsilon * x;
        if inside <= -1.0 {
            0.0
        } else {
            (inside.ln_1p() / self.epsilon).exp()
        }
    }
}

impl<W: Work> Mapping<W> for Entmax {
    #[inline(always)]
    fn bound(self) -> W {
        W::narrow(-1.0 / self.epsilon)
    }

    /// Newton's iteration in a bracket: from the left it converges for α ≤ 2, where the sum is
    /// convex; above, the bracket halves whenever a step leaves it.
    fn threshold(self, candidates: &[W]) -> f64 {
        if self.alpha.is_nan() || candidates.iter().any(|z| z.is_nan()) {
            return f64::NAN;
        }
        if self.epsilon == 0.0 {
            return candidates.iter().map(|z| z.widen().exp()).sum::<f64>().ln();
        }
        let count = candidates.len() as f64;
        // at s = 0 the largest score alone has probability 1; above the upper end even equal
        // scores sum to less than 1
        let (mut low, mut high) = (0.0, -(-self.epsilon * count.ln()).exp_m1() / self.epsilon);
        let mut s = low;
        for _ in 0..200 {
            let (mut sum, mut slope) = (0.0, 0.0);
            for z in candidates {
                let p = self.exp(z.widen() - s);
                if p > 0.0 {
                    sum += p;
                    slope += p.powf(1.0 - self.epsilon);
                }
            }
            if sum >= 1.0 {
                low = s;
            } else {
                high = s;
            }
            let newton = s + (sum - 1.0) / slope;
            let next = if newton > low && newton < high {
                newton
            } else {
                0.5 * (low + high)
            };
            if next == s || high - low <= f64::EPSILON * high || sum == 1.0 {
                break;
            }
            s = next;
        }
        s
    }

    #[inline(always)]
    fn prob(self, shifted: W, threshold: W) -> W {
        W::narrow(self.exp(shifted.widen() - threshold.widen()))
    }

    #[inline(always)]
    fn weight(self, prob: W) -> W {
        W::narrow(prob.widen().powf(1.0 - self.epsilon))
    }

    #[inline(always)]
    fn entropy(self, prob: f64) -> f64 {
        if prob <= 0.0 {
            return 0.0;
        }
        let log = prob.ln();
        let deformed = if self.epsilon == 0.0 {
            log
        } else {
            (self.epsilon * log).exp_m1() / self.epsilon
        };
        -prob * deformed / self.alpha
    }
}
