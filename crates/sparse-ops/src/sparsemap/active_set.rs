//! The active set method for one row: Wolfe's nearest point in a polytope, with a MAP oracle for
//! the polytope and additional parts that are not penalized.
//!
//! Sources: Wolfe, *Finding the nearest point in a polytope*, 1976; Nocedal & Wright, *Numerical
//! optimization*, ch. 16; Niculae, Martins, Blondel & Cardie, *SparseMAP*, 2018.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::corral::Corral;
use super::options::SparseMapOptions;
use super::status::{Certificate, SolveStatus};
use super::vector::{LANES, dot, masked_dot};
use super::warm_start::WarmRow;
use crate::structure::{Parts, Scores, Structure};

/// How often in a row a vertex may fail to gain weight, by rounding, before the factor is made
/// anew, and then before the solver gives up.
const STALLS: usize = 3;

/// What the solver needs for one row after the other; nothing is allocated once it has grown.
#[derive(Debug)]
pub(super) struct ActiveSet<O> {
    oracle: O,
    /// Whether the oracle has been asked about this row.
    asked: bool,
    pub(super) corral: Corral,
    candidate: Parts,
    named: Named,
    /// `η − μ`
    pub(super) reduced: Vec<f64>,
    pub(super) marginals: Vec<f64>,
    /// The largest score of a part of any structure that has been looked at of late, at least 1: what
    /// is lost to rounding is relative to it, and so are tolerances. Scores of other parts do not count,
    /// such as that of a mask.
    pub(super) scale: f64,
}

/// Finds parts that are named twice.
#[derive(Debug, Default)]
struct Named(Vec<u32>);

impl Named {
    /// Whether the additional parts are some of `count`, and none is named twice.
    fn once(&mut self, parts: &Parts, count: usize) -> bool {
        self.0.clear();
        self.0.extend_from_slice(parts.additionals());
        self.0.sort_unstable();
        let known = self.0.last().is_none_or(|&part| (part as usize) < count);
        known && self.0.is_sorted_by(|a, b| a < b)
    }
}

impl<O: Default> ActiveSet<O> {
    pub(super) fn new(unaries: usize) -> Self {
        Self {
            oracle: O::default(),
            asked: false,
            corral: Corral::new(unaries),
            candidate: Parts::new(unaries),
            named: Named::default(),
            reduced: Vec::new(),
            marginals: Vec::new(),
            scale: 1.0,
        }
    }

    /// Solves for scores in the representation of [`Penalty::On`](crate::Penalty::On), from `start`
    /// if there is one. The vertices and weights are left in the corral, and `μ` in `marginals`.
    #[inline(always)]
    pub(super) fn solve<S: Structure<Workspace = O>>(
        &mut self,
        start: Option<WarmRow<'_>>,
        structure: &S,
        scores: Scores<'_>,
        options: &SparseMapOptions,
    ) -> (SolveStatus, Certificate) {
        let mut certificate = Certificate::NONE;
        self.scale = 1.0;
        self.asked = false;
        if !start.is_some_and(|start| self.resume(start, structure, scores)) {
            if let Err(status) = self.start(structure, scores) {
                return (status, certificate);
            }
            certificate.iterations = 1;
        }
        let status = self.iterate(structure, scores, options, &mut certificate);
        (status, certificate)
    }

    /// A corral of an earlier solution's structures, as far as they may still be, with its weights
    /// moved to the best of them. False if there is none.
    fn resume<S: Structure<Workspace = O>>(
        &mut self,
        mut start: WarmRow<'_>,
        structure: &S,
        scores: Scores<'_>,
    ) -> bool {
        self.corral.clear();
        // A structure in the support scores at η − μ as much as any other, and μ takes at most 1 of each
        // part's score: one that scores less than this is in no support, and would only cost digits.
        let mut least = f64::NEG_INFINITY;
        let mut all = start.clone();
        while all.next(&mut self.candidate).is_some() {
            if allowed(structure, scores, &self.candidate).is_some() {
                let score = scores.of(&self.candidate) - self.candidate.count() as f64;
                least = least.max(score);
            }
        }
        while let Some(weight) = start.next(&mut self.candidate) {
            if let Some(gain) = allowed(structure, scores, &self.candidate)
                && scores.of(&self.candidate) >= least
                && self.corral.push(&self.candidate, gain)
                && let Some(last) = self.corral.weights.last_mut()
            {
                *last = weight;
            }
        }
        if self.corral.len() == 0 {
            return false;
        }
        let total: f64 = self.corral.weights.iter().sum();
        (self.corral.weights.iter_mut()).for_each(|weight| *weight /= total);
        self.marginals.clear();
        self.marginals.resize(scores.unaries.len(), 0.0);
        self.corral.marginals(&mut self.marginals);
        self.reduced.clear();
        let pairs = scores.unaries.iter().zip(&self.marginals);
        self.reduced.extend(pairs.map(|(score, mean)| score - mean));
        // from here on the scores of the corral are equal, as those of any are between two steps
        self.corral.polish(&self.reduced);
        self.candidate.clear();
        self.measure(scores);
        true
    }

