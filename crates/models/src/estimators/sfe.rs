//! The score-function estimator with a running mean as baseline.
//!
//! Bias: none. Variance: high; the baseline takes away what all losses have in common, not what
//! sets examples apart. Decoder calls: 1. Source: Williams, [Simple Statistical Gradient-Following
//! Algorithms for Connectionist Reinforcement Learning](https://doi.org/10.1007/BF00992696), 1992.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::{
    AnyFamily, Estimate, LatentFamily, Outcomes, Query, RunningMean, samples::Samples,
    score_function::score_function,
};

/// One sample, and the mean of the losses of the steps before as baseline.
#[derive(Module, Debug)]
pub struct Sfe {
    mean: RunningMean,
}

impl Sfe {
    /// Before the first step: the baseline is 0.
    pub fn new(device: &Device) -> Self {
        Self {
            mean: RunningMean::new(device),
        }
    }
}

impl AnyFamily for Sfe {
    fn estimate_for<F: LatentFamily>(
        &self,
        query: Query,
        loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
    ) -> Estimate {
        let entropy = F::entropy(query.scores.clone());
        let samples = Samples::draw::<F>(query.scores, 1, query.draw);
        let losses = samples.decode(loss).squeeze_dim(1);
        let baseline = self.mean.value();
        self.mean.update(&losses);
        let [decoder_calls] = losses.dims();
        let expected_loss = score_function(losses, baseline, samples.log_prob::<F>());
        Estimate::new(expected_loss, entropy, decoder_calls)
    }
}
