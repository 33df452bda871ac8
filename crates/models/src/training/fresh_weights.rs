use std::sync::{Mutex, PoisonError};

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Int, Tensor},
};

/// Makes a module whose random weights follow from `seed` alone, also where several runs begin in one
/// process: a device has one generator for all of them, and a weight is drawn when it is first looked
/// at.
///
/// # Errors
///
/// If `make` fails.
pub fn fresh_weights<M: Module, E>(
    device: &Device,
    seed: u64,
    make: impl FnOnce() -> Result<M, E>,
) -> Result<M, E> {
    static GENERATOR: Mutex<()> = Mutex::new(());
    // a panic while weights are made spoils nothing: the next holder seeds anew
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    device.seed(seed);
    let module = make()?;
    module.visit(&mut Look);
    Ok(module)
}

struct Look;

impl ModuleVisitor for Look {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        param.val();
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        param.val();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::networks::Mlp;

    /// Eight threads that all begin at once.
    #[test]
    fn runs_that_begin_together_have_the_weights_of_their_seeds() {
        let weights = |seed: u64| {
            let device = Device::default();
            let make = || Ok::<_, ()>(Mlp::new(&[7, 5, 3], &device));
            let module = fresh_weights(&device, seed, make).unwrap();
            let values =
                |layer: &burn::nn::Linear| layer.weight.val().into_data().try_to_vec::<f32>();
            module
                .layers
                .iter()
                .map(|layer| values(layer).unwrap())
                .collect::<Vec<_>>()
        };
        let want = [weights(1), weights(2)];
        assert_ne!(want[0], want[1]);
        for _ in 0..20 {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|i| (i % 2, scope.spawn(move || weights(i as u64 % 2 + 1))))
                    .collect();
                for (seed, thread) in threads {
                    assert_eq!(thread.join().unwrap(), want[seed]);
                }
            });
        }
    }
}
