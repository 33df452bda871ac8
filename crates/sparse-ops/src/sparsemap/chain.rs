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
    x: Vec<f64>,
    weights: Vec<f64>,
    order: Vec<u32>,
}

impl Chain {
    /// Writes μ. `unaries` has `n` scores, `pairs` the `n − 1` of neighbours both on.
    pub(super) fn solve(&mut self, unaries: &[f64], pairs: &[f64], marginals: &mut [f64]) {
        self.turn(pairs);
        self.x.clear();
        self.weights.clear();
        self.weights
            .extend(pairs.iter().map(|pair| 0.5 * pair.abs()));
        for (at, unary) in unaries.iter().enumerate() {
            let before = if at == 0 { 0.0 } else { pairs[at - 1] };
            let after = pairs.get(at).copied().unwrap_or(0.0);
            let score = unary + 0.5 * (before + after);
            self.x
                .push(if self.turned[at] { 1.0 - score } else { score });
        }
        self.total_variation.denoise(&mut self.x, &self.weights);
        for ((mean, x), turned) in marginals.iter_mut().zip(&mut self.x).zip(&self.turned) {
            *x = x.clamp(0.0, 1.0);
            *mean = if *turned { 1.0 - *x } else { *x };
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

/// The expected score of the pairs, each as often both on as is best.
pub(super) fn gain(marginals: &[f64], pairs: &[f64]) -> f64 {
    let neighbors = marginals.windows(2).zip(pairs);
    neighbors
        .map(|(means, pair)| {
            let both = if *pair > 0.0 {
                means[0].min(means[1])
            } else {
                (means[0] + means[1] - 1.0).max(0.0)
            };
            pair * both
        })
        .sum()
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
    (order, x, shares): (&mut Vec<u32>, &mut Vec<f64>, &mut Vec<f64>),
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
