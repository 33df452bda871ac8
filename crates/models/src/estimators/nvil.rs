//! The score-function estimator with a baseline that is learned from the input.
//!
//! Bias: none. Variance: that of [SFE](super::Sfe), less what the loss owes to the input, as far as
//! the baseline has learned it. Decoder calls: 1. The source also divides by the running standard
//! deviation of the signal; that is left out here, so that the expectation is the gradient itself.
//! Source: Mnih & Gregor,
//! [Neural Variational Inference and Learning in Belief Networks](https://arxiv.org/abs/1402.0030),
//! 2014.

use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

use super::{
    AnyFamily, Estimate, LatentFamily, Outcomes, Query, RunningMean, samples::Samples,
    score_function::score_function,
};

/// The paper's baseline has one layer of this size.
const HIDDEN: usize = 100;

/// One sample; the baseline is a running mean and, on top of it, a network of one hidden layer.
#[derive(Module, Debug)]
pub struct Nvil {
    mean: RunningMean,
    hidden: Linear,
    output: Linear,
}

impl Nvil {
    /// For `inputs` features of a [query's inputs](Query::inputs).
    pub fn new(inputs: usize, device: &Device) -> Self {
        Self {
            mean: RunningMean::new(device),
            hidden: LinearConfig::new(inputs, HIDDEN).init(device),
            output: LinearConfig::new(HIDDEN, 1).init(device),
        }
    }

    /// The baseline `[batch]` for inputs `[batch, inputs]`; its gradient is that of the networks
    /// here, not of what made the inputs.
    fn baseline(&self, inputs: Tensor<2>) -> Tensor<1> {
        let hidden = self.hidden.forward(inputs.detach()).tanh();
        self.output.forward(hidden).squeeze_dim::<1>(1) + self.mean.value()
    }
}

impl AnyFamily for Nvil {
    fn estimate_for<F: LatentFamily>(
        &self,
        query: Query,
        loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
    ) -> Estimate {
        let entropy = F::entropy(query.scores.clone());
        let samples = Samples::draw::<F>(query.scores, 1, query.draw);
        let losses = samples.decode(loss).squeeze_dim(1);
        let baseline = self.baseline(query.inputs);
        self.mean.update(&losses);
        let [decoder_calls] = losses.dims();
        let error = (losses.clone().detach() - baseline.clone()).square();
        let expected_loss = score_function(losses, baseline, samples.log_prob::<F>());
        Estimate {
            baseline_loss: Some(error),
            ..Estimate::new(expected_loss, entropy, decoder_calls)
        }
    }
}
