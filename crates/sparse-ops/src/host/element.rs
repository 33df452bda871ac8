//! Stored element types, and the precision their rows are computed in.

use std::mem::MaybeUninit;

use bytemuck::Pod;
use half::{bf16, f16};
use pulp::Simd;

use super::elementary;
use super::simd::Registers;
use super::vector::Vector;

/// The precision of a row: f32 or f64.
pub(super) trait Work: Registers + Send + Sync {
    fn widen(self) -> f64;
    fn narrow(value: f64) -> Self;
    fn exp<S: Simd>(simd: S, x: Vector<Self, S>) -> Vector<Self, S>;
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
    fn ln<S: Simd>(_: S, x: Vector<f64, S>) -> Vector<f64, S> {
        x.each(f64::ln)
    }
    #[inline(always)]
    fn ln_1p<S: Simd>(_: S, x: Vector<f64, S>) -> Vector<f64, S> {
        x.each(f64::ln_1p)
    }
}

/// What a tensor stores. Half precisions work in f32.
pub(super) trait Element: Pod + Send + Sync {
    type Work: Work;

    fn to_work(self) -> Self::Work;
    fn from_work(value: Self::Work) -> Self;
    /// The slice itself where elements are stored in their working precision.
    fn as_work(slice: &[Self]) -> Option<&[Self::Work]>;
    /// The same for output.
    fn as_work_uninit(slice: &mut [MaybeUninit<Self>]) -> Option<&mut [MaybeUninit<Self::Work>]>;

    fn to_f64(self) -> f64 {
        self.to_work().widen()
    }
    fn from_f64(value: f64) -> Self {
        Self::from_work(Self::Work::narrow(value))
    }
}

macro_rules! full {
    ($float:ty) => {
        impl Element for $float {
            type Work = $float;
            #[inline(always)]
            fn to_work(self) -> $float {
                self
            }
            #[inline(always)]
            fn from_work(value: $float) -> Self {
                value
            }
            #[inline(always)]
            fn as_work(slice: &[Self]) -> Option<&[$float]> {
                Some(slice)
            }
            #[inline(always)]
            fn as_work_uninit(
                slice: &mut [MaybeUninit<Self>],
            ) -> Option<&mut [MaybeUninit<$float>]> {
                Some(slice)
            }
        }
    };
}

macro_rules! half {
    ($float:ty) => {
        impl Element for $float {
            type Work = f32;
            #[inline(always)]
            fn to_work(self) -> f32 {
                self.to_f32()
            }
            #[inline(always)]
            fn from_work(value: f32) -> Self {
                Self::from_f32(value)
            }
            #[inline(always)]
            fn as_work(_: &[Self]) -> Option<&[f32]> {
                None
            }
            #[inline(always)]
            fn as_work_uninit(_: &mut [MaybeUninit<Self>]) -> Option<&mut [MaybeUninit<f32>]> {
                None
            }
        }
    };
}

full!(f32);
full!(f64);
half!(f16);
half!(bf16);
