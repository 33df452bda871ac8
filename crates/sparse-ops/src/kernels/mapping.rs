//! The mappings: which sums fix a row's threshold, and what it makes of a score.
//!
//! Scores are shifted by the largest of their row, and the threshold is searched from below, where
//! the row's mass is at least 1. Each step is Newton's on the norm `F(s) = (Σ u^(1/ε))^ε` of
//! `u = [1 + ε (z − s)]₊`, `ε = α − 1`, whose powers are the mass: like the mass it is 1 at the
//! threshold, but it is exact in one step for equal scores, and for α = 1, where it is the
//! log-sum-exp.

use cubecl::prelude::*;

use super::elementary::{exp, expm1_ratio, ln, ln_1p};

/// Shifted scores at or below this have probability 0 for every α: sorted out by it, a −∞ is never
/// multiplied with ε = 0.
#[cube]
fn unreachable_score<W: Float>() -> W {
    W::new(-1e30)
}

/// One member of the entmax family; `epsilon` is α − 1.
#[cube]
pub(super) trait Mapping: 'static + Send + Sync {
    /// A threshold at which the largest score alone has probability 1.
    fn lowest<W: Float>() -> W;
    /// A threshold at which even `count` equal scores sum to less than 1. Only asked of α > 2.
    fn highest<W: Float>(count: W) -> W;
    /// What scores are multiplied with at a threshold.
    fn factor<W: Float>(threshold: W, epsilon: W) -> W;
    /// The mass of a shifted score, and what the slope of the row's mass is made of.
    fn terms<W: Float>(z: W, threshold: W, factor: W, epsilon: W) -> (W, W);
    /// Newton's next threshold, from the row's sums of the terms.
    fn next<W: Float>(threshold: W, mass: W, slope: W, epsilon: W) -> W;
    /// The probability of a shifted score; 0 for −∞.
    fn prob<W: Float>(z: W, threshold: W, factor: W, epsilon: W) -> W;
    /// `p^(2 − α)` of a positive probability.
    fn weight<W: Float>(p: W, epsilon: W) -> W;
    /// `−p log_α p / α` of a positive probability, which the entropy `(1 − Σ p^α) / (α (α − 1))`
    /// sums.
    fn entropy<W: Float>(p: W, epsilon: W) -> W;
}

/// α = 2: `[z − τ]₊`.
pub(super) struct Sparsemax;

#[cube]
impl Mapping for Sparsemax {
    fn lowest<W: Float>() -> W {
        W::new(-1.0)
    }

    fn highest<W: Float>(_count: W) -> W {
        W::new(0.0)
    }

    fn factor<W: Float>(_threshold: W, _epsilon: W) -> W {
        W::new(1.0)
    }

    fn terms<W: Float>(z: W, threshold: W, _factor: W, _epsilon: W) -> (W, W) {
        let u = z - threshold;
        let on = u > W::new(0.0);
        (
            select(on, u, W::new(0.0)),
            select(on, W::new(1.0), W::new(0.0)),
        )
    }

    fn next<W: Float>(threshold: W, mass: W, slope: W, _epsilon: W) -> W {
        threshold + (mass - W::new(1.0)) / slope
    }

    fn prob<W: Float>(z: W, threshold: W, _factor: W, _epsilon: W) -> W {
        let u = z - threshold;
        select(u > W::new(0.0), u, W::new(0.0))
    }

    fn weight<W: Float>(_p: W, _epsilon: W) -> W {
        W::new(1.0)
    }

    fn entropy<W: Float>(p: W, _epsilon: W) -> W {
        p * (W::new(1.0) - p) * W::new(0.5)
    }
}

/// α = 3/2: `[z/2 − τ]₊²`.
pub(super) struct Entmax15;

#[cube]
impl Mapping for Entmax15 {
    fn lowest<W: Float>() -> W {
        W::new(-1.0)
    }

    fn highest<W: Float>(_count: W) -> W {
        W::new(0.0)
    }

    fn factor<W: Float>(_threshold: W, _epsilon: W) -> W {
        W::new(0.5)
    }

    fn terms<W: Float>(z: W, threshold: W, factor: W, _epsilon: W) -> (W, W) {
        let u = z * factor - threshold;
        let u = select(u > W::new(0.0), u, W::new(0.0));
        (u * u, u)
    }

