//! The score-function estimator with the loss of a second sample as baseline.
//!
//! Bias: none. Variance: lower than that of a running mean where losses differ from example to
//! example, but the baseline has the variance of one sample. Decoder calls: 2. Source: the
//! self-critical baseline of Rennie et al.,
//! [Self-Critical Sequence Training](https://arxiv.org/abs/1612.00563), 2017, with a sample in place
//! of the mode, as in Correia et al., [Efficient Marginalization of Discrete and Structured Latent
//! Variables via Sparsity](https://arxiv.org/abs/2007.01919), 2020.

use burn::{module::Module, tensor::Tensor};

use super::{
    AnyFamily, Estimate, LatentFamily, Outcomes, Query, samples::Samples,
    score_function::score_function,
};

/// Two independent samples: one for the gradient, one for the baseline.
#[derive(Module, Debug, Default)]
pub struct SfePlus {}

impl AnyFamily for SfePlus {
    fn estimate_for<F: LatentFamily>(
        &self,
        query: Query,
        loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
    ) -> Estimate {
        let entropy = F::entropy(query.scores.clone());
        let samples = Samples::draw::<F>(query.scores, 2, query.draw);
        let losses = samples.decode(loss);
        let [batch, count] = losses.dims();
        let first = |pairs: Tensor<2>| pairs.narrow(1, 0, 1).squeeze_dim::<1>(1);
        let baseline = losses.clone().narrow(1, 1, 1).squeeze_dim(1);
        let log_prob = first(samples.log_prob::<F>().reshape([batch, count]));
        let expected_loss = score_function(first(losses), baseline, log_prob);
        Estimate::new(expected_loss, entropy, batch * count)
    }
}
