use burn::{
    module::{Module, RunningState},
    tensor::{Device, Tensor},
};

/// The least weight of a new batch: the mean forgets what lies more than a hundred steps back.
const LEAST_WEIGHT: f64 = 0.01;

/// The running mean of the losses of the steps before: of all of them for the first hundred steps,
/// exponentially weighted from then on.
///
/// It is state of the module, without gradient: checkpoints hold it. It moves in training alone,
/// that is on devices with autodiff.
#[derive(Module, Debug)]
pub struct RunningMean {
    /// The mean, and the number of steps behind it.
    state: RunningState<Tensor<1>>,
}

impl RunningMean {
    /// Before the first step: the mean is 0.
    pub fn new(device: &Device) -> Self {
        Self {
            state: RunningState::new(Tensor::zeros([2], device)),
        }
    }

    /// The mean `[1]`.
    pub fn value(&self) -> Tensor<1> {
        self.state.value().narrow(0, 0, 1)
    }

    /// Takes in the losses of a step.
    pub fn update<const D: usize>(&self, losses: &Tensor<D>) {
        if !losses.device().is_autodiff() || losses.shape().num_elements() == 0 {
            return;
        }
        let state = self.state.value();
        let (mean, steps) = (state.clone().narrow(0, 0, 1), state.narrow(0, 1, 1));
        let steps = steps.add_scalar(1.0);
        let weight = steps.clone().recip().clamp_min(LEAST_WEIGHT);
        let new = losses.clone().detach().mean();
        let mean = mean.clone() + weight * (new - mean);
        set(&self.state, Tensor::cat(vec![mean, steps], 0));
    }
}

/// Sets a state at once: what waits for other threads would miss the next checkpoint.
pub(super) fn set(state: &RunningState<Tensor<1>>, value: Tensor<1>) {
    state.update(value.detach());
    state.value_sync();
}
