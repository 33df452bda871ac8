//! The closed form where bounds on the number of ones are all that defines a set.
//!
//! The marginal polytope of `{a ∈ {0,1}^n : l ≤ Σa ≤ u}` is the box cut by `l ≤ Σμ ≤ u`, so that
//! SparseMAP is a clip with a threshold: `μ = clip(η − τ, 0, 1)`, τ = 0 unless a bound is tight.
//! With `l = u = 1` it is sparsemax.

use super::status::Certificate;

/// Newton steps and bisections of the threshold, more than f64 can need.
const STEPS: usize = 2200;

/// Where the marginals lie: those strictly between 0 and 1 are free to move, if `tight` with a
/// constant sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Projection {
    pub(super) tight: bool,
    pub(super) certificate: Certificate,
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
    let expected = sum(scores, |score| clipped(score, 0.0));
    let bound = expected.clamp(least, most);
    let tight = bound != expected;
    let threshold = if tight { threshold(scores, bound) } else { 0.0 };
    for (mean, score) in marginals.iter_mut().zip(scores) {
        *mean = clipped(*score, threshold);
    }
    // Σ_i max(0, s_i − τ) − (s_i − τ) μ_i with s = η − μ bounds the Wolfe gap by duality.
    let gap = sum(scores, |score| {
        let mean = clipped(score, threshold);
        let reduced = score - mean - threshold;
        let above = if reduced > 0.0 { reduced } else { 0.0 };
        let term = above - reduced * mean;
        if score > f64::NEG_INFINITY { term } else { 0.0 }
    });
    Some(Projection {
        tight,
        certificate: Certificate {
            wolfe_gap: gap.max(0.0),
            residual: 0.0,
            iterations: 0,
        },
    })
}

#[inline(always)]
fn clipped(score: f64, threshold: f64) -> f64 {
    let mean = score - threshold;
    // as a vector register does it, where `clamp` has to look for a NaN
    let mean = if mean > 0.0 { mean } else { 0.0 };
    if mean < 1.0 { mean } else { 1.0 }
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

/// The τ with `Σ clip(η − τ, 0, 1) = bound`: Newton steps on a function that is piecewise linear
/// and falls, kept between brackets. A step from the right piece is exact.
#[inline(always)]
fn threshold(scores: &[f64], bound: f64) -> f64 {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for &score in scores {
        let below = if score > f64::NEG_INFINITY {
            score - 1.0
        } else {
            f64::INFINITY
        };
        low = if below < low { below } else { low };
        high = if score > high { score } else { high };
    }
    let mut tau = 0.0f64.clamp(low, high);
    for _ in 0..STEPS {
        let excess = sum(scores, |score| clipped(score, tau)) - bound;
        // those that move: at an end of the interval they do on one side
        let free = sum(scores, |score| {
            let mean = score - tau;
            if clipped(score, tau) == mean {
                1.0
            } else {
                0.0
            }
        });
        if excess > 0.0 {
            low = tau;
        } else if excess < 0.0 {
            high = tau;
        } else {
            return tau;
        }
        let newton = tau + excess / free;
        let next = if newton > low && newton < high {
            newton
        } else {
            low + 0.5 * (high - low)
        };
        if next == tau || next <= low || next >= high {
            return next;
        }
        // the last digits: the step no longer moves
        if (next - tau).abs() <= f64::EPSILON * tau.abs() {
            return next;
        }
        tau = next;
    }
    tau
}
