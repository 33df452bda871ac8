//! Passes over a row, a register at a time.

use std::mem::MaybeUninit;

use pulp::Simd;

use super::element::Work;
use super::layout::Layout;
use super::vector::{Vector, write_partial};

/// Registers that are summed lane by lane before the sum moves on: no lane adds more than this many
/// numbers in a chain, so that rounding stays at a few ulps however long the row is.
const BLOCK: usize = 64;

/// Registers of a row that are all kept: with passes of one length, branches are predicted, which
/// on AVX2 gains entmax15 an eighth of its time on rows of 128 and costs sparsemax a thirtieth.
const FEW: usize = 16;

/// The largest element. A NaN is either passed over or the result.
#[inline(always)]
pub(super) fn max<W: Work, S: Simd, L: Layout>(simd: S, layout: L, row: &[W]) -> Vector<W, S> {
    let lowest = Vector::splat(simd, W::neg_infinity());
    let (registers, rest) = W::registers::<S>(row);
    let (pairs, last) = registers.as_chunks::<2>();
    let mut lanes = [lowest; 2];
    if !rest.is_empty() {
        lanes[1] = Vector::partial(simd, rest, W::neg_infinity());
    }
    for pair in pairs {
        for (lanes, &register) in lanes.iter_mut().zip(pair) {
            *lanes = Vector::of(simd, register).max(*lanes);
        }
    }
    for &register in last {
        lanes[0] = Vector::of(simd, register).max(lanes[0]);
    }
    layout.largest(lanes[0].max(lanes[1]))
}

/// Collects `(x − largest) · scale` of every register with an element above `bound`, or of all if
/// they are few.
///
/// Whole registers are kept: that costs no branch and no permutation, and what is below the bound
/// in them is below every threshold too. A NaN counts as above, so that it reaches the sums and
/// from there the whole row. The row's end is filled up with −∞.
#[inline(always)]
pub(super) fn candidates<'s, W: Work, S: Simd>(
    simd: S,
    row: &[W],
    [largest, scale, bound]: [Vector<W, S>; 3],
    scratch: &'s mut [W],
) -> &'s [W::Register<S>] {
    let kept = W::registers_mut::<S>(scratch);
    let mut count = 0;
    let (registers, rest) = W::registers::<S>(row);
    let few = registers.len() <= FEW;
    for &register in registers {
        let scores = (Vector::of(simd, register) - largest) * scale;
        kept[count] = scores.register();
        count += usize::from(few || !scores.at_most(bound).all());
    }
    if !rest.is_empty() {
        let scores = (Vector::partial(simd, rest, W::neg_infinity()) - largest) * scale;
        kept[count] = scores.register();
        count += usize::from(!scores.at_most(bound).all());
    }
    &kept[..count]
}

/// Sums `N` terms of every element at once.
#[inline(always)]
pub(super) fn sum<W: Work, S: Simd, L: Layout, const N: usize>(
    simd: S,
    layout: L,
    registers: &[W::Register<S>],
    term: impl Fn(Vector<W, S>) -> [Vector<W, S>; N],
) -> [Vector<W, S>; N] {
    let (first, rest) = registers.split_at(registers.len().min(BLOCK));
    let mut total = sum_block(simd, first, &term);
    for block in rest.chunks(BLOCK) {
        total = add(total, sum_block(simd, block, &term));
    }
    total.map(|lanes| layout.sum(lanes))
}

#[inline(always)]
fn sum_block<W: Work, S: Simd, const N: usize>(
    simd: S,
    block: &[W::Register<S>],
    term: &impl Fn(Vector<W, S>) -> [Vector<W, S>; N],
) -> [Vector<W, S>; N] {
    // two chains of additions hide each other's latency
    let mut sums = [[Vector::splat(simd, W::zero()); N]; 2];
    let (pairs, last) = block.as_chunks::<2>();
    for pair in pairs {
        for (sums, &register) in sums.iter_mut().zip(pair) {
            *sums = add(*sums, term(Vector::of(simd, register)));
        }
    }
    for &register in last {
        sums[0] = add(sums[0], term(Vector::of(simd, register)));
    }
    add(sums[0], sums[1])
}

