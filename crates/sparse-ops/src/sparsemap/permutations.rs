//! SparseMAP over permutations: the projection onto the doubly stochastic matrices, by its dual.
//!
//! The marginal polytope of the permutations is that of all matrices of row and column sums 1 without
//! negative numbers (Birkhoff 1946). The projection of η onto it is `μ = max(0, η − α1ᵀ − 1βᵀ)`, where α
//! and β minimize the convex `½‖μ‖² + Σα + Σβ`, whose gradient is what the sums are short of 1. It is
//! piecewise quadratic, and a Newton step is exact on the last piece, which few of them find: Li, Sun &
//! Toh, *On the efficient computation of a projector over the Birkhoff polytope*, 2020,
//! [arXiv 1702.05934](https://arxiv.org/abs/1702.05934).

use super::{
    bipartite::Bipartite,
    birkhoff::Birkhoff,
    status::Certificate,
    vector::{LANES, sum},
};
use crate::structure::{Parts, Vertices};

/// Newton steps, at most: normal scores of a deviation of 3 take up to ten at 20 × 20.
const STEPS: usize = 15;
/// Pairs with a positive mean, for each row, before the first step. Where there are fewer, scores are so
/// far apart that the solution is close to one permutation, many pieces are on the way, and the active set
/// is there after a few of its own steps.
const FEWEST_PAIRS: f64 = 1.75;
/// Places that are looked at along one step.
const PLACES: usize = 30;
/// How far sums may be from 1, beside duals of size 1: by what they are rounded.
const EXACT: f64 = 1e-13;
/// Rounds in which α is made the best for β, and β for α, before the first step.
const ROUNDS: usize = 2;
/// What the diagonal of a step's system gets, as a part of the largest excess: where two rows share all
/// of three columns, say, it has no solution otherwise.
const DAMPING: f64 = 1e-3;
/// The mass that the distribution may have lost by rounding, before it is shared out.
const LOST: f64 = 1e-9;

/// What is allocated once.
#[derive(Debug, Default)]
pub(super) struct Permutations {
    size: usize,
    /// The scores, less the largest of each row and then of each column, which moves α and β alone: means
    /// are their differences, and would lose digits beside large ones.
    scores: Vec<f64>,
    /// α and β.
    duals: Sides,
    step: Sides,
    /// The duals at a place along the step, their `max(0, η − α1ᵀ − 1βᵀ)`, and what its sums have above 1.
    trial: Sides,
    means: Vec<f64>,
    excess: Sides,
    graph: Bipartite,
    line: Vec<f64>,
    birkhoff: Birkhoff,
}

/// A number for each row, and one for each column.
#[derive(Debug, Default)]
struct Sides {
    rows: Vec<f64>,
    columns: Vec<f64>,
}

impl Sides {
    fn clear(&mut self, size: usize) {
        for side in [&mut self.rows, &mut self.columns] {
            side.clear();
            side.resize(size, 0.0);
        }
    }

    fn all(&self) -> impl Iterator<Item = f64> {
        self.rows.iter().chain(&self.columns).copied()
    }

    /// The largest size, NaN if one of them is.
    fn largest(&self) -> f64 {
        self.all()
            .fold(0.0, |most, x| if x.abs() <= most { most } else { x.abs() })
    }
}

impl Permutations {
    /// Finds the marginals for scores `[size · size]`, which are finite or −∞. False if it did not: scores
    /// are far apart, or each permutation has a forbidden pair.
    #[inline(always)]
    pub(super) fn solve(&mut self, scores: &[f64], size: usize) -> bool {
        self.size = size;
        for sides in [
            &mut self.duals,
            &mut self.step,
            &mut self.trial,
            &mut self.excess,
        ] {
            sides.clear(size);
        }
        self.means.clear();
        self.means.resize(size * size, 0.0);
        if !self.reduce(scores) {
            return false;
        }
        self.start();
        self.evaluate();
        let pairs = self.means.iter().filter(|mean| **mean > 0.0).count();
        if size > 1 && (pairs as f64) < FEWEST_PAIRS * size as f64 {
            return false;
        }
        for _ in 0..=STEPS {
            std::mem::swap(&mut self.duals, &mut self.trial);
            let (excess, duals) = (self.excess.largest(), self.duals.largest());
            if !excess.is_finite() || !duals.is_finite() {
                return false;
            }
            if excess <= EXACT * duals.max(1.0) {
                return true;
            }
            self.graph
                .read(&self.means, size, DAMPING * excess.min(1.0));
            let Sides { rows, columns } = &mut self.step;
            self.graph
                .solve((&self.excess.rows, &self.excess.columns), rows, columns);
            if !self.go() {
                return false;
            }
        }
        false
    }

