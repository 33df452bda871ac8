//! The model as burn-train trains it.

use burn::{
    module::Module,
    tensor::{Int, Tensor},
    train::{
        InferenceStep, ItemLazy, TrainOutput, TrainStep,
        metric::{AccuracyInput, Adaptor, LossInput},
    },
};

use super::{Labelled, Ssvae, SsvaeBatch};
use crate::estimators::{Mapping, Marginalize};

/// What is minimized.
#[derive(Debug, Clone, Copy)]
pub struct Objective {
    /// From scores to probabilities; also chooses the classification loss.
    pub mapping: Mapping,
    /// Weight of the classification loss of labelled images.
    pub label_weight: f64,
    /// Weight of the loss of unlabelled images.
    pub unlabelled_weight: f64,
}

/// Networks and objective.
#[derive(Module, Debug)]
pub struct SsvaeLearner {
    /// What is trained.
    pub networks: Ssvae,
    #[module(skip)]
    objective: Objective,
}

impl SsvaeLearner {
    /// A learner of `networks`.
    pub fn new(networks: Ssvae, objective: Objective) -> Self {
        Self {
            networks,
            objective,
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
        let Objective {
            mapping,
            label_weight,
            unlabelled_weight,
        } = self.objective;
        let labels = batch.labelled.labels.clone();
        let scores = self
            .networks
            .classifier
            .forward(batch.labelled.seen.clone());
        let (bound, classification) =
            self.networks
                .labelled(batch.labelled, scores.clone(), mapping);
        let mut loss = (bound + classification.mul_scalar(label_weight)).mean();
        if let Some(unlabelled) = batch.unlabelled {
            let estimate = self
                .networks
                .unlabelled(unlabelled, &Marginalize { mapping });
            let bound = (estimate.expected_loss - estimate.entropy).mean();
            loss = loss + bound.mul_scalar(unlabelled_weight);
        }
        let output = SsvaeOutput {
            loss: loss.clone().detach(),
            scores: scores.detach(),
            labels,
        };
        TrainOutput::new(self, loss.backward(), output)
    }
}

impl InferenceStep for SsvaeLearner {
    type Input = Labelled;
    type Output = SsvaeOutput;

    fn step(&self, batch: Labelled) -> SsvaeOutput {
        let labels = batch.labels.clone();
        let scores = self.networks.classifier.forward(batch.seen.clone());
        let (bound, _) = self
            .networks
            .labelled(batch, scores.clone(), self.objective.mapping);
        SsvaeOutput {
            loss: bound.mean(),
            scores,
            labels,
        }
    }
}
