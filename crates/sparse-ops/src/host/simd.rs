//! The vector instructions of each precision, under one name.

use std::mem::MaybeUninit;

use bytemuck::{NoUninit, Pod};
use num_traits::Float;
use pulp::Simd;

/// The most lanes a register has: f32 in AVX-512.
pub(super) const MAX_LANES: usize = 16;

/// Numbers that the instruction sets of `pulp` work on.
pub(super) trait Registers: Float + Pod {
    type Register<S: Simd>: Pod;
    type Mask<S: Simd>: Copy + NoUninit;

    /// The registers of a slice, and what is left.
    fn registers<S: Simd>(slice: &[Self]) -> (&[Self::Register<S>], &[Self]);
    fn registers_mut<S: Simd>(slice: &mut [Self]) -> &mut [Self::Register<S>];
    #[expect(clippy::type_complexity)]
    fn registers_uninit<S: Simd>(
        slice: &mut [MaybeUninit<Self>],
    ) -> (
        &mut [MaybeUninit<Self::Register<S>>],
        &mut [MaybeUninit<Self>],
    );

    fn splat<S: Simd>(simd: S, x: Self) -> Self::Register<S>;
    fn add<S: Simd>(simd: S, x: Self::Register<S>, y: Self::Register<S>) -> Self::Register<S>;
    fn sub<S: Simd>(simd: S, x: Self::Register<S>, y: Self::Register<S>) -> Self::Register<S>;
    fn mul<S: Simd>(simd: S, x: Self::Register<S>, y: Self::Register<S>) -> Self::Register<S>;
    fn div<S: Simd>(simd: S, x: Self::Register<S>, y: Self::Register<S>) -> Self::Register<S>;
    fn max<S: Simd>(simd: S, x: Self::Register<S>, y: Self::Register<S>) -> Self::Register<S>;
    fn sqrt<S: Simd>(simd: S, x: Self::Register<S>) -> Self::Register<S>;
    fn at_most<S: Simd>(simd: S, x: Self::Register<S>, y: Self::Register<S>) -> Self::Mask<S>;
    fn below<S: Simd>(simd: S, x: Self::Register<S>, y: Self::Register<S>) -> Self::Mask<S>;
    fn equal<S: Simd>(simd: S, x: Self::Register<S>, y: Self::Register<S>) -> Self::Mask<S>;
    fn or<S: Simd>(simd: S, x: Self::Mask<S>, y: Self::Mask<S>) -> Self::Mask<S>;
    fn and<S: Simd>(simd: S, x: Self::Mask<S>, y: Self::Mask<S>) -> Self::Mask<S>;
    fn not<S: Simd>(simd: S, x: Self::Mask<S>) -> Self::Mask<S>;
    fn select<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        yes: Self::Register<S>,
        no: Self::Register<S>,
    ) -> Self::Register<S>;
    fn all<S: Simd>(simd: S, mask: Self::Mask<S>) -> bool;
    fn sum<S: Simd>(simd: S, x: Self::Register<S>) -> Self;
    fn largest<S: Simd>(simd: S, x: Self::Register<S>) -> Self;
}

