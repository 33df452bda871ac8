//! The model as burn-train trains it.

use burn::{
    module::Module,
    tensor::{Int, Tensor},
    train::{
        InferenceStep, ItemLazy, TrainOutput, TrainStep,
        metric::{AccuracyInput, Adaptor, LossInput},
    },
};

use super::{Ssvae, SsvaeBatch};
use crate::estimators::Estimator;

/// How the parts of the loss are weighted.
#[derive(Debug, Clone, Copy)]
pub struct LossWeights {
    /// Of the classification loss of labelled images.
    pub label: f64,
    /// Of the loss of unlabelled images.
    pub unlabelled: f64,
}

/// Networks, estimator and the weights of the loss.
#[derive(Module, Debug)]
pub struct SsvaeLearner {
    /// The model.
    pub networks: Ssvae,
    /// What it is trained by.
    pub estimator: Estimator,
    #[module(skip)]
    weights: LossWeights,
}

impl SsvaeLearner {
    /// A learner of `networks`.
    pub fn new(networks: Ssvae, estimator: Estimator, weights: LossWeights) -> Self {
        Self {
            networks,
            estimator,
            weights,
        }
    }
}

/// What the metrics of a step are computed from.
#[derive(Debug)]
pub struct SsvaeOutput {
    loss: Tensor<1>,
    scores: Tensor<2>,
    labels: Tensor<1, Int>,
}

impl ItemLazy for SsvaeOutput {
    fn sync(self) -> Result<Self, burn::tensor::ExecutionError> {
        Ok(Self {
            loss: self.loss.without_autodiff(),
            scores: self.scores.without_autodiff(),
            labels: self.labels.without_autodiff(),
        })
    }
}

impl Adaptor<LossInput> for SsvaeOutput {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.loss.clone())
    }
}

impl Adaptor<AccuracyInput> for SsvaeOutput {
    fn adapt(&self) -> AccuracyInput {
        AccuracyInput::new(self.scores.clone(), self.labels.clone())
    }
}

impl TrainStep for SsvaeLearner {
    type Input = SsvaeBatch;
    type Output = SsvaeOutput;

    fn step(&self, batch: SsvaeBatch) -> TrainOutput<SsvaeOutput> {
        let labels = batch.labels.clone();
        let losses = self.networks.losses(batch, &self.estimator);
        let classification = losses.classification.mul_scalar(self.weights.label);
        let mut loss = (losses.bound + classification).mean();
        if let Some(estimate) = losses.unlabelled {
            let bound = (estimate.expected_loss - estimate.entropy).mean();
            loss = loss + bound.mul_scalar(self.weights.unlabelled);
            if let Some(error) = estimate.baseline_loss {
                loss = loss + error.mean();
            }
        }
        let output = SsvaeOutput {
            loss: loss.clone().detach(),
            scores: losses.scores.detach(),
            labels,
        };
        TrainOutput::new(self, loss.backward(), output)
    }
}

impl InferenceStep for SsvaeLearner {
    type Input = SsvaeBatch;
    type Output = SsvaeOutput;

    /// Of images with known classes; the loss is their negative ELBO.
    fn step(&self, batch: SsvaeBatch) -> SsvaeOutput {
        let labels = batch.labels.clone();
        let losses = self.networks.losses(batch, &self.estimator);
        SsvaeOutput {
            loss: losses.bound,
            scores: losses.scores,
            labels,
        }
    }
}
