//! The codes that have been decoded for one image: each of them once.

use std::collections::{BTreeMap, HashSet};

use burn::tensor::{Device, Int, Tensor};

use super::{
    BitVectorVae,
    belief::{Code, LOGITS, codes},
    proposal::log_sum_exp,
};

/// One image, and `log p(x, z)` of the codes that have been decoded for it: many are asked for again.
pub(super) struct Decoded<'a> {
    networks: &'a BitVectorVae,
    /// `[1, pixels]`.
    levels: Tensor<2, Int>,
    device: &'a Device,
    joint: BTreeMap<Code, f64>,
}

impl<'a> Decoded<'a> {
    /// The image with grey levels `[1, pixels]`, for which nothing has been decoded.
    pub fn new(networks: &'a BitVectorVae, levels: Tensor<2, Int>, device: &'a Device) -> Self {
        Self {
            networks,
            levels,
            device,
            joint: BTreeMap::new(),
        }
    }

    pub fn bits(&self) -> usize {
        self.networks.bits()
    }

    /// The number of codes that have been decoded.
    pub fn len(&self) -> usize {
        self.joint.len()
    }

    /// `log Σ p(x, z)` over the codes that have been decoded: a lower bound of `log p(x)`.
    pub fn log_mass(&self) -> f64 {
        log_sum_exp(&self.joint.values().copied().collect::<Vec<_>>())
    }

    /// `log p(x, z)` of each code.
    pub fn log_joint(&mut self, wanted: &[Code]) -> Vec<f64> {
        let new: HashSet<&Code> = wanted
            .iter()
            .filter(|code| !self.joint.contains_key(*code))
            .collect();
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
            self.joint.extend(some.iter().cloned().zip(joint));
        }
        wanted.iter().map(|code| self.joint[code]).collect()
    }
}
