//! The vertices of the active set, with their weights.

use super::factor::Factor;
use crate::structure::{Parts, overlap};

/// A weight that is not above this is 0: far above the rounding of a weight, and far below what
/// could matter to an expectation.
const NO_WEIGHT: f64 = 1e-13;

/// A set of affinely independent vertices (a *corral*, Wolfe 1976), the weight and the additional
/// score of each, and the factor of their KKT system. A vertex lives in a slot for as long as it
/// stays.
#[derive(Debug)]
pub(super) struct Corral {
    unaries: usize,
    slots: Vec<Vertex>,
    free: Vec<usize>,
    places: Vec<usize>,
    /// The weight of each vertex: not negative, of sum 1.
    pub(super) weights: Vec<f64>,
    /// The score of each vertex's additional parts.
    gains: Vec<f64>,
    factor: Factor,
    products: Vec<f64>,
    gradient: Vec<f64>,
    direction: Vec<f64>,
}

#[derive(Debug)]
struct Vertex {
    parts: Parts,
    /// The unary parts that are on. Sums over all vertices are the most frequent work here, and a
    /// list of places is followed several times as fast as the bits of a set are found.
    on: Vec<u32>,
}

impl Vertex {
    fn new(unaries: usize) -> Self {
        Self {
            parts: Parts::new(unaries),
            on: Vec::new(),
        }
    }

    fn copy(&mut self, parts: &Parts) {
        self.parts.clone_from(parts);
        self.on.clear();
        self.on.reserve(parts.count());
        self.on.extend(parts.iter().map(|part| part as u32));
    }

    #[inline(always)]
    fn on(&self) -> impl Iterator<Item = usize> {
        self.on.iter().map(|&part| part as usize)
    }
}

impl Corral {
    pub(super) fn new(unaries: usize) -> Self {
        Self {
            unaries,
            slots: Vec::new(),
            free: Vec::new(),
            places: Vec::new(),
            weights: Vec::new(),
            gains: Vec::new(),
            factor: Factor::default(),
            products: Vec::new(),
            gradient: Vec::new(),
            direction: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.free.append(&mut self.places);
        self.weights.clear();
        self.gains.clear();
        self.factor.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn vertices(&self) -> impl Iterator<Item = &Parts> {
        self.places.iter().map(|&slot| &self.slots[slot].parts)
    }

    /// The expected score of the additional parts.
    pub(super) fn gain(&self) -> f64 {
        let terms = self.weights.iter().zip(&self.gains);
        terms.map(|(weight, gain)| weight * gain).sum()
    }

    /// The marginals of the unary parts.
    #[inline(always)]
    pub(super) fn marginals(&self, marginals: &mut [f64]) {
        marginals.fill(0.0);
        for (&slot, &weight) in self.places.iter().zip(&self.weights) {
            for part in self.slots[slot].on() {
                marginals[part] += weight;
            }
        }
    }

    /// Adds a vertex with weight 0, if it is affinely independent of those here.
    #[inline(always)]
    pub(super) fn push(&mut self, vertex: &Parts, gain: f64) -> bool {
        self.products.clear();
        for &slot in &self.places {
            let common = overlap(self.slots[slot].parts.words(), vertex.words());
            self.products.push(common + 1.0);
        }
        let square = vertex.count() as f64 + 1.0;
        if !self.factor.push(&self.products, square) {
            return false;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Vertex::new(self.unaries));
            self.slots.len() - 1
        });
        self.slots[slot].copy(vertex);
        self.places.push(slot);
        self.weights.push(0.0);
        self.gains.push(gain);
        true
    }

    /// After a [`push`](Self::push) that returned false: exchanges the vertex for one of those
    /// that it is a combination of, along the line on which no unary marginal changes.
    ///
    /// Along that line the penalty is constant and the expected additional score grows, so the
    /// step ends where a weight reaches 0.
    #[inline(always)]
    pub(super) fn exchange(&mut self, vertex: &Parts, gain: f64) {
        self.factor.combination(&mut self.direction);
        let mut leaving = (f64::INFINITY, 0);
        for (place, (weight, share)) in self.weights.iter().zip(&self.direction).enumerate() {
            if *share > NO_WEIGHT && weight / share < leaving.0 {
                leaving = (weight / share, place);
            }
        }
        let (step, place) = leaving;
        if step.is_infinite() {
            return;
        }
        for (weight, share) in self.weights.iter_mut().zip(&self.direction) {
            *weight = (*weight - step * share).max(0.0);
        }
        self.remove(place);
        if self.push(vertex, gain)
            && let Some(weight) = self.weights.last_mut()
        {
            *weight = step;
        }
    }

