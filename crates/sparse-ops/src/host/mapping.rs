//! The mappings: how a row's threshold is found, and what it makes of a score.
//!
//! All work on scores shifted by the largest of the row, so that results do not depend on an
//! offset. No row is sorted.

use pulp::Simd;

use super::element::Work;
use super::lanes;
use super::layout::Layout;
use super::threshold::{self, ActiveSet};
use super::vector::Vector;

/// One member of the entmax family for each row, in precision `W`.
///
/// Scores come shifted by the largest of the row and multiplied with the scale.
pub(super) trait Mapping<W: Work, S: Simd>: Copy {
    fn scale(self, simd: S) -> Vector<W, S>;
    /// Scores at or below this have probability 0, whatever the others are.
    fn bound(self, simd: S) -> Vector<W, S>;
    /// The threshold, given registers that hold all scores above the bound; NaN if one of them is.
    fn threshold<L: Layout>(
        self,
        simd: S,
        layout: L,
        candidates: &[W::Register<S>],
    ) -> Vector<W, S>;
    /// The probabilities of scores; 0 for −∞.
    fn prob(self, scores: Vector<W, S>, threshold: Vector<W, S>) -> Vector<W, S>;
    /// `p^(2 − α)` of positive probabilities.
    fn weight(self, probs: Vector<W, S>) -> Vector<W, S>;
    /// `−p log_α p / α`, which the entropy `(1 − Σ p^α) / (α (α − 1))` sums.
    fn entropy(self, probs: Vector<W, S>) -> Vector<W, S>;
}

/// Where a kernel has the mapping of a row from.
pub(super) trait Mappings: Copy + Sync {
    type Mapping<W: Work, S: Simd>: Mapping<W, S>;

    /// That of the rows from `row` on.
    fn of<W: Work, S: Simd, L: Layout>(self, simd: S, layout: L, row: usize)
    -> Self::Mapping<W, S>;
}

/// α = 2: `[z − τ]₊`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sparsemax;

impl Mappings for Sparsemax {
    type Mapping<W: Work, S: Simd> = Self;

    #[inline(always)]
    fn of<W: Work, S: Simd, L: Layout>(self, _: S, _: L, _: usize) -> Self {
        self
    }
}

impl<W: Work, S: Simd> Mapping<W, S> for Sparsemax {
    #[inline(always)]
    fn scale(self, simd: S) -> Vector<W, S> {
        Vector::constant(simd, 1.0)
    }

    #[inline(always)]
    fn bound(self, simd: S) -> Vector<W, S> {
        Vector::constant(simd, -1.0)
    }

    #[inline(always)]
    fn threshold<L: Layout>(
        self,
        simd: S,
        layout: L,
        candidates: &[W::Register<S>],
    ) -> Vector<W, S> {
        let one = Vector::constant(simd, 1.0);
        let mut steps = ActiveSet::new(simd);
        threshold::search(
            bracket(simd),
            // Newton's first step from anywhere lands left of the root; this saves one of the
            // four steps that standard normal rows of 128 to 32000 take from −1
            Vector::constant(simd, -0.55),
            #[inline(always)]
            |threshold| {
                let [sum, active] = lanes::sum(
                    simd,
                    layout,
                    candidates,
                    #[inline(always)]
                    |z| above(z, threshold),
                );
                let excess = sum - one;
                steps.step(threshold, excess, excess / active, active)
            },
        )
    }

    #[inline(always)]
    fn prob(self, scores: Vector<W, S>, threshold: Vector<W, S>) -> Vector<W, S> {
        let [u, _] = above(scores, threshold);
        u
    }

    #[inline(always)]
    fn weight(self, probs: Vector<W, S>) -> Vector<W, S> {
        probs.like(1.0)
    }

    #[inline(always)]
    fn entropy(self, probs: Vector<W, S>) -> Vector<W, S> {
        probs * (probs.like(1.0) - probs) * probs.like(0.5)
    }
}

/// α = 3/2: `[z/2 − τ]₊²`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entmax15;

impl Mappings for Entmax15 {
    type Mapping<W: Work, S: Simd> = Self;

    #[inline(always)]
    fn of<W: Work, S: Simd, L: Layout>(self, _: S, _: L, _: usize) -> Self {
        self
    }
}

impl<W: Work, S: Simd> Mapping<W, S> for Entmax15 {
    #[inline(always)]
    fn scale(self, simd: S) -> Vector<W, S> {
        Vector::constant(simd, 0.5)
    }

