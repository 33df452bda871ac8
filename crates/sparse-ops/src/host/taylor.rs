//! Divided differences of `exp` at 0: by their series near there, where the differences cancel.

use pulp::Simd;

use super::element::Work;
use super::vector::Vector;

/// `(e^x − 1) / x`.
#[inline(always)]
pub(super) fn exp_slope<W: Work, S: Simd>(x: Vector<W, S>) -> Vector<W, S> {
    let away = (x.exp() - x.like(1.0)) / x;
    near(x, series(x, 1), away)
}

/// `(e^x − 1 − x) / x²`.
#[inline(always)]
pub(super) fn exp_curvature<W: Work, S: Simd>(x: Vector<W, S>) -> Vector<W, S> {
    let away = (x.exp() - x.like(1.0) - x) / (x * x);
    near(x, series(x, 2), away)
}

#[inline(always)]
fn near<W: Work, S: Simd>(
    x: Vector<W, S>,
    series: Vector<W, S>,
    away: Vector<W, S>,
) -> Vector<W, S> {
    let bound = x.like(0.5);
    let near = x.below(bound).and((x.like(0.0) - x).below(bound));
    near.select(series, away)
}

/// `Σ xⁿ / (n + order)!`, as far as f64 needs it up to ½: `0.5¹³ / 14!` is below its rounding.
#[inline(always)]
fn series<W: Work, S: Simd>(x: Vector<W, S>, order: u32) -> Vector<W, S> {
    let one = x.like(1.0);
    let mut series = one;
    for n in (1..=13).rev() {
        series = (series * x).mul_add(x.like(1.0 / f64::from(n + order)), one);
    }
    let factorial: u32 = (1..=order).product();
    series * x.like(1.0 / f64::from(factorial))
}
