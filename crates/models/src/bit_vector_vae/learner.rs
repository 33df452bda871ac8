//! The model as burn-train trains it.

use burn::{
    module::Module,
    tensor::Tensor,
    train::{
        InferenceStep, ItemLazy, TrainOutput, TrainStep,
        metric::{Adaptor, LossInput},
    },
};

use super::{BitVectorVae, GreyBatch, RateWeight};
use crate::estimators::BitEstimator;

/// Networks and estimator.
#[derive(Module, Debug)]
pub struct BitVectorVaeLearner {
    /// The model.
    pub networks: BitVectorVae,
    /// What it is trained by.
    pub estimator: BitEstimator,
    #[module(skip)]
    rate_weight: RateWeight,
}

impl BitVectorVaeLearner {
    /// A learner of `networks`.
    pub fn new(networks: BitVectorVae, estimator: BitEstimator) -> Self {
        Self {
            networks,
            estimator,
            rate_weight: RateWeight::ONE,
        }
    }

    /// The same, whose rate has another weight in training. What is measured, there too, is the ELBO.
    pub fn with_rate_weight(self, rate_weight: RateWeight) -> Self {
        Self {
            rate_weight,
            ..self
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
        let weight = self.rate_weight.at(batch.draw);
        let losses = self.networks.losses(batch, &self.estimator);
        let negative_elbo = losses.negative_elbo();
        let mut loss = losses.weighted(weight).mean();
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::{optim::GradientsParams, tensor::Device};

    use super::*;
    use crate::{
        bit_vector_vae::{BitVectorVaeData, BitVectorVaeSettings},
        data::SplitImages,
        estimators::BitMethod,
        training::{Draw, fresh_weights},
    };

    fn close(a: &[f64], b: &[f64]) -> bool {
        // f32 sums of some hundred terms
        let size = b.iter().fold(0.0f64, |size, b| size.max(b.abs()));
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4 * size)
    }

    #[test]
    fn the_rate_has_its_weight_in_the_gradient_and_none_in_what_is_measured() {
        let device = Device::default().autodiff();
        let data = SplitImages::digits().unwrap();
        let method = BitMethod::LocalEntmax15;
        let settings = BitVectorVaeSettings::new(BitVectorVaeData::Digits, method, 12);
        let learner = fresh_weights(&device, 5, || {
            let estimator = settings.init_estimator(64, &device)?;
            let networks = settings.config(64).init(&device);
            Ok::<_, crate::training::RunError>(BitVectorVaeLearner::new(networks, estimator))
        });
        let learner = learner.unwrap();
        // half of the way down from 9
        let weight = RateWeight {
            start: 9.0,
            steps: 4,
            steps_per_epoch: 4,
        };
        let draw = Draw {
            seed: 0,
            epoch: 1,
            step: 3,
        };
        let batch = GreyBatch::of(&data.train, &[0, 1, 2, 3, 4], draw, &device);
        let of_scores = |grads: &GradientsParams| -> Vec<f64> {
            let weights = &learner.networks.encoder.layers[1].weight;
            let grad = grads.get::<2>(weights.id).unwrap();
            grad.into_data().iter().collect()
        };
        let by_definition = |weight: f64| {
            let losses = learner.networks.losses(batch.clone(), &learner.estimator);
            let loss = losses.estimate.expected_loss + losses.rate.mul_scalar(weight);
            let grads = loss.mean().backward();
            of_scores(&GradientsParams::from_grads(grads, &learner))
        };
        let step = |learner: &BitVectorVaeLearner| TrainStep::step(learner, batch.clone());
        let (plain, weighted) = (
            step(&learner),
            step(&learner.clone().with_rate_weight(weight)),
        );
        assert!(close(&of_scores(&plain.grads), &by_definition(1.0)));
        assert!(close(&of_scores(&weighted.grads), &by_definition(3.0)));
        assert!(!close(&by_definition(3.0), &by_definition(1.0)));
        let [plain, weighted] = [plain, weighted].map(|output| {
            let measured = output.item.negative_elbo.into_data();
            measured.iter::<f64>().collect::<Vec<_>>()
        });
        assert_eq!(plain, weighted);
    }
}
