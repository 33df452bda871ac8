//! Entmax with any α ≥ 1.

use pulp::Simd;

use super::element::Work;
use super::lanes;
use super::layout::Layout;
use super::mapping::{Mapping, Mappings};
use super::threshold::{self, Step};
use super::vector::Vector;

/// One α for all rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alpha(pub(super) f64);

impl Mappings for Alpha {
    type Mapping<W: Work, S: Simd> = Entmax<W, S>;

    #[inline(always)]
    fn of<W: Work, S: Simd, L: Layout>(self, simd: S, _: L, _: usize) -> Entmax<W, S> {
        Entmax::new(simd, super::layout::Along, &[self.0])
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
/// The threshold is the deformed log-partition `s` with `Σ exp_ε(z − s) = 1`; at α = 1 it is the
/// log-sum-exp, and nothing cancels on the way there.
pub(super) struct Entmax<W: Work, S: Simd> {
    alpha: Vector<W, S>,
    epsilon: Vector<W, S>,
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
        Self {
            alpha: layout.per_row(simd, alpha, |alpha| alpha),
            // α < 1 has no sparse answer here: NaN makes the row NaN
            epsilon: layout.per_row(simd, alpha, |alpha| {
                if alpha >= 1.0 && alpha.is_finite() {
                    alpha - 1.0
                } else {
                    f64::NAN
                }
            }),
        }
    }
}

impl<W: Work, S: Simd> Entmax<W, S> {
    #[inline(always)]
    fn exp(self, x: Vector<W, S>) -> Vector<W, S> {
        x.zip(self.epsilon, |x, epsilon| {
            let (x, epsilon) = (x.widen(), epsilon.widen());
            if epsilon == 0.0 {
                return W::narrow(x.exp());
            }
            let inside = epsilon * x;
            W::narrow(if inside <= -1.0 {
                0.0
            } else {
                (inside.ln_1p() / epsilon).exp()
            })
        })
    }
}

impl<W: Work, S: Simd> Mapping<W, S> for Entmax<W, S> {
    #[inline(always)]
    fn scale(self, simd: S) -> Vector<W, S> {
        Vector::constant(simd, 1.0)
    }

    #[inline(always)]
    fn bound(self, simd: S) -> Vector<W, S> {
        Vector::constant(simd, -1.0) / self.epsilon
    }

    /// Newton's iteration: from the left it converges for α ≤ 2, where the sum is convex.
    fn threshold<L: Layout>(
        self,
        simd: S,
        layout: L,
        candidates: &[W::Register<S>],
    ) -> Vector<W, S> {
        let one = Vector::constant(simd, 1.0);
        let tolerance = Vector::splat(simd, W::epsilon() * W::narrow(8.0));
        let size = (size_of_val(candidates) / size_of::<W>()) as f64;
        // at 0 the largest score alone has probability 1; at the upper end even equal scores
        // sum to less than 1
        let high = self.epsilon.each(|epsilon| {
            let epsilon = epsilon.widen();
            W::narrow(if epsilon == 0.0 {
                size.ln()
            } else {
                -(-epsilon * size.ln()).exp_m1() / epsilon
            })
        });
        let low = Vector::constant(simd, -1e-4);
        threshold::search(
            [low, high + one],
            Vector::constant(simd, 0.0),
            #[inline(always)]
            |threshold| {
                let [sum, slope] = lanes::sum(
                    simd,
                    layout,
                    candidates,
                    #[inline(always)]
                    |z| {
                        let p = self.prob(z, threshold);
                        let off = p.at_most(p.like(0.0));
                        [p, off.select(p, self.weight(p))]
                    },
                );
                let excess = sum - one;
                let change = excess / slope;
                let near = (excess * excess).at_most(tolerance * tolerance);
                Step {
                    excess,
                    change,
                    settled: near.or((threshold + change).equal(threshold)),
                }
            },
        )
    }

    #[inline(always)]
    fn prob(self, scores: Vector<W, S>, threshold: Vector<W, S>) -> Vector<W, S> {
        self.exp(scores - threshold)
    }

    #[inline(always)]
    fn weight(self, probs: Vector<W, S>) -> Vector<W, S> {
        probs.zip(self.epsilon, |p, epsilon| {
            W::narrow(p.widen().powf(1.0 - epsilon.widen()))
        })
    }

    #[inline(always)]
    fn entropy(self, probs: Vector<W, S>) -> Vector<W, S> {
        let deformed = probs.zip(self.epsilon, |p, epsilon| {
            let (log, epsilon) = (p.widen().ln(), epsilon.widen());
            W::narrow(if epsilon == 0.0 {
                log
            } else {
                (epsilon * log).exp_m1() / epsilon
            })
        });
        probs.like(0.0) - probs * deformed / self.alpha
    }
}