/// `Registers` of a float, with the names of its functions in pulp.
macro_rules! registers {
    (
        $float:ident, $registers:ident, $mask:ident, $split:ident, $split_mut:ident,
        $split_uninit:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $div:ident,
        $max:ident, $sqrt:ident, $at_most:ident, $below:ident, $equal:ident, $or:ident, $and:ident, $not:ident, $select:ident, $sum:ident,
        $largest:ident
    ) => {
        impl Registers for $float {
            type Register<S: Simd> = S::$registers;
            type Mask<S: Simd> = S::$mask;

            #[inline(always)]
            fn registers<S: Simd>(slice: &[Self]) -> (&[S::$registers], &[Self]) {
                S::$split(slice)
            }
            #[inline(always)]
            fn registers_mut<S: Simd>(slice: &mut [Self]) -> &mut [S::$registers] {
                S::$split_mut(slice).0
            }
            #[inline(always)]
            fn registers_uninit<S: Simd>(
                slice: &mut [MaybeUninit<Self>],
            ) -> (&mut [MaybeUninit<S::$registers>], &mut [MaybeUninit<Self>]) {
                S::$split_uninit(slice)
            }

            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$registers {
                simd.$splat(x)
            }
            #[inline(always)]
            fn add<S: Simd>(simd: S, x: S::$registers, y: S::$registers) -> S::$registers {
                simd.$add(x, y)
            }
            #[inline(always)]
            fn sub<S: Simd>(simd: S, x: S::$registers, y: S::$registers) -> S::$registers {
                simd.$sub(x, y)
            }
            #[inline(always)]
            fn mul<S: Simd>(simd: S, x: S::$registers, y: S::$registers) -> S::$registers {
                simd.$mul(x, y)
            }
            #[inline(always)]
            fn div<S: Simd>(simd: S, x: S::$registers, y: S::$registers) -> S::$registers {
                simd.$div(x, y)
            }
            #[inline(always)]
            fn max<S: Simd>(simd: S, x: S::$registers, y: S::$registers) -> S::$registers {
                simd.$max(x, y)
            }
            #[inline(always)]
            fn sqrt<S: Simd>(simd: S, x: S::$registers) -> S::$registers {
                simd.$sqrt(x)
            }
            #[inline(always)]
            fn at_most<S: Simd>(simd: S, x: S::$registers, y: S::$registers) -> S::$mask {
                simd.$at_most(x, y)
            }
            #[inline(always)]
            fn below<S: Simd>(simd: S, x: S::$registers, y: S::$registers) -> S::$mask {
                simd.$below(x, y)
            }
            #[inline(always)]
            fn equal<S: Simd>(simd: S, x: S::$registers, y: S::$registers) -> S::$mask {
                simd.$equal(x, y)
            }
            #[inline(always)]
            fn or<S: Simd>(simd: S, x: S::$mask, y: S::$mask) -> S::$mask {
                simd.$or(x, y)
            }
            #[inline(always)]
            fn and<S: Simd>(simd: S, x: S::$mask, y: S::$mask) -> S::$mask {
                simd.$and(x, y)
            }
            #[inline(always)]
            fn not<S: Simd>(simd: S, x: S::$mask) -> S::$mask {
                simd.$not(x)
            }
            #[inline(always)]
            fn select<S: Simd>(
                simd: S,
                mask: S::$mask,
                yes: S::$registers,
                no: S::$registers,
            ) -> S::$registers {
                simd.$select(mask, yes, no)
            }
            #[inline(always)]
            fn all<S: Simd>(_: S, mask: S::$mask) -> bool {
                let bytes = bytemuck::bytes_of(&mask);
                bytes.iter().fold(0xff, |all, byte| all & byte) == 0xff
            }
            #[inline(always)]
            fn sum<S: Simd>(simd: S, x: S::$registers) -> Self {
                simd.$sum(x)
            }
            #[inline(always)]
            fn largest<S: Simd>(simd: S, x: S::$registers) -> Self {
                simd.$largest(x)
            }
        }
    };
}

registers!(
    f32,
    f32s,
    m32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    as_uninit_mut_simd_f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    div_f32s,
    max_f32s,
    sqrt_f32s,
    less_than_or_equal_f32s,
    less_than_f32s,
    equal_f32s,
    or_m32s,
    and_m32s,
    not_m32s,
    select_f32s,
    reduce_sum_f32s,
    reduce_max_f32s
);
registers!(
    f64,
    f64s,
    m64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    as_uninit_mut_simd_f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    div_f64s,
    max_f64s,
    sqrt_f64s,
    less_than_or_equal_f64s,
    less_than_f64s,
    equal_f64s,
    or_m64s,
    and_m64s,
    not_m64s,
    select_f64s,
    reduce_sum_f64s,
    reduce_max_f64s
);
