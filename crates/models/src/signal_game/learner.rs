//! The game as burn-train trains it.

use burn::{
    module::Module,
    tensor::{Device, Int, Tensor},
    train::{
        InferenceStep, ItemLazy, TrainOutput, TrainStep,
        metric::{AccuracyInput, Adaptor, LossInput},
    },
};

use super::{GameBatch, SignalGame};
use crate::{
    estimators::{CategoricalEstimator, Estimator},
    training::{Divisible, Joinable, part_of, together, training_step},
};

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

    fn objective(&self, batch: GameBatch) -> (Tensor<1>, SignalGameOutput) {
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
        (loss, output)
    }
}

impl Divisible for GameBatch {
    fn device(&self) -> Device {
        self.targets.device()
    }

    fn examples(&self) -> Vec<usize> {
        self.places.dims().to_vec()
    }

    fn part(&self, part: usize, parts: usize) -> Self {
        Self {
            targets: part_of(&self.targets, part, parts),
            candidates: part_of(&self.candidates, part, parts),
            places: part_of(&self.places, part, parts),
            draw: self.draw,
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

impl Joinable for SignalGameOutput {
    fn join(parts: Vec<Self>) -> Self {
        Self {
            loss: together(&parts, |part| &part.loss).mean(),
            picks: together(&parts, |part| &part.picks),
            places: together(&parts, |part| &part.places),
        }
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
        training_step(self, batch, self.estimator.is_exact(), Self::objective)
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

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, TensorData};

    use super::*;
    use crate::{
        estimators::{Mapping, Marginalize, Sfe},
        networks::Standard,
        signal_game::{Agents, SignalGameConfig},
        training::{
            Draw,
            tests::{assert_that_a_step_is_whole, assert_that_parts_are_a_whole},
        },
    };

    const GAMES: usize = 64;
    const FEATURES: usize = 5;

    fn batch(device: &Device) -> GameBatch {
        let places: Vec<i64> = (0..GAMES as i64).map(|game| game % 3).collect();
        let normal = Distribution::Normal(0.0, 1.0);
        GameBatch {
            targets: Tensor::random([GAMES, FEATURES], normal, device),
            candidates: Tensor::random([GAMES, 3, FEATURES], normal, device),
            places: Tensor::from_ints(places.as_slice(), device),
            draw: Draw {
                seed: 0,
                epoch: 1,
                step: 1,
            },
        }
    }

    fn learner(agents: Agents, estimator: Estimator, device: &Device) -> SignalGameLearner {
        let standard = Standard {
            mean: vec![0.5; FEATURES],
            scale: 2.0,
        };
        let agents = SignalGameConfig::new(agents, FEATURES)
            .with_symbols(7)
            .with_embedding(6)
            .with_hidden(8)
            .with_temperature(1.0)
            .init(&standard, device);
        SignalGameLearner::new(agents, estimator, 0.1)
    }

    fn figures(output: &SignalGameOutput) -> Vec<TensorData> {
        let (loss, picks, places) = (&output.loss, &output.picks, &output.places);
        vec![loss.to_data(), picks.to_data(), places.to_data()]
    }

    #[test]
    fn games_in_parts_are_the_games() {
        let device = Device::default().autodiff();
        device.seed(3);
        let batch = batch(&device);
        let [sparse, dense] = [Mapping::Sparsemax, Mapping::Softmax].map(Marginalize::new);
        for (agents, estimator) in [
            (Agents::Best, Estimator::Sparsemax(sparse.clone())),
            (Agents::Best, Estimator::Softmax(dense)),
            (Agents::Paper, Estimator::Sparsemax(sparse)),
        ] {
            assert_that_parts_are_a_whole(
                &learner(agents, estimator, &device),
                batch.clone(),
                SignalGameLearner::objective,
                figures,
            );
        }
    }

    #[test]
    fn an_estimator_that_samples_sees_the_whole_batch() {
        let device = Device::default().autodiff();
        let sfe = || Estimator::Sfe(Sfe::new(&device));
        let made = learner(Agents::Best, sfe(), &device).materialize();
        let batch = batch(&device);
        // the same agents, before any loss has been seen
        let fresh = || {
            let learner = SignalGameLearner::new(made.agents.clone(), sfe(), made.entropy);
            (learner, batch.clone())
        };
        assert_that_a_step_is_whole(fresh, SignalGameLearner::objective, figures);
    }
}
