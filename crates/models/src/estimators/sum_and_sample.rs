//! The k most probable classes summed, and one sample of the rest, weighted by the rest's mass.
//!
//! Bias: none. Variance: that of the score function with the same baseline, less what the summed
//! classes have of it: none left when the distribution is concentrated on k classes. The baseline of
//! the rest is the mean of the row's summed losses, which costs nothing. Decoder calls: k + 1.
//! Source: Liu, Regier, Tripuraneni, Jordan & McAuliffe,
//! [Rao-Blackwellized Stochastic Gradients for Discrete
//! Distributions](https://arxiv.org/abs/1810.04777), 2019.

use burn::{
    module::Module,
    tensor::{Tensor, activation::softmax},
};

use super::{
    CategoricalEstimator, Categories, Estimate, EstimatorSettings, LatentFamily, Mapping, Outcomes,
    Query, SettingError, one_hot,
    samples::{decode, noise},
    score_function::gradient_of,
};

/// A sum over the k most probable classes, and a sample of the others.
#[derive(Module, Debug)]
pub struct SumAndSample {
    #[module(skip)]
    k: usize,
}

impl SumAndSample {
    /// Sums `settings.k` of `classes`, 1 by default.
    ///
    /// # Errors
    ///
    /// If k is 0, or no class is left to sample.
    pub fn new(settings: &EstimatorSettings, classes: usize) -> Result<Self, SettingError> {
        let k = settings.k.unwrap_or(1);
        if k == 0 || k >= classes {
            let allowed = format!(
                "at least 1 and less than the number of categories, {classes}, for sum-and-sample"
            );
            return Err(SettingError::new("k", k, allowed));
        }
        Ok(Self { k })
    }
}

impl CategoricalEstimator for SumAndSample {
    fn mapping(&self) -> Mapping {
        Mapping::Softmax
    }

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        let (scores, k) = (query.scores, self.k);
        let [batch, classes] = scores.dims();
        let fixed = scores.clone().detach();
        let best = fixed.clone().argtopk(k, 1);
        let summed = one_hot(best.clone().reshape([batch * k]), classes)
            .reshape([batch, k, classes])
            .sum_dim(1)
            .squeeze_dim::<2>(1)
            .greater_elem(0.5);
        let perturbed = fixed + noise::<Categories>(&scores, query.draw);
        // a finite number, as WGSL has no −∞
        let perturbed = perturbed.mask_fill(summed.clone(), f32::MIN);
        let chosen = Tensor::cat(vec![best.clone(), perturbed.argmax(1)], 1);
        let codes = one_hot(chosen.reshape([batch * (k + 1)]), classes);

        let losses = decode(codes.clone(), k + 1, loss);
        let (sum_losses, sample_loss) = (losses.clone().narrow(1, 0, k), losses.narrow(1, k, 1));
        let probs = softmax(scores.clone(), 1);
        let sum_probs = probs.clone().gather(1, best);
        let mass = probs.mask_fill(summed, 0.0).sum_dim(1);
        let sample = codes.reshape([batch, k + 1, classes]).narrow(1, k, 1);
        let log_prob = Categories::log_prob(scores.clone(), sample.squeeze_dim(1));

        // With w = Σ q over the rest and z ~ q/w there, w·E[ℓ ∇ log q(z)] = Σ ℓ ∇q; the same with
        // a constant b for ℓ is b ∇w, so that b may be taken out here and added there.
        let sum = (sum_probs.clone() * sum_losses.clone()).sum_dim(1);
        let baseline = (sum.clone() / sum_probs.sum_dim(1)).detach();
        let signal = (sample_loss.clone() - baseline.clone()).detach();
        let sampled = sample_loss + signal * gradient_of(log_prob).unsqueeze_dim(1);
        let rest = mass.clone().detach() * sampled + baseline * gradient_of(mass);
        Estimate::new(
            (sum + rest).squeeze_dim(1),
            Categories::entropy(scores),
            batch * (k + 1),
        )
    }
}
