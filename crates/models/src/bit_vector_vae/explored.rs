//! What a search knows of the posterior over the codes of one image.

use std::collections::BTreeMap;

use super::{
    belief::{Code, flipped},
    decoded::Decoded,
    proposal::{Component, log_sum_exp},
};

/// Codes that are drawn around, at most.
const CENTRES: usize = 128;
/// Bits that are flipped in pairs, at most: 496 pairs.
const PAIRED: usize = 32;

/// A search for the codes of high `p(x, z)`, and what it knows: the codes that it has asked for, whether
/// or not another search had them decoded before.
pub(super) struct Explored<'a, 'n> {
    decoded: &'a mut Decoded<'n>,
    known: BTreeMap<Code, f64>,
}

impl<'a, 'n> Explored<'a, 'n> {
    /// A search that knows nothing.
    pub fn new(decoded: &'a mut Decoded<'n>) -> Self {
        Self {
            decoded,
            known: BTreeMap::new(),
        }
    }

    pub fn bits(&self) -> usize {
        self.decoded.bits()
    }

    pub fn knows(&self, code: &Code) -> bool {
        self.known.contains_key(code)
    }

    /// `log Σ p(x, z)` over the codes that are known.
    pub fn log_mass(&self) -> f64 {
        log_sum_exp(&self.known.values().copied().collect::<Vec<_>>())
    }

    /// `log p(x, z)` of each code, which are known from then on.
    pub fn log_joint(&mut self, wanted: &[Code]) -> Vec<f64> {
        let joint = self.decoded.log_joint(wanted);
        for (code, joint) in wanted.iter().zip(&joint) {
            if !self.knows(code) {
                self.known.insert(code.clone(), *joint);
            }
        }
        joint
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
            } else if height.is_nan() || self.known.values().any(|joint| *joint > height) {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use burn::tensor::{Device, Int, Tensor};

    use super::*;
    use crate::{
        bit_vector_vae::{BitVectorVae, BitVectorVaeConfig},
        training::fresh_weights,
    };

    const BITS: usize = 10;

    fn networks(seed: u64, device: &Device) -> BitVectorVae {
        let init = || Ok::<_, ()>(BitVectorVaeConfig::new(12, 5, BITS).init(device));
        fresh_weights(device, seed, init).unwrap()
    }

    fn levels(device: &Device) -> Tensor<2, Int> {
        let levels = Tensor::<1, Int>::arange(0..12, device);
        levels.remainder_scalar(5).reshape([1, 12])
    }

    /// All codes with at most `distance` bits flipped, by brute force.
    fn ball(code: &Code, distance: u32) -> Vec<Code> {
        let near = (0..1 << BITS).filter(|flips: &u32| flips.count_ones() <= distance);
        let flip = |flips: u32| (0..BITS).map(move |bit| code[bit] ^ (flips >> bit & 1 == 1));
        near.map(|flips| flip(flips).collect()).collect()
    }

    /// No code one flip away is better than what an ascent leads to, and none two flips away where it is
    /// the best that is known.
    #[test]
    fn an_ascent_ends_where_no_flip_leads_upwards() {
        let device = Device::default();
        let mut peaks = Vec::new();
        for seed in 0..8 {
            let networks = networks(seed, &device);
            let mut decoded = Decoded::new(&networks, levels(&device), &device);
            let mut search = Explored::new(&mut decoded);
            for begin in [[false; BITS], [true; BITS]] {
                let peak = search.climb(begin.to_vec());
                let height = search.log_joint(std::slice::from_ref(&peak))[0];
                let is_best = search.known.values().all(|joint| *joint <= height);
                let distance = if is_best { 2 } else { 1 };
                // without the codes becoming known
                let near = search.decoded.log_joint(&ball(&peak, distance));
                let best = near.into_iter().fold(f64::NEG_INFINITY, f64::max);
                assert!(height >= best, "seed {seed}: {height}, {best}");
                peaks.push(is_best);
            }
        }
        // both kinds of end were met
        assert!(peaks.contains(&true) && peaks.contains(&false));
    }

    /// What one search has had decoded is not known to another, though it is not decoded again.
    #[test]
    fn searches_of_an_image_know_nothing_of_each_other() {
        let device = Device::default();
        let networks = networks(3, &device);
        let mut decoded = Decoded::new(&networks, levels(&device), &device);
        let code = vec![true; BITS];
        let first = Explored::new(&mut decoded).log_joint(std::slice::from_ref(&code))[0];
        let mut second = Explored::new(&mut decoded);
        assert!(!second.knows(&code));
        assert_eq!(second.log_mass(), f64::NEG_INFINITY);
        assert_eq!(second.log_joint(std::slice::from_ref(&code))[0], first);
        assert!(second.knows(&code));
        assert!((second.log_mass() - first).abs() < 1e-12);
        assert_eq!(decoded.len(), 1);
    }
}
