//! The closed form where bounds on the number of ones are all that defines a set.
//!
//! The marginal polytope of `{a ∈ {0,1}^n : l ≤ Σa ≤ u}` is the box cut by `l ≤ Σμ ≤ u`, so that
//! SparseMAP is a clip with a threshold: `μ = clip(η − τ, 0, 1)`, τ = 0 unless a bound is tight.
//! With `l = u = 1` it is sparsemax.

use pulp::Simd;

use super::status::Certificate;

/// Newton steps and bisections of the threshold, more than f64 can need.
const STEPS: usize = 2200;
/// How often the base is moved to where the threshold was found: each time at least half of the
/// digits that are missing come to light.
const BASES: usize = 8;
/// What is left of a threshold beside its base when no digit is lost that a marginal could show.
const SMALL: f64 = 2.0;
/// Roundings of a threshold that hide where a score is in its interval of length 1.
const COARSE: f64 = 1e-3;
/// f64 in a register, at most.
const MAX_LANES: usize = 8;

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

    fn level(self) -> f64 {
        self.base + self.rest
    }
}

/// Writes `μ`; `None` if fewer scores than the bound demands are above −∞. `room` is for the scores
/// in whole registers.
#[inline(always)]
pub(super) fn project<S: Simd>(
    simd: S,
    scores: &[f64],
    (at_least, at_most): (usize, usize),
    room: &mut Vec<f64>,
    marginals: &mut [f64],
) -> Option<Projection> {
    let allowed = scores.iter().filter(|score| **score > f64::NEG_INFINITY);
    if allowed.count() < at_least {
        return None;
    }
    room.clear();
    room.extend_from_slice(scores);
    // whose marginals are 0, and which nothing is lost on
    room.resize(scores.len().next_multiple_of(MAX_LANES), f64::NEG_INFINITY);
    let mut row = Row {
        simd,
        scores: S::as_mut_simd_f64s(room).0,
    };
    let (least, most) = (at_least as f64, at_most as f64);
    let [expected, _] = row.expected_and_free(Threshold::ZERO);
    let bound = expected.clamp(least, most);
    let tight = bound != expected;
    let tau = if tight {
        row.threshold(bound)
    } else {
        Threshold::ZERO
    };
    let expected = row.clip_all(tau);
    marginals.copy_from_slice(&room[..scores.len()]);
    let missed = if tight { bound - expected } else { 0.0 };
    Some(Projection {
        tight,
        certificate: Certificate {
            // With s = η − μ and t = s − τ, `Σ_i max(0, t_i) − t_i μ_i + τ (bound − Σμ)` bounds the gap by
            // duality. Of the sum nothing is left: where t is not 0, μ is at the end that it points to.
            wolfe_gap: (tau.level() * missed).abs(),
            residual: 0.0,
            iterations: 0,
        },
        scale: tau.level().abs().max(1.0),
    })
}

/// The scores in registers: none is NaN or +∞, and at least one is above −∞ if a bound is above 0.
struct Row<'a, S: Simd> {
    simd: S,
    scores: &'a mut [S::f64s],
}

