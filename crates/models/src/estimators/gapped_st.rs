//! The gapped straight-through estimator: scores are moved so that they agree with the sample, without
//! Gumbel noise.
//!
//! A sample z is drawn; its score is lifted to the largest one, and every other score is pushed down
//! until it is below by a gap. The gradient is that of the softmax of the moved scores, at a
//! temperature.
//!
//! Bias: that of a straight-through estimator with the gradient of a relaxation. None in the value or
//! the decoder's gradient. Variance: lower than [ST-Gumbel](super::StGumbel), as nothing but z is random
//! in the gradient. Decoder calls: 1. Source: Fan, Chi, Rudnicky & Ramadge,
//! [Training Discrete Deep Generative Models via Gapped Straight-Through
//! Estimator](https://arxiv.org/abs/2206.07235), 2022.

use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::softmax},
};

use super::{
    Annealing, CategoricalEstimator, Categories, Estimate, EstimatorSettings, LatentFamily,
    Mapping, Outcomes, Query, SettingError,
    samples::{Samples, decode},
    score_function::gradient_of,
};

/// One sample, with the gradient of scores that agree with it.
#[derive(Module, Debug)]
pub struct GappedSt {
    #[module(skip)]
    gap: f64,
    annealing: Annealing,
}

impl GappedSt {
    /// With the gap and the temperature of the settings.
    ///
    /// # Errors
    ///
    /// If the gap is negative; as [`Annealing::new`].
    pub fn new(settings: &EstimatorSettings, device: &Device) -> Result<Self, SettingError> {
        Ok(Self {
            gap: SettingError::not_negative("gap", settings.gap)?,
            annealing: Annealing::new(settings, device)?,
        })
    }
}

impl CategoricalEstimator for GappedSt {
    fn mapping(&self) -> Mapping {
        Mapping::Softmax
    }

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        let scores = query.scores;
        let temperature = self.annealing.temperature(&scores);
        let sample = Samples::draw::<Categories>(scores.clone(), 1, query.draw).codes;
        let chosen = sample.clone().greater_elem(0.5);
        let fixed = scores.clone().detach();
        let below = fixed.clone().max_dim(1) - fixed;
        let lifted = below.clone().mask_fill(chosen.clone().bool_not(), 0.0);
        let pushed = below.neg().add_scalar(self.gap).clamp_min(0.0);
        let moved = scores.clone() + lifted - pushed.mask_fill(chosen, 0.0);
        let codes = sample + gradient_of(softmax(moved / temperature, 1));
        let expected_loss: Tensor<1> = decode(codes, 1, loss).squeeze_dim(1);
        let [decoder_calls] = expected_loss.dims();
        Estimate::new(expected_loss, Categories::entropy(scores), decoder_calls)
    }
}
