//! The log-likelihood of independent Bernoulli variables, and its gradient.

use std::mem::MaybeUninit;

use pulp::Simd;

use super::element::Work;
use super::lanes;
use super::layout::Layout;
use super::rows::RowKernel;

/// Of logits `l` and targets `x`, with `u = e^(−|l|)`: writes the residuals `x − σ(l)`; the extra
/// number is `Σ x l − max(l, 0) − ln(1 + u)`.
pub(super) struct BernoulliLogLikelihood;

impl<W: Work> RowKernel<W, 2> for BernoulliLogLikelihood {
    #[inline(always)]
    fn rows<S: Simd, L: Layout>(
        &self,
        simd: S,
        layout: L,
        _: usize,
        [logits, targets]: [&[W]; 2],
        residuals: &mut [MaybeUninit<W>],
        log_likelihoods: &mut [f64],
        _: &mut [W],
    ) {
        let sum = lanes::map_and_sum(
            simd,
            layout,
            [logits, targets],
            // a certain 0 that is a 0: log-likelihood 0
            [W::neg_infinity(), W::zero()],
            residuals,
            #[inline(always)]
            |[l, x]| {
                let (zero, one) = (l.like(0.0), l.like(1.0));
                let on = zero.below(l);
                let u = on.select(zero - l, l).exp();
                let sigma = on.select(one, u) / (one + u);
                // x − 1 or x times l: what is impossible has no part in it, not even 0 · ∞
                let weight = on.select(x - one, x);
                let nan = l.unequal(l);
                let linear = weight.unequal(zero).or(nan).select(weight * l, zero);
                (nan.select(l, x - sigma), linear - u.ln_1p())
            },
        );
        for (number, &lane) in log_likelihoods.iter_mut().zip(sum.lanes()) {
            *number = lane.widen();
        }
    }
}

/// Every row times a number of its own.
pub(super) struct Scale<'a>(pub(super) &'a [f64]);

impl<W: Work> RowKernel<W, 1> for Scale<'_> {
    #[inline(always)]
    fn rows<S: Simd, L: Layout>(
        &self,
        simd: S,
        layout: L,
        first: usize,
        [row]: [&[W]; 1],
        out: &mut [MaybeUninit<W>],
        _: &mut [f64],
        _: &mut [W],
    ) {
        let factor = layout.per_row(simd, &self.0[first..], |factor| factor);
        lanes::map(
            simd,
            [row],
            out,
            #[inline(always)]
            |[x]| x * factor,
        );
    }
}
