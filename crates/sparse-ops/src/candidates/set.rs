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
        let batch = scores.len() / (n + m);
        let tasks = match rayon::current_num_threads() {
            1 => 1,
            threads => (4 * threads).min(batch).max(1),
        };
        let run = |task: usize| {
            let rows = task * batch / tasks..(task + 1) * batch / tasks;
            let mut some = Chosen::new(n);
            let mut workspace = C::Workspace::default();
            for row in scores[rows.start * (n + m)..rows.end * (n + m)].chunks_exact(n + m) {
                let (unaries, additionals) = row.split_at(n);
                let scores = Scores {
                    unaries,
                    additionals,
                };
                let status = some.row(structure, scores, candidates, &mut workspace);
                if status != SolveStatus::Converged {
                    // what a panic or a wrong list has left of them
                    workspace = C::Workspace::default();
                    some.present = Vertices::new(n);
                }
            }
            some
        };
        let all = match tasks {
            1 => run(0),
            _ => Chosen::join((0..tasks).into_par_iter().map(run).collect(), n),
        };
        let width = all.counts.iter().copied().max().unwrap_or(0).max(1);
        let mut set = Self {
            vertices: all.vertices,
            additionals: m,
            ends: Vec::with_capacity(batch),
            width,
            scores: Vec::with_capacity(batch * width),
            omitted: all.omitted,
            status: all.status,
        };
        let mut end = 0;
        for count in all.counts {
            let scores = &all.scores[end..end + count];
            let fill = if count == 0 {
                f64::NAN
            } else {
                f64::NEG_INFINITY
            };
            set.scores.extend_from_slice(scores);
            (set.scores).extend(std::iter::repeat_n(fill, width - count));
            end += count;
            set.ends.push(end);
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

/// The candidates of some rows, packed.
struct Chosen {
    vertices: Vertices,
    /// Those of the row at hand.
    present: Vertices,
    /// Relative to the best of each row.
    scores: Vec<f64>,
    /// The number of candidates of each row.
    counts: Vec<usize>,
    omitted: Vec<Omitted>,
    status: Vec<SolveStatus>,
}

impl Chosen {
    fn new(unaries: usize) -> Self {
        Self {
            vertices: Vertices::new(unaries),
            present: Vertices::new(unaries),
            scores: Vec::new(),
            counts: Vec::new(),
            omitted: Vec::new(),
            status: Vec::new(),
        }
    }

    /// Adds the candidates of a row; none if there is anything wrong with them.
    fn row<S: Structure, C: Candidates<S> + ?Sized>(
        &mut self,
        structure: &S,
        scores: Scores<'_>,
        candidates: &C,
        workspace: &mut C::Workspace,
    ) -> SolveStatus {
        let first = self.scores.len();
        let chosen = self.choose(structure, scores, candidates, workspace);
        let (omitted, status) = match chosen {
            Ok(omitted) => (omitted, SolveStatus::Converged),
            Err(status) => (Omitted::Unknown, status),
        };
        if chosen.is_ok() {
            self.vertices.append(&self.present);
        } else {
            self.scores.truncate(first);
        }
        self.counts.push(self.scores.len() - first);
        self.omitted.push(omitted);
        self.status.push(status);
        status
    }

    /// Leaves the candidates of a row in `present`, and their scores at the end of `scores`.
    fn choose<S: Structure, C: Candidates<S> + ?Sized>(
        &mut self,
        structure: &S,
        scores: Scores<'_>,
        candidates: &C,
        workspace: &mut C::Workspace,
    ) -> Result<Omitted, SolveStatus> {
        let bad = |score: &f64| score.is_nan() || *score == f64::INFINITY;
        if scores.unaries.iter().chain(scores.additionals).any(bad) {
            return Err(SolveStatus::NotFinite);
        }
        let (first, present, values) = (self.scores.len(), &mut self.present, &mut self.scores);
        present.clear();
        let asked = catch_unwind(AssertUnwindSafe(|| {
            let omitted = candidates.choose(structure, scores, workspace, present);
            if present.unaries() != structure.unaries() {
                return Err(SolveStatus::OracleWrong);
            }
            if !candidates.trusted(structure) {
                keep_distinct(structure, present)?;
            }
            values.extend((0..present.len()).map(|index| score(scores, present, index)));
            Ok(omitted)
        }));
        let omitted = asked.unwrap_or(Err(SolveStatus::OraclePanicked))?;
        let values = &mut self.scores[first..];
        if values.iter().any(bad) {
            return Err(SolveStatus::NotFinite);
        }
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if best == f64::NEG_INFINITY {
            return Err(SolveStatus::Infeasible);
        }
        values.iter_mut().for_each(|score| *score -= best);
        Ok(omitted)
    }

    fn join(parts: Vec<Self>, unaries: usize) -> Self {
        let mut whole = Self::new(unaries);
        (whole.vertices).reserve(parts.iter().map(|part| &part.vertices));
        for part in parts {
            whole.vertices.append(&part.vertices);
            whole.scores.extend(part.scores);
            whole.counts.extend(part.counts);
            whole.omitted.extend(part.omitted);
            whole.status.extend(part.status);
        }
        whole
    }
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
        let once = additionals.is_sorted_by(|a, b| a < b);
        if !(known && once && structure.contains(&parts)) {
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
    use crate::candidates::{KBestCandidates, MapAndNeighbors};
    use crate::structure::{BitVector, KBest, Neighbors};

    /// Does for a row what its first score tells.
    struct Told;

    impl Candidates<BitVector> for Told {
        type Workspace = <BitVector as Structure>::Workspace;

        fn choose(
            &self,
            structure: &BitVector,
            scores: Scores<'_>,
            workspace: &mut Self::Workspace,
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

    /// Bits of which at most two may be on, whose oracles do not know that.
    struct Careless;

    impl Structure for Careless {
        type Workspace = <BitVector as Structure>::Workspace;

        fn unaries(&self) -> usize {
            3
        }

        fn argmax(&self, scores: Scores<'_>, workspace: &mut Self::Workspace, best: &mut Parts) {
            BitVector::new(3).unwrap().argmax(scores, workspace, best);
        }

        fn contains(&self, parts: &Parts) -> bool {
            parts.count() < 3
        }
    }

    impl KBest for Careless {
        fn k_best(
            &self,
            scores: Scores<'_>,
            k: usize,
            workspace: &mut Self::Workspace,
            best: &mut Vertices,
        ) {
            BitVector::new(3)
                .unwrap()
                .k_best(scores, k, workspace, best);
        }
    }

    impl Neighbors for Careless {
        fn neighbors(&self, parts: &Parts, neighbors: &mut Vertices) {
            BitVector::new(3).unwrap().neighbors(parts, neighbors);
        }
    }

    #[test]
    fn the_oracles_of_a_user_are_checked() {
        use SolveStatus::{Converged, OracleWrong};
        // 111 is best; 000 is, and no flip of a bit nor any of the four best is 111
        let scores = [1.0, 1.0, 1.0, -1.0, -1.0, -1.0];
        let near = CandidateSet::choose(&Careless, &scores, &MapAndNeighbors);
        assert_eq!(near.status, [OracleWrong, Converged]);
        let best = CandidateSet::choose(&Careless, &scores, &KBestCandidates::new(4));
        assert_eq!(best.status, [OracleWrong, Converged]);
    }
}
