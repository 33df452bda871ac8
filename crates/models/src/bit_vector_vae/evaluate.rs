use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{
    BitVectorVaeLearner, GreyBatch, ImportanceSettings, MarginalLikelihood, marginal_likelihood,
};
use crate::{data::ImageSet, estimators::BitVectorEstimator, training::Draw};

/// Images that are evaluated together.
pub(super) const TOGETHER: usize = 64;

/// The test set's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BitVectorVaeTest {
    /// The mean evidence lower bound, in nats, with the code marginalized: exactly by the exact
    /// methods, by as many samples as in training by the others.
    pub elbo: f64,
    /// The negative ELBO in bits per pixel.
    pub negative_elbo_bits_per_dim: f64,
    /// The same of the images alone whose marginal likelihood is estimated, which it is an upper bound
    /// of.
    pub negative_elbo_bits_per_dim_importance_images: f64,
    /// The mean rate, in nats: the divergence of the code's distribution from the uniform prior.
    pub rate: f64,
    /// The mean distortion, in nats: the expected negative log-likelihood of an image given its code.
    pub distortion: f64,
    /// The mean number of codes of positive probability; none for the methods that sample, which
    /// give a positive one to all.
    pub support_mean: Option<f64>,
    /// The median of that number.
    pub support_median: Option<f64>,
    /// The mean number of decoded codes: the supported ones by the exact methods, the samples by the
    /// others.
    pub decoder_calls_mean: f64,
    /// The marginal likelihood.
    #[serde(flatten)]
    pub marginal: MarginalLikelihood,
}

/// Evaluates a learner on `device`, which needs no autodiff: the bound on all images, the marginal
/// likelihood as `importance` says. Samples follow from the seed.
pub fn evaluate(
    learner: &BitVectorVaeLearner,
    set: &ImageSet,
    importance: &ImportanceSettings,
    seed: u64,
    device: &Device,
) -> BitVectorVaeTest {
    let all: Vec<usize> = (0..set.len()).collect();
    let (mut distortion, mut rate, mut calls) = (0.0, 0.0, 0);
    let (mut supports, mut bounds) = (Vec::new(), Vec::new());
    for (step, indices) in all.chunks(TOGETHER).enumerate() {
        let draw = Draw {
            seed,
            epoch: 0,
            step,
        };
        let batch = GreyBatch::of(set, indices, draw, device);
        if let Some(distribution) = learner.estimator.distribution() {
            let q = distribution.of(learner.networks.scores(batch.images.clone()));
            supports.extend(q.support_size().into_data().iter::<i64>());
        }
        let losses = learner.networks.losses(batch, &learner.estimator);
        bounds.extend(losses.negative_elbo().into_data().iter::<f64>());
        distortion += total(losses.estimate.expected_loss);
        rate += total(losses.rate);
        calls += losses.estimate.decoder_calls;
    }
    let images = set.len() as f64;
    let (distortion, rate) = (distortion / images, rate / images);
    let negative_elbo = distortion + rate;
    let first = importance.test_images.unwrap_or(set.len()).min(set.len());
    let of_first = bounds[..first].iter().sum::<f64>() / first as f64;
    BitVectorVaeTest {
        elbo: -negative_elbo,
        negative_elbo_bits_per_dim_importance_images: bits_per_dim(of_first, set.pixels()),
        negative_elbo_bits_per_dim: bits_per_dim(negative_elbo, set.pixels()),
        rate,
        distortion,
        support_mean: mean(&supports),
        support_median: median(&mut supports),
        decoder_calls_mean: calls as f64 / images,
        marginal: marginal_likelihood(learner, set, importance, seed, device),
    }
}

/// In f64, image by image: thousands of them are added.
fn total(values: Tensor<1>) -> f64 {
    values.into_data().iter::<f64>().sum()
}

/// Nats of an image, as bits for each of its pixels.
pub(super) fn bits_per_dim(nats: f64, pixels: usize) -> f64 {
    nats / (pixels as f64 * std::f64::consts::LN_2)
}

fn mean(values: &[i64]) -> Option<f64> {
    let sum: i64 = values.iter().sum();
    (!values.is_empty()).then(|| sum as f64 / values.len() as f64)
}

fn median(values: &mut [i64]) -> Option<f64> {
    values.sort_unstable();
    let (last, half) = (values.len().checked_sub(1)?, values.len() / 2);
    Some((values[last - half] + values[half]) as f64 / 2.0)
}
