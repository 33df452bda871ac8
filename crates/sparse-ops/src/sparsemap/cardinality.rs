//! The closed form where bounds on the number of ones are all that defines a set.
//!
//! The marginal polytope of `{a ∈ {0,1}^n : l ≤ Σa ≤ u}` is the box cut by `l ≤ Σμ ≤ u`, so that
//! SparseMAP is a clip with a threshold: `μ = clip(η − τ, 0, 1)`, τ = 0 unless a bound is tight.
//! With `l = u = 1` it is sparsemax.

use super::status::Certificate;

/// Newton steps and bisections of the threshold, more than f64 can need.
const STEPS: usize = 2200;
/// How often the base is moved to where the threshold was found: each time at least half of the
/// digits that are missing come to light.
const BASES: usize = 8;
/// What is left of a threshold beside its base when no digit is lost that a marginal could show.
const SMALL: f64 = 2.0;

/// Where the marginals lie: those strictly between 0 and 1 are free to move, if `tight` with a
/// constant sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Projection {
    pub(super) tight: bool,
    pub(super) certificate: Certificate,
    /// The largest number that the certificate's gap is a rounded difference of, at least 1.
    pub(super) scale: f64,
}

/// A threshold `τ = base + rest`. Beside a large τ the differences of scores would be lost, which is
/// all that counts where a bound is tight: `η − base` is exact near τ, and `rest` is small.
#[derive(Debug, Clone, Copy)]
struct Threshold {
    base: f64,
    rest: f64,
}

impl Threshold {
    const ZERO: Self = Self {
        base: 0.0,
        rest: 0.0,
    };

    /// `η − τ`
    #[inline(always)]
    fn below(self, score: f64) -> f64 {
        (score - self.base) - self.rest
    }

    /// `clip(η − τ, 0, 1)`
    #[inline(always)]
    fn clip(self, score: f64) -> f64 {
        let mean = self.below(score);
        // as a vector register does it, where `clamp` has to look for a NaN
        let mean = if mean > 0.0 { mean } else { 0.0 };
        if mean < 1.0 { mean } else { 1.0 }
    }
}

/// Writes `μ`; `None` if fewer scores than the bound demands are above −∞.
#[inline(always)]
pub(super) fn project(
    scores: &[f64],
    (at_least, at_most): (usize, usize),
    marginals: &mut [f64],
) -> Option<Projection> {
    let allowed = scores.iter().filter(|score| **score > f64::NEG_INFINITY);
    if allowed.count() < at_least {
        return None;
    }
    let (least, most) = (at_least as f64, at_most as f64);
    let expected = sum(scores, |score| Threshold::ZERO.clip(score));
    let bound = expected.clamp(least, most);
    let tight = bound != expected;
    let tau = if tight {
        threshold(scores, bound)
    } else {
        Threshold::ZERO
    };
    for (mean, score) in marginals.iter_mut().zip(scores) {
        *mean = tau.clip(*score);
    }
    // With s = η − μ and t = s − τ, `Σ_i max(0, t_i) − t_i μ_i + τ (bound − Σμ)` bounds the Wolfe gap
    // by duality.
    let gap = sum(scores, |score| {
        let mean = tau.clip(score);
        let reduced = tau.below(score) - mean;
        // where a mean is at its bound nothing is lost, however large the score
        if reduced > 0.0 {
            if mean < 1.0 {
                reduced * (1.0 - mean)
            } else {
                0.0
            }
        } else if mean > 0.0 {
            -reduced * mean
        } else {
            0.0
        }
    });
    let missed = if tight {
        bound - sum(marginals, |mean| mean)
    } else {
        0.0
    };
    Some(Projection {
        tight,
        certificate: Certificate {
            wolfe_gap: gap.max(0.0) + ((tau.base + tau.rest) * missed).abs(),
            residual: 0.0,
            iterations: 0,
        },
        scale: (tau.base + tau.rest).abs().max(1.0),
    })
}

/// Independent sums, so that the compiler may keep them in registers side by side.
const LANES: usize = 8;

/// Sums of a term of every score.
#[inline(always)]
fn sum(scores: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (blocks, rest) = scores.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            sums[lane] += term(block[lane]);
        }
    }
    let rest: f64 = rest.iter().map(|score| term(*score)).sum();
    sums.iter().sum::<f64>() + rest
}

/// The τ with `Σ clip(η − τ, 0, 1) = bound`.
#[inline(always)]
fn threshold(scores: &[f64], bound: f64) -> Threshold {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for &score in scores {
        let allowed = if score > f64::NEG_INFINITY {
            score
        } else {
            f64::INFINITY
        };
        least = if allowed < least { allowed } else { least };
        most = if score > most { score } else { most };
    }
    let from = |base: f64| {
        let (low, high) = (((least - base) - 1.0).max(f64::MIN), most - base);
        let rest = 0.0f64.clamp(low, high);
        search(scores, bound, Threshold { base, rest }, (low, high))
    };
    let mut tau = from(0.0);
    for _ in 0..BASES {
        if tau.rest.abs() <= SMALL {
            break;
        }
        tau = from(tau.base + tau.rest);
    }
    tau
}

/// Newton steps on a function that is piecewise linear and falls, kept between brackets, from `tau`
/// until one is too short to matter. A step from the right piece is exact.
#[inline(always)]
fn search(
    scores: &[f64],
    bound: f64,
    mut tau: Threshold,
    (mut low, mut high): (f64, f64),
) -> Threshold {
    for _ in 0..STEPS {
        let excess = sum(scores, |score| tau.clip(score)) - bound;
        // those that move: at an end of the interval they do on one side
        let free = sum(scores, |score| {
            if tau.clip(score) == tau.below(score) {
                1.0
            } else {
                0.0
            }
        });
        let at = tau.rest;
        if excess > 0.0 {
            low = at;
        } else if excess < 0.0 {
            high = at;
        } else {
            break;
        }
        let newton = at + excess / free;
        tau.rest = if newton > low && newton < high {
            newton
        } else {
            low + 0.5 * (high - low)
        };
        let next = tau.rest;
        if next <= low || next >= high || (next - at).abs() <= f64::EPSILON * at.abs().max(1.0) {
            break;
        }
    }
    tau
}
