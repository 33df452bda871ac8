use crate::training::Draw;

/// Deterministic annealing: the weight of the rate in what is trained (the β of a β-VAE), from `start` down to 1
/// by equal ratios over the first steps. The other way round than the usual warm-up of the rate.
///
/// Of all distributions q over codes, the one with the least `E_q[−log p(x | z)] − w H(q)` is proportional to
/// `p(x | z)^(1/w)`: the posterior at temperature w under the uniform prior. While that is high, it pays to keep
/// several codes for an image, and their differences are what the encoder learns from: a code outside of a sparse
/// support has no gradient of its own. Source: Ueda & Nakano, [Deterministic annealing EM
/// algorithm](https://doi.org/10.1016/S0893-6080(97)00133-0), 1998.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateWeight {
    /// The weight in the first step.
    pub start: f64,
    /// The steps after which it is 1.
    pub steps: usize,
    /// The steps of an epoch, to count by.
    pub steps_per_epoch: usize,
}

impl RateWeight {
    /// A weight of 1 in every step: the evidence lower bound.
    pub const ONE: Self = Self {
        start: 1.0,
        steps: 0,
        steps_per_epoch: 0,
    };

    /// From `start` down to 1 over the first half of a training.
    pub fn over_half(start: f64, epochs: usize, steps_per_epoch: usize) -> Self {
        Self {
            start,
            steps: epochs * steps_per_epoch / 2,
            steps_per_epoch,
        }
    }

    /// The epochs of such a training in which the weight is above 1 in some step.
    pub(super) fn annealed_epochs(start: f64, epochs: usize) -> usize {
        if start > 1.0 { epochs.div_ceil(2) } else { 0 }
    }

    /// The weight in a step of training.
    pub fn at(&self, draw: Draw) -> f64 {
        let epochs = draw.epoch.saturating_sub(1);
        let done = epochs * self.steps_per_epoch + draw.step.saturating_sub(1);
        if done >= self.steps {
            return 1.0;
        }
        let left = 1.0 - done as f64 / self.steps as f64;
        self.start.powf(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_by_equal_ratios_to_one_and_stays() {
        let weight = RateWeight::over_half(16.0, 4, 4);
        let draw = |epoch, step| Draw {
            seed: 0,
            epoch,
            step,
        };
        let at = |epoch, step| weight.at(draw(epoch, step));
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(at(1, 1), 16.0) && close(at(1, 3), 8.0));
        assert!(close(at(2, 1), 4.0) && close(at(2, 4), 2f64.sqrt()));
        assert!(at(3, 1) == 1.0 && at(9, 2) == 1.0);
        assert_eq!(RateWeight::annealed_epochs(16.0, 4), 2);
        // of an odd number, the middle one begins above 1
        assert!(RateWeight::over_half(16.0, 5, 4).at(draw(3, 1)) > 1.0);
        assert_eq!(RateWeight::annealed_epochs(16.0, 5), 3);
        assert_eq!(RateWeight::annealed_epochs(1.0, 5), 0);
        assert!(RateWeight::ONE.at(draw(1, 1)) == 1.0);
    }
}
