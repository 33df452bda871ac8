//! Several samples, each with the mean loss of the others as baseline.
//!
//! What is estimated is the plain expectation `E_q[ℓ]`, by the mean over m samples. The leave-one-out
//! baseline is that of VIMCO; the objective of its source is a bound, the logarithm of a mean over the
//! samples, where the contribution of a sample has to be taken out by an average of the others. For
//! an expectation nothing remains of that but `ℓ_j − mean of the other ℓ`: REINFORCE with
//! leave-one-out baselines.
//!
//! Bias: none. Variance: falls as 1/m, with a baseline that is better the more samples there are.
//! Decoder calls: m. Sources: Mnih & Rezende,
//! [Variational Inference for Monte Carlo Objectives](https://arxiv.org/abs/1602.06725), 2016; Kool,
//! van Hoof & Welling, [Buy 4 REINFORCE Samples, Get a Baseline for
//! Free!](https://openreview.net/forum?id=r1lgTGL5DE), 2019.

use burn::{module::Module, tensor::Tensor};

use super::{
    AnyFamily, Estimate, EstimatorSettings, LatentFamily, Outcomes, Query, SettingError,
    samples::Samples, score_function::score_function,
};

/// Independent samples that are each other's baselines.
#[derive(Module, Debug)]
pub struct Vimco {
    #[module(skip)]
    samples: usize,
}

impl Vimco {
    /// With as many samples as the settings say.
    ///
    /// # Errors
    ///
    /// If there are fewer than 2, nothing is left for a baseline; more than 4,096 are refused too.
    pub fn new(settings: &EstimatorSettings) -> Result<Self, SettingError> {
        let samples = settings.samples;
        if !(2..=4096).contains(&samples) {
            let allowed = "from 2, for a leave-one-out baseline, to 4096";
            return Err(SettingError::new("samples", samples, allowed));
        }
        Ok(Self { samples })
    }
}

impl AnyFamily for Vimco {
    fn estimate_for<F: LatentFamily>(
        &self,
        query: Query,
        loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
    ) -> Estimate {
        let entropy = F::entropy(query.scores.clone());
        let samples = Samples::draw::<F>(query.scores, self.samples, query.draw);
        let losses = samples.decode(loss);
        let [batch, count] = losses.dims();
        let others = losses.clone().sum_dim(1) - losses.clone();
        let baseline = others.div_scalar(count as f64 - 1.0);
        let log_prob = samples.log_prob::<F>().reshape([batch, count]);
        let expected_loss = score_function(losses, baseline, log_prob).mean_dim(1);
        Estimate::new(expected_loss.squeeze_dim(1), entropy, batch * count)
    }
}
