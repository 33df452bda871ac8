//! Solves the rows of a batch, in parallel; a row's solution depends on nothing but the row and where
//! it starts.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::active_set::ActiveSet;
use super::chain::Chain;
use super::face::{self, Face};
use super::options::SparseMapOptions;
use super::permutations::Permutations;
use super::solution::{Probs, Shape, Solution};
use super::status::{Certificate, SolveStatus};
use super::warm_start::WarmStart;
use super::{cardinality, nested, systematic};
use crate::structure::{ClosedForm, Parts, Penalty, Scores, Structure};

/// Unary parts that are worth a task of their own, where each costs a few nanoseconds.
const TASK: usize = 1 << 11;

/// Solves a batch of scores `[batch · (n + m)]`: of each row first the unary ones, then the
/// additional ones. `faces` if the gradient of the marginals may be asked for. The active set begins
/// at `start`, if there is one for this batch.
pub(crate) fn solve_from<S: Structure>(
    start: Option<WarmStart<'_>>,
    structure: &S,
    scores: &[f64],
    options: &SparseMapOptions,
    faces: bool,
) -> Solution {
    let n = structure.unaries();
    let parts = n + structure.additionals();
    assert!(
        n > 0,
        "sparsemap: a structure must have at least 1 unary part, got 0"
    );
    let batch = scores.len() / parts;
    let closed = structure.closed_form().filter(|_| options.closed_form);
    check(closed, n, structure.additionals());
    let threads = rayon::current_num_threads();
    let enough = match closed {
        Some(ClosedForm::Cardinality { .. } | ClosedForm::Chain) => (TASK / n).max(1),
        // Newton steps, and perhaps the active set
        Some(ClosedForm::Permutations { .. }) | None => 1,
    };
    let tasks = match threads {
        1 => 1,
        _ => (4 * threads).min(batch.div_ceil(enough)).max(1),
    };
    let run = |task: usize| {
        let rows = task * batch / tasks..(task + 1) * batch / tasks;
        let mut solver = Rows::new(start, structure, options, closed, faces);
        Arch::new().dispatch(AllRows {
            solver: &mut solver,
            scores,
            parts,
            rows,
        });
        solver.solution
    };
    if tasks == 1 {
        return run(0);
    }
    let parts: Vec<Solution> = (0..tasks).into_par_iter().map(run).collect();
    let mut whole = Solution::new(n, structure.additionals(), slope(structure));
    whole.reserve(&parts);
    parts.into_iter().for_each(|part| whole.append(part));
    whole
}

/// The same from the MAP structures.
pub(crate) fn solve<S: Structure>(
    structure: &S,
    scores: &[f64],
    options: &SparseMapOptions,
    faces: bool,
) -> Solution {
    solve_from(None, structure, scores, options, faces)
}

/// # Panics
///
/// If a structure's closed form is none for its parts.
fn check(closed: Option<ClosedForm>, n: usize, m: usize) {
    match closed {
        Some(ClosedForm::Cardinality { at_least, at_most }) => assert!(
            at_least <= at_most && at_most <= n && m == 0,
            "sparsemap: ClosedForm::Cardinality must have at_least <= at_most <= {n}, the unary parts, \
             and no additional parts, got {at_least}, {at_most} and {m}"
        ),
        Some(ClosedForm::Chain) => assert!(
            m == n - 1,
            "sparsemap: ClosedForm::Chain must have an additional part less than unary ones, got \
             {m} and {n}"
        ),
        Some(ClosedForm::Permutations { size }) => assert!(
            size.checked_mul(size) == Some(n) && m == 0,
            "sparsemap: ClosedForm::Permutations must have size² unary parts and no additional ones, got \
             {size}, {n} and {m}"
        ),
        None => {}
    }
}

fn slope<S: Structure>(structure: &S) -> f64 {
    match structure.penalty() {
        Penalty::On => 1.0,
        Penalty::OnOff => 0.5,
    }
}

/// The rows of one task, compiled for the machine's vector registers: all that they call is inlined
/// here.
struct AllRows<'a, 'b, S: Structure> {
    solver: &'a mut Rows<'b, S>,
    scores: &'a [f64],
    parts: usize,
    rows: Range<usize>,
}

