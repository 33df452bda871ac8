//! Candidates: a few structures for each row, chosen by the scores, for a mapping to weigh.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use super::status::SolveStatus;
use crate::structure::{Neighbors, Parts, Scores, Structure, Vertices, ones};

/// The candidates of each row of a batch, best first or in the order of their set, and their
/// scores.
#[derive(Debug)]
pub(crate) struct Candidates {
    pub(crate) vertices: Vertices,
    additionals: usize,
    /// Where the candidates of each row end.
    ends: Vec<usize>,
    /// The largest number of candidates of a row.
    pub(crate) width: usize,
    /// `[batch · width]`, relative to the row's first; −∞ where a row has fewer, NaN where it has
    /// none.
    pub(crate) scores: Vec<f64>,
    pub(crate) status: Vec<SolveStatus>,
}

/// The MAP structure and its neighbours.
pub(crate) fn neighborhood<S: Neighbors>(
    structure: &S,
    scores: Scores<'_>,
    workspace: &mut S::Workspace,
    chosen: &mut Vertices,
) {
    let mut best = Parts::new(structure.unaries());
    structure.argmax(scores, workspace, &mut best);
    let mut neighbors = Vertices::new(structure.unaries());
    structure.neighbors(&best, &mut neighbors);
    chosen.push(&best);
    chosen.append(&neighbors);
}

impl Candidates {
    /// Those that `choose` pushes for each row of `scores` `[batch · (n + m)]`.
    pub(crate) fn of<S: Structure>(
        structure: &S,
        scores: &[f64],
        choose: impl Fn(&S, Scores<'_>, &mut S::Workspace, &mut Vertices) + Sync,
    ) -> Self {
        let (n, m) = (structure.unaries(), structure.additionals());
        let start = || (S::Workspace::default(), Vertices::new(n));
        let rows: Vec<(Vertices, Vec<f64>, SolveStatus)> = scores
            .par_chunks_exact(n + m)
            .map_init(start, |(workspace, chosen), row| {
                chosen.clear();
                let mut values = Vec::new();
                let bad = |score: &f64| score.is_nan() || *score == f64::INFINITY;
                let (unaries, additionals) = row.split_at(n);
                let scores = Scores {
                    unaries,
                    additionals,
                };
                let mut status = SolveStatus::NotFinite;
                if !row.iter().any(bad) {
                    let asked = catch_unwind(AssertUnwindSafe(|| {
                        choose(structure, scores, workspace, chosen);
                        values.extend((0..chosen.len()).map(|index| score(scores, chosen, index)));
                    }));
                    status = match (asked, values.first()) {
                        (Err(_), _) => SolveStatus::OraclePanicked,
                        (_, Some(first)) if *first > f64::NEG_INFINITY => SolveStatus::Converged,
                        _ => SolveStatus::Infeasible,
                    };
                }
                if status == SolveStatus::Converged {
                    let first = values[0];
                    values.iter_mut().for_each(|value| *value -= first);
                } else {
                    if status == SolveStatus::OraclePanicked {
                        *workspace = S::Workspace::default();
                    }
                    chosen.clear();
                    values.clear();
                }
                (chosen.clone(), values, status)
            })
            .collect();
        let width = rows.iter().map(|(_, values, _)| values.len()).max();
        let width = width.unwrap_or(0).max(1);
        let mut candidates = Self {
            vertices: Vertices::new(n),
            additionals: m,
            ends: Vec::with_capacity(rows.len()),
            width,
            scores: Vec::with_capacity(rows.len() * width),
            status: Vec::with_capacity(rows.len()),
        };
        for (vertices, values, status) in rows {
            candidates.vertices.append(&vertices);
            candidates.ends.push(candidates.vertices.len());
            let start = candidates.scores.len();
            let fill = if values.is_empty() {
                f64::NAN
            } else {
                f64::NEG_INFINITY
            };
            candidates.scores.extend(values);
            candidates.scores.resize(start + width, fill);
            candidates.status.push(status);
        }
        candidates
    }

    pub(crate) fn batch(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn parts(&self) -> usize {
        self.vertices.unaries() + self.additionals
    }

    pub(crate) fn entries(&self, row: usize) -> std::ops::Range<usize> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        start..self.ends[row]
    }

    /// The gradient in the scores from one in the candidates' scores `[batch · width]`: each part
    /// gets the sum over the candidates that have it.
    pub(super) fn backward(&self, grad: &[f64]) -> Vec<f64> {
        let (n, parts) = (self.vertices.unaries(), self.parts());
        let mut scores = vec![0.0; self.batch() * parts];
        scores
            .par_chunks_mut(parts)
            .enumerate()
            .for_each(|(row, scores)| {
                if self.status[row] != SolveStatus::Converged {
                    return scores.fill(f64::NAN);
                }
                let (unaries, additionals) = scores.split_at_mut(n);
                let grad = &grad[row * self.width..];
                for (index, &grad) in self.entries(row).zip(grad) {
                    if grad == 0.0 {
                        continue;
                    }
                    for part in ones(self.vertices.words(index)) {
                        unaries[part] += grad;
                    }
                    for &part in self.vertices.additionals(index) {
                        additionals[part as usize] += grad;
                    }
                }
            });
        scores
    }
}

fn score(scores: Scores<'_>, vertices: &Vertices, index: usize) -> f64 {
    let unaries: f64 = vertices.iter(index).map(|part| scores.unaries[part]).sum();
    let parts = vertices.additionals(index).iter();
    unaries
        + parts
            .map(|&part| scores.additionals[part as usize])
            .sum::<f64>()
}
