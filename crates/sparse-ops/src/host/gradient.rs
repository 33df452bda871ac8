//! The vector-Jacobian products of the mappings.

use std::mem::MaybeUninit;

use pulp::Simd;

use super::element::Work;
use super::lanes;
use super::layout::Layout;
use super::mapping::{Mapping, Mappings};
use super::rows::RowKernel;

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
    fn rows<S: Simd, L: Layout>(
        &self,
        _: S,
        _: L,
        first: usize,
        [probs, grad]: [&[W]; 2],
        out: &mut [MaybeUninit<W>],
        alpha_grads: &mut [f64],
        _: &mut [W],
    ) {
        let rows = alpha_grads.len();
        for (row, alpha_grad) in alpha_grads.iter_mut().enumerate() {
            let alpha = self.alpha[(first + row).min(self.alpha.len() - 1)];
            let pairs = probs.iter().zip(grad).skip(row).step_by(rows);
            let out = out.iter_mut().skip(row).step_by(rows);
            *alpha_grad = gradient_with_alpha(alpha, pairs, out);
        }
    }
}

/// The formula of `compose::entmax_with_alpha_backward`, in f64 on the support of one row.
fn gradient_with_alpha<'a, W: Work>(
    alpha: f64,
    pairs: impl Iterator<Item = (&'a W, &'a W)> + Clone,
    out: impl Iterator<Item = &'a mut MaybeUninit<W>>,
) -> f64 {
    let epsilon = alpha - 1.0;
    let (mut total, mut inner) = (0.0, 0.0);
    let (mut entropy, mut mean_a) = (0.0, 0.0);
    let support = || {
        let pairs = pairs.clone().map(|(p, g)| (p.widen(), g.widen()));
        pairs.filter(|(p, _)| !(*p <= 0.0))
    };
    for (p, g) in support() {
        let log = p.ln();
        let weight = p * (-epsilon * log).exp();
        total += weight;
        inner += weight * g;
        entropy -= p * log;
        mean_a += p * log * log * exp_remainder(-epsilon * log);
    }
    let mut alpha_grad = 0.0;
    for (p, g) in support() {
        let log = p.ln();
        let a = log * log * exp_remainder(-epsilon * log);
        alpha_grad += g * p * (mean_a - a - epsilon * (log * mean_a + a * entropy));
    }
    let mean = inner / total;
    for (out, (&p, &g)) in out.zip(pairs) {
        let p = p.widen();
        let value = if p > 0.0 {
            p * (-epsilon * p.ln()).exp() * (g.widen() - mean)
        } else {
            mean * 0.0
        };
        out.write(W::narrow(value));
    }
    alpha_grad / total
}

/// `(e^x − 1 − x) / x²`: by its series near 0, where the difference cancels.
fn exp_remainder(x: f64) -> f64 {
    if x.abs() >= 0.5 {
        return (x.exp_m1() - x) / (x * x);
    }
    // 0.5^13 / 15! is below the rounding of f64
    let (mut term, mut sum) = (0.5, 0.5);
    for n in 3..=15 {
        term *= x / f64::from(n);
        sum += term;
    }
    sum
}
