//! Vector-Jacobian products of the probabilities and of the marginals.
//!
//! With `M` the vertices' parts, `G` the products of their unary parts, and
//! `Z = G⁻¹ − G⁻¹11ᵀG⁻¹ / 1ᵀG⁻¹1`: `dp = Z Mᵀ dη`, so a gradient in p is pulled back as `M Z dp`,
//! and one in μ as `M Z Mᵀ dμ` by vertices that span the optimal face.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::factor::Factor;
use super::solution::{Probs, Shape, Solution};
use super::systematic::End;
use super::{bipartite::Bipartite, chain, nested, systematic};
use crate::structure::{ones, overlap};

/// Rows of one task.
const TASK: usize = 8;
/// Parts of a batch that are worth other threads, where the closed forms take a nanosecond each.
const PARALLEL: usize = 1 << 14;

/// What is allocated once for many rows.
#[derive(Default)]
struct Room {
    factor: Factor,
    products: Vec<f64>,
    /// Of the vertices that the factor has.
    places: Vec<usize>,
    weights: Vec<f64>,
    order: Vec<nested::Ranked>,
    x: Vec<f64>,
    ends: Vec<End>,
    graph: Bipartite,
}

impl Solution {
    /// The gradient in the scores `[batch · (n + m)]` from one in the probabilities `[total]`.
    pub(crate) fn probs_backward(&self, grad: &[f64]) -> Vec<f64> {
        self.backward(
            #[inline(always)]
            |room, row, scores| self.probs_row(room, row, &grad[self.entries(row)], scores),
        )
    }

    /// The gradient in the scores `[batch · (n + m)]` from one in the marginals `[batch · n]`.
    pub(crate) fn marginals_backward(&self, grad: &[f64]) -> Vec<f64> {
        let n = self.unaries;
        self.backward(
            #[inline(always)]
            |room, row, scores| {
                self.marginals_row(room, row, &grad[row * n..(row + 1) * n], scores)
            },
        )
    }

    #[inline(always)]
    fn probs_row(&self, room: &mut Room, row: usize, grad: &[f64], scores: &mut [f64]) {
        let (unaries, additionals) = scores.split_at_mut(self.unaries);
        let marginals = self.row_marginals(row);
        match self.shapes[row] {
            Shape::Box {
                tight,
                probs: Probs::Systematic,
            } => {
                systematic::backward(marginals, tight, &mut room.ends, grad, unaries);
            }
            Shape::Box {
                probs: Probs::Nested,
                ..
            } => {
                nested::backward(marginals, &mut room.order, grad, unaries);
            }
            Shape::Chain => {
                let Room {
                    order, x, weights, ..
                } = room;
                let bits = self.row_chain(row);
                chain::probs_backward(bits, grad, (order, x, weights), unaries, additionals);
            }
            Shape::Box { .. } | Shape::Vertices | Shape::Permutations => {
                room.weights.clear();
                room.weights.extend_from_slice(grad);
                self.pull_back(room, row, false, unaries, additionals);
            }
            Shape::Failed => scores.fill(f64::NAN),
        }
    }

    #[inline(always)]
    fn marginals_row(&self, room: &mut Room, row: usize, grad: &[f64], scores: &mut [f64]) {
        let (unaries, additionals) = scores.split_at_mut(self.unaries);
        match self.shapes[row] {
            Shape::Box { tight, .. } => {
                let marginals = self.row_marginals(row);
                let free = |mean: f64| if mean > 0.0 && mean < 1.0 { 1.0 } else { 0.0 };
                let (mut sum, mut count) = (0.0, 0.0f64);
                for (mean, grad) in marginals.iter().zip(grad) {
                    sum += free(*mean) * grad;
                    count += free(*mean);
                }
                let shift = if tight { sum / count.max(1.0) } else { 0.0 };
                for ((out, mean), grad) in unaries.iter_mut().zip(marginals).zip(grad) {
                    *out = free(*mean) * (grad - shift);
                }
            }
            Shape::Chain => {
                let bits = self.row_chain(row);
                chain::marginals_backward(bits, grad, &mut room.weights, unaries, additionals);
            }
            Shape::Permutations => {
                room.graph
                    .project(self.row_marginals(row), self.unaries.isqrt(), grad, unaries);
            }
            Shape::Vertices => {
                room.weights.clear();
                for index in self.entries(row) {
                    let parts = self.vertices.iter(index);
                    room.weights.push(parts.map(|part| grad[part]).sum());
                }
                for index in self.face(row) {
                    let parts = self.face_vertices.iter(index);
                    room.weights.push(parts.map(|part| grad[part]).sum());
                }
                self.pull_back(room, row, true, unaries, additionals);
            }
            Shape::Failed => scores.fill(f64::NAN),
        }
    }

