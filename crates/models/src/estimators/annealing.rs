use burn::{
    module::{Module, RunningState},
    tensor::{Device, Tensor},
};

use super::{EstimatorSettings, SettingError, running_mean::set};

/// The temperature of a relaxation: `max(floor, exp(−rate · t))` in the estimator's step t.
///
/// The steps are counted by the estimator itself, in training alone: those before its first
/// estimate, of a warm-up for instance, do not cool it. The count is state of the module, so that
/// checkpoints hold it.
///
/// Source of the schedule: Jang, Gu & Poole,
/// [Categorical Reparameterization with Gumbel-Softmax](https://arxiv.org/abs/1611.01144), 2017.
#[derive(Module, Debug)]
pub struct Annealing {
    #[module(skip)]
    floor: f64,
    #[module(skip)]
    rate: f64,
    steps: RunningState<Tensor<1>>,
}

impl Annealing {
    /// From 1 down to the temperature of the settings, by their rate; at rest where that is at
    /// least 1.
    ///
    /// # Errors
    ///
    /// If the temperature is not positive, or the rate is negative.
    pub fn new(settings: &EstimatorSettings, device: &Device) -> Result<Self, SettingError> {
        Ok(Self {
            floor: SettingError::positive("temperature", settings.temperature)?,
            rate: SettingError::not_negative("temperature-rate", settings.temperature_rate)?,
            steps: RunningState::new(Tensor::zeros([1], device)),
        })
    }

    /// The temperature `[1, 1]` of this step; counts the step if `scores` are trained, that is on a
    /// device with autodiff.
    pub fn temperature(&self, scores: &Tensor<2>) -> Tensor<2> {
        let steps = self.steps.value();
        if scores.device().is_autodiff() {
            set(&self.steps, steps.clone().add_scalar(1.0));
        }
        steps
            .mul_scalar(-self.rate)
            .exp()
            .clamp_min(self.floor)
            .unsqueeze_dim(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schedule by its definition, and that steps are counted in training alone.
    #[test]
    fn training_cools_down_to_the_floor_and_evaluation_does_not() {
        let settings = EstimatorSettings {
            temperature: 0.6,
            temperature_rate: 0.2,
            ..EstimatorSettings::default()
        };
        let plain = Device::default();
        let training = plain.clone().autodiff();
        let annealing = Annealing::new(&settings, &training).expect("settings");
        let at = |device: &Device| {
            let temperature = annealing.temperature(&Tensor::zeros([1, 2], device));
            temperature.into_scalar::<f32>()
        };
        for step in 0..5 {
            let want = (-0.2 * f64::from(step)).exp().max(0.6);
            // one f32 exponential
            assert!((f64::from(at(&plain)) - want).abs() < 1e-6);
            assert!((f64::from(at(&training)) - want).abs() < 1e-6);
        }
    }
}
