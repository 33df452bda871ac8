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
