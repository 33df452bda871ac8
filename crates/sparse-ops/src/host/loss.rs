//! Fenchel–Young losses `Ω(p) + ⟨p − 1_y, z⟩` and their gradients, row by row.

use std::mem::MaybeUninit;

use super::element::{Element, Work};
use super::forward::{Solved, probabilities};
use super::mapping::Mapping;
use super::rows::RowKernel;

pub(super) struct Loss<'a, M> {
    pub(super) mapping: M,
    pub(super) targets: &'a [i64],
}

impl<E: Element, M: Mapping<E::Work>> RowKernel<E, 1> for Loss<'_, M> {
    /// Writes the probabilities; the extra number is the loss.
    #[inline(always)]
    fn row(
        &self,
        row: usize,
        [scores]: [&[E::Work]; 1],
        out: &mut [MaybeUninit<E>],
        loss: &mut f64,
        scratch: &mut [E::Work],
    ) {
        let solved = probabilities(self.mapping, scores, out, scratch);
        let target = usize::try_from(self.targets[row])
            .ok()
            .and_then(|y| scores.get(y));
        let (Some(solved), Some(&target)) = (solved, target) else {
            *loss = f64::NAN;
            return;
        };
        // ⟨p − 1_y, z⟩ does not change when all scores are shifted, and scores of −∞, which
        // would give 0 · ∞, are no candidates
        let Solved {
            largest,
            candidates,
            cut,
        } = solved;
        let expected: f64 = candidates
            .iter()
            .map(|&z| {
                let p = self.mapping.prob(z, cut).widen();
                self.mapping.entropy(p) + if p > 0.0 { p * z.widen() } else { 0.0 }
            })
            .sum();
        // exactly 0 at its minimum, where rounding could leave it below
        *loss = (expected - (target - largest).widen()).max(0.0);
    }
}

/// `g (p − 1_y)`.
pub(super) struct LossGradient<'a> {
    pub(super) targets: &'a [i64],
    pub(super) grad: &'a [f64],
}

impl<E: Element> RowKernel<E, 1> for LossGradient<'_> {
    #[inline(always)]
    fn row(
        &self,
        row: usize,
        [probs]: [&[E::Work]; 1],
        out: &mut [MaybeUninit<E>],
        _: &mut f64,
        _: &mut [E::Work],
    ) {
        let grad = E::Work::narrow(self.grad[row]);
        for (out, &p) in out.iter_mut().zip(probs) {
            out.write(E::from_work(p * grad));
        }
        let target = usize::try_from(self.targets[row])
            .ok()
            .filter(|&y| y < probs.len());
        if let Some(y) = target {
            out[y].write(E::from_work((probs[y] - num_traits::one()) * grad));
        }
    }
}