    fn next<W: Float>(threshold: W, mass: W, slope: W, _epsilon: W) -> W {
        // (mass − √mass) / slope, without its cancellation at mass 1
        let root = mass.sqrt();
        let one = W::new(1.0);
        threshold + (mass - one) * root / ((root + one) * slope)
    }

    fn prob<W: Float>(z: W, threshold: W, factor: W, _epsilon: W) -> W {
        let u = z * factor - threshold;
        let u = select(u > W::new(0.0), u, W::new(0.0));
        u * u
    }

    fn weight<W: Float>(p: W, _epsilon: W) -> W {
        p.sqrt()
    }

    fn entropy<W: Float>(p: W, _epsilon: W) -> W {
        p * (W::new(1.0) - p.sqrt()) / W::new(0.75)
    }
}

/// Any α ≥ 1: `p = q exp_ε(z q^−ε)` with the probability q of the largest score and the deformed
/// exponential `exp_ε(x) = [1 + ε x]₊^(1/ε)`, which is `exp` at ε = 0.
///
/// The threshold is `t = −ln q`: between 0 and the logarithm of the row's length, whatever α is. Scores
/// are compared with the largest one, and not with a number near `q^ε`, which for equal scores and a
/// large α is below the rounding of 1, or below all numbers.
pub(super) struct Entmax;

#[cube]
impl Mapping for Entmax {
    fn lowest<W: Float>() -> W {
        W::new(0.0)
    }

    fn highest<W: Float>(count: W) -> W {
        ln_1p::<W>(count) + W::new(1.0)
    }

    /// `ε q^−ε`, or a number so large that only scores within 1e-35 of the largest could tell.
    fn factor<W: Float>(threshold: W, epsilon: W) -> W {
        let power = exp::<W>(min(epsilon * threshold, W::new(80.0)));
        min(epsilon * power, W::new(1e37))
    }

    fn terms<W: Float>(z: W, threshold: W, factor: W, epsilon: W) -> (W, W) {
        let mut p = W::new(0.0);
        let mut lead = W::new(0.0);
        if z > unreachable_score::<W>() {
            let y = z * factor;
            if y > W::new(-1.0) {
                p = probability::<W>(z, y, threshold, epsilon);
                lead = -p * y / (y + W::new(1.0));
            }
        }
        (p, lead)
    }

    /// Newton's step for the norm, in `s` with `q^ε = 1 − ε s`, takes the share `ε δ` of `q^ε` away.
    fn next<W: Float>(threshold: W, mass: W, lead: W, epsilon: W) -> W {
        let log = ln_1p::<W>(mass - W::new(1.0));
        let slope = mass + lead;
        let delta = mass / slope * log * expm1_ratio::<W>(-epsilon * log);
        let share = epsilon * delta;
        let mut rise = delta;
        if share > W::new(0.5) {
            // what is left, without the cancellation in 1 − ε δ
            let left = (lead + mass * exp::<W>(-epsilon * log)) / slope;
            let left = max(left, W::new(1e-30));
            rise = -ln::<W>(left, left - W::new(1.0)) / epsilon;
        } else if epsilon > W::new(0.0) {
            rise = -ln_1p::<W>(-share) / epsilon;
        }
        threshold + rise
    }

    fn prob<W: Float>(z: W, threshold: W, factor: W, epsilon: W) -> W {
        let mut p = W::new(0.0);
        if z > unreachable_score::<W>() {
            let y = z * factor;
            if y > W::new(-1.0) {
                p = probability::<W>(z, y, threshold, epsilon);
            }
        }
        p
    }

    fn weight<W: Float>(p: W, epsilon: W) -> W {
        exp::<W>((W::new(1.0) - epsilon) * ln::<W>(p, p - W::new(1.0)))
    }

    fn entropy<W: Float>(p: W, epsilon: W) -> W {
        let log = ln::<W>(p, p - W::new(1.0));
        -p * log * expm1_ratio::<W>(epsilon * log) / (epsilon + W::new(1.0))
    }
}

/// `e^−t (1 + y)^(1/ε)` of a score z with `y = z ε q^−ε` above −1.
#[cube]
fn probability<W: Float>(z: W, y: W, threshold: W, epsilon: W) -> W {
    let mut log = z;
    if epsilon > W::new(0.0) {
        log = ln_1p::<W>(y) / epsilon;
    }
    exp::<W>(log - threshold)
}
