//! The candidates of a batch: chosen, checked and scored, in f64.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use super::{Candidates, Omitted};
use crate::sparsemap::SolveStatus;
use crate::structure::{Parts, Scores, Structure, Vertices, ones};

/// The candidates of each row of a batch, in the order of their choice, and their scores.
#[derive(Debug)]
pub(crate) struct CandidateSet {
    pub(crate) vertices: Vertices,
    additionals: usize,
    /// Where the candidates of each row end.
    pub(crate) ends: Vec<usize>,
    /// The largest number of candidates of a row.
    pub(crate) width: usize,
    /// `[batch · width]`, relative to the row's best; −∞ where a row has fewer, NaN where it has
    /// none.
    pub(crate) scores: Vec<f64>,
    pub(crate) omitted: Vec<Omitted>,
    pub(crate) status: Vec<SolveStatus>,
}

impl CandidateSet {
    /// Chooses for each row of `scores` `[batch · (n + m)]`.
    pub(crate) fn choose<S, C>(structure: &S, scores: &[f64], candidates: &C) -> Self
    where
        S: Structure,
        C: Candidates<S> + ?Sized,
    {
        let (n, m) = (structure.unaries(), structure.additionals());
        let start = || (S::Workspace::default(), Vertices::new(n));
        let rows: Vec<(Vertices, Result<Weighable, SolveStatus>)> = scores
            .par_chunks_exact(n + m)
            .map_init(start, |(workspace, chosen), row| {
                chosen.clear();
                let (unaries, additionals) = row.split_at(n);
                let scores = Scores {
                    unaries,
                    additionals,
                };
                let row = choose(structure, scores, candidates, workspace, chosen);
                if row.is_err() {
                    *workspace = S::Workspace::default();
                    *chosen = Vertices::new(n);
                }
                (chosen.clone(), row)
            })
            .collect();
        let width = rows.iter().map(|(vertices, _)| vertices.len()).max();
        let width = width.unwrap_or(0).max(1);
        let mut set = Self {
            vertices: Vertices::new(n),
            additionals: m,
            ends: Vec::with_capacity(rows.len()),
            width,
            scores: Vec::with_capacity(rows.len() * width),
            omitted: Vec::with_capacity(rows.len()),
            status: Vec::with_capacity(rows.len()),
        };
        for (vertices, row) in rows {
            set.vertices.append(&vertices);
            set.ends.push(set.vertices.len());
            let end = set.scores.len() + width;
            let (fill, omitted, status) = match row {
                Ok(Weighable { scores, omitted }) => {
                    set.scores.extend(scores);
                    (f64::NEG_INFINITY, omitted, SolveStatus::Converged)
                }
                Err(status) => (f64::NAN, Omitted::Unknown, status),
            };
            set.scores.resize(end, fill);
            set.omitted.push(omitted);
            set.status.push(status);
        }
        set
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
    pub(crate) fn backward(&self, grad: &[f64]) -> Vec<f64> {
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

/// What a mapping has to know of the candidates of a row.
struct Weighable {
    /// Relative to the best.
    scores: Vec<f64>,
    omitted: Omitted,
}

/// The candidates of one row, in `chosen`.
fn choose<S: Structure, C: Candidates<S> + ?Sized>(
    structure: &S,
    scores: Scores<'_>,
    candidates: &C,
    workspace: &mut S::Workspace,
    chosen: &mut Vertices,
) -> Result<Weighable, SolveStatus> {
    let bad = |score: &f64| score.is_nan() || *score == f64::INFINITY;
    if scores.unaries.iter().chain(scores.additionals).any(bad) {
        return Err(SolveStatus::NotFinite);
    }
    let asked = catch_unwind(AssertUnwindSafe(|| {
        let omitted = candidates.choose(structure, scores, workspace, chosen);
        if chosen.unaries() != structure.unaries() {
            return Err(SolveStatus::OracleWrong);
        }
        if !candidates.trusted() {
            keep_distinct(structure, chosen)?;
        }
        let scores = (0..chosen.len()).map(|index| score(scores, chosen, index));
        let scores = scores.collect();
        Ok(Weighable { scores, omitted })
    }));
    let mut row = asked.unwrap_or(Err(SolveStatus::OraclePanicked))?;
    if row.scores.iter().any(bad) {
        return Err(SolveStatus::NotFinite);
    }
    let best = row.scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if best == f64::NEG_INFINITY {
        return Err(SolveStatus::Infeasible);
    }
    row.scores.iter_mut().for_each(|score| *score -= best);
    Ok(row)
}

/// Keeps the first of equal candidates, if all are structures of the set.
fn keep_distinct<S: Structure>(structure: &S, chosen: &mut Vertices) -> Result<(), SolveStatus> {
    let mut seen = HashSet::with_capacity(chosen.len());
    let mut kept = Vertices::new(chosen.unaries());
    let mut parts = Parts::new(chosen.unaries());
    for index in 0..chosen.len() {
        chosen.get(index, &mut parts);
        // the order of insertion makes no other structure
        let mut additionals = parts.additionals().to_vec();
        additionals.sort_unstable();
        let last = additionals.last().copied();
        let known = last.is_none_or(|part| (part as usize) < structure.additionals());
        if !known || !structure.contains(&parts) {
            return Err(SolveStatus::OracleWrong);
        }
        if seen.insert((parts.words().to_vec(), additionals)) {
            kept.push(&parts);
        }
    }
    *chosen = kept;
    Ok(())
}

fn score(scores: Scores<'_>, vertices: &Vertices, index: usize) -> f64 {
    let unaries: f64 = vertices.iter(index).map(|part| scores.unaries[part]).sum();
    let parts = vertices.additionals(index).iter();
    unaries
        + parts
            .map(|&part| scores.additionals[part as usize])
            .sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::{BitVector, KBest};

    /// Does for a row what its first score tells.
    struct Told;

    impl Candidates<BitVector> for Told {
        fn choose(
            &self,
            structure: &BitVector,
            scores: Scores<'_>,
            workspace: &mut <BitVector as Structure>::Workspace,
            chosen: &mut Vertices,
        ) -> Omitted {
            let mut parts = Parts::new(3);
            match scores.unaries[0] as i64 {
                1 => parts.insert(7),
                2 => parts.insert_additional(0),
                3 => {
                    *chosen = Vertices::new(99);
                    return Omitted::Nothing;
                }
                4 => return Omitted::Nothing,
                5 => {
                    // one of them twice
                    structure.k_best(scores, 3, workspace, chosen);
                    chosen.get(1, &mut parts);
                }
                _ => parts.insert(0),
            }
            chosen.push(&parts);
            Omitted::Nothing
        }
    }

    #[test]
    fn wrong_candidates_are_told_and_spoil_no_other_row() {
        let rows = [1.0, 9.0, 2.0, 3.0, 4.0, f64::NEG_INFINITY, 5.0, f64::NAN];
        let scores: Vec<f64> = rows.iter().flat_map(|first| [*first, 0.5, -2.0]).collect();
        let set = CandidateSet::choose(&BitVector::new(3).unwrap(), &scores, &Told);
        use SolveStatus::{Converged, Infeasible, NotFinite, OraclePanicked, OracleWrong};
        let want = [
            OraclePanicked,
            Converged,
            OracleWrong,
            OracleWrong, // a list of other parts
            Infeasible,  // none
            Infeasible,  // a forbidden one
            Converged,
            NotFinite,
        ];
        assert_eq!(set.status, want);
        assert_eq!(set.width, 3);
        for (row, status) in want.iter().enumerate() {
            let scores = &set.scores[row * 3..(row + 1) * 3];
            match row {
                1 => assert_eq!(scores, [0.0, f64::NEG_INFINITY, f64::NEG_INFINITY]),
                6 => assert_eq!(scores, [0.0, -0.5, -2.0]),
                _ => assert!(scores.iter().all(|score| score.is_nan())),
            }
            let converged = *status == Converged;
            assert_eq!(set.omitted[row] == Omitted::Nothing, converged);
        }
    }
}
