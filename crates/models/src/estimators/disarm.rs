//! DisARM: two antithetic samples of independent bits.
//!
//! The second code turns the uniform numbers u behind the first into 1 − u, so that bits are rather
//! different than not; the gradient of a bit is averaged over everything else that gives the same two
//! codes.
//!
//! Bias: none. Variance: below that of two independent samples that are each other's baselines (those of
//! [VIMCO](super::Vimco) with two) for uncertain bits, and up to twice as much for nearly certain ones.
//! Decoder calls: 2. Source: Dong, Mnih & Tucker, [DisARM: An Antithetic Gradient Estimator for Binary
//! Latent Variables](https://arxiv.org/abs/2006.10680), 2020.

use burn::{
    module::Module,
    tensor::{Tensor, activation::sigmoid},
};

use super::{
    BitDistribution, BitVectorEstimator, Bits, Estimate, LatentFamily, Outcomes, Query,
    samples::{decode, noise},
    score_function::gradient_of,
};

/// A pair of antithetic samples.
#[derive(Module, Debug, Default)]
pub struct Disarm {}

impl BitVectorEstimator for Disarm {
    fn distribution(&self) -> Option<&BitDistribution> {
        None
    }

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        let scores = query.scores;
        let [batch, bits] = scores.dims();
        let fixed = scores.clone().detach();
        // the logit of u is logistic, and that of 1 − u its negative
        let noise = noise::<Bits>(&scores, query.draw);
        let first = Bits::mode(fixed.clone() + noise.clone());
        let second = Bits::mode(fixed.clone() - noise);
        let pairs: Tensor<3> = Tensor::stack(vec![first.clone(), second.clone()], 1);
        let losses = decode(pairs.reshape([batch * 2, bits]), 2, loss);

        let halves = losses.clone().detach().mul_scalar(0.5);
        let half_difference = halves.clone().narrow(1, 0, 1) - halves.narrow(1, 1, 1);
        let weight = (first - second) * sigmoid(fixed.abs());
        let gradient = half_difference * weight * gradient_of(scores.clone());
        let expected_loss = losses.mean_dim(1) + gradient.sum_dim(1);
        Estimate::new(
            expected_loss.squeeze_dim(1),
            Bits::entropy(scores),
            batch * 2,
        )
    }
}