    /// Takes the scale of the structures in the corral and of the candidate.
    fn measure(&mut self, scores: Scores<'_>) {
        let all = self.corral.vertices().chain([&self.candidate]);
        self.scale = all.map(|parts| largest(scores, parts)).fold(1.0, f64::max);
    }

    /// A corral of the MAP structure alone.
    fn start<S: Structure<Workspace = O>>(
        &mut self,
        structure: &S,
        scores: Scores<'_>,
    ) -> Result<(), SolveStatus> {
        let unaries = scores.unaries.len();
        self.corral.clear();
        self.reduced.clear();
        self.reduced.extend_from_slice(scores.unaries);
        self.marginals.clear();
        self.marginals.resize(unaries, 0.0);
        let (score, gain) = self.ask(structure, scores.additionals)?;
        if score == f64::NEG_INFINITY {
            return Err(SolveStatus::Infeasible);
        }
        self.corral.push(&self.candidate, gain);
        self.corral.weights.fill(1.0);
        Ok(())
    }

    #[inline(always)]
    fn iterate<S: Structure<Workspace = O>>(
        &mut self,
        structure: &S,
        scores: Scores<'_>,
        options: &SparseMapOptions,
        certificate: &mut Certificate,
    ) -> SolveStatus {
        // an oracle may round as the largest score of all
        let rounding = 1e-8 * largest_finite(scores);
        let (mut stalls, mut refreshed, mut polished, mut unseen) = (0, false, 0, 0);
        let mut value = f64::NEG_INFINITY;
        loop {
            self.corral.marginals(&mut self.marginals);
            for (reduced, (score, mean)) in
                (self.reduced.iter_mut()).zip(scores.unaries.iter().zip(&self.marginals))
            {
                *reduced = score - mean;
            }
            let (score, gain) = match self.ask(structure, scores.additionals) {
                Ok(answer) => answer,
                Err(status) => return status,
            };
            certificate.iterations += 1;
            let level = masked_dot(&self.reduced, &self.marginals) + self.corral.gain();
            let gap = score - level;
            certificate.wolfe_gap = gap.max(0.0);
            let terms = (self.candidate.count() + 2) as f64;
            if gap < -rounding * terms || gap.is_nan() {
                return SolveStatus::OracleWrong;
            }
            if gap <= self.scale * options.tol.max(2.0 * f64::EPSILON * terms) {
                // before that is believed: the scores of what has left the corral no longer count
                self.measure(scores);
            }
            let scale = self.scale;
            // below this a gap is rounding: the score of a vertex is a sum of as many terms
            let floor = 2.0 * f64::EPSILON * scale * terms;

            // Close to the optimum a step gains the square of the gap, less than the objective's
            // rounding: a row of steps that do not show in it is no proof of a standstill, unless
            // the gap is small enough.
            let now = level + 0.5 * dot(&self.marginals, &self.marginals);
            if now > value {
                (unseen, refreshed) = (0, false);
            } else {
                unseen += 1;
            }
            value = value.max(now);
            // far below the level an answer of the oracle's is no proof of anything
            let close = gap.abs() <= options.tol * scale;
            let idle = close && unseen > self.corral.len() + STALLS;
            let given_up = idle || (stalls >= STALLS && refreshed);
            if gap <= floor || given_up {
                let residual = self.corral.polish(&self.reduced);
                certificate.residual = residual;
                polished += 1;
                if residual > floor.max(1e-12 * scale) && polished < STALLS {
                    continue;
                }
                self.corral.marginals(&mut self.marginals);
                return if close {
                    SolveStatus::Converged
                } else {
                    SolveStatus::Stalled
                };
            }
            if certificate.iterations > options.max_iter {
                certificate.residual = self.corral.residual(&self.reduced);
                return if close {
                    SolveStatus::Converged
                } else {
                    SolveStatus::MaxIterations
                };
            }
            if stalls >= STALLS {
                self.corral.refresh();
                self.corral.polish(&self.reduced);
                (stalls, refreshed) = (0, true);
                continue;
            }

            if self.corral.push(&self.candidate, gain) {
                let gained = self.corral.enter(gap);
                stalls = if gained { 0 } else { stalls + 1 };
            } else {
                self.corral.exchange(&self.candidate, gain);
                // the marginals are as before, but the weights no longer at their best
                self.corral.polish(&self.reduced);
            }
        }
    }

