//! The model as burn-train trains it.

use burn::{
    module::Module,
    tensor::{Device, Int, Tensor},
    train::{
        InferenceStep, ItemLazy, TrainOutput, TrainStep,
        metric::{AccuracyInput, Adaptor, LossInput},
    },
};

use super::{Ssvae, SsvaeBatch};
use crate::{
    estimators::{CategoricalEstimator, Estimator},
    training::{Divisible, Joinable, part_of, together, training_step},
};

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

    fn objective(&self, batch: SsvaeBatch) -> (Tensor<1>, SsvaeOutput) {
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
        (loss, output)
    }
}

impl SsvaeBatch {
    /// The numbers of images with and without a class.
    fn kinds(&self) -> [usize; 2] {
        let ([all, _], [known]) = (self.images.dims(), self.labels.dims());
        [known, all - known]
    }
}

impl Divisible for SsvaeBatch {
    fn device(&self) -> Device {
        self.images.device()
    }

    fn examples(&self) -> Vec<usize> {
        match self.kinds() {
            [known, 0] => vec![known],
            both => both.to_vec(),
        }
    }

    fn part(&self, part: usize, parts: usize) -> Self {
        let [known, unknown] = self.kinds();
        let of_both = |tensor: &Tensor<2>| {
            let first = part_of(&tensor.clone().narrow(0, 0, known), part, parts);
            match unknown {
                0 => first,
                _ => {
                    let others = tensor.clone().narrow(0, known, unknown);
                    Tensor::cat(vec![first, part_of(&others, part, parts)], 0)
                }
            }
        };
        Self {
            images: of_both(&self.images),
            seen: of_both(&self.seen),
            noise: of_both(&self.noise),
            labels: part_of(&self.labels, part, parts),
            draw: self.draw,
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

impl Joinable for SsvaeOutput {
    fn join(parts: Vec<Self>) -> Self {
        Self {
            loss: together(&parts, |part| &part.loss).mean(),
            scores: together(&parts, |part| &part.scores),
            labels: together(&parts, |part| &part.labels),
        }
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
        training_step(self, batch, self.estimator.is_exact(), Self::objective)
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

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, TensorData};

    use super::*;
    use crate::{
        estimators::{Mapping, Marginalize, Sfe},
        ssvae::SsvaeConfig,
        training::{
            Draw,
            tests::{assert_that_a_step_is_whole, assert_that_parts_are_a_whole},
        },
    };

    fn batch([known, unknown]: [usize; 2], device: &Device) -> SsvaeBatch {
        let random = |columns, distribution| -> Tensor<2> {
            Tensor::random([known + unknown, columns], distribution, device)
        };
        let labels: Vec<i64> = (0..known as i64).map(|image| image % 3).collect();
        SsvaeBatch {
            images: random(6, Distribution::Bernoulli(0.5)),
            seen: random(6, Distribution::Uniform(0.0, 1.0)),
            noise: random(2, Distribution::Normal(0.0, 1.0)),
            labels: Tensor::from_ints(labels.as_slice(), device),
            draw: Draw {
                seed: 0,
                epoch: 1,
                step: 1,
            },
        }
    }

    fn learner(estimator: Estimator, device: &Device) -> SsvaeLearner {
        let weights = LossWeights {
            label: 2.0,
            unlabelled: 9.0,
        };
        let networks = SsvaeConfig::new(6, 2, vec![5], vec![7]).with_classes(3);
        SsvaeLearner::new(networks.init(device), estimator, weights)
    }

    fn figures(output: &SsvaeOutput) -> Vec<TensorData> {
        let (loss, scores, labels) = (&output.loss, &output.scores, &output.labels);
        vec![loss.to_data(), scores.to_data(), labels.to_data()]
    }

    #[test]
    fn images_in_parts_are_the_images() {
        let device = Device::default().autodiff();
        device.seed(4);
        let estimator = Estimator::Sparsemax(Marginalize::new(Mapping::Sparsemax));
        let learner = learner(estimator, &device);
        // warm-up; as many of both kinds; more of one
        for kinds in [[64, 0], [64, 64], [128, 64]] {
            let batch = batch(kinds, &device);
            assert_that_parts_are_a_whole(&learner, batch, SsvaeLearner::objective, figures);
        }
    }

    #[test]
    fn an_estimator_that_samples_sees_the_whole_batch() {
        let device = Device::default().autodiff();
        let sfe = || Estimator::Sfe(Sfe::new(&device));
        let made = learner(sfe(), &device).materialize();
        let batch = batch([64, 64], &device);
        // the same networks, before any loss has been seen
        let fresh = || {
            let learner = SsvaeLearner::new(made.networks.clone(), sfe(), made.weights);
            (learner, batch.clone())
        };
        assert_that_a_step_is_whole(fresh, SsvaeLearner::objective, figures);
    }
}
