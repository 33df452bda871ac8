//! Implicit maximum likelihood: perturb and take the mode, and differentiate by the mode of moved
//! scores.
//!
//! The mode z of scores with noise is decoded; in the backward pass the scores go a step λ down the
//! gradient of the loss in z, and the gradient of the scores is `(z − mode(scores − λ ∇ℓ(z) + noise)) /
//! λ`, with the same noise: the sample goes where the loss is less.
//!
//! Bias: for a loss that is linear in the code the gradient is that of a finite difference of step λ,
//! and its bias vanishes as λ → 0; for others it is that of a straight-through estimator besides. None
//! in the value or the decoder's gradient. Variance: grows as 1/λ. Decoder calls: 1. λ is in scores by
//! nats of a row's own loss, however that is weighted in the whole; see
//! [`implicit_mle`](fn@implicit_mle). Source: Niepert, Minervini & Franceschi,
//! [Implicit MLE](https://arxiv.org/abs/2106.01798), 2021.

use burn::{module::Module, tensor::Tensor};
use sparse_ops::implicit_mle;

use super::{
    AnyFamily, Estimate, EstimatorSettings, LatentFamily, Outcomes, Query, SettingError,
    samples::{decode, noise},
};

/// One sample, differentiated by where it would go.
#[derive(Module, Debug)]
pub struct ImplicitMle {
    #[module(skip)]
    step: f64,
}

impl ImplicitMle {
    /// With the step λ of the settings.
    ///
    /// # Errors
    ///
    /// If it is not positive.
    pub fn new(settings: &EstimatorSettings) -> Result<Self, SettingError> {
        let step = SettingError::positive("target-step", settings.target_step)?;
        Ok(Self { step })
    }
}

impl AnyFamily for ImplicitMle {
    fn estimate_for<F: LatentFamily>(
        &self,
        query: Query,
        loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
    ) -> Estimate {
        let scores = query.scores;
        let entropy = F::entropy(scores.clone());
        let structure = F::structure(scores.dims()[1])
            .unwrap_or_else(|error| panic!("i-mle: scores must have a column: {error}"));
        let perturbed = scores.clone() + noise::<F>(&scores, query.draw);
        let sample = implicit_mle(perturbed, &structure, self.step);
        let losses: Tensor<1> = decode(sample.structures, 1, loss).squeeze_dim(1);
        let [decoder_calls] = losses.dims();
        Estimate::new(losses + sample.anchor, entropy, decoder_calls)
    }
}
