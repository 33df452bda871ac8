//! The objective: the negative evidence lower bound, with the code marginalized.

use burn::tensor::{Int, Tensor};

use super::BitVectorVae;
use crate::{
    estimators::{BitVectorEstimator, Estimate, Query},
    training::Draw,
};

/// The images of a step.
#[derive(Debug, Clone)]
pub struct GreyBatch {
    /// What the encoder sees, `[n, pixels]`: intensities from 0 to 1; in training some may be
    /// [hidden](super::GreyImages::with_dropout), and the others stretched.
    pub images: Tensor<2>,
    /// The grey levels `[n, pixels]` of the images, which the generator explains.
    pub levels: Tensor<2, Int>,
    /// The step.
    pub draw: Draw,
}

/// The losses of a step.
#[derive(Debug, Clone)]
pub struct BitVectorVaeLosses {
    /// The estimate of the distortion `E_q[−log p(x | z)]`, with the entropy of q beside it.
    pub estimate: Estimate,
    /// The rate `[n]`: the divergence of q from the uniform prior of D bits, `D log 2 − H(q)`.
    pub rate: Tensor<1>,
}

impl BitVectorVaeLosses {
    /// The negative ELBO `[n]`, in nats: distortion and rate.
    pub fn negative_elbo(&self) -> Tensor<1> {
        self.weighted(1.0)
    }

    /// Distortion, and the rate times `weight`, `[n]`.
    pub fn weighted(&self, weight: f64) -> Tensor<1> {
        let rate = match weight {
            1.0 => self.rate.clone(),
            weight => self.rate.clone().mul_scalar(weight),
        };
        self.estimate.expected_loss.clone() + rate
    }
}

impl BitVectorVae {
    /// The losses of a batch. The encoder runs once on its images, the generator once on all the codes
    /// that the estimator asks for.
    pub fn losses(
        &self,
        batch: GreyBatch,
        estimator: &impl BitVectorEstimator,
    ) -> BitVectorVaeLosses {
        let query = Query {
            scores: self.scores(batch.images.clone()),
            inputs: batch.images,
            draw: batch.draw,
        };
        let estimate = estimator.estimate(query, &mut |outcomes| {
            let (codes, levels) = (outcomes.codes.values(), batch.levels.clone());
            let likelihood = self.generator.log_likelihood(codes, levels, outcomes.rows);
            likelihood.neg()
        });
        let rate = estimate.entropy.clone().neg().add_scalar(self.prior());
        BitVectorVaeLosses { estimate, rate }
    }

    /// The negative log-probability of a code under the prior, `D log 2` nats.
    pub fn prior(&self) -> f64 {
        self.bits() as f64 * std::f64::consts::LN_2
    }
}
