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

/// Chooses the MAP structure and its neighbours; all that it takes is allocated once.
pub(crate) struct Neighborhood<S: Structure> {
    workspace: S::Workspace,
    best: Parts,
    neighbors: Vertices,
}

impl<S: Neighbors> Neighborhood<S> {
    pub(crate) fn new(structure: &S) -> Self {
        Self {
            workspace: S::Workspace::default(),
            best: Parts::new(structure.unaries()),
            neighbors: Vertices::new(structure.unaries()),
        }
    }

    pub(crate) fn choose(&mut self, structure: &S, scores: Scores<'_>, chosen: &mut Vertices) {
        self.best.clear();
        structure.argmax(scores, &mut self.workspace, &mut self.best);
        self.neighbors.clear();
        structure.neighbors(&self.best, &mut self.neighbors);
        chosen.push(&self.best);
        chosen.append(&self.neighbors);
    }
}

impl Candidates {
    /// Those that `choose` pushes for each row of `scores` `[batch · (n + m)]` onto an empty list,
    /// with a room of its own that `start` makes for many rows.
    pub(crate) fn of<S: Structure, W>(
        structure: &S,
        scores: &[f64],
        start: impl Fn() -> W + Sync,
        choose: impl Fn(&mut W, Scores<'_>, &mut Vertices) + Sync,
    ) -> Self {
        let (n, m) = (structure.unaries(), structure.additionals());
        let batch = scores.len() / (n + m);
        let tasks = match rayon::current_num_threads() {
            1 => 1,
            threads => (4 * threads).min(batch).max(1),
        };
        let run = |task: usize| {
            let rows = task * batch / tasks..(task + 1) * batch / tasks;
            let scores = &scores[rows.start * (n + m)..rows.end * (n + m)];
            let (mut chosen, mut room) = (Chosen::new(n), start());
            for row in scores.chunks_exact(n + m) {
                if !chosen.row(row, |scores, vertices| choose(&mut room, scores, vertices)) {
                    room = start();
                }
            }
            chosen
        };
        let chosen = if tasks == 1 {
            run(0)
        } else {
            let parts: Vec<Chosen> = (0..tasks).into_par_iter().map(run).collect();
            Chosen::join(parts, n)
        };
        let width = chosen.counts.iter().copied().max().unwrap_or(0).max(1);
        let mut candidates = Self {
            vertices: chosen.vertices,
            additionals: m,
            ends: Vec::with_capacity(batch),
            width,
            scores: Vec::with_capacity(batch * width),
            status: chosen.status,
        };
        let mut end = 0;
        for count in chosen.counts {
            let fill = if count == 0 {
                f64::NAN
            } else {
                f64::NEG_INFINITY
            };
            let values = &chosen.scores[end..end + count];
            candidates.scores.extend_from_slice(values);
            candidates
                .scores
                .extend(std::iter::repeat_n(fill, width - count));
            end += count;
            candidates.ends.push(end);
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

/// The candidates of some rows, packed.
struct Chosen {
    vertices: Vertices,
    /// Those of one row.
    present: Vertices,
    scores: Vec<f64>,
    /// The number of candidates of each row.
    counts: Vec<usize>,
    status: Vec<SolveStatus>,
}

impl Chosen {
    fn new(unaries: usize) -> Self {
        Self {
            vertices: Vertices::new(unaries),
            present: Vertices::new(unaries),
            scores: Vec::new(),
            counts: Vec::new(),
            status: Vec::new(),
        }
    }

    /// Adds the candidates of a row; false if `choose` panicked.
    fn row(&mut self, row: &[f64], choose: impl FnOnce(Scores<'_>, &mut Vertices)) -> bool {
        let Self {
            vertices,
            present,
            scores: values,
            ..
        } = self;
        present.clear();
        let first = values.len();
        let (unaries, additionals) = row.split_at(vertices.unaries());
        let scores = Scores {
            unaries,
            additionals,
        };
        let mut status = SolveStatus::NotFinite;
        let bad = |score: &f64| score.is_nan() || *score == f64::INFINITY;
        if !row.iter().any(bad) {
            let asked = catch_unwind(AssertUnwindSafe(|| {
                choose(scores, present);
                values.extend((0..present.len()).map(|index| score(scores, present, index)));
            }));
            status = match (asked, values.get(first)) {
                (Err(_), _) => SolveStatus::OraclePanicked,
                (_, Some(first)) if *first > f64::NEG_INFINITY => SolveStatus::Converged,
                _ => SolveStatus::Infeasible,
            };
        }
        if status == SolveStatus::Converged {
            let best = values[first];
            values[first..].iter_mut().for_each(|value| *value -= best);
            vertices.append(present);
        } else {
            values.truncate(first);
        }
        self.counts.push(self.scores.len() - first);
        self.status.push(status);
        status != SolveStatus::OraclePanicked
    }

    fn join(parts: Vec<Self>, unaries: usize) -> Self {
        let mut whole = Self::new(unaries);
        (whole.vertices).reserve(parts.iter().map(|part| &part.vertices));
        for part in parts {
            whole.vertices.append(&part.vertices);
            whole.scores.extend(part.scores);
            whole.counts.extend(part.counts);
            whole.status.extend(part.status);
        }
        whole
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