    /// Takes the largest score of each row from it, and then that of each column. False if there is none.
    #[inline(always)]
    fn reduce(&mut self, scores: &[f64]) -> bool {
        let size = self.size;
        self.scores.clear();
        self.scores.extend_from_slice(scores);
        let most = |most: f64, score: &f64| if *score > most { *score } else { most };
        for row in self.scores.chunks_exact_mut(size) {
            let largest = row.iter().fold(f64::NEG_INFINITY, most);
            if largest == f64::NEG_INFINITY {
                return false;
            }
            row.iter_mut().for_each(|score| *score -= largest);
        }
        let largest = &mut self.step.columns;
        largest.fill(f64::NEG_INFINITY);
        for row in self.scores.chunks_exact(size) {
            for (largest, score) in largest.iter_mut().zip(row) {
                *largest = most(*largest, score);
            }
        }
        if largest.contains(&f64::NEG_INFINITY) {
            return false;
        }
        for row in self.scores.chunks_exact_mut(size) {
            for (score, largest) in row.iter_mut().zip(&*largest) {
                *score -= largest;
            }
        }
        true
    }

    /// Begins at sums of the columns that are 1.
    #[inline(always)]
    fn start(&mut self) {
        let Self {
            size,
            scores,
            trial,
            line,
            ..
        } = self;
        for _ in 0..ROUNDS {
            for (scores, alpha) in scores.chunks_exact(*size).zip(&mut trial.rows) {
                line.clear();
                line.extend(scores.iter().zip(&trial.columns).map(|(s, beta)| s - beta));
                *alpha = threshold(line);
            }
            for (column, beta) in trial.columns.iter_mut().enumerate() {
                let scores = scores[column..].iter().step_by(*size);
                line.clear();
                line.extend(scores.zip(&trial.rows).map(|(s, alpha)| s - alpha));
                *beta = threshold(line);
            }
        }
    }

    /// The means and the excess at the trial.
    #[inline(always)]
    fn evaluate(&mut self) {
        let Self {
            size,
            scores,
            trial,
            means,
            excess,
            ..
        } = self;
        excess.columns.fill(-1.0);
        let rows = scores
            .chunks_exact(*size)
            .zip(means.chunks_exact_mut(*size));
        for ((scores, means), (alpha, excess_of_row)) in
            rows.zip(trial.rows.iter().zip(&mut excess.rows))
        {
            let columns = trial.columns.iter().zip(&mut excess.columns);
            for ((score, mean), (beta, excess)) in scores.iter().zip(&mut *means).zip(columns) {
                *mean = (score - alpha - beta).max(0.0);
                *excess += *mean;
            }
            *excess_of_row = sum(means) - 1.0;
        }
    }

    /// Moves the trial along the step to where it falls no more, or about there; false if it finds no such
    /// place.
    #[inline(always)]
    fn go(&mut self) -> bool {
        let first = self.fall();
        if first.is_nan() || first <= 0.0 {
            return false;
        }
        let (mut before, mut beyond) = ((0.0, first), None);
        let mut length = 1.0;
        for _ in 0..PLACES {
            let Self {
                duals, step, trial, ..
            } = self;
            for (trial, (dual, step)) in [
                (&mut trial.rows, (&duals.rows, &step.rows)),
                (&mut trial.columns, (&duals.columns, &step.columns)),
            ] {
                for (trial, (dual, step)) in trial.iter_mut().zip(dual.iter().zip(step)) {
                    *trial = dual + length * step;
                }
            }
            self.evaluate();
            let here = self.fall();
            if here.abs() <= 0.1 * first {
                return true;
            }
            if here > 0.0 {
                before = (length, here);
            } else {
                beyond = Some((length, here));
            }
            length = match beyond {
                None => 4.0 * length,
                // a secant, away from both ends
                Some((end, climb)) => {
                    let (begin, fall) = before;
                    begin + (end - begin) * (fall / (fall - climb)).clamp(0.05, 0.95)
                }
            };
        }
        false
    }

    /// How fast the objective falls along the step at the trial.
    #[inline(always)]
    fn fall(&self) -> f64 {
        let pairs = self.step.all().zip(self.excess.all());
        pairs.map(|(step, excess)| step * excess).sum()
    }

    /// Appends permutations and their probabilities, after [`solve`](Self::solve), and writes their
    /// marginals. `None` if too little was left to them.
    #[inline(always)]
    pub(super) fn decompose(
        &mut self,
        vertex: &mut Parts,
        vertices: &mut Vertices,
        probs: &mut Vec<f64>,
        marginals: &mut [f64],
    ) -> Option<Certificate> {
        let first = probs.len();
        marginals.fill(0.0);
        let lost = self
            .birkhoff
            .decompose(&self.means, self.size, vertex, |vertex, prob| {
                vertex.iter().for_each(|pair| marginals[pair] += prob);
                vertices.push(vertex);
                probs.push(prob);
            });
        if lost > LOST {
            return None;
        }
        // what was lost is shared out: sums are 1 to the last digit
        let whole = sum(&probs[first..]);
        probs[first..].iter_mut().for_each(|prob| *prob /= whole);
        (marginals.iter_mut()).for_each(|mean| *mean = (*mean / whole).min(1.0));
        Some(Certificate {
            wolfe_gap: self.gap(marginals),
            residual: 0.0,
            iterations: 0,
        })
    }

