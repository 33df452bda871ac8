//! The game as burn-train trains it.

use burn::{
    module::Module,
    tensor::{Int, Tensor},
    train::{
        InferenceStep, ItemLazy, TrainOutput, TrainStep,
        metric::{AccuracyInput, Adaptor, LossInput},
    },
};

use super::{GameBatch, SignalGame};
use crate::estimators::{CategoricalEstimator, Estimator};

/// The agents, the estimator, and the weight of the entropy.
#[derive(Module, Debug)]
pub struct SignalGameLearner {
    /// The agents.
    pub agents: SignalGame,
    /// What they are trained by.
    pub estimator: Estimator,
    #[module(skip)]
    entropy: f64,
}

impl SignalGameLearner {
    /// A learner that adds `entropy` times the entropy of the sender's distribution to what is
    /// maximized.
    pub fn new(agents: SignalGame, estimator: Estimator, entropy: f64) -> Self {
        Self {
            agents,
            estimator,
            entropy,
        }
    }
}

/// What the metrics of a step are computed from. The accuracy is the success with the sender's most
/// probable symbol.
#[derive(Debug)]
pub struct SignalGameOutput {
    loss: Tensor<1>,
    picks: Tensor<2>,
    places: Tensor<1, Int>,
}

impl ItemLazy for SignalGameOutput {
    fn sync(self) -> Result<Self, burn::tensor::ExecutionError> {
        Ok(Self {
            loss: self.loss.without_autodiff(),
            picks: self.picks.without_autodiff(),
            places: self.places.without_autodiff(),
        })
    }
}

impl Adaptor<LossInput> for SignalGameOutput {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.loss.clone())
    }
}

impl Adaptor<AccuracyInput> for SignalGameOutput {
    fn adapt(&self) -> AccuracyInput {
        AccuracyInput::new(self.picks.clone(), self.places.clone())
    }
}

impl TrainStep for SignalGameLearner {
    type Input = GameBatch;
    type Output = SignalGameOutput;

    fn step(&self, batch: GameBatch) -> TrainOutput<SignalGameOutput> {
        let places = batch.places.clone();
        let losses = self.agents.losses(batch, &self.estimator);
        let estimate = losses.estimate;
        let bonus = estimate.entropy.mul_scalar(self.entropy);
        let mut loss = (estimate.expected_loss - bonus).mean();
        if let Some(error) = estimate.baseline_loss {
            loss = loss + error.mean();
        }
        let output = SignalGameOutput {
            loss: loss.clone().detach(),
            picks: losses.picks,
            places,
        };
        TrainOutput::new(self, loss.backward(), output)
    }
}

impl InferenceStep for SignalGameLearner {
    type Input = GameBatch;
    type Output = SignalGameOutput;

    /// The loss is the exact expectation of the target's negative log-likelihood, whatever the
    /// estimator is.
    fn step(&self, batch: GameBatch) -> SignalGameOutput {
        let places = batch.places.clone();
        let outlook = self.agents.outlook(batch, self.estimator.mapping());
        SignalGameOutput {
            picks: outlook.picks(),
            loss: outlook.loss,
            places,
        }
    }
}
