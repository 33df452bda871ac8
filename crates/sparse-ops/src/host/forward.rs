//! Scores to probabilities, row by row.

use std::mem::MaybeUninit;

use super::element::{Element, Work};
use super::mapping::{Entmax, Mapping};
use super::rows::RowKernel;
use super::sums;

pub(super) struct Forward<M> {
    mapping: M,
}

impl<M> Forward<M> {
    pub(super) fn new(mapping: M) -> Self {
        Self { mapping }
    }
}

impl<E: Element, M: Mapping<E::Work>> RowKernel<E, 1> for Forward<M> {
    #[inline(always)]
    fn row(
        &self,
        _: usize,
        [scores]: [&[E::Work]; 1],
        out: &mut [MaybeUninit<E>],
        _: &mut f64,
        scratch: &mut [E::Work],
    ) {
        probabilities(self.mapping, scores, out, scratch);
    }
}

/// With an α for each row.
pub(super) struct ForwardWithAlpha<'a> {
    pub(super) alpha: &'a [f64],
}

impl<E: Element> RowKernel<E, 1> for ForwardWithAlpha<'_> {
    #[inline(always)]
    fn row(
        &self,
        row: usize,
        [scores]: [&[E::Work]; 1],
        out: &mut [MaybeUninit<E>],
        _: &mut f64,
        scratch: &mut [E::Work],
    ) {
        probabilities(Entmax::new(self.alpha[row]), scores, out, scratch);
    }
}

/// What is known of a row once its probabilities are.
pub(super) struct Solved<'s, W> {
    pub(super) largest: W,
    /// The scores that may be in the support, shifted by the largest.
    pub(super) candidates: &'s [W],
    /// The threshold of shifted scores.
    pub(super) cut: W,
}

/// Writes the probabilities; `None` where the row has no answer and is NaN.
#[inline(always)]
pub(super) fn probabilities<'s, E: Element, M: Mapping<E::Work>>(
    mapping: M,
    scores: &[E::Work],
    out: &mut [MaybeUninit<E>],
    scratch: &'s mut [E::Work],
) -> Option<Solved<'s, E::Work>> {
    let largest = sums::max(scores);
    if largest.widen().is_finite() {
        let candidates = sums::candidates(scores, largest, mapping.bound(), scratch);
        let threshold = mapping.threshold(candidates);
        if !threshold.is_nan() {
            let cut = E::Work::narrow(threshold);
            for (out, &score) in out.iter_mut().zip(scores) {
                out.write(E::from_work(mapping.prob(score - largest, cut)));
            }
            return Some(Solved {
                largest,
                candidates,
                cut,
            });
        }
    }
    // all −∞, a +∞ or a NaN
    let nan = E::from_f64(f64::NAN);
    out.iter_mut().for_each(|out| {
        out.write(nan);
    });
    None
}
