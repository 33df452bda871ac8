//! Stored element types, and the precision their rows are computed in.

use std::borrow::Cow;

use bytemuck::Pod;
use half::{bf16, f16, slice::HalfFloatSliceExt, vec::HalfFloatVecExt};
use pulp::Simd;

use super::elementary;
use super::simd::Registers;
use super::vector::Vector;

/// The precision of a row: f32 or f64.
pub(super) trait Work: Registers + Send + Sync {
    fn widen(self) -> f64;
    fn narrow(value: f64) -> Self;
    fn exp<S: Simd>(simd: S, x: Vector<Self, S>) -> Vector<Self, S>;
    fn exp2<S: Simd>(simd: S, x: Vector<Self, S>) -> Vector<Self, S>;
    fn ln<S: Simd>(simd: S, x: Vector<Self, S>) -> Vector<Self, S>;
    fn ln_1p<S: Simd>(simd: S, x: Vector<Self, S>) -> Vector<Self, S>;
}

impl Work for f32 {
    #[inline(always)]
    fn widen(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn narrow(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn exp<S: Simd>(simd: S, x: Vector<f32, S>) -> Vector<f32, S> {
        elementary::exp(simd, x)
    }
    #[inline(always)]
    fn exp2<S: Simd>(simd: S, x: Vector<f32, S>) -> Vector<f32, S> {
        elementary::exp2(simd, x)
    }
    #[inline(always)]
    fn ln<S: Simd>(simd: S, x: Vector<f32, S>) -> Vector<f32, S> {
        elementary::ln(simd, x)
    }
    #[inline(always)]
    fn ln_1p<S: Simd>(simd: S, x: Vector<f32, S>) -> Vector<f32, S> {
        elementary::ln_1p(simd, x)
    }
}

impl Work for f64 {
    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }
    #[inline(always)]
    fn narrow(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn exp<S: Simd>(_: S, x: Vector<f64, S>) -> Vector<f64, S> {
        x.each(f64::exp)
    }
    #[inline(always)]
    fn exp2<S: Simd>(_: S, x: Vector<f64, S>) -> Vector<f64, S> {
        x.each(f64::exp2)
    }
    #[inline(always)]
    fn ln<S: Simd>(_: S, x: Vector<f64, S>) -> Vector<f64, S> {
        x.each(f64::ln)
    }
    #[inline(always)]
    fn ln_1p<S: Simd>(_: S, x: Vector<f64, S>) -> Vector<f64, S> {
        x.each(f64::ln_1p)
    }
}

/// What a tensor stores. Half precisions work in f32.
pub(super) trait Element: Pod {
    type Work: Work;

    fn to_f64(self) -> f64;
    fn from_f64(value: f64) -> Self;
    /// Numbers in their working precision: the slice itself where they are stored in it.
    fn widened(slice: &[Self]) -> Cow<'_, [Self::Work]>;
    /// And back.
    fn narrowed(numbers: Vec<Self::Work>) -> Vec<Self>;
}

macro_rules! full {
    ($float:ty) => {
        impl Element for $float {
            type Work = $float;

            fn to_f64(self) -> f64 {
                self.widen()
            }
            fn from_f64(value: f64) -> Self {
                Self::narrow(value)
            }
            fn widened(slice: &[Self]) -> Cow<'_, [Self]> {
                Cow::Borrowed(slice)
            }
            fn narrowed(numbers: Vec<Self>) -> Vec<Self> {
                numbers
            }
        }
    };
}

macro_rules! half {
    ($float:ty) => {
        impl Element for $float {
            type Work = f32;

            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn from_f64(value: f64) -> Self {
                // by way of f32, as the numbers of a row
                Self::from_f32(value as f32)
            }
            fn widened(slice: &[Self]) -> Cow<'_, [f32]> {
                Cow::Owned(slice.to_f32_vec())
            }
            fn narrowed(numbers: Vec<f32>) -> Vec<Self> {
                Vec::from_f32_slice(&numbers)
            }
        }
    };
}

full!(f32);
full!(f64);
half!(f16);
half!(bf16);
