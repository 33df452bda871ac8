//! The vector-Jacobian products of the mappings.

use std::mem::MaybeUninit;

use pulp::Simd;

use super::element::Work;
use super::lanes;
use super::layout::Layout;
use super::mapping::{Mapping, Mappings};
use super::rows::RowKernel;
use super::taylor::exp_curvature;
use super::vector::Vector;

pub(super) struct Gradient<M> {
    pub(super) mappings: M,
}

impl<W: Work, M: Mappings> RowKernel<W, 2> for Gradient<M> {
    /// `s ⊙ (g − ⟨s, g⟩ / ‖s‖₁)`.
    #[inline(always)]
    fn rows<S: Simd, L: Layout>(
        &self,
        simd: S,
        layout: L,
        first: usize,
        [probs, grad]: [&[W]; 2],
        out: &mut [MaybeUninit<W>],
        _: &mut [f64],
        _: &mut [W],
    ) {
        let mapping = self.mappings.of(simd, layout, first);
        let [total, inner] = lanes::sum_pairs(
            simd,
            layout,
            [probs, grad],
            #[inline(always)]
            |p, g| {
                // outside of the support p is 0, or the NaN that its row is made of
                let on = p.like(0.0).below(p);
                let s = mapping.weight(p);
                [on.select(s, p), on.select(s * g, p)]
            },
        );
        let mean = inner / total;
        let outside = mean * mean.like(0.0);
        lanes::map(
            simd,
            [probs, grad],
            out,
            #[inline(always)]
            |[p, g]| {
                let on = p.like(0.0).below(p);
                on.select(mapping.weight(p) * (g - mean), outside)
            },
        );
    }
}

/// With an α for each row; the extra number is the row's gradient in α.
pub(super) struct GradientWithAlpha<'a> {
    pub(super) alpha: &'a [f64],
}

impl<W: Work> RowKernel<W, 2> for GradientWithAlpha<'_> {
    /// The formula of `compose::entmax_with_alpha_backward`.
    #[inline(always)]
    fn rows<S: Simd, L: Layout>(
        &self,
        simd: S,
        layout: L,
        first: usize,
        [probs, grad]: [&[W]; 2],
        out: &mut [MaybeUninit<W>],
        alpha_grads: &mut [f64],
        _: &mut [W],
    ) {
        let epsilon = layout.per_row(simd, &self.alpha[first..], |alpha| alpha - 1.0);
        let zero = epsilon.like(0.0);
        let [total, inner, entropy, mean_a] = lanes::sum_pairs(
            simd,
            layout,
            [probs, grad],
            #[inline(always)]
            |p, g| {
                let on = zero.below(p);
                let [log, s, a] = terms(p, epsilon);
                [s, s * g, zero - p * log, p * a].map(|term| on.select(term, p))
            },
        );
        let [alpha_grad] = lanes::sum_pairs(
            simd,
            layout,
            [probs, grad],
            #[inline(always)]
            |p, g| {
                let [log, _, a] = terms(p, epsilon);
                let slope = mean_a - a - epsilon * (log * mean_a + a * entropy);
                [zero.below(p).select(g * p * slope, p)]
            },
        );
        let alpha_grad = alpha_grad / total;
        for (number, &lane) in alpha_grads.iter_mut().zip(alpha_grad.lanes()) {
            *number = lane.widen();
        }
        let mean = inner / total;
        let outside = mean * zero;
        lanes::map(
            simd,
            [probs, grad],
            out,
            #[inline(always)]
            |[p, g]| {
                let [_, s, _] = terms(p, epsilon);
                zero.below(p).select(s * (g - mean), outside)
            },
        );
    }
}

/// `L = log p`, `s = p^(1 − ε)` and `a = (e^(−εL) − 1 + εL) / ε²` of positive probabilities.
#[inline(always)]
fn terms<W: Work, S: Simd>(p: Vector<W, S>, epsilon: Vector<W, S>) -> [Vector<W, S>; 3] {
    let log = p.ln();
    let exponent = p.like(0.0) - epsilon * log;
    let a = log * log * exp_curvature(exponent);
    [log, p * exponent.exp(), a]
}
