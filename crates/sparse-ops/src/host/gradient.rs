//! The vector-Jacobian products of the mappings, row by row.

use std::mem::MaybeUninit;

use num_traits::{Zero, zero};

use super::element::{Element, Work};
use super::mapping::Mapping;
use super::rows::RowKernel;
use super::sums;

pub(super) struct Gradient<M> {
    mapping: M,
}

impl<M> Gradient<M> {
    pub(super) fn new(mapping: M) -> Self {
        Self { mapping }
    }
}

impl<E: Element, M: Mapping<E::Work>> RowKernel<E, 2> for Gradient<M> {
    /// `s ⊙ (g − ⟨s, g⟩ / ‖s‖₁)`.
    #[inline(always)]
    fn row(
        &self,
        _: usize,
        [probs, grad]: [&[E::Work]; 2],
        out: &mut [MaybeUninit<E>],
        _: &mut f64,
        _: &mut [E::Work],
    ) {
        let weigh = |p: E::Work| {
            // outside of the support: 0, or the NaN that this row is made of
            if p > zero() {
                self.mapping.weight(p)
            } else {
                p
            }
        };
        let [total, inner] = sums::sum_pairs(probs, grad, |p, g| {
            let s = weigh(p);
            [s, if p > zero() { s * g } else { p }]
        });
        let mean = E::Work::narrow(inner / total);
        let outside = mean * E::Work::zero();
        for ((out, &p), &g) in out.iter_mut().zip(probs).zip(grad) {
            let value = if p > zero() {
                weigh(p) * (g - mean)
            } else {
                outside
            };
            out.write(E::from_work(value));
        }
    }
}

/// With an α for each row; the extra number is the row's gradient in α.
pub(super) struct GradientWithAlpha<'a> {
    pub(super) alpha: &'a [f64],
}

impl<E: Element> RowKernel<E, 2> for GradientWithAlpha<'_> {
    /// The formula of `compose::entmax_with_alpha_backward`, in f64 on the support.
    fn row(
        &self,
        row: usize,
        [probs, grad]: [&[E::Work]; 2],
        out: &mut [MaybeUninit<E>],
        alpha_grad: &mut f64,
        _: &mut [E::Work],
    ) {
        let epsilon = self.alpha[row] - 1.0;
        let (mut total, mut inner) = (0.0, 0.0);
        let (mut entropy, mut mean_a) = (0.0, 0.0);
        let support = || {
            let pairs = probs.iter().zip(grad).map(|(p, g)| (p.widen(), g.widen()));
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
        *alpha_grad = 0.0;
        for (p, g) in support() {
            let log = p.ln();
            let a = log * log * exp_remainder(-epsilon * log);
            *alpha_grad += g * p * (mean_a - a - epsilon * (log * mean_a + a * entropy));
        }
        *alpha_grad /= total;
        let mean = inner / total;
        for ((out, &p), &g) in out.iter_mut().zip(probs).zip(grad) {
            let p = p.widen();
            let value = if p > 0.0 {
                p * (-epsilon * p.ln()).exp() * (g.widen() - mean)
            } else {
                mean * 0.0
            };
            out.write(E::from_f64(value));
        }
    }
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
