//! The objective: the negative evidence lower bound with a known class, and its expectation over
//! an unknown one.

use burn::tensor::{Int, Tensor, activation::relu};

use super::Ssvae;
use crate::estimators::{CategoricalEstimator, Estimate, Mapping, Outcomes};

/// Images with known classes.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// Binarized images `[n, pixels]`, for the autoencoder.
    pub images: Tensor<2>,
    /// What the classifier sees, `[n, pixels]`: the binarized images or their grey levels.
    pub seen: Tensor<2>,
    /// The classes `[n]`.
    pub labels: Tensor<1, Int>,
    /// Standard normal noise `[n, style]`.
    pub noise: Tensor<2>,
}

/// Images with unknown classes.
#[derive(Debug, Clone)]
pub struct Unlabelled {
    /// Binarized images `[n, pixels]`, for the autoencoder.
    pub images: Tensor<2>,
    /// What the classifier sees, `[n, pixels]`.
    pub seen: Tensor<2>,
    /// Standard normal noise `[n, style]`, the same for all classes of an image: it makes the
    /// estimate no less exact in the class, and compares classes on equal terms.
    pub noise: Tensor<2>,
}

impl Ssvae {
    /// The negative ELBO `[n]`, in nats, of images `[n, pixels]` given their classes
    /// `[n, classes]`, with a uniform prior of the class left out: it is a constant.
    pub fn negative_elbo(
        &self,
        images: Tensor<2>,
        codes: Tensor<2>,
        noise: Tensor<2>,
    ) -> Tensor<1> {
        let posterior = self.inference.forward(images.clone(), codes.clone());
        let logits = self.generator.forward(posterior.sample(noise), codes);
        bernoulli_cross_entropy(logits, images) + posterior.divergence()
    }

    /// The negative ELBO `[n]` of labelled images, and their classification loss `[n]`.
    pub fn labelled(&self, batch: Labelled, mapping: Mapping) -> (Tensor<1>, Tensor<1>) {
        let scores = self.classifier.forward(batch.seen);
        let classes = scores.dims()[1];
        let codes = batch.labels.clone().one_hot::<2>(classes).float();
        let bound = self.negative_elbo(batch.images, codes, batch.noise);
        (bound, mapping.loss(scores, batch.labels))
    }

    /// The estimate of `E_q[−ELBO]` for unlabelled images, with the entropy of q beside it: the
    /// loss of an image is `expected_loss − entropy`.
    pub fn unlabelled(&self, batch: Unlabelled, estimator: &dyn CategoricalEstimator) -> Estimate {
        let scores = self.classifier.forward(batch.seen);
        estimator.estimate(scores, &mut |Outcomes { rows, codes }| {
            let images = batch.images.clone().select(0, rows.clone());
            self.negative_elbo(images, codes, batch.noise.clone().select(0, rows))
        })
    }
}

/// `−log p(x)` `[n]` of Bernoulli pixels given their logits, both `[n, pixels]`:
/// `max(l, 0) − l x + log(1 + e^{−|l|})`, finite for any finite logit.
fn bernoulli_cross_entropy(logits: Tensor<2>, images: Tensor<2>) -> Tensor<1> {
    let terms = relu(logits.clone()) - logits.clone() * images + logits.abs().neg().exp().log1p();
    terms.sum_dim(1).squeeze_dim(1)
}