    #[inline(always)]
    fn bound(self, simd: S) -> Vector<W, S> {
        Vector::constant(simd, -1.0)
    }

    /// With the active scores fixed, `Σ (u − δ)² = 1` is quadratic in the change `δ`; its smaller
    /// root is written so that nothing cancels. Where there is none, δ is that of the least sum.
    #[inline(always)]
    fn threshold<L: Layout>(
        self,
        simd: S,
        layout: L,
        candidates: &[W::Register<S>],
    ) -> Vector<W, S> {
        let [zero, one] = [0.0, 1.0].map(|x| Vector::constant(simd, x));
        let mut steps = ActiveSet::new(simd);
        threshold::search(
            bracket(simd),
            // standard normal rows take three steps from here, four from −1
            Vector::constant(simd, -0.6),
            #[inline(always)]
            |threshold| {
                let [sum, squares, active] = lanes::sum(
                    simd,
                    layout,
                    candidates,
                    #[inline(always)]
                    |z| {
                        let [u, active] = above(z, threshold);
                        [u, u * u, active]
                    },
                );
                let excess = squares - one;
                let root = (sum * sum - active * excess).max(zero).sqrt();
                steps.step(threshold, excess, excess / (sum + root), active)
            },
        )
    }

    #[inline(always)]
    fn prob(self, scores: Vector<W, S>, threshold: Vector<W, S>) -> Vector<W, S> {
        let [u, _] = above(scores, threshold);
        u * u
    }

    #[inline(always)]
    fn weight(self, probs: Vector<W, S>) -> Vector<W, S> {
        probs.sqrt()
    }

    #[inline(always)]
    fn entropy(self, probs: Vector<W, S>) -> Vector<W, S> {
        probs * (probs.like(1.0) - probs.sqrt()) * probs.like(1.0 / 0.75)
    }
}

/// α = 1: `e^(z − t)` with the log-sum-exp t, of the losses alone: the mapping is the backend's own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Softmax;

impl Mappings for Softmax {
    type Mapping<W: Work, S: Simd> = Self;

    #[inline(always)]
    fn of<W: Work, S: Simd, L: Layout>(self, _: S, _: L, _: usize) -> Self {
        self
    }
}

impl<W: Work, S: Simd> Mapping<W, S> for Softmax {
    #[inline(always)]
    fn scale(self, simd: S) -> Vector<W, S> {
        Vector::constant(simd, 1.0)
    }

    #[inline(always)]
    fn bound(self, simd: S) -> Vector<W, S> {
        Vector::constant(simd, f64::NEG_INFINITY)
    }

    #[inline(always)]
    fn threshold<L: Layout>(
        self,
        simd: S,
        layout: L,
        candidates: &[W::Register<S>],
    ) -> Vector<W, S> {
        let zero = Vector::constant(simd, 0.0);
        let [sum] = lanes::sum(
            simd,
            layout,
            candidates,
            #[inline(always)]
            |z| [self.prob(z, zero)],
        );
        // 0 · sum: a NaN goes through `ln` as some number
        sum.ln() + sum * zero
    }

    #[inline(always)]
    fn prob(self, scores: Vector<W, S>, threshold: Vector<W, S>) -> Vector<W, S> {
        let [lowest, zero] = [-1e30, 0.0].map(|x| scores.like(x));
        let scores = scores.below(lowest).select(lowest, scores);
        let log = scores - threshold;
        // 0 · log: likewise through `exp`
        log.exp() + log * zero
    }

    #[inline(always)]
    fn weight(self, probs: Vector<W, S>) -> Vector<W, S> {
        probs
    }

    #[inline(always)]
    fn entropy(self, probs: Vector<W, S>) -> Vector<W, S> {
        probs.like(0.0) - probs * probs.ln()
    }
}

/// Holds every threshold of scaled scores in its inside: at −1 the largest score alone has
/// probability 1, at 0 it has none.
#[inline(always)]
fn bracket<W: Work, S: Simd>(simd: S) -> [Vector<W, S>; 2] {
    [-1.0001, 0.0].map(|x| Vector::constant(simd, x))
}

/// `[score − threshold]₊`, NaN for a NaN, and 1 where that is not 0.
#[inline(always)]
fn above<W: Work, S: Simd>(scores: Vector<W, S>, threshold: Vector<W, S>) -> [Vector<W, S>; 2] {
    let zero = scores.like(0.0);
    let u = scores - threshold;
    let off = u.at_most(zero);
    [off.select(zero, u), off.select(zero, scores.like(1.0))]
}
