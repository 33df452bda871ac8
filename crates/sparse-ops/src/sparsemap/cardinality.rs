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
    clip(scores, 0.0, marginals);
    let [sum] = sums(marginals, |mean| [mean]);
    let bound = sum.clamp(least, most);
    let tight = bound != sum;
    let threshold = if tight {
        let threshold = threshold(scores, bound);
        clip(scores, threshold, marginals);
        threshold
    } else {
        0.0
    };
    // Σ_i max(0, s_i − τ) − (s_i − τ) μ_i with s = η − μ bounds the Wolfe gap by duality.
    let [gap] = sums(scores, |score| {
        let mean = clipped(score, threshold);
        let reduced = score - mean - threshold;
        let term = reduced.max(0.0) - reduced * mean;
        [if score > f64::NEG_INFINITY { term } else { 0.0 }]
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
fn clip(scores: &[f64], threshold: f64, marginals: &mut [f64]) {
    for (mean, score) in marginals.iter_mut().zip(scores) {
        *mean = clipped(*score, threshold);
    }
}

#[inline(always)]
fn clipped(score: f64, threshold: f64) -> f64 {
    (score - threshold).clamp(0.0, 1.0)
}

/// Sums of terms, in as many chains of additions as vector registers can hide behind each other.
#[inline(always)]
fn sums<const N: usize>(numbers: &[f64], terms: impl Fn(f64) -> [f64; N]) -> [f64; N] {
    const LANES: usize = 8;
    let mut lanes = [[0.0; LANES]; N];
    let (blocks, rest) = numbers.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            let terms = terms(block[lane]);
            for (sums, term) in lanes.iter_mut().zip(terms) {
                sums[lane] += term;
            }
        }
    }
    for (lane, number) in rest.iter().enumerate() {
        for (sums, term) in lanes.iter_mut().zip(terms(*number)) {
            sums[lane] += term;
        }
    }
    lanes.map(|lanes| lanes.iter().sum())
}

/// The τ with `Σ clip(η − τ, 0, 1) = bound`: Newton steps on a function that is piecewise linear
/// and falls, kept between brackets. A step from the right piece is exact.
#[inline(always)]
fn threshold(scores: &[f64], bound: f64) -> f64 {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for &score in scores.iter().filter(|score| **score > f64::NEG_INFINITY) {
        low = low.min(score - 1.0);
        high = high.max(score);
    }
    let mut tau = 0.0f64.clamp(low, high);
    for _ in 0..STEPS {
        let [free, sum, ones] = sums(scores, |score| {
            let mean = score - tau;
            let inside = mean > 0.0 && mean < 1.0;
            [
                if inside { 1.0 } else { 0.0 },
                if inside { score } else { 0.0 },
                if mean >= 1.0 { 1.0 } else { 0.0 },
            ]
        });
        let excess = sum - free * tau + ones - bound;
        if excess > 0.0 {
            low = tau;
        } else if excess < 0.0 {
            high = tau;
        } else {
            return tau;
        }
        let newton = (sum + ones - bound) / free;
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
