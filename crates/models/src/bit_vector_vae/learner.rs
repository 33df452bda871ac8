//! The model as burn-train trains it.

use burn::{
    module::Module,
    tensor::Tensor,
    train::{
        InferenceStep, ItemLazy, TrainOutput, TrainStep,
        metric::{Adaptor, LossInput},
    },
};

use super::{BitVectorVae, GreyBatch};
use crate::estimators::BitEstimator;

/// Networks and estimator.
#[derive(Module, Debug)]
pub struct BitVectorVaeLearner {
    /// The model.
    pub networks: BitVectorVae,
    /// What it is trained by.
    pub estimator: BitEstimator,
}

impl BitVectorVaeLearner {
    /// A learner of `networks`.
    pub fn new(networks: BitVectorVae, estimator: BitEstimator) -> Self {
        Self {
            networks,
            estimator,
        }
    }
}

/// What the metrics of a step are computed from: the negative ELBO of each image.
#[derive(Debug)]
pub struct BitVectorVaeOutput {
    negative_elbo: Tensor<1>,
}

impl ItemLazy for BitVectorVaeOutput {
    fn sync(self) -> Result<Self, burn::tensor::ExecutionError> {
        Ok(Self {
            negative_elbo: self.negative_elbo.without_autodiff(),
        })
    }
}

impl Adaptor<LossInput> for BitVectorVaeOutput {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.negative_elbo.clone())
    }
}

impl TrainStep for BitVectorVaeLearner {
    type Input = GreyBatch;
    type Output = BitVectorVaeOutput;

    fn step(&self, batch: GreyBatch) -> TrainOutput<BitVectorVaeOutput> {
        let losses = self.networks.losses(batch, &self.estimator);
        let negative_elbo = losses.negative_elbo();
        let mut loss = negative_elbo.clone().mean();
        if let Some(error) = losses.estimate.baseline_loss {
            loss = loss + error.mean();
        }
        let output = BitVectorVaeOutput {
            negative_elbo: negative_elbo.detach(),
        };
        TrainOutput::new(self, loss.backward(), output)
    }
}

impl InferenceStep for BitVectorVaeLearner {
    type Input = GreyBatch;
    type Output = BitVectorVaeOutput;

    fn step(&self, batch: GreyBatch) -> BitVectorVaeOutput {
        let losses = self.networks.losses(batch, &self.estimator);
        BitVectorVaeOutput {
            negative_elbo: losses.negative_elbo(),
        }
    }
}