    /// Moves the weights to the best distribution over these vertices, and drops those that get
    /// no weight. The scores of all but the last are equal; the last one's is higher by `gap`.
    /// Returns whether the last one has gained weight, and with it the objective.
    #[inline(always)]
    pub(super) fn enter(&mut self, gap: f64) -> bool {
        let entered = self.places.last().copied();
        self.gradient.clear();
        self.gradient.resize(self.len(), 0.0);
        if let Some(last) = self.gradient.last_mut() {
            *last = gap;
        }
        self.settle();
        self.places.last().copied() == entered
    }

    /// The same from the scores of all vertices at `reduced` (`η − μ`), which takes rounding out
    /// of the weights. Returns by how much the scores differed.
    #[inline(always)]
    pub(super) fn polish(&mut self, reduced: &[f64]) -> f64 {
        let residual = self.residual(reduced);
        self.settle();
        let total: f64 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|weight| *weight /= total);
        residual
    }

    /// By how much the scores of the vertices at `reduced` differ; leaves them in `gradient`,
    /// relative to the least: a constant does not count, and without it less is lost to rounding.
    #[inline(always)]
    pub(super) fn residual(&mut self, reduced: &[f64]) -> f64 {
        self.gradient.clear();
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for (slot, gain) in self.places.iter().zip(&self.gains) {
            let parts = self.slots[*slot].on();
            let score = parts.map(|part| reduced[part]).sum::<f64>() + gain;
            (least, most) = (least.min(score), most.max(score));
            self.gradient.push(score);
        }
        self.gradient.iter_mut().for_each(|score| *score -= least);
        most - least
    }

    /// Takes the part of a direction that lies in the span of the vertices' differences out of it.
    #[inline(always)]
    pub(super) fn project_out(&mut self, direction: &mut [f64]) {
        self.gradient.clear();
        for &slot in &self.places {
            let parts = self.slots[slot].on();
            self.gradient.push(parts.map(|part| direction[part]).sum());
        }
        self.factor.apply(&mut self.gradient);
        for (slot, &share) in self.places.iter().zip(&self.gradient) {
            for part in self.slots[*slot].on() {
                direction[part] -= share;
            }
        }
    }

    /// Starts the factor anew from the vertices, whose products are exact.
    pub(super) fn refresh(&mut self) {
        self.factor.clear();
        let mut place = 0;
        while place < self.places.len() {
            let vertex = &self.slots[self.places[place]].parts;
            self.products.clear();
            for &slot in &self.places[..place] {
                let common = overlap(self.slots[slot].parts.words(), vertex.words());
                self.products.push(common + 1.0);
            }
            if self
                .factor
                .push(&self.products, vertex.count() as f64 + 1.0)
            {
                place += 1;
            } else {
                self.free.push(self.places.remove(place));
                self.weights.remove(place);
                self.gains.remove(place);
            }
        }
    }

    /// Where the affine minimizer has a weight below 0, goes only as far as the first weight that
    /// reaches it, drops that vertex, and tries again.
    #[inline(always)]
    fn settle(&mut self) {
        loop {
            self.direction.clone_from(&self.gradient);
            self.factor.apply(&mut self.direction);
            let (mut step, mut leaving) = (1.0, None);
            for (place, (weight, change)) in self.weights.iter().zip(&self.direction).enumerate() {
                if weight + change > NO_WEIGHT {
                    continue;
                }
                let end = if *change < 0.0 { weight / -change } else { 0.0 };
                if leaving.is_none() || end < step {
                    (step, leaving) = (end.min(1.0), Some(place));
                }
            }
            for (weight, change) in self.weights.iter_mut().zip(&self.direction) {
                *weight = (*weight + step * change).max(0.0);
            }
            let Some(place) = leaving else { return };
            self.remove(place);
            self.gradient.remove(place);
            self.gradient.iter_mut().for_each(|g| *g *= 1.0 - step);
            if self.len() < 2 {
                self.weights.fill(1.0);
                return;
            }
        }
    }

    #[inline(always)]
    fn remove(&mut self, place: usize) {
        self.free.push(self.places.remove(place));
        self.weights.remove(place);
        self.gains.remove(place);
        self.factor.remove(place);
    }
}
