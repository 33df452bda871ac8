//! Reductions over a row, written so that they vectorize: independent lanes, no early exit.

use super::element::Work;

/// Lanes of a chunk: two AVX-512 registers of f32, four of AVX2.
pub(super) const LANES: usize = 32;
/// Elements summed in working precision before the sum moves on to f64.
const BLOCK: usize = 16 * LANES;

/// The largest element; NaNs are passed over, an empty row gives −∞.
#[inline(always)]
pub(super) fn max<W: Work>(row: &[W]) -> W {
    let mut lanes = [W::neg_infinity(); LANES];
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = if x > *lane { x } else { *lane };
    }
    let mut largest = W::neg_infinity();
    for lane in lanes {
        largest = if lane > largest { lane } else { largest };
    }
    largest
}

/// Collects `x − largest` of every element above `largest + bound` into `scratch`.
///
/// A NaN counts as above, so that it reaches the sums and from there the whole row. Chunks without
/// a candidate, most of them in a long row, cost one comparison an element.
#[inline(always)]
pub(super) fn candidates<'s, W: Work>(
    row: &[W],
    largest: W,
    bound: W,
    scratch: &'s mut [W],
) -> &'s [W] {
    let mut count = 0;
    let mut keep = |x: W| {
        let shifted = x - largest;
        scratch[count] = shifted;
        count += usize::from(!(shifted <= bound));
    };
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        let mut any = false;
        for &x in chunk {
            any |= !(x - largest <= bound);
        }
        if any {
            chunk.iter().for_each(|&x| keep(x));
        }
    }
    for &x in rest {
        if !(x - largest <= bound) {
            keep(x);
        }
    }
    &scratch[..count]
}

/// Sums `N` terms of every element at once: lanes in working precision, blocks in f64.
#[inline(always)]
pub(super) fn sum<W: Work, const N: usize>(row: &[W], term: impl Fn(W) -> [W; N]) -> [f64; N] {
    sum_pairs(row, row, |x, _| term(x))
}

/// The same over two rows of one length.
#[inline(always)]
pub(super) fn sum_pairs<W: Work, const N: usize>(
    left: &[W],
    right: &[W],
    term: impl Fn(W, W) -> [W; N],
) -> [f64; N] {
    let mut total = [0.0; N];
    for (left, right) in left.chunks(BLOCK).zip(right.chunks(BLOCK)) {
        let mut lanes = [[W::zero(); LANES]; N];
        let (left_chunks, right_chunks) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
        let rest = left_chunks.remainder().iter().zip(right_chunks.remainder());
        for (left, right) in left_chunks.zip(right_chunks) {
            for lane in 0..LANES {
                let terms = term(left[lane], right[lane]);
                for n in 0..N {
                    lanes[n][lane] = lanes[n][lane] + terms[n];
                }
            }
        }
        for (lane, (&x, &y)) in rest.enumerate() {
            let terms = term(x, y);
            for n in 0..N {
                lanes[n][lane] = lanes[n][lane] + terms[n];
            }
        }
        for n in 0..N {
            let mut width = LANES;
            while width > 1 {
                width /= 2;
                for lane in 0..width {
                    lanes[n][lane] = lanes[n][lane] + lanes[n][lane + width];
                }
            }
            total[n] += lanes[n][0].widen();
        }
    }
    total
}
