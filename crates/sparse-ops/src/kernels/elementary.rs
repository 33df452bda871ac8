//! Logarithm and friends from arithmetic alone.
//!
//! Shading languages promise little: WGSL's `log` may be off by 2⁻²¹ between ½ and 2, which
//! `exp(ln(1 + ε x) / ε)` magnifies by 1/ε, and its `log1p` is `log(1 + x)`. These are good to a few
//! roundings of f32 and of f64, on every device.

use std::f32::consts::LN_2;

use cubecl::prelude::*;

/// Terms after which a series in f32 is below its rounding; f64 needs about twice as many.
fn terms(size: usize, single: usize, double: usize) -> usize {
    if size > 4 { double } else { single }
}

/// `ln u` for a positive normal `u`, given `u − 1` as well, which may be known better.
///
/// `u = 2ᵏ m` with `m` in `[√½, √2)`, and `ln m = 2 artanh(f / (2 + f))` with `f = m − 1`.
#[cube]
pub(super) fn ln<W: Float>(u: W, u_minus_1: W) -> W {
    let (exponent, mantissa) = split::<W>(u);
    let zero = W::new(0.0);
    let f = select(exponent == zero, u_minus_1, mantissa - W::new(1.0));
    let s = f / (f + W::new(2.0));
    let square = s * s;
    // (f / (2 + f))² < 0.0295
    let size = W::size().comptime();
    let count = comptime!(terms(size, 5, 11));
    let mut series = W::from_int(1) / W::from_int(comptime!(2 * count as i64 + 1));
    #[unroll]
    for n in 0..count {
        let odd = comptime!(2 * (count - n) as i64 - 1);
        series = series * square + W::from_int(1) / W::from_int(odd);
    }
    // ln 2 in two parts, the f32 and the rest
    exponent * W::new(comptime!(LN_2))
        + (exponent * W::new(-1.904_654_3e-9) + s * series * W::new(2.0))
}

/// `ln(1 + y)` for `y > −1`.
#[cube]
pub(super) fn ln_1p<W: Float>(y: W) -> W {
    ln::<W>(y + W::new(1.0), y)
}

/// `eˣ`; in f64 clamped to its normal numbers, 0 below them, and NaN of a NaN.
#[cube]
pub(super) fn exp<W: Float>(x: W) -> W {
    let size = W::size().comptime();
    if size > 4 {
        // WGSL has it for f32 only. x = k ln 2 + r with |r| ≤ ½ ln 2, and ln 2 in three parts, of
        // which k times the first two is exact
        let nan = is_nan::<W>(x);
        let given = x;
        let x = min(x, W::new(709.0));
        let mut power = W::new(0.0);
        if nan {
            power = given;
        } else if x > W::new(-708.0) {
            let half = select(x < W::new(0.0), W::new(-0.5), W::new(0.5));
            let exponent = i64::cast_from(x / W::new(comptime!(LN_2)) + half);
            let k = W::cast_from(exponent);
            let r = x
                - k * W::new(comptime!(355.0 / 512.0))
                - k * W::new(-2.121_944_4e-4)
                - k * W::new(1.646_595e-12);
            let two_to_k = W::reinterpret(u64::cast_from(exponent + 1023i64) << 52u64);
            power = (r * series::<W>(r, 1usize) + W::new(1.0)) * two_to_k;
        }
        power
    } else {
        x.exp()
    }
}

/// `(eˣ − 1) / x`, 1 at 0: by its series near 0, where the difference cancels.
#[cube]
pub(super) fn expm1_ratio<W: Float>(x: W) -> W {
    if x.abs() < W::new(0.5) {
        series::<W>(x, 1usize)
    } else {
        (exp::<W>(x) - W::new(1.0)) / x
    }
}

/// `(eˣ − 1 − x) / x²`, ½ at 0: likewise.
#[cube]
pub(super) fn exp_remainder<W: Float>(x: W) -> W {
    if x.abs() < W::new(0.5) {
        series::<W>(x, 2usize) * W::new(0.5)
    } else {
        (exp::<W>(x) - W::new(1.0) - x) / (x * x)
    }
}

/// `Σ xⁿ from! / (n + from)!` for `|x| < ½`.
#[cube]
fn series<W: Float>(x: W, #[comptime] from: usize) -> W {
    let size = W::size().comptime();
    let count = comptime!(terms(size, 8, 15));
    let mut sum = W::new(1.0);
    #[unroll]
    for n in 0..count {
        let divisor = comptime!((count - n + from) as i64);
        sum = sum * x / W::from_int(divisor) + W::new(1.0);
    }
    sum
}

/// Whether `x` is a NaN, by its bits: compilers may take `x != x` for false.
#[cube]
pub(super) fn is_nan<W: Float>(x: W) -> bool {
    let size = W::size().comptime();
    if size > 4 {
        (u64::reinterpret(x) & 0x7FFF_FFFF_FFFF_FFFFu64) > 0x7FF0_0000_0000_0000u64
    } else {
        (u32::reinterpret(x) & 0x7FFF_FFFFu32) > 0x7F80_0000u32
    }
}

/// Whether `x` is neither infinite nor a NaN, by its bits.
#[cube]
pub(super) fn is_finite<W: Float>(x: W) -> bool {
    let size = W::size().comptime();
    if size > 4 {
        (u64::reinterpret(x) & 0x7FFF_FFFF_FFFF_FFFFu64) < 0x7FF0_0000_0000_0000u64
    } else {
        (u32::reinterpret(x) & 0x7FFF_FFFFu32) < 0x7F80_0000u32
    }
}

/// `k` and `m` of a positive normal `u = 2ᵏ m`, `m` in `[√½, √2)`, from its bits.
#[cube]
fn split<W: Float>(u: W) -> (W, W) {
    let size = W::size().comptime();
    if size > 4 {
        let bits = u64::reinterpret(u) + (0x3FF0_0000_0000_0000u64 - 0x3FE6_A09E_667F_3BCDu64);
        let mantissa = (bits & 0x000F_FFFF_FFFF_FFFFu64) + 0x3FE6_A09E_667F_3BCDu64;
        let exponent = W::cast_from(bits >> 52u64) - W::new(1023.0);
        (exponent, W::reinterpret(mantissa))
    } else {
        let bits = u32::reinterpret(u) + (0x3F80_0000u32 - 0x3F35_04F3u32);
        let mantissa = (bits & 0x007F_FFFFu32) + 0x3F35_04F3u32;
        let exponent = W::cast_from(bits >> 23u32) - W::new(127.0);
        (exponent, W::reinterpret(mantissa))
    }
}
