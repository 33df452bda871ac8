use burn::{
    optim::{
        Adam, AdamConfig, AdamState, AdaptiveMomentumState, LearningRate, ModuleOptimizer,
        Optimizer, decay::WeightDecayConfig,
    },
    tensor::{DType, Device, Tensor, TensorData},
};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::backend::is_host;

const BETAS: [f32; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;

/// The optimizer of all three tasks: Adam (Kingma & Ba 2015) with β = (0.9, 0.999) and ε = 10⁻⁸,
/// whose weight decay is a part of the gradient, as in the paper.
///
/// It is Burn's, number by number and in its checkpoints. Burn computes a step in some fifteen
/// operations, each of which reads and writes a tensor of the size of the parameter. A fused backend
/// makes one pass of them; in the memory of the processor, where they take a quarter of a training
/// step of the semi-supervised VAE, one pass is made here.
///
/// In that pass a weight that is nothing becomes 0, and so do subnormal moments. A weight that only its
/// decay moves (that of a pixel which is always off) shrinks by a share of itself in every step, ends
/// among the subnormal numbers, and stays: what is taken from one rounds to nothing. A processor takes
/// a hundred cycles for an operation on such a number, in every product with the weights as in the
/// optimizer, so that a step took three to four times as long after some thousand steps. Graphics
/// processors compute with them at full speed, or have none.
pub(crate) fn adam(weight_decay: Option<f64>) -> ModuleOptimizer {
    ModuleOptimizer::from(OnePassAdam::new(weight_decay.map(|decay| decay as f32)))
}

#[derive(Clone)]
struct OnePassAdam {
    burns: Adam,
    weight_decay: Option<f32>,
}

impl OnePassAdam {
    fn new(weight_decay: Option<f32>) -> Self {
        let config = AdamConfig::new()
            .with_beta_1(BETAS[0])
            .with_beta_2(BETAS[1])
            .with_epsilon(EPSILON)
            .with_weight_decay(weight_decay.map(WeightDecayConfig::new));
        Self {
            burns: config.build(),
            weight_decay,
        }
    }
}

impl Optimizer for OnePassAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let device = tensor.device();
        let single = tensor.dtype() == DType::F32 && grad.dtype() == DType::F32;
        match state {
            Some(AdamState { momentum }) if single && is_host(&device) => {
                let time = momentum.time + 1;
                let mut params = tensor.into_data();
                let mut first = momentum.moment_1.into_data();
                let mut second = momentum.moment_2.into_data();
                let pass = Pass::new(time, lr, self.weight_decay);
                pass.over(
                    numbers(&mut params),
                    numbers(&mut grad.into_data()),
                    numbers(&mut first),
                    numbers(&mut second),
                );
                let tensor = |data| Tensor::from_data(data, (&device, DType::F32));
                let momentum = AdaptiveMomentumState::new(time, tensor(first), tensor(second));
                (tensor(params), Some(AdamState::new(momentum)))
            }
            state => self.burns.step(lr, tensor, grad, state),
        }
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        Adam::to_device(state, device)
    }
}

fn numbers(data: &mut TensorData) -> &mut [f32] {
    data.as_mut_slice().expect("single precision")
}

/// Numbers that a thread updates at a time: some ten microseconds of work.
const PART: usize = 1 << 15;

/// What a step does to each number.
#[derive(Clone, Copy)]
struct Pass {
    weight_decay: Option<f32>,
    lr: f32,
    /// Of the first moment: the corrections of both biases.
    correction: f32,
    epsilon: f32,
}

impl Pass {
    /// That of the step `time`, counted from 1.
    fn new(time: usize, lr: LearningRate, weight_decay: Option<f32>) -> Self {
        let [of_first, of_second] = BETAS.map(|beta| 1.0 - beta.powi(time as i32));
        Self {
            weight_decay,
            lr: lr as f32,
            correction: of_second.sqrt() / of_first,
            epsilon: EPSILON * of_second.sqrt(),
        }
    }

    fn over(self, params: &mut [f32], grads: &[f32], first: &mut [f32], second: &mut [f32]) {
        let arch = Arch::new();
        let on_part = |params, grads, first, second| {
            arch.dispatch(Part {
                pass: self,
                params,
                grads,
                first,
                second,
            });
        };
        // not worth a call to the threads
        if params.len() <= PART {
            return on_part(params, grads, first, second);
        }
        params
            .par_chunks_mut(PART)
            .zip(grads.par_chunks(PART))
            .zip(first.par_chunks_mut(PART))
            .zip(second.par_chunks_mut(PART))
            .for_each(|(((params, grads), first), second)| on_part(params, grads, first, second));
    }
}

