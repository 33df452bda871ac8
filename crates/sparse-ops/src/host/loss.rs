//! Fenchel–Young losses `Ω(p) + ⟨p − 1_y, z⟩` and their gradients.

use std::mem::MaybeUninit;

use pulp::Simd;

use super::element::Work;
use super::forward::{Solved, probabilities};
use super::lanes;
use super::layout::Layout;
use super::mapping::{Mapping, Mappings};
use super::rows::RowKernel;
use super::vector::Vector;

pub(super) struct Loss<'a, M> {
    pub(super) mappings: M,
    pub(super) targets: &'a [i64],
}

impl<W: Work, M: Mappings> RowKernel<W, 1> for Loss<'_, M> {
    /// Writes the probabilities; the extra number is the loss.
    #[inline(always)]
    fn rows<S: Simd, L: Layout>(
        &self,
        simd: S,
        layout: L,
        first: usize,
        [scores]: [&[W]; 1],
        out: &mut [MaybeUninit<W>],
        losses: &mut [f64],
        scratch: &mut [W],
    ) {
        let mapping = self.mappings.of(simd, layout, first);
        let Solved {
            largest,
            candidates,
            threshold,
        } = probabilities(simd, layout, mapping, scores, out, scratch);
        // ⟨p − 1_y, z⟩ does not change when all scores are shifted, and scores of −∞, which
        // would give 0 · ∞, have no part in it
        let unscale = threshold.like(1.0) / mapping.scale(simd);
        let [expected] = lanes::sum(
            simd,
            layout,
            candidates,
            #[inline(always)]
            |z: Vector<W, S>| {
                let p = mapping.prob(z, threshold);
                let term = mapping.entropy(p) + p * (z * unscale);
                [p.at_most(p.like(0.0)).select(p, term)]
            },
        );
        let rows = losses.len();
        for (row, loss) in losses.iter_mut().enumerate() {
            // the last rows may be too few to fill all lanes
            let Some(&target) = self.targets.get(first + row) else {
                return;
            };
            let target = usize::try_from(target)
                .ok()
                .filter(|&y| y < scores.len() / rows);
            let expected = expected.lanes()[row];
            *loss = match target {
                // exactly 0 at its minimum, where rounding could leave it below
                Some(y) if !expected.is_nan() => {
                    let target = scores[y * rows + row] - largest.lanes()[row];
                    (expected - target).widen().max(0.0)
                }
                _ => f64::NAN,
            };
        }
    }
}

/// `g (p − 1_y)`.
pub(super) struct LossGradient<'a> {
    pub(super) targets: &'a [i64],
    pub(super) grad: &'a [f64],
}

impl<W: Work> RowKernel<W, 1> for LossGradient<'_> {
    #[inline(always)]
    fn rows<S: Simd, L: Layout>(
        &self,
        simd: S,
        layout: L,
        first: usize,
        [probs]: [&[W]; 1],
        out: &mut [MaybeUninit<W>],
        _: &mut [f64],
        _: &mut [W],
    ) {
        let grad = layout.per_row(simd, &self.grad[first..], |grad| grad);
        lanes::map(
            simd,
            [probs],
            out,
            #[inline(always)]
            |[p]| p * grad,
        );
        let rows = layout.rows::<W, S>();
        for (row, &target) in self.targets[first..].iter().take(rows).enumerate() {
            let target = usize::try_from(target)
                .ok()
                .filter(|&y| y < probs.len() / rows);
            if let Some(y) = target {
                let at = y * rows + row;
                out[at].write((probs[at] - W::one()) * grad.lanes()[row]);
            }
        }
    }
}