    /// The Wolfe gap of marginals with the expected score of the additional parts, NaN if the oracle has
    /// no answer; and the level that it is a difference from.
    pub(super) fn gap<S: Structure<Workspace = O>>(
        &mut self,
        structure: &S,
        scores: Scores<'_>,
        marginals: &[f64],
        gain: f64,
    ) -> (f64, f64) {
        self.reduced.clear();
        let pairs = scores.unaries.iter().zip(marginals);
        self.reduced.extend(pairs.map(|(score, mean)| score - mean));
        let level = masked_dot(&self.reduced, marginals) + gain;
        self.scale = 1.0;
        match self.ask(structure, scores.additionals) {
            Ok((score, _)) => ((score - level).max(0.0), level),
            Err(_) => (f64::NAN, level),
        }
    }

    /// Asks the oracle at `self.reduced`, and adds its answer to the corral with weight 0 if it
    /// scores within `slack` of the best at `reduced` and is affinely independent.
    #[inline(always)]
    pub(super) fn take_on_face<S: Structure<Workspace = O>>(
        &mut self,
        structure: &S,
        scores: Scores<'_>,
        reduced: &[f64],
        slack: f64,
    ) -> bool {
        let Ok((_, gain)) = self.ask(structure, scores.additionals) else {
            return false;
        };
        let unary: f64 = self.candidate.iter().map(|part| reduced[part]).sum();
        let best = masked_dot(reduced, &self.marginals) + self.corral.gain();
        unary + gain >= best - slack && self.corral.push(&self.candidate, gain)
    }

    /// The MAP oracle's answer at `reduced`: the score of the candidate, and that of its
    /// additional parts.
    #[inline(always)]
    pub(super) fn ask<S: Structure<Workspace = O>>(
        &mut self,
        structure: &S,
        additionals: &[f64],
    ) -> Result<(f64, f64), SolveStatus> {
        let scores = Scores {
            unaries: &self.reduced,
            additionals,
        };
        self.candidate.clear();
        let (oracle, candidate, named) = (&mut self.oracle, &mut self.candidate, &mut self.named);
        let trusted = structure.trusted();
        let asked = std::mem::replace(&mut self.asked, true);
        let valid = catch_unwind(AssertUnwindSafe(|| {
            match asked {
                true => structure.argmax_again(scores, oracle, candidate),
                false => structure.argmax(scores, oracle, candidate),
            }
            trusted || (structure.contains(candidate) && named.once(candidate, additionals.len()))
        }));
        match valid {
            Ok(true) if self.candidate.unaries() == self.reduced.len() => {}
            answer => {
                // whatever is left of them
                self.candidate = Parts::new(self.reduced.len());
                self.oracle = O::default();
                self.asked = false;
                return Err(match answer {
                    Ok(_) => SolveStatus::OracleWrong,
                    Err(_) => SolveStatus::OraclePanicked,
                });
            }
        }
        let (mut unary, mut gain, mut largest) = (0.0, 0.0, self.scale);
        for part in self.candidate.iter() {
            let score = self.reduced[part];
            unary += score;
            largest = largest.max(score.abs());
        }
        for &part in self.candidate.additionals() {
            let score = additionals[part as usize];
            gain += score;
            largest = largest.max(score.abs());
        }
        if largest.is_finite() {
            self.scale = largest;
        }
        Ok((unary + gain, gain))
    }
}

/// The score of the additional parts, if the parts are a structure of the set without a forbidden
/// one.
fn allowed<S: Structure>(structure: &S, scores: Scores<'_>, parts: &Parts) -> Option<f64> {
    let known = |&part: &u32| (part as usize) < scores.additionals.len();
    let contains = || catch_unwind(AssertUnwindSafe(|| structure.contains(parts)));
    if !parts.additionals().iter().all(known) || !matches!(contains(), Ok(true)) {
        return None;
    }
    let gains = parts.additionals().iter();
    let gain: f64 = gains.map(|&part| scores.additionals[part as usize]).sum();
    let mut unaries = parts.iter().map(|part| scores.unaries[part]);
    let finite = gain > f64::NEG_INFINITY && unaries.all(|score| score > f64::NEG_INFINITY);
    finite.then_some(gain)
}

/// The largest score of these parts.
fn largest(scores: Scores<'_>, parts: &Parts) -> f64 {
    let unaries = parts.iter().map(|part| scores.unaries[part].abs());
    let gains = parts.additionals().iter();
    let gains = gains.map(|&part| scores.additionals[part as usize].abs());
    unaries.chain(gains).fold(0.0, f64::max)
}

/// The largest finite score of any part, at least 1.
#[inline(always)]
fn largest_finite(scores: Scores<'_>) -> f64 {
    let mut most = [1.0; LANES];
    for kind in [scores.unaries, scores.additionals] {
        for lanes in kind.chunks(LANES) {
            for (most, score) in most.iter_mut().zip(lanes) {
                let size = score.abs();
                let larger = size > *most && size < f64::INFINITY;
                *most = if larger { size } else { *most };
            }
        }
    }
    most.into_iter().fold(1.0, f64::max)
}