/// Some of the numbers.
struct Part<'a> {
    pass: Pass,
    params: &'a mut [f32],
    grads: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl NullaryFnOnce for Part<'_> {
    type Output = ();

    /// In the order in which Burn's operations round.
    #[inline(always)]
    fn call(self) {
        let pass = self.pass;
        let moments = self.first.iter_mut().zip(self.second);
        let numbers = self.params.iter_mut().zip(self.grads).zip(moments);
        for ((param, &grad), (first, second)) in numbers {
            let grad = match pass.weight_decay {
                Some(decay) => *param * decay + grad,
                None => grad,
            };
            *first = no_less(
                f32::MIN_POSITIVE,
                *first * BETAS[0] + grad * (1.0 - BETAS[0]),
            );
            *second = no_less(
                f32::MIN_POSITIVE,
                *second * BETAS[1] + grad * grad * (1.0 - BETAS[1]),
            );
            let update = *first * pass.correction / (second.sqrt() + pass.epsilon);
            *param = no_less(NOTHING, *param - update * pass.lr);
        }
    }
}

/// Weights below this are 0. Beside any other weight they are nothing, and what a decay of 10⁻⁶ and more
/// adds to the mean gradient is still a normal number.
const NOTHING: f32 = 1e-30;

/// The number itself, or 0 where its magnitude is less than `least`.
#[inline(always)]
fn no_less(least: f32, x: f32) -> f32 {
    if x.abs() < least { 0.0 } else { x }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    fn bits(tensor: &Tensor<2>) -> Vec<u32> {
        // which of the NaNs or zeros it is does not matter
        let plain = |x: f32| {
            if x.is_nan() {
                f32::NAN
            } else {
                no_less(NOTHING, x) + 0.0
            }
        };
        tensor
            .to_data()
            .iter::<f32>()
            .map(|x| plain(x).to_bits())
            .collect()
    }

    #[test]
    fn every_bit_is_burns_but_of_what_is_nothing() {
        let device = Device::default();
        if !is_host(&device) {
            return; // both are Burn's there
        }
        device.seed(3);
        for weight_decay in [None, Some(0.01)] {
            let ours = OnePassAdam::new(weight_decay);
            // one part, and three of which the last is short
            for shape in [[7, 5], [211, 401]] {
                let normal = |scale: f64| {
                    Tensor::<2>::random(shape, Distribution::Normal(0.0, scale), &device)
                };
                let start = normal(0.1);
                let (mut param, mut state) = (start.clone(), None);
                let (mut theirs, mut their_state) = (start.clone(), None);
                // gradients that vanish, whose squares are subnormal, and whose squares overflow
                for (step, scale) in [1.0, 1e-3, 0.0, 1e-21, 30.0, 1e25].into_iter().enumerate() {
                    let lr = 1e-3 / (step + 1) as f64;
                    let grad = normal(1.0).mul_scalar(scale);
                    (param, state) = ours.step(lr, param, grad.clone(), state);
                    (theirs, their_state) = ours.burns.step(lr, theirs, grad, their_state);
                    assert_eq!(bits(&param), bits(&theirs), "step {step}");
                }
                assert_ne!(bits(&param), bits(&start));
                let [ours, theirs] = [state, their_state].map(|state| {
                    let momentum = state.map(|state: AdamState<2>| state.momentum);
                    momentum.map(|m| (m.time, bits(&m.moment_1), bits(&m.moment_2)))
                });
                assert_eq!(ours, theirs);
            }
        }
    }

    #[test]
    fn a_weight_that_only_decays_ends_at_zero() {
        let device = Device::default();
        if !is_host(&device) {
            return;
        }
        let ours = OnePassAdam::new(Some(1e-5));
        let is_zero = |tensor: Tensor<1>| tensor.into_data().iter::<f32>().all(|x| x == 0.0);
        let mut weights = Tensor::from_data([0.05f32, -0.02, 1e-6], &device);
        let mut state = None;
        // they shrink by a constant share of themselves in most of the steps
        for _ in 0..3000 {
            let still = weights.zeros_like();
            (weights, state) = ours.step(5e-4, weights, still, state);
        }
        assert!(is_zero(weights.clone()), "{weights}");
        let first = state.map(|state| state.momentum.moment_1);
        assert!(first.is_some_and(is_zero));
    }
}