impl<S: Simd> Row<'_, S> {
    /// `η − τ`
    #[inline(always)]
    fn below(&self, score: S::f64s, tau: Threshold) -> S::f64s {
        let simd = self.simd;
        let from_base = simd.sub_f64s(score, simd.splat_f64s(tau.base));
        simd.sub_f64s(from_base, simd.splat_f64s(tau.rest))
    }

    /// A number in `[0, 1]`.
    #[inline(always)]
    fn clip(&self, number: S::f64s) -> S::f64s {
        let simd = self.simd;
        let positive = simd.max_f64s(number, simd.splat_f64s(0.0));
        simd.min_f64s(positive, simd.splat_f64s(1.0))
    }

    /// `Σ clip(η − τ, 0, 1)`, and how many of its terms move with τ: at an end of the interval they
    /// do on one side.
    #[inline(always)]
    fn expected_and_free(&self, tau: Threshold) -> [f64; 2] {
        let simd = self.simd;
        let (zero, one) = (simd.splat_f64s(0.0), simd.splat_f64s(1.0));
        let (mut expected, mut free) = (zero, zero);
        for &score in &*self.scores {
            let below = self.below(score, tau);
            let mean = self.clip(below);
            let moves = simd.equal_f64s(mean, below);
            expected = simd.add_f64s(expected, mean);
            free = simd.add_f64s(free, simd.select_f64s(moves, one, zero));
        }
        [simd.reduce_sum_f64s(expected), simd.reduce_sum_f64s(free)]
    }

    /// Makes the scores μ, and returns Σμ.
    #[inline(always)]
    fn clip_all(&mut self, tau: Threshold) -> f64 {
        let simd = self.simd;
        let mut expected = simd.splat_f64s(0.0);
        for at in 0..self.scores.len() {
            let mean = self.clip(self.below(self.scores[at], tau));
            expected = simd.add_f64s(expected, mean);
            self.scores[at] = mean;
        }
        simd.reduce_sum_f64s(expected)
    }

    /// The τ with `Σ clip(η − τ, 0, 1) = bound`.
    #[inline(always)]
    fn threshold(&self, bound: f64) -> Threshold {
        let [least, most] = self.extremes();
        let (mut base, mut bases) = (0.0, 0..BASES);
        loop {
            let (low, high) = (((least - base) - 1.0).max(f64::MIN), most - base);
            let rest = 0.0f64.clamp(low, high);
            let tau = self.search(bound, Threshold { base, rest }, (low, high));
            if tau.rest.abs() <= SMALL || bases.next().is_none() {
                return tau;
            }
            base = tau.level();
        }
    }

    /// The least score above −∞, and the largest.
    #[inline(always)]
    fn extremes(&self) -> [f64; 2] {
        let simd = self.simd;
        let forbidden = simd.splat_f64s(f64::NEG_INFINITY);
        let (mut least, mut most) = (simd.splat_f64s(f64::INFINITY), forbidden);
        for &score in &*self.scores {
            let allowed = simd.less_than_f64s(forbidden, score);
            let from = simd.select_f64s(allowed, score, simd.splat_f64s(f64::INFINITY));
            least = simd.min_f64s(least, from);
            most = simd.max_f64s(most, score);
        }
        [simd.reduce_min_f64s(least), simd.reduce_max_f64s(most)]
    }

    /// Newton steps on a function that is piecewise linear and falls, kept between brackets, from
    /// `tau` until one is too short to matter. A step from the right piece is exact.
    #[inline(always)]
    fn search(&self, bound: f64, mut tau: Threshold, (mut low, mut high): (f64, f64)) -> Threshold {
        for _ in 0..STEPS {
            let [expected, free] = self.expected_and_free(tau);
            let (excess, at) = (expected - bound, tau.rest);
            if excess > 0.0 {
                low = at;
            } else if excess < 0.0 {
                high = at;
            } else {
                break;
            }
            let tiny = f64::EPSILON * at.abs().max(1.0);
            let step = excess / free;
            // what is smaller than a rounding of τ, the next base finds; unless τ is so large that its
            // rounding is as long as the interval, and a step says nothing
            if step.abs() <= tiny && tiny < COARSE {
                break;
            }
            let newton = at + step;
            tau.rest = if newton > low && newton < high {
                newton
            } else {
                low + 0.5 * (high - low)
            };
            let next = tau.rest;
            if next <= low || next >= high || (next - at).abs() <= tiny {
                break;
            }
        }
        tau
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar, Scalar128b, Scalar512b, WithSimd};

    use super::*;
    use crate::splitmix::SplitMix;

    struct Project<'a> {
        scores: &'a [f64],
        bounds: (usize, usize),
    }

    impl WithSimd for Project<'_> {
        type Output = (Option<Projection>, Vec<f64>);

        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let (mut room, mut marginals) = (Vec::new(), vec![f64::NAN; self.scores.len()]);
            let Self { scores, bounds } = self;
            let projection = project(simd, scores, bounds, &mut room, &mut marginals);
            (projection, marginals)
        }
    }

    /// Between scores that are whole intervals apart, some of which coincide, a step of a rounding is not
    /// the last one.
    #[test]
    fn thresholds_whose_rounding_is_longer_than_the_interval() {
        let mut scores = [0.0; 16];
        let large = [
            1.063_382_396_627_932_7e37,
            7.275_381_454_468_269e36,
            7.275_381_454_468_269e36,
            7.275_381_454_468_269e36,
            5.316_911_983_139_664e36,
            7.975_367_974_709_495e36,
            3.987_683_987_354_747_6e36,
            7.310_753_976_817_037e36,
            3.655_376_988_408_518_7e36,
            7.144_600_477_343_923e36,
            8.889_212_221_811_625e36,
            4.444_606_110_905_812_5e36,
            7.539_215_038_592_57e36,
        ];
        scores[..large.len()].copy_from_slice(&large);
        let project = Project {
            scores: &scores,
            bounds: (0, 6),
        };
        let (projection, marginals) = Arch::new().dispatch(project);
        assert!(projection.is_some_and(|projection| projection.certificate.wolfe_gap == 0.0));
        // the five largest, and three that share what is left
        assert_eq!(marginals.iter().filter(|mean| **mean == 1.0).count(), 5);
        for mean in &marginals[1..4] {
            assert!((mean - 1.0 / 3.0).abs() < 1e-15);
        }
    }

    #[test]
    fn any_instruction_set() {
        let mut random = SplitMix(5);
        for n in [1_usize, 7, 8, 33, 128] {
            for bounds in [(0, n), (1, 1), (0, n.div_ceil(8)), (n.div_ceil(2), n)] {
                let mut scores: Vec<f64> = (0..n).map(|_| 6.0 * random.uniform() - 3.0).collect();
                if n > 8 {
                    scores[3] = f64::NEG_INFINITY;
                }
                let project = || Project {
                    scores: &scores,
                    bounds,
                };
                let (projection, want) = Arch::new().dispatch(project());
                let projection = projection.expect("scores enough");
                assert!(projection.certificate.wolfe_gap < 1e-13);
                let sum: f64 = want.iter().sum();
                let (least, most) = (bounds.0 as f64, bounds.1 as f64);
                assert!(sum >= least - 1e-13 * sum && sum <= most + 1e-13 * sum);
                for (projection, got) in [
                    project().with_simd(Scalar),
                    project().with_simd(Scalar128b),
                    project().with_simd(Scalar512b),
                ] {
                    assert!(projection.is_some());
                    // numbers up to 1 beside thresholds below 4, of a few roundings
                    let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-14;
                    assert!(got.iter().zip(&want).all(near), "{got:?} {want:?}");
                }
            }
        }
    }
}
