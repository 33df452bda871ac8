//! The closed form of bits in a chain, whose neighbours have a score for being both on.
//!
//! A chain has no cycle, so its marginal polytope is given by the bounds of each two neighbours:
//! the probability ν that both are on lies between `max(0, μ_i + μ_j − 1)` and `min(μ_i, μ_j)`, and
//! is best at the one or the other. Turn bits over along the chain, so that neighbours with a
//! negative score lie on different sides (`x = 1 − μ` where turned): then, whatever its sign,
//! `w ν = ½w (μ_i + μ_j) − ½|w| |x_i − x_j| + const`, and SparseMAP is total variation denoising,
//! clipped to [0, 1] (which commutes). The nested distribution of x has every ν at its bound.

use super::nested;
use super::total_variation::TotalVariation;
use crate::structure::{Parts, ones};

/// What is allocated once.
#[derive(Debug, Default)]
pub(super) struct Chain {
    total_variation: TotalVariation,
    /// Which bits are turned over.
    turned: Vec<bool>,
    /// The scores of the pairs, within limits.
    pairs: Vec<f64>,
    x: Vec<f64>,
    weights: Vec<f64>,
    order: Vec<nested::Ranked>,
}

impl Chain {
    /// Writes μ. `unaries` has `n` scores, `pairs` the `n − 1` of neighbours both on; −∞ forbids.
    pub(super) fn solve(&mut self, unaries: &[f64], pairs: &[f64], marginals: &mut [f64]) {
        self.turn(pairs);
        self.limit(unaries, pairs);
        let pairs = &self.pairs;
        self.x.clear();
        self.weights.clear();
        self.weights
            .extend(pairs.iter().map(|pair| 0.5 * pair.abs()));
        let of = |values: &[f64], at: Option<usize>| {
            at.and_then(|at| values.get(at)).copied().unwrap_or(0.0)
        };
        for (at, unary) in unaries.iter().enumerate() {
            let before = at.checked_sub(1);
            let score = unary + 0.5 * (of(pairs, before) + of(pairs, Some(at)));
            let x = if self.turned[at] { 1.0 - score } else { score };
            // A bit that its neighbours cannot pull away from 0 or 1 stays there: its score may as
            // well be one of which that holds with a margin, and leaves the digits of the others alone.
            let pull = of(&self.weights, before) + of(&self.weights, Some(at));
            self.x.push(x.clamp(-pull - 1.0, pull + 2.0));
        }
        self.total_variation.denoise(&mut self.x, &self.weights);
        for ((mean, x), turned) in marginals.iter_mut().zip(&mut self.x).zip(&self.turned) {
            *x = x.clamp(0.0, 1.0);
            *mean = if *turned { 1.0 - *x } else { *x };
        }
    }

    /// Copies the scores of the pairs, but those that are so large that the solution would be the same
    /// with any larger one: they are made smaller, and leave the digits of the others alone. −∞ is
    /// one of them. What large positive scores do to each other and to large negative ones stays, at the
    /// cost of digits.
    fn limit(&mut self, unaries: &[f64], pairs: &[f64]) {
        self.pairs.clear();
        self.pairs.extend_from_slice(pairs);
        // what a bit gains by being on, at most, its pair with the bit at its other side included
        let gain = |at: usize, other: Option<usize>| {
            let other = other.and_then(|other| pairs.get(other)).copied();
            unaries[at] + other.unwrap_or(0.0).max(0.0)
        };
        for (at, pair) in self.pairs.iter_mut().enumerate() {
            let (left, right) = (gain(at, at.checked_sub(1)), gain(at + 1, Some(at + 1)));
            if *pair < 0.0 {
                // neither bit gains more than this: above 1 together, one of them falls
                *pair = pair.max(-1.0 - left.min(right).max(0.0));
            } else if left + *pair <= 0.0 || right + *pair <= 0.0 {
                // one of them is never on
                *pair = pair.min(1.0);
            }
        }
        for at in 0..pairs.len() {
            if self.pairs[at] > 0.0 {
                let cost = |other: Option<usize>| {
                    let other = other.and_then(|other| self.pairs.get(other)).copied();
                    -other.unwrap_or(0.0).min(0.0)
                };
                let costs = cost(at.checked_sub(1)) + cost(Some(at + 1));
                let below = |at: usize| -unaries[at].min(0.0);
                // more than this turns both on, whatever they cost
                let enough = 3.0 + below(at) + below(at + 1) + costs;
                self.pairs[at] = self.pairs[at].min(enough);
            }
        }
    }

    /// Emits the vertices, but for the pairs, which [`insert_pairs`] finds, and their probabilities,
    /// after [`solve`](Self::solve).
    pub(super) fn decompose(&mut self, vertex: &mut Parts, mut emit: impl FnMut(&Parts, f64)) {
        let (x, turned) = (&self.x, &self.turned);
        let turned = |part: usize| turned[part];
        nested::decompose(x, turned, &mut self.order, vertex, |vertex, prob| {
            emit(vertex, prob);
        });
    }

