//! `exp`, `exp2`, `ln` and `ln_1p` of registers, to the last digit or two of f32.

use pulp::Simd;

use super::vector::Vector;

/// `ln 2` in two parts: the first has few digits, so that products with small integers are exact.
const LN_2: [f64; 2] = [0.693_359_375, -2.121_944_400_546_905_8e-4];
/// Adding it to a number below 2²² rounds to an integer, found in the lowest bits.
const ROUND: f64 = 12_582_912.0;
/// Bits of the sign and the exponent come before this many of the fraction.
const FRACTION: u32 = 23;

/// `2^k e^r` with `|r| ≤ ln 2 / 2`. Below e⁻⁸⁷ it is 0, above e⁸⁸ it stays, and of a NaN
/// it is any number.
///
/// The series of `e^r` ends at `r⁷`: the rest is below `0.347⁸ / 8! = 5e-9`, a tenth of an ulp.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: Vector<f32, S>) -> Vector<f32, S> {
    let constant = |x| Vector::constant(simd, x);
    let tiny = x.below(constant(-87.0));
    let x = constant(88.0).below(x).select(constant(88.0), x);
    let x = tiny.select(constant(-87.0), x);
    let rounded = x.mul_add(constant(std::f64::consts::LOG2_E), constant(ROUND));
    let k = rounded - constant(ROUND);
    let r = k.mul_add(constant(-LN_2[0]), x);
    let r = k.mul_add(constant(-LN_2[1]), r);
    let mut series = constant(1.0 / 5040.0);
    for coefficient in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        series = series.mul_add(r, constant(coefficient));
    }
    let k = simd.wrapping_dyn_shl_u32s(bits(simd, rounded), simd.splat_u32s(FRACTION));
    let power = float(simd, simd.add_u32s(bits(simd, series), k));
    tiny.select(constant(0.0), power)
}

/// `2^x` for `x ≤ 0`: `2^k 2^r` with `|r| ≤ ½`. Below 2⁻¹²⁷ it is 0, and of a NaN it is any number.
///
/// The polynomial of `2^r` is 1 at 0 and elsewhere the closest of its degree, to 9.2e-8 of the whole,
/// which is below an ulp.
#[inline(always)]
pub(super) fn exp2<S: Simd>(simd: S, x: Vector<f32, S>) -> Vector<f32, S> {
    let constant = |x| Vector::constant(simd, x);
    // from here on r is 0, and the lowest exponent and no fraction are the bits of 0
    let x = x.max(constant(-127.0));
    let rounded = x + constant(ROUND);
    let r = x - (rounded - constant(ROUND));
    let mut series = constant(1.326_472_725_282_555e-3);
    for coefficient in [
        9.671_512_785_895_53e-3,
        5.550_733_744_471_661_5e-2,
        0.240_222_420_831_099_76,
        0.693_146_977_597_677_7,
        1.0,
    ] {
        series = series.mul_add(r, constant(coefficient));
    }
    let k = simd.wrapping_dyn_shl_u32s(bits(simd, rounded), simd.splat_u32s(FRACTION));
    float(simd, simd.add_u32s(bits(simd, series), k))
}

/// `k ln 2 + ln m` with `√½ ≤ m < √2`, of a positive normal number; of others, any number.
///
/// With `s = (m − 1) / (m + 1)`, `ln m = 2 (s + s³/3 + s⁵/5 + …)`. The series ends at `s⁹`: the
/// rest is below `0.172¹⁰ / 11 = 2e-9` of the whole, a thirtieth of an ulp.
#[inline(always)]
pub(super) fn ln<S: Simd>(simd: S, x: Vector<f32, S>) -> Vector<f32, S> {
    let constant = |x| Vector::constant(simd, x);
    let root = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    let above = simd.add_u32s(bits(simd, x), simd.splat_u32s(1f32.to_bits() - root));
    let exponent = simd.wrapping_dyn_shr_u32s(above, simd.splat_u32s(FRACTION));
    let fraction = simd.and_u32s(above, simd.splat_u32s((1 << FRACTION) - 1));
    let m = float(simd, simd.add_u32s(fraction, simd.splat_u32s(root)));
    // the number 2²³ + exponent
    let k = simd.or_u32s(exponent, simd.splat_u32s(8_388_608f32.to_bits()));
    let k = float(simd, k) - constant(8_388_608.0 + 127.0);
    let s = (m - constant(1.0)) / (m + constant(1.0));
    let square = s * s;
    let mut series = constant(2.0 / 9.0);
    for coefficient in [2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0, 2.0] {
        series = series.mul_add(square, constant(coefficient));
    }
    let small = k.mul_add(constant(LN_2[1]), series * s);
    k.mul_add(constant(LN_2[0]), small)
}