/// The same over two rows of one length, with a term of 0 for two zeros.
#[inline(always)]
pub(super) fn sum_pairs<W: Work, S: Simd, L: Layout, const N: usize>(
    simd: S,
    layout: L,
    [left, right]: [&[W]; 2],
    term: impl Fn(Vector<W, S>, Vector<W, S>) -> [Vector<W, S>; N],
) -> [Vector<W, S>; N] {
    let zero = Vector::splat(simd, W::zero());
    let (left, left_rest) = W::registers::<S>(left);
    let (right, right_rest) = W::registers::<S>(right);
    let mut total = [zero; N];
    if !left_rest.is_empty() {
        let [left, right] =
            [left_rest, right_rest].map(|rest| Vector::partial(simd, rest, W::zero()));
        total = term(left, right);
    }
    for (left, right) in left.chunks(BLOCK).zip(right.chunks(BLOCK)) {
        let mut sums = [[zero; N]; 2];
        let (left, left_last) = left.as_chunks::<2>();
        let (right, right_last) = right.as_chunks::<2>();
        for (left, right) in left.iter().zip(right) {
            for i in 0..2 {
                sums[i] = add(
                    sums[i],
                    term(Vector::of(simd, left[i]), Vector::of(simd, right[i])),
                );
            }
        }
        for (&left, &right) in left_last.iter().zip(right_last) {
            sums[0] = add(
                sums[0],
                term(Vector::of(simd, left), Vector::of(simd, right)),
            );
        }
        total = add(total, add(sums[0], sums[1]));
    }
    total.map(|lanes| layout.sum(lanes))
}

/// Writes what becomes of every element of `N` rows of one length.
#[inline(always)]
pub(super) fn map<W: Work, S: Simd, const N: usize>(
    simd: S,
    rows: [&[W]; N],
    out: &mut [MaybeUninit<W>],
    f: impl Fn([Vector<W, S>; N]) -> Vector<W, S>,
) {
    let (out, out_rest) = W::registers_uninit::<S>(out);
    let rows = rows.map(|row| {
        let (registers, rest) = W::registers::<S>(row);
        (&registers[..out.len()], rest)
    });
    for (index, out) in out.iter_mut().enumerate() {
        out.write(f(rows.map(|(registers, _)| Vector::of(simd, registers[index]))).register());
    }
    if !out_rest.is_empty() {
        let values = f(rows.map(|(_, rest)| Vector::partial(simd, rest, W::zero())));
        write_partial(out_rest, values);
    }
}

/// Writes the first of what becomes of every element of `N` rows of one length, and sums the second.
/// `beyond` is an element to fill a register up with: its second must be 0.
#[inline(always)]
pub(super) fn map_and_sum<W: Work, S: Simd, L: Layout, const N: usize>(
    simd: S,
    layout: L,
    rows: [&[W]; N],
    beyond: [W; N],
    out: &mut [MaybeUninit<W>],
    f: impl Fn([Vector<W, S>; N]) -> (Vector<W, S>, Vector<W, S>),
) -> Vector<W, S> {
    let mut total = Vector::splat(simd, W::zero());
    let (out, out_rest) = W::registers_uninit::<S>(out);
    let rows = rows.map(|row| {
        let (registers, rest) = W::registers::<S>(row);
        (&registers[..out.len()], rest)
    });
    if !out_rest.is_empty() {
        let rest = std::array::from_fn(|i| Vector::partial(simd, rows[i].1, beyond[i]));
        let (values, terms) = f(rest);
        write_partial(out_rest, values);
        total = terms;
    }
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        let mut sum = Vector::splat(simd, W::zero());
        for (index, out) in out.iter_mut().enumerate() {
            let at = block * BLOCK + index;
            let (value, term) = f(rows.map(|(registers, _)| Vector::of(simd, registers[at])));
            out.write(value.register());
            sum = sum + term;
        }
        total = total + sum;
    }
    layout.sum(total)
}

#[inline(always)]
fn add<W: Work, S: Simd, const N: usize>(
    mut sums: [Vector<W, S>; N],
    terms: [Vector<W, S>; N],
) -> [Vector<W, S>; N] {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum = *sum + term;
    }
    sums
}