impl<S: Structure> WithSimd for AllRows<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, simd: V) {
        for row in self.rows {
            let scores = &self.scores[row * self.parts..(row + 1) * self.parts];
            self.solver.solve(simd, row, scores);
        }
    }
}

/// Solves one row after the other.
struct Rows<'a, S: Structure> {
    start: Option<WarmStart<'a>>,
    structure: &'a S,
    options: &'a SparseMapOptions,
    closed: Option<ClosedForm>,
    faces: bool,
    solution: Solution,
    active_set: ActiveSet<S::Workspace>,
    face: Face,
    unaries: Vec<f64>,
    additionals: Vec<f64>,
    room: Vec<f64>,
    chain: Chain,
    permutations: Permutations,
    order: Vec<nested::Ranked>,
    ends: Vec<systematic::End>,
    vertex: Parts,
}

impl<'a, S: Structure> Rows<'a, S> {
    fn new(
        start: Option<WarmStart<'a>>,
        structure: &'a S,
        options: &'a SparseMapOptions,
        closed: Option<ClosedForm>,
        faces: bool,
    ) -> Self {
        let n = structure.unaries();
        let mut solution = Solution::new(n, structure.additionals(), slope(structure));
        solution.chains = closed == Some(ClosedForm::Chain);
        Self {
            start,
            structure,
            options,
            closed,
            faces,
            solution,
            active_set: ActiveSet::new(n),
            face: Face::default(),
            unaries: Vec::new(),
            additionals: Vec::new(),
            room: Vec::new(),
            chain: Chain::default(),
            permutations: Permutations::default(),
            order: Vec::new(),
            ends: Vec::new(),
            vertex: Parts::new(n),
        }
    }

    #[inline(always)]
    fn solve<V: Simd>(&mut self, simd: V, row: usize, scores: &[f64]) {
        let (unaries, additionals) = scores.split_at(self.structure.unaries());
        self.unaries.clear();
        self.unaries.extend_from_slice(unaries);
        self.additionals.clear();
        self.additionals.extend_from_slice(additionals);
        let bad = |score: &f64| score.is_nan() || *score == f64::INFINITY;
        if self.unaries.iter().any(bad) || self.additionals.iter().any(bad) {
            return self.fail(SolveStatus::NotFinite, Certificate::NONE);
        }
        if self.structure.penalty() == Penalty::OnOff {
            (self.unaries.iter_mut()).for_each(|score| *score = (*score + 1.0) / 2.0);
            (self.additionals.iter_mut()).for_each(|score| *score *= 0.5);
        }
        match self.closed {
            Some(ClosedForm::Cardinality { at_least, at_most }) => {
                self.clip(simd, (at_least, at_most));
            }
            Some(ClosedForm::Chain) => self.denoise(),
            Some(ClosedForm::Permutations { size }) => {
                if !self.permute(size) {
                    self.by_active_set(row);
                }
            }
            None => self.by_active_set(row),
        }
    }

    #[inline(always)]
    fn clip<V: Simd>(&mut self, simd: V, bounds: (usize, usize)) {
        let solution = &mut self.solution;
        let start = solution.marginals.len();
        solution.marginals.resize(start + self.unaries.len(), 0.0);
        let marginals = &mut solution.marginals[start..];
        let (scores, room) = (&self.unaries, &mut self.room);
        let Some(projection) = cardinality::project(simd, scores, bounds, room, marginals) else {
            solution.marginals.truncate(start);
            return self.fail(SolveStatus::Infeasible, Certificate::NONE);
        };
        let (tight, n) = (projection.tight, self.unaries.len());
        let (vertices, probs) = (&mut solution.vertices, &mut solution.probs);
        let probs = if bounds == (0, n) {
            let (order, vertex) = (&mut self.order, &mut self.vertex);
            nested::decompose(
                marginals,
                |_| false,
                order,
                vertex,
                |vertex, prob| {
                    vertices.push(vertex);
                    probs.push(prob);
                },
            );
            Probs::Nested
        } else if systematic::decompose(
            marginals,
            tight,
            &mut self.ends,
            &mut self.vertex,
            vertices,
            probs,
        ) {
            Probs::Systematic
        } else {
            Probs::Vertices
        };
        let shape = Shape::Box { tight, probs };
        let status = self.reached(projection.certificate, projection.scale);
        self.solution
            .finish_row(shape, status, projection.certificate);
    }

