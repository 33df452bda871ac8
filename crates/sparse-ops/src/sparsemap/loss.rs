//! The Fenchel–Young losses of SparseMAP solutions, and their gradients.

use super::solution::Solution;
use crate::structure::{Parts, Penalty};

/// The losses of a batch.
#[derive(Debug)]
pub(crate) struct Losses {
    /// `[batch]`
    pub(crate) values: Vec<f64>,
    /// `μ − μ_true`, `[batch · (n + m)]`.
    differences: Vec<f64>,
    /// `n + m`
    pub(super) parts: usize,
}

impl Losses {
    /// Those of `scores` with `solution` against `targets`, both `[batch · (n + m)]`.
    pub(crate) fn new(
        penalty: Penalty,
        scores: &[f64],
        targets: &[f64],
        solution: &Solution,
    ) -> Self {
        let parts = solution.unaries + solution.additionals;
        let mut differences = vec![0.0; scores.len()];
        let mut vertex = Parts::new(solution.unaries);
        let rows = differences.chunks_exact_mut(parts).enumerate();
        let values = rows.map(|(row, differences)| {
            let here = row * parts..(row + 1) * parts;
            means(solution, row, &mut vertex, differences);
            let (scores, targets) = (&scores[here.clone()], &targets[here]);
            loss(penalty, scores, targets, differences, solution.unaries)
        });
        Self {
            values: values.collect(),
            differences,
            parts,
        }
    }

    /// The gradient in the scores from one in the losses `[batch]`.
    pub(super) fn backward(&self, grad: &[f64]) -> Vec<f64> {
        let rows = self.differences.chunks_exact(self.parts).zip(grad);
        rows.flat_map(|(row, grad)| row.iter().map(move |difference| grad * difference))
            .collect()
    }
}

/// Writes the marginals of all parts of a row into `means`, which is 0.
fn means(solution: &Solution, row: usize, vertex: &mut Parts, means: &mut [f64]) {
    if !solution.status[row].is_feasible() {
        return means.fill(f64::NAN);
    }
    let (unaries, additionals) = means.split_at_mut(solution.unaries);
    unaries.copy_from_slice(solution.row_marginals(row));
    for index in solution.entries(row) {
        solution.vertex(row, index, vertex);
        for &part in vertex.additionals() {
            additionals[part as usize] += solution.probs[index];
        }
    }
}

/// `Ω(t) − Ω(μ) + ⟨η, μ − t⟩`, with `μ − t` left where `μ` was.
///
/// With `Ω` of curvature c it is `c/2 ‖t − μ‖² + ⟨η − ∇Ω(μ), μ − t⟩`: two terms that are not
/// negative at the optimum, of which nothing cancels close to 0.
fn loss(
    penalty: Penalty,
    scores: &[f64],
    targets: &[f64],
    means: &mut [f64],
    unaries: usize,
) -> f64 {
    let (curvature, shift) = match penalty {
        Penalty::On => (1.0, 0.0),
        Penalty::OnOff => (2.0, 1.0),
    };
    let mut loss = 0.0;
    for (part, ((score, target), mean)) in scores.iter().zip(targets).zip(means).enumerate() {
        let difference = *mean - target;
        // not the NaN of −∞ · 0 for forbidden parts
        if difference != 0.0 {
            loss += if part < unaries {
                let slope = score - (curvature * *mean - shift);
                difference * (slope + 0.5 * curvature * difference)
            } else {
                difference * score
            };
        }
        *mean = difference;
    }
    loss
}