    /// The largest score of a pair that has a marginal, at least 1.
    pub(super) fn scale(scores: &[f64], marginals: &[f64]) -> f64 {
        let pairs = scores
            .iter()
            .zip(marginals)
            .filter(|(_, mean)| **mean > 0.0);
        pairs.fold(1.0, |most, (score, _)| most.max(score.abs()))
    }

    /// A bound of the Wolfe gap of marginals. With `s = η − μ − α1ᵀ − 1βᵀ` and sums of 1, every permutation
    /// has `⟨η − μ, a − μ⟩ = ⟨s, a − μ⟩`, and `⟨s, a⟩` is at most the sum of the rows' largest s.
    #[inline(always)]
    fn gap(&self, marginals: &[f64]) -> f64 {
        let (size, duals) = (self.size, &self.duals);
        let rows = self.scores.chunks_exact(size);
        let rows = rows.zip(marginals.chunks_exact(size)).zip(&duals.rows);
        let terms = rows.map(|((scores, means), alpha)| {
            let (mut most, mut expected) = (f64::NEG_INFINITY, 0.0);
            for ((score, mean), beta) in scores.iter().zip(means).zip(&duals.columns) {
                let rest = score - mean - alpha - beta;
                most = if rest > most { rest } else { most };
                expected += if *mean > 0.0 { mean * rest } else { 0.0 };
            }
            most - expected
        });
        let gap = terms.sum::<f64>();
        // a NaN stays
        if gap < 0.0 { 0.0 } else { gap }
    }
}

/// The τ with `Σ max(0, s − τ) = 1`; −∞ if all scores are. Fills them up to whole registers.
#[inline(always)]
fn threshold(scores: &mut Vec<f64>) -> f64 {
    scores.resize(scores.len().next_multiple_of(LANES), f64::NEG_INFINITY);
    let mut most = [f64::NEG_INFINITY; LANES];
    for set in scores.chunks_exact(LANES) {
        for lane in 0..LANES {
            most[lane] = if set[lane] > most[lane] {
                set[lane]
            } else {
                most[lane]
            };
        }
    }
    let mut tau = most.into_iter().fold(f64::NEG_INFINITY, f64::max) - 1.0;
    // Newton steps from below on a convex function: each but the last loses a score
    for _ in 0..=scores.len() {
        let (mut sums, mut counts) = ([0.0; LANES], [0.0; LANES]);
        for set in scores.chunks_exact(LANES) {
            for lane in 0..LANES {
                let above = set[lane] - tau;
                sums[lane] += if above > 0.0 { above } else { 0.0 };
                counts[lane] += if above > 0.0 { 1.0 } else { 0.0 };
            }
        }
        let step = (sums.iter().sum::<f64>() - 1.0) / counts.iter().sum::<f64>();
        if step.is_nan() || step <= f64::EPSILON {
            break;
        }
        tau += step;
    }
    tau
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splitmix::SplitMix;

    const SIZE: usize = 6;

    /// Solves, lets `spoil` change what was found, and gives the certificate of the rest.
    fn certificate(spoil: impl FnOnce(&mut Permutations)) -> Option<Certificate> {
        let (mut random, mut permutations) = (SplitMix(2), Permutations::default());
        let scores: Vec<f64> = (0..SIZE * SIZE).map(|_| 3.0 * random.uniform()).collect();
        assert!(permutations.solve(&scores, SIZE));
        spoil(&mut permutations);
        let (pairs, mut probs) = (SIZE * SIZE, Vec::new());
        let (mut vertex, mut vertices) = (Parts::new(pairs), Vertices::new(pairs));
        permutations.decompose(
            &mut vertex,
            &mut vertices,
            &mut probs,
            &mut vec![0.0; pairs],
        )
    }

    #[test]
    fn what_is_found_is_proven() {
        let proof = certificate(|_| ());
        // what the sums and the rest of some pairs are rounded by
        assert!(proof.is_some_and(|proof| proof.wolfe_gap < 1e-11));
    }

    #[test]
    fn other_duals_prove_less() {
        let proof = certificate(|permutations| permutations.duals.columns[2] += 0.125);
        // every pair of the column is that much below what its row says
        assert!(proof.is_some_and(|proof| proof.wolfe_gap > 0.01));
    }

    #[test]
    fn other_means_are_not_the_solution() {
        // a little of a permutation more, and as much of the others less: sums are 1
        let proof = certificate(|permutations| {
            permutations.means.iter_mut().for_each(|mean| *mean *= 0.9);
            (0..SIZE).for_each(|i| permutations.means[i * SIZE + (i + 1) % SIZE] += 0.1);
        });
        assert!(proof.is_some_and(|proof| proof.wolfe_gap > 0.01));
    }

    #[test]
    fn means_that_do_not_add_up_are_refused() {
        let proof = certificate(|permutations| {
            let row = &mut permutations.means[SIZE..2 * SIZE];
            row.iter_mut().for_each(|mean| *mean *= 0.5);
        });
        assert!(proof.is_none());
    }
}