    #[inline(always)]
    fn denoise(&mut self) {
        let solution = &mut self.solution;
        let start = solution.marginals.len();
        solution.marginals.resize(start + self.unaries.len(), 0.0);
        let marginals = &mut solution.marginals[start..];
        self.chain
            .solve(&self.unaries, &self.additionals, marginals);
        let (vertices, probs) = (&mut solution.vertices, &mut solution.probs);
        self.chain.decompose(&mut self.vertex, |vertex, prob| {
            vertices.push(vertex);
            probs.push(prob);
        });
        solution.chain.extend(self.chain.bits());
        let solver = &mut self.active_set;
        let scores = Scores {
            unaries: &self.unaries,
            additionals: &self.additionals,
        };
        let gain = self.chain.gain(&self.additionals);
        let (wolfe_gap, level) = solver.gap(self.structure, scores, marginals, gain);
        let certificate = Certificate {
            wolfe_gap,
            residual: 0.0,
            iterations: 0,
        };
        // also of sums over a long chain
        let scale = self.active_set.scale.max(self.chain.scale());
        let status = self.reached(certificate, scale.max(level.abs()));
        self.solution.finish_row(Shape::Chain, status, certificate);
    }

    /// False, and nothing done, if it has no proof.
    #[inline(always)]
    fn permute(&mut self, size: usize) -> bool {
        let (permutations, scores) = (&mut self.permutations, &self.unaries);
        if !permutations.solve(scores, size) {
            return false;
        }
        let solution = &mut self.solution;
        let (first, entries) = (solution.marginals.len(), solution.vertices.len());
        solution.marginals.resize(first + scores.len(), 0.0);
        let marginals = &mut solution.marginals[first..];
        let (vertices, probs) = (&mut solution.vertices, &mut solution.probs);
        let vertex = &mut self.vertex;
        let proof = permutations.decompose(vertex, vertices, probs, marginals);
        let scale = Permutations::scale(scores, marginals);
        if let Some(proof) = proof
            && self.reached(proof, scale) == SolveStatus::Converged
        {
            let shape = Shape::Permutations;
            self.solution
                .finish_row(shape, SolveStatus::Converged, proof);
            return true;
        }
        self.solution.marginals.truncate(first);
        self.solution.vertices.truncate(entries);
        self.solution.probs.truncate(entries);
        false
    }

    /// What a closed form has come to, among scores of this size.
    fn reached(&self, certificate: Certificate, scale: f64) -> SolveStatus {
        if certificate.wolfe_gap <= self.options.tol * scale {
            SolveStatus::Converged
        } else {
            SolveStatus::Stalled
        }
    }

    #[inline(always)]
    fn by_active_set(&mut self, row: usize) {
        let scores = Scores {
            unaries: &self.unaries,
            additionals: &self.additionals,
        };
        let start = self.start.map(|start| start.row(row));
        let solver = &mut self.active_set;
        let (status, certificate) = solver.solve(start, self.structure, scores, self.options);
        if !status.is_feasible() {
            return self.fail(status, certificate);
        }
        let support = solver.corral.len();
        let solution = &mut self.solution;
        solution.marginals.extend_from_slice(&solver.marginals);
        for (vertex, weight) in solver.corral.vertices().zip(&solver.corral.weights) {
            solution.vertices.push(vertex);
            solution.probs.push(*weight);
        }
        if self.faces {
            face::span(solver, self.structure, scores, &mut self.face);
            for vertex in solver.corral.vertices().skip(support) {
                solution.face_vertices.push(vertex);
            }
        }
        solution.finish_row(Shape::Vertices, status, certificate);
    }

    /// A row of NaN: one entry, so that it reaches the loss instead of vanishing.
    #[cold]
    fn fail(&mut self, status: SolveStatus, certificate: Certificate) {
        let solution = &mut self.solution;
        self.vertex.clear();
        solution.vertices.push(&self.vertex);
        solution.probs.push(f64::NAN);
        let end = solution.marginals.len() + self.unaries.len();
        solution.marginals.resize(end, f64::NAN);
        solution.finish_row(Shape::Failed, status, certificate);
    }
}