/// `ln(1 + x)` for `0 ≤ x ≤ 1`; of others, any number.
///
/// With `s = x / (2 + x) ≤ ⅓`, `ln(1 + x) = 2 (s + s³/3 + s⁵/5 + …)`, which loses nothing where x is
/// small. The series ends at `s¹⁵`: the rest is below `⅓¹⁶ / 17 = 1.4e-9` of the whole.
#[inline(always)]
pub(super) fn ln_1p<S: Simd>(simd: S, x: Vector<f32, S>) -> Vector<f32, S> {
    let constant = |x| Vector::constant(simd, x);
    let s = x / (x + constant(2.0));
    let square = s * s;
    let mut series = constant(2.0 / 15.0);
    for odd in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = series.mul_add(square, constant(2.0 / odd));
    }
    series * s
}

#[inline(always)]
fn bits<S: Simd>(simd: S, x: Vector<f32, S>) -> S::u32s {
    simd.transmute_u32s_f32s(x.register())
}

#[inline(always)]
fn float<S: Simd>(simd: S, bits: S::u32s) -> Vector<f32, S> {
    Vector::of(simd, simd.transmute_f32s_u32s(bits))
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar, WithSimd};

    use super::*;

    /// The functions of one number, on the lanes of a register.
    struct All(f32);

    impl WithSimd for All {
        type Output = [f32; 4];

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> [f32; 4] {
            let x = Vector::splat(simd, self.0);
            [exp(simd, x), exp2(simd, x), ln(simd, x), ln_1p(simd, x)].map(|y| y.lanes()[0])
        }
    }

    fn all(x: f32) -> [[f32; 4]; 2] {
        [
            Arch::new().dispatch(All(x)),
            All(x).with_simd(Scalar::new()),
        ]
    }

    #[test]
    fn relative_errors_are_below_two_ulps() {
        let tolerance = 2.0 * f64::from(f32::EPSILON);
        for i in 0..200_000 {
            let x = -87.0 + 175.0 / 200_000.0 * i as f32;
            for [got, ..] in all(x) {
                let error = f64::from(got) / f64::from(x).exp() - 1.0;
                assert!(error.abs() < tolerance, "exp {x}: {error}");
            }
            let power = -126.0 * i as f32 / 200_000.0;
            for [_, got, ..] in all(power) {
                let error = f64::from(got) / f64::from(power).exp2() - 1.0;
                assert!(error.abs() < tolerance, "exp2 {power}: {error}");
            }
            // from 1e-37 to 1e38, and close to 1
            for x in [
                f32::exp(x * 0.98),
                1.0 + (x + 87.0) * 1e-6,
                1.0 - (x + 87.0) * 1e-6,
            ] {
                let want = f64::from(x).ln();
                for [_, _, got, _] in all(x) {
                    let error = f64::from(got) - want;
                    assert!(error.abs() <= tolerance * want.abs(), "ln {x}: {error}");
                }
            }
            // from 1e-38 to 1
            let x = f32::exp((x - 88.0) / 2.0);
            let want = f64::from(x).ln_1p();
            for [.., got] in all(x) {
                let error = f64::from(got) - want;
                assert!(error.abs() <= tolerance * want, "ln_1p {x}: {error}");
            }
        }
    }

    #[test]
    fn ends_of_the_range() {
        for [exp, exp2, ..] in all(f32::NEG_INFINITY) {
            assert_eq!([exp, exp2], [0.0, 0.0]);
        }
        for [_, zero, ..] in all(-127.0) {
            assert_eq!(zero, 0.0);
        }
        for [large, ..] in all(f32::INFINITY) {
            assert!((large / 88f32.exp() - 1.0).abs() < 1e-6);
        }
        for [exp, exp2, _, ln_1p] in all(0.0) {
            assert_eq!([exp, exp2, ln_1p], [1.0, 1.0, 0.0]);
        }
    }
}