    /// `M Z g`, with `g` in the room's weights.
    #[inline(always)]
    fn pull_back(
        &self,
        room: &mut Room,
        row: usize,
        face: bool,
        unaries: &mut [f64],
        additionals: &mut [f64],
    ) {
        let (entries, extra) = (self.entries(row), self.face(row));
        let support = entries.len();
        let len = support + if face { extra.len() } else { 0 };
        let words = |place: usize| {
            if place < support {
                self.vertices.words(entries.start + place)
            } else {
                self.face_vertices.words(extra.start + place - support)
            }
        };
        room.factor.clear();
        room.places.clear();
        for place in 0..len {
            let own = words(place);
            room.products.clear();
            let others = room.places.iter().map(|&other| overlap(words(other), own));
            room.products.extend(others.map(|common| common + 1.0));
            // one that depends on the others by rounding cannot be told from them
            if room.factor.push(&room.products, overlap(own, own) + 1.0) {
                room.weights[room.places.len()] = room.weights[place];
                room.places.push(place);
            }
        }
        room.weights.truncate(room.places.len());
        room.factor.apply(&mut room.weights);
        for (&place, weight) in room.places.iter().zip(&room.weights) {
            for part in ones(words(place)) {
                unaries[part] += weight;
            }
            let parts = if place < support {
                self.vertices.additionals(entries.start + place)
            } else {
                self.face_vertices
                    .additionals(extra.start + place - support)
            };
            for &part in parts {
                additionals[part as usize] += weight;
            }
        }
    }

    fn backward(&self, row: impl Fn(&mut Room, usize, &mut [f64]) + Sync) -> Vec<f64> {
        let parts = self.unaries + self.additionals;
        let mut scores = vec![0.0; self.batch() * parts];
        let run = |room: &mut Room, first: usize, scores: &mut [f64]| {
            Arch::new().dispatch(SomeRows {
                room,
                first,
                scores,
                parts,
                slope: self.slope,
                row: &row,
            });
        };
        let by_systems = |shape: &Shape| matches!(shape, Shape::Vertices | Shape::Permutations);
        let closed = !self.shapes.iter().any(by_systems);
        if rayon::current_num_threads() == 1 || (closed && scores.len() < PARALLEL) {
            // nothing is gained by waking other threads
            run(&mut Room::default(), 0, &mut scores);
        } else {
            let tasks = scores.par_chunks_mut(TASK * parts).enumerate();
            tasks.for_each_init(Room::default, |room, (task, scores)| {
                run(room, task * TASK, scores);
            });
        }
        scores
    }
}

/// The rows of one task, compiled for the machine's vector registers.
struct SomeRows<'a, F> {
    room: &'a mut Room,
    first: usize,
    scores: &'a mut [f64],
    parts: usize,
    slope: f64,
    row: &'a F,
}

impl<F: Fn(&mut Room, usize, &mut [f64])> WithSimd for SomeRows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        for (index, scores) in self.scores.chunks_exact_mut(self.parts).enumerate() {
            (self.row)(self.room, self.first + index, scores);
            scores.iter_mut().for_each(|score| *score *= self.slope);
        }
    }
}
