//! The straight-through Gumbel-softmax: a sample is decoded, and differentiated as if it were its
//! relaxation.
//!
//! Bias: none in the value, and none in the gradient of the decoder; that of the scores is taken at
//! the sample instead of the relaxation, on top of the relaxation's own bias. Only the latter is left
//! for a loss that is linear in the code. Variance: as [Gumbel](super::Gumbel). Decoder calls: 1.
//! Source: Jang, Gu & Poole,
//! [Categorical Reparameterization with Gumbel-Softmax](https://arxiv.org/abs/1611.01144), 2017.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::{
    Annealing, AnyFamily, Estimate, EstimatorSettings, LatentFamily, Outcomes, Query, SettingError,
    samples::{decode, noise},
    score_function::gradient_of,
};

/// One sample with the gradient of a relaxed one.
#[derive(Module, Debug)]
pub struct StGumbel {
    annealing: Annealing,
}

impl StGumbel {
    /// With the temperature of the settings.
    ///
    /// # Errors
    ///
    /// As [`Annealing::new`].
    pub fn new(settings: &EstimatorSettings, device: &Device) -> Result<Self, SettingError> {
        let annealing = Annealing::new(settings, device)?;
        Ok(Self { annealing })
    }
}

impl AnyFamily for StGumbel {
    fn estimate_for<F: LatentFamily>(
        &self,
        query: Query,
        loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
    ) -> Estimate {
        let scores = query.scores;
        let entropy = F::entropy(scores.clone());
        let temperature = self.annealing.temperature(&scores);
        let perturbed = scores.clone() + noise::<F>(&scores, query.draw);
        let codes = F::mode(perturbed.clone()) + gradient_of(F::mean(perturbed / temperature));
        let expected_loss: Tensor<1> = decode(codes, 1, loss).squeeze_dim(1);
        let [decoder_calls] = expected_loss.dims();
        Estimate::new(expected_loss, entropy, decoder_calls)
    }
}
