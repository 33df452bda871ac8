//! The objective: the negative evidence lower bound with a known class, and its expectation over
//! an unknown one.

use burn::tensor::{Int, Tensor};
use sparse_ops::bernoulli_log_likelihood;

use super::Ssvae;
use crate::{
    estimators::{CategoricalEstimator, Estimate, Outcomes, Query, one_hot},
    training::Draw,
};

/// The images of a step: the first ones with their classes, the others without.
#[derive(Debug, Clone)]
pub struct SsvaeBatch {
    /// Binarized images `[n + m, pixels]`, for the autoencoder.
    pub images: Tensor<2>,
    /// What the classifier sees, `[n + m, pixels]`: the binarized images or their grey levels.
    pub seen: Tensor<2>,
    /// Standard normal noise `[n + m, style]`, the same for all classes of an image: it makes the
    /// estimate no less exact in the class, and compares classes on equal terms.
    pub noise: Tensor<2>,
    /// The classes `[n]` of the first images.
    pub labels: Tensor<1, Int>,
    /// The step.
    pub draw: Draw,
}

/// The losses of a step.
#[derive(Debug, Clone)]
pub struct SsvaeLosses {
    /// The scores `[n, classes]` of the images with known classes.
    pub scores: Tensor<2>,
    /// Their negative ELBO `[n]`, in nats.
    pub bound: Tensor<1>,
    /// Their classification loss `[n]`: the Fenchel–Young loss of the estimator's mapping.
    pub classification: Tensor<1>,
    /// The estimate of `E_q[−ELBO]` for the `m` other images, with the entropy of q beside it: the
    /// loss of an image is `expected_loss − entropy`. `None` where there are none.
    pub unlabelled: Option<Estimate>,
}

impl Ssvae {
    /// The losses of a batch. Classifier, inference network and generator each run once, on all
    /// images of the batch with all the classes that the estimator asks for.
    pub fn losses(&self, batch: SsvaeBatch, estimator: &impl CategoricalEstimator) -> SsvaeLosses {
        let SsvaeBatch {
            images,
            seen,
            noise,
            labels,
            draw,
        } = batch;
        let ([all, _], [n]) = (images.dims(), labels.dims());
        let scores = self.classifier.forward(seen.clone());
        let known = scores.clone().narrow(0, 0, n);
        let codes = one_hot(labels.clone(), scores.dims()[1]);
        let images = self.see(images, noise);

        let mut bound = None;
        let unlabelled = (all > n).then(|| {
            let query = Query {
                scores: scores.narrow(0, n, all - n),
                inputs: seen.narrow(0, n, all - n),
                draw,
            };
            estimator.estimate(query, &mut |outcomes: Outcomes| {
                let first = Tensor::arange(0..n as i64, &outcomes.rows.device());
                let rows = Tensor::cat(vec![first, outcomes.rows.add_scalar(n as i64)], 0);
                let codes = Tensor::cat(vec![codes.clone(), outcomes.codes.values()], 0);
                let losses = self.negative_elbo(images.select(rows), codes);
                let [total] = losses.dims();
                bound = Some(losses.clone().narrow(0, 0, n));
                losses.narrow(0, n, total - n)
            })
        });
        let bound = bound.unwrap_or_else(|| self.negative_elbo(images, codes));
        SsvaeLosses {
            classification: estimator.mapping().loss(known.clone(), labels),
            scores: known,
            bound,
            unlabelled,
        }
    }

    /// Prepares binarized images `[n, pixels]`, and noise `[n, style]`, for
    /// [`negative_elbo`](Self::negative_elbo).
    pub fn see(&self, images: Tensor<2>, noise: Tensor<2>) -> SeenImages {
        SeenImages {
            hidden: self.inference.see(images.clone()),
            pixels: images,
            noise,
        }
    }

    /// The negative ELBO `[n]`, in nats, of images given their classes `[n, classes]`, with the
    /// uniform prior of the class left out: it is a constant.
    pub fn negative_elbo(&self, images: SeenImages, codes: Tensor<2>) -> Tensor<1> {
        let posterior = self.inference.forward(images.hidden, codes.clone());
        let logits = self
            .generator
            .forward(posterior.sample(images.noise), codes);
        posterior.divergence() - bernoulli_log_likelihood(logits, images.pixels)
    }
}

/// Binarized images as the autoencoder wants them: what does not depend on a class.
#[derive(Debug, Clone)]
pub struct SeenImages {
    /// Of the inference network, `[n, hidden]`.
    hidden: Tensor<2>,
    /// 1 where a pixel is on and 0 where it is off, `[n, pixels]`.
    pixels: Tensor<2>,
    /// Standard normal noise `[n, style]`.
    noise: Tensor<2>,
}

impl SeenImages {
    /// The images at `rows`.
    pub fn select(&self, rows: Tensor<1, Int>) -> Self {
        let pick = |tensor: &Tensor<2>| tensor.clone().select(0, rows.clone());
        Self {
            hidden: pick(&self.hidden),
            pixels: pick(&self.pixels),
            noise: pick(&self.noise),
        }
    }
}
