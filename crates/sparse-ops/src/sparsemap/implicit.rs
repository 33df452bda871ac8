//! The MAP structure with an implicit gradient: towards the MAP structure of moved scores.

use std::fmt;

use super::status::SolveStatus;
use crate::candidates::{CandidateSet, Candidates, Omitted};
use crate::structure::{Parts, Scores, Structure, Vertices};

/// The MAP structures of a batch, and what finds those of moved scores.
pub(crate) struct Implicit<S> {
    structure: S,
    /// `[batch · (n + m)]`
    scores: Vec<f64>,
    chosen: CandidateSet,
    step: f64,
}

impl<S: Structure> Implicit<S> {
    pub(crate) fn new(structure: S, scores: Vec<f64>, step: f64) -> Self {
        let chosen = best(&structure, &scores);
        Self {
            structure,
            scores,
            chosen,
            step,
        }
    }

    /// `[batch · (n + 1)]`: the structure of each row, then the anchor, 0; NaN where there is none.
    pub(crate) fn values(&self) -> Vec<f64> {
        let width = self.structure.unaries() + 1;
        let mut values = vec![0.0; self.chosen.batch() * width];
        for (row, values) in values.chunks_exact_mut(width).enumerate() {
            if self.chosen.status[row] != SolveStatus::Converged {
                values.fill(f64::NAN);
                continue;
            }
            for index in self.chosen.entries(row) {
                self.chosen
                    .vertices
                    .iter(index)
                    .for_each(|part| values[part] = 1.0);
            }
        }
        values
    }
}

/// The MAP structure of each row, as its only candidate.
fn best<S: Structure>(structure: &S, scores: &[f64]) -> CandidateSet {
    CandidateSet::choose(structure, scores, &MapAlone)
}

struct MapAlone;

impl<S: Structure> Candidates<S> for MapAlone {
    type Workspace = (S::Workspace, Option<Parts>);

    fn choose(
        &self,
        structure: &S,
        scores: Scores<'_>,
        (workspace, best): &mut Self::Workspace,
        chosen: &mut Vertices,
    ) -> Omitted {
        let best = best.get_or_insert_with(|| Parts::new(structure.unaries()));
        best.clear();
        structure.argmax(scores, workspace, best);
        chosen.push(best);
        Omitted::NoBetter
    }
}

/// What a gradient needs of it, whatever the structure.
pub(crate) trait ImplicitGradient: fmt::Debug + Send + Sync {
    /// `[batch, n + m]`
    fn scores_shape(&self) -> [usize; 2];

    /// The gradient in the scores from that in the [values](Implicit::values).
    fn backward(&self, grad: &[f64]) -> Vec<f64>;
}

impl<S: Structure> ImplicitGradient for Implicit<S> {
    fn scores_shape(&self) -> [usize; 2] {
        [self.chosen.batch(), self.chosen.parts()]
    }

    fn backward(&self, grad: &[f64]) -> Vec<f64> {
        let (n, parts) = (self.structure.unaries(), self.chosen.parts());
        // what a row's own loss weighs in the whole; 1 if that is not known
        let weights: Vec<f64> = grad
            .chunks_exact(n + 1)
            .map(|grad| if grad[n] == 0.0 { 1.0 } else { grad[n] })
            .collect();
        let mut moved = self.scores.clone();
        for ((moved, grad), weight) in moved
            .chunks_exact_mut(parts)
            .zip(grad.chunks_exact(n + 1))
            .zip(&weights)
        {
            for (score, grad) in moved.iter_mut().zip(&grad[..n]) {
                *score -= self.step * grad / weight;
            }
        }
        let target = best(&self.structure, &moved);
        // each part gets 1/λ for being in the structure, and −1/λ for being in the target
        let scaled = |sign: f64| -> Vec<f64> {
            let per_row = weights.iter().map(|weight| sign * weight / self.step);
            per_row.collect()
        };
        let mut scores = self.chosen.backward(&scaled(1.0));
        let away = target.backward(&scaled(-1.0));
        scores.iter_mut().zip(away).for_each(|(a, b)| *a += b);
        scores
    }
}

impl<S> fmt::Debug for Implicit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Implicit")
            .field("chosen", &self.chosen)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
