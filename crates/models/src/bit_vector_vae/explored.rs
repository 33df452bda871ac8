//! What is known of the posterior over the codes of one image: the codes that have been decoded.

use std::collections::{BTreeMap, HashSet};

use burn::tensor::{Device, Int, Tensor};

use super::{
    BitVectorVae,
    belief::{Code, LOGITS, codes},
    proposal::{Component, log_sum_exp},
};

/// Codes that are drawn around, at most.
const CENTRES: usize = 128;
/// Bits that are flipped in pairs, at most: 496 pairs.
const PAIRED: usize = 32;

/// One image, and `log p(x, z)` of the codes that have been decoded for it: many come again.
pub(super) struct Explored<'a> {
    networks: &'a BitVectorVae,
    /// `[1, pixels]`.
    levels: Tensor<2, Int>,
    device: &'a Device,
    known: BTreeMap<Code, f64>,
}

impl<'a> Explored<'a> {
    /// The image with grey levels `[1, pixels]`, of which nothing is known.
    pub fn new(networks: &'a BitVectorVae, levels: Tensor<2, Int>, device: &'a Device) -> Self {
        Self {
            networks,
            levels,
            device,
            known: BTreeMap::new(),
        }
    }

    pub fn bits(&self) -> usize {
        self.networks.bits()
    }

    /// The number of codes that have been decoded.
    pub fn decoded(&self) -> usize {
        self.known.len()
    }

    pub fn knows(&self, code: &Code) -> bool {
        self.known.contains_key(code)
    }

    /// `log Σ p(x, z)` over the codes that have been decoded: a lower bound of `log p(x)`.
    pub fn log_mass(&self) -> f64 {
        log_sum_exp(&self.known.values().copied().collect::<Vec<_>>())
    }

    /// `log p(x, z)` of each code.
    pub fn log_joint(&mut self, wanted: &[Code]) -> Vec<f64> {
        let new: HashSet<&Code> = wanted.iter().filter(|z| !self.knows(z)).collect();
        let mut new: Vec<Code> = new.into_iter().cloned().collect();
        new.sort_unstable();
        let [_, pixels] = self.levels.dims();
        let together = (LOGITS / (pixels * self.networks.levels())).max(1);
        for some in new.chunks(together) {
            let likelihood = self.networks.generator.log_likelihood(
                codes(some, self.device),
                self.levels.clone(),
                Tensor::zeros([some.len()], self.device),
            );
            let likelihood = likelihood.into_data();
            let joint = likelihood.iter::<f64>().map(|l| l - self.networks.prior());
            self.known.extend(some.iter().cloned().zip(joint));
        }
        wanted.iter().map(|code| self.known[code]).collect()
    }

    /// Looks for a code of high `p(x, z)` by steepest ascent from `code`, and returns it: as long as a flip
    /// of one bit leads upwards, and from the best code of all that are known also of two (of the
    /// [`PAIRED`] bits with the best flips). Where several flips of one bit do, the best 2, 4, 8, … of them
    /// are also tried together.
    pub fn climb(&mut self, mut code: Code) -> Code {
        loop {
            let height = self.log_joint(std::slice::from_ref(&code))[0];
            let flips = self.flips(&code);
            let mut order: Vec<usize> = (0..code.len()).collect();
            order.sort_by(|&a, &b| flips[b].total_cmp(&flips[a]));
            let upwards: Vec<usize> = order
                .iter()
                .copied()
                .filter(|&bit| flips[bit] > height)
                .collect();
            let steps: Vec<Code> = if !upwards.is_empty() {
                let together = std::iter::successors(Some(1), |bits| Some(2 * bits));
                let together = together.take_while(|bits| *bits <= upwards.len());
                together
                    .map(|bits| flipped(&code, &upwards[..bits]))
                    .collect()
            } else if self.known.values().any(|joint| *joint > height) {
                return code;
            } else {
                order.truncate(PAIRED);
                let pairs = order.iter().enumerate().flat_map(|(others, &bit)| {
                    let others = order[..others].iter();
                    others.map(move |&other| [bit, other])
                });
                pairs.map(|pair| flipped(&code, &pair)).collect()
            };
            match self.best_of(steps) {
                Some((step, joint)) if joint > height => code = step,
                _ => return code,
            }
        }
    }

    /// The best of some codes, and its `log p(x, z)`.
    pub fn best_of(&mut self, codes: Vec<Code>) -> Option<(Code, f64)> {
        let joint = self.log_joint(&codes);
        let best = codes.into_iter().zip(joint);
        best.max_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// The log-odds of each bit under the model, given all other bits of `code`.
    pub fn log_odds(&mut self, code: &Code) -> Vec<f64> {
        let joint = self.log_joint(std::slice::from_ref(code))[0];
        let gains = self.flips(code).into_iter().map(|flipped| flipped - joint);
        (code.iter().zip(gains))
            .map(|(on, gain)| if *on { -gain } else { gain })
            .collect()
    }

    /// The best codes that are known, weighted by the model's likelihood at a temperature, with about
    /// `flips` bits flipped.
    pub fn around_the_best(&self, temperature: f64, flips: f64) -> Component {
        let mut best: Vec<(&Code, &f64)> = self.known.iter().collect();
        best.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        best.truncate(CENTRES);
        let joint: Vec<f64> = best
            .iter()
            .map(|(_, joint)| **joint / temperature)
            .collect();
        let total = log_sum_exp(&joint);
        let codes = best.into_iter().zip(&joint);
        let codes = codes.map(|((code, _), joint)| (code.clone(), (joint - total).exp()));
        Component::Flipped {
            // those of less would never be drawn; a NaN stays, and reaches the figures
            codes: codes.filter(|(_, prob)| !(*prob < 1e-12)).collect(),
            flip: (flips / self.bits() as f64).min(0.25),
        }
    }

    /// `log p(x, z)` with each bit of a code flipped.
    fn flips(&mut self, code: &Code) -> Vec<f64> {
        let flips = (0..code.len()).map(|bit| flipped(code, &[bit]));
        self.log_joint(&flips.collect::<Vec<_>>())
    }
}

fn flipped(code: &Code, bits: &[usize]) -> Code {
    let mut code = code.clone();
    for &bit in bits {
        code[bit] = !code[bit];
    }
    code
}
