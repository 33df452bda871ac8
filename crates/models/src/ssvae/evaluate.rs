use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::{BatchPlan, SsvaeLearner};
use crate::{
    data::ImageSet,
    estimators::{CategoricalEstimator, Query},
    training::Draw,
};

/// Images that are evaluated together.
const BATCH: usize = 500;

/// The test set's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SsvaeTest {
    /// Fraction of images whose most probable class is right: of images as the classifier is
    /// trained on them, which are binarized by sampling for MNIST, and grey for the digits.
    pub accuracy: f64,
    /// The same on the grey images.
    pub accuracy_grey: f64,
    /// The mean evidence lower bound of the binarized images, in nats, with the class marginalized:
    /// exactly by the exact methods, by as many samples as in training by the others.
    pub elbo: f64,
    /// The mean number of classes of positive probability.
    pub support_mean: f64,
    /// The mean number of decoded classes: the supported ones by the exact methods, the samples by
    /// the others.
    pub decoder_calls_mean: f64,
}

/// Evaluates a learner on `device`, which needs no autodiff. Binarization and noise follow from the
/// plan's seed.
pub fn evaluate(
    learner: &SsvaeLearner,
    set: &ImageSet,
    plan: &BatchPlan,
    device: &Device,
) -> SsvaeTest {
    let all: Vec<usize> = (0..set.len()).collect();
    let mut sums = [0.0; 5];
    for (step, indices) in all.chunks(BATCH).enumerate() {
        let draw = Draw {
            seed: plan.seed,
            epoch: 0,
            step,
        };
        let batch = plan.batch(set, indices, &[], draw, device);
        let scores = learner.networks.classifier.forward(batch.seen.clone());
        let grey = learner
            .networks
            .classifier
            .forward(grey(set, indices, device));
        let images = learner.networks.see(batch.images, batch.noise);
        let query = Query {
            scores: scores.clone(),
            inputs: batch.seen,
            draw,
        };
        let estimate = learner.estimator.estimate(query, &mut |outcomes| {
            let images = images.select(outcomes.rows);
            learner
                .networks
                .negative_elbo(images, outcomes.codes.values())
        });
        let classes = scores.dims()[1] as f64;
        let probs = learner.estimator.mapping().probs(scores.clone());
        let elbo = estimate.entropy - estimate.expected_loss;
        let new = [
            right(scores, set, indices),
            right(grey, set, indices),
            elbo.sum().into_scalar::<f64>() - indices.len() as f64 * classes.ln(),
            probs.greater_elem(0.0).int().sum().into_scalar::<i64>() as f64,
            estimate.decoder_calls as f64,
        ];
        for (sum, new) in sums.iter_mut().zip(new) {
            *sum += new;
        }
    }
    let [
        accuracy,
        accuracy_grey,
        elbo,
        support_mean,
        decoder_calls_mean,
    ] = sums.map(|sum| sum / set.len() as f64);
    SsvaeTest {
        accuracy,
        accuracy_grey,
        elbo,
        support_mean,
        decoder_calls_mean,
    }
}

fn right(scores: Tensor<2>, set: &ImageSet, indices: &[usize]) -> f64 {
    let classes = scores.argmax(1).into_data();
    let hits = classes.iter::<i64>().zip(indices);
    hits.filter(|(class, i)| *class == i64::from(set.label(**i)))
        .count() as f64
}

/// Intensities `[n, pixels]`.
pub(super) fn grey(set: &ImageSet, indices: &[usize], device: &Device) -> Tensor<2> {
    let levels = set.all_intensities(indices);
    Tensor::from_data(
        TensorData::new(levels, [indices.len(), set.pixels()]),
        device,
    )
}
