//! The Gumbel-softmax relaxation, the Concrete distribution: for bits its binary form.
//!
//! A sample is the mode of scores with noise; the relaxation decodes the mean at a temperature τ
//! instead, `softmax((scores + Gumbel) / τ)` or `sigmoid((scores + logistic) / τ)`, and
//! differentiates through it.
//!
//! Bias: that of the relaxed objective; it vanishes as τ → 0. Variance: low for large τ, without
//! bound as τ → 0. Decoder calls: 1. In evaluation, that is on a device without autodiff, the mode is
//! decoded, which is a sample: the value is then without bias. Sources: Jang, Gu & Poole,
//! [Categorical Reparameterization with Gumbel-Softmax](https://arxiv.org/abs/1611.01144), 2017;
//! Maddison, Mnih & Teh, [The Concrete Distribution](https://arxiv.org/abs/1611.00712), 2017.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::{
    Annealing, AnyFamily, Estimate, EstimatorSettings, LatentFamily, Outcomes, Query, SettingError,
    samples::{decode, noise},
};

/// One relaxed sample.
#[derive(Module, Debug)]
pub struct Gumbel {
    annealing: Annealing,
}

impl Gumbel {
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

impl AnyFamily for Gumbel {
    fn estimate_for<F: LatentFamily>(
        &self,
        query: Query,
        loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
    ) -> Estimate {
        let scores = query.scores;
        let entropy = F::entropy(scores.clone());
        let temperature = self.annealing.temperature(&scores);
        let perturbed = scores.clone() + noise::<F>(&scores, query.draw);
        let codes = if scores.device().is_autodiff() {
            F::mean(perturbed / temperature)
        } else {
            F::mode(perturbed)
        };
        let expected_loss: Tensor<1> = decode(codes, 1, loss).squeeze_dim(1);
        let [decoder_calls] = expected_loss.dims();
        Estimate::new(expected_loss, entropy, decoder_calls)
    }
}