    /// The largest number that was computed with, at least 1.
    pub(super) fn scale(&self) -> f64 {
        let pairs = self.pairs.iter().map(|pair| pair.abs());
        pairs.fold(1.0, f64::max)
    }

    /// The expected score of the pairs, each as often both on as is best, after
    /// [`solve`](Self::solve).
    pub(super) fn gain(&self, pairs: &[f64]) -> f64 {
        let both = |at: usize| {
            let (x, y) = (self.x[at], self.x[at + 1]);
            match (self.turned[at], self.turned[at + 1]) {
                (false, false) => x.min(y),
                (true, true) => 1.0 - x.max(y),
                // of different sides: 0 where they are fused, to the last digit
                (false, true) => (x - y).max(0.0),
                (true, false) => (y - x).max(0.0),
            }
        };
        let probs = (0..pairs.len()).map(both);
        let terms = probs.zip(pairs).filter(|(prob, _)| *prob > 0.0);
        terms.map(|(prob, pair)| prob * pair).sum()
    }

    /// What the gradients need of a solution.
    pub(super) fn bits(&self) -> impl Iterator<Item = Bit> + '_ {
        let pulled = self.weights.iter().map(|weight| *weight > 0.0);
        let bits = self.x.iter().zip(&self.turned);
        bits.zip(pulled.chain([false]))
            .map(|((&x, &turned), pulled)| Bit { x, turned, pulled })
    }

    fn turn(&mut self, pairs: &[f64]) {
        self.turned.clear();
        self.turned.push(false);
        let mut turned = false;
        for pair in pairs {
            turned ^= *pair < 0.0;
            self.turned.push(turned);
        }
    }
}

/// Turns the additional parts on: the pairs of neighbours that are both on.
pub(super) fn insert_pairs(vertex: &mut Parts) {
    vertex.clear_additionals();
    for block in 0..vertex.words().len() {
        let word = |block: usize| vertex.words().get(block).copied().unwrap_or(0);
        let next = word(block) >> 1 | word(block + 1) << 63;
        for at in ones(&[word(block) & next]) {
            vertex.insert_additional(block * 64 + at);
        }
    }
}

/// One bit of a solved chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bit {
    /// Its marginal, of being off if turned over.
    x: f64,
    turned: bool,
    /// Whether its score with the next bit is not 0, so that the two are fused if they are equal.
    pulled: bool,
}

impl Bit {
    /// Of a row that has none.
    pub(super) const NONE: Self = Self {
        x: f64::NAN,
        turned: false,
        pulled: false,
    };

    fn sign(self) -> f64 {
        if self.turned { -1.0 } else { 1.0 }
    }
}

/// The gradient in the scores from one in the marginals. Fused neighbours move as one, by the mean
/// of their scores; the weight of the pair between two runs pulls them together.
pub(super) fn marginals_backward(
    bits: &[Bit],
    grad: &[f64],
    shares: &mut Vec<f64>,
    unaries: &mut [f64],
    pairs: &mut [f64],
) {
    shares.clear();
    while let Some(&first) = bits.get(shares.len()) {
        let start = shares.len();
        let fused = |pair: &&[Bit]| pair[0].pulled && pair[0].x == pair[1].x;
        let run = 1 + bits[start..].windows(2).take_while(fused).count();
        let free = first.x > 0.0 && first.x < 1.0;
        let parts = bits[start..start + run].iter().zip(&grad[start..]);
        let sum: f64 = parts.map(|(bit, grad)| bit.sign() * grad).sum();
        shares.resize(start + run, if free { sum / run as f64 } else { 0.0 });
    }
    pull_back(bits, shares, unaries, pairs);
}

/// The gradient in the scores from one in the probabilities.
pub(super) fn probs_backward(
    bits: &[Bit],
    grad: &[f64],
    (order, x, shares): (&mut Vec<nested::Ranked>, &mut Vec<f64>, &mut Vec<f64>),
    unaries: &mut [f64],
    pairs: &mut [f64],
) {
    x.clear();
    x.extend(bits.iter().map(|bit| bit.x));
    shares.clear();
    shares.resize(x.len(), 0.0);
    nested::backward(x, order, grad, shares);
    pull_back(bits, shares, unaries, pairs);
}

/// From the gradient in the scores of x, `shares`, to that in the scores.
fn pull_back(bits: &[Bit], shares: &[f64], unaries: &mut [f64], pairs: &mut [f64]) {
    for ((unary, bit), share) in unaries.iter_mut().zip(bits).zip(shares) {
        *unary = bit.sign() * share;
    }
    for (at, pair) in pairs.iter_mut().enumerate() {
        let (left, right) = (bits[at], bits[at + 1]);
        let apart = if right.x > left.x {
            1.0
        } else if right.x < left.x {
            -1.0
        } else {
            0.0
        };
        let weight = apart * (shares[at] - shares[at + 1]);
        let sign = left.sign() * right.sign();
        *pair = 0.5 * (unaries[at] + unaries[at + 1] + sign * weight);
    }
}
