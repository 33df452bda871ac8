//! Scores to probabilities.

use std::mem::MaybeUninit;

use pulp::Simd;

use super::element::Work;
use super::lanes;
use super::layout::Layout;
use super::mapping::{Mapping, Mappings};
use super::rows::RowKernel;
use super::vector::Vector;

pub(super) struct Forward<M> {
    pub(super) mappings: M,
}

impl<W: Work, M: Mappings> RowKernel<W, 1> for Forward<M> {
    #[inline(always)]
    fn rows<S: Simd, L: Layout>(
        &self,
        simd: S,
        layout: L,
        first: usize,
        [scores]: [&[W]; 1],
        out: &mut [MaybeUninit<W>],
        _: &mut [f64],
        scratch: &mut [W],
    ) {
        let mapping = self.mappings.of(simd, layout, first);
        probabilities(simd, layout, mapping, scores, out, scratch);
    }
}

/// What is known of a row once its probabilities are.
pub(super) struct Solved<'s, W: Work, S: Simd> {
    pub(super) largest: Vector<W, S>,
    /// Registers that hold every score of the support, shifted by the largest and scaled.
    pub(super) candidates: &'s [W::Register<S>],
    /// NaN where a row has no answer, as its probabilities are.
    pub(super) threshold: Vector<W, S>,
}

/// Writes the probabilities.
#[inline(always)]
pub(super) fn probabilities<'s, W: Work, S: Simd, L: Layout, M: Mapping<W, S>>(
    simd: S,
    layout: L,
    mapping: M,
    scores: &[W],
    out: &mut [MaybeUninit<W>],
    scratch: &'s mut [W],
) -> Solved<'s, W, S> {
    let scale = mapping.scale(simd);
    let largest = lanes::max(simd, layout, scores);
    let candidates =
        lanes::candidates(simd, scores, [largest, scale, mapping.bound(simd)], scratch);
    // a NaN, +∞ or nothing but −∞: the difference is NaN
    #[expect(clippy::eq_op, reason = "not 0 where it is not finite")]
    let threshold = mapping.threshold(simd, layout, candidates) + (largest - largest);
    lanes::map(
        simd,
        [scores],
        out,
        #[inline(always)]
        |[scores]| mapping.prob((scores - largest) * scale, threshold),
    );
    Solved {
        largest,
        candidates,
        threshold,
    }
}
