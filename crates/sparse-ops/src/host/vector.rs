//! A register of numbers, with the operators of numbers.

use std::mem::MaybeUninit;
use std::ops::{Add, Div, Mul, Sub};

use pulp::Simd;

use super::element::Work;
use super::simd::{MAX_LANES, Registers};

/// As many numbers as the instruction set `S` works on at once.
pub(super) struct Vector<W: Work, S: Simd> {
    simd: S,
    register: W::Register<S>,
}

impl<W: Work, S: Simd> Copy for Vector<W, S> {}

impl<W: Work, S: Simd> Clone for Vector<W, S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl<W: Work, S: Simd> $trait for Vector<W, S> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self::of(
                    self.simd,
                    <W as Registers>::$method(self.simd, self.register, other.register),
                )
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl<W: Work, S: Simd> Vector<W, S> {
    #[inline(always)]
    pub(super) fn of(simd: S, register: W::Register<S>) -> Self {
        Self { simd, register }
    }

    #[inline(always)]
    pub(super) fn splat(simd: S, x: W) -> Self {
        Self::of(simd, W::splat(simd, x))
    }

    #[inline(always)]
    pub(super) fn constant(simd: S, x: f64) -> Self {
        Self::splat(simd, W::narrow(x))
    }

    /// A constant to compute with.
    #[inline(always)]
    pub(super) fn like(self, x: f64) -> Self {
        Self::constant(self.simd, x)
    }

    /// Fewer numbers than a register has, filled up.
    #[inline(always)]
    pub(super) fn partial(simd: S, few: &[W], fill: W) -> Self {
        let mut lanes = [fill; MAX_LANES];
        lanes[..few.len()].copy_from_slice(few);
        Self::of(simd, W::registers::<S>(&lanes).0[0])
    }

    #[inline(always)]
    pub(super) fn from_fn(simd: S, f: impl Fn(usize) -> W) -> Self {
        let lanes: [W; MAX_LANES] = std::array::from_fn(f);
        Self::of(simd, W::registers::<S>(&lanes).0[0])
    }

    #[inline(always)]
    pub(super) fn register(self) -> W::Register<S> {
        self.register
    }

    #[inline(always)]
    pub(super) fn lanes(&self) -> &[W] {
        bytemuck::cast_slice(std::slice::from_ref(&self.register))
    }

    #[inline(always)]
    pub(super) fn each(mut self, f: impl Fn(W) -> W) -> Self {
        let lanes: &mut [W] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut self.register));
        lanes.iter_mut().for_each(|lane| *lane = f(*lane));
        self
    }

    /// `self` or `other`, whichever is larger; either of them, or a NaN, if one is NaN.
    #[inline(always)]
    pub(super) fn max(self, other: Self) -> Self {
        Self::of(
            self.simd,
            <W as Registers>::max(self.simd, self.register, other.register),
        )
    }

    /// `self · factor + term`, rounded once where the machine can.
    #[inline(always)]
    pub(super) fn mul_add(self, factor: Self, term: Self) -> Self {
        let register =
            <W as Registers>::mul_add(self.simd, self.register, factor.register, term.register);
        Self::of(self.simd, register)
    }

    #[inline(always)]
    pub(super) fn exp(self) -> Self {
        <W as Work>::exp(self.simd, self)
    }

    /// Of numbers that are 0 or less.
    #[inline(always)]
    pub(super) fn exp2(self) -> Self {
        <W as Work>::exp2(self.simd, self)
    }

    /// Of positive normal numbers.
    #[inline(always)]
    pub(super) fn ln(self) -> Self {
        <W as Work>::ln(self.simd, self)
    }

    /// `ln(1 + x)` of numbers in `[0, 1]`.
    #[inline(always)]
    pub(super) fn ln_1p(self) -> Self {
        <W as Work>::ln_1p(self.simd, self)
    }

    #[inline(always)]
    pub(super) fn sqrt(self) -> Self {
        Self::of(self.simd, <W as Registers>::sqrt(self.simd, self.register))
    }

    /// Where `self ≤ other`; a NaN is not.
    #[inline(always)]
    pub(super) fn at_most(self, other: Self) -> Mask<W, S> {
        Mask {
            simd: self.simd,
            mask: W::at_most(self.simd, self.register, other.register),
        }
    }

    /// Where `self < other`; a NaN is not.
    #[inline(always)]
    pub(super) fn below(self, other: Self) -> Mask<W, S> {
        Mask {
            simd: self.simd,
            mask: W::below(self.simd, self.register, other.register),
        }
    }

    #[inline(always)]
    pub(super) fn equal(self, other: Self) -> Mask<W, S> {
        Mask {
            simd: self.simd,
            mask: W::equal(self.simd, self.register, other.register),
        }
    }

    /// Where `self ≠ other`, as a NaN is from anything.
    #[inline(always)]
    pub(super) fn unequal(self, other: Self) -> Mask<W, S> {
        Mask {
            simd: self.simd,
            mask: W::not(
                self.simd,
                W::equal(self.simd, self.register, other.register),
            ),
        }
    }

    /// The sum of all lanes, in each of them.
    #[inline(always)]
    pub(super) fn sum(self) -> Self {
        Self::splat(self.simd, <W as Registers>::sum(self.simd, self.register))
    }

    /// The largest of all lanes, in each of them.
    #[inline(always)]
    pub(super) fn largest(self) -> Self {
        Self::splat(self.simd, W::largest(self.simd, self.register))
    }
}

/// A choice for each lane.
pub(super) struct Mask<W: Work, S: Simd> {
    simd: S,
    mask: W::Mask<S>,
}

impl<W: Work, S: Simd> Copy for Mask<W, S> {}

impl<W: Work, S: Simd> Clone for Mask<W, S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<W: Work, S: Simd> Mask<W, S> {
    #[inline(always)]
    pub(super) fn select(self, yes: Vector<W, S>, no: Vector<W, S>) -> Vector<W, S> {
        Vector::of(
            self.simd,
            W::select(self.simd, self.mask, yes.register, no.register),
        )
    }

    #[inline(always)]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            simd: self.simd,
            mask: W::or(self.simd, self.mask, other.mask),
        }
    }

    #[inline(always)]
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            simd: self.simd,
            mask: W::and(self.simd, self.mask, other.mask),
        }
    }

    #[inline(always)]
    pub(super) fn all(self) -> bool {
        !W::any(self.simd, W::not(self.simd, self.mask))
    }
}

/// Writes `few` lanes.
#[inline(always)]
pub(super) fn write_partial<W: Work, S: Simd>(out: &mut [MaybeUninit<W>], values: Vector<W, S>) {
    for (out, &value) in out.iter_mut().zip(values.lanes()) {
        out.write(value);
    }
}
