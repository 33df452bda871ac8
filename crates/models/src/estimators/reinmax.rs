//! ReinMax: a straight-through estimator of second order.
//!
//! The difference of two losses `ℓ(i) − ℓ(j)` is approximated by the trapezoid rule,
//! `½ (∇ℓ(i) + ∇ℓ(j))·(i − j)`, where the plain straight-through estimator takes one of the two
//! gradients.
//!
//! Bias: none for losses that are quadratic in the code, of third order for others; none in the value
//! or the decoder's gradient. Variance: that of a straight-through estimator. Decoder calls: 1. The
//! temperature is 1: at others, losses that are quadratic have a bias too. Source: Liu, Dong, Liu, Yu
//! & Gao, [Bridging Discrete and Backpropagation: Straight-Through and
//! Beyond](https://arxiv.org/abs/2304.08612), 2023.

use burn::{
    module::Module,
    tensor::{Tensor, activation::softmax},
};

use super::{
    CategoricalEstimator, Categories, Estimate, LatentFamily, Mapping, Outcomes, Query,
    family::LEAST_LOG_PROB,
    samples::{Samples, decode},
    score_function::gradient_of,
};

/// One sample, with a gradient of second order.
#[derive(Module, Debug, Default)]
pub struct ReinMax {}

impl CategoricalEstimator for ReinMax {
    fn mapping(&self) -> Mapping {
        Mapping::Softmax
    }

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        let scores = query.scores;
        let sample = Samples::draw::<Categories>(scores.clone(), 1, query.draw).codes;
        let probs = softmax(scores.clone().detach(), 1);
        let halfway = (probs.clone() + sample.clone()).mul_scalar(0.5);
        let gradient = softmax_gradient(scores.clone(), halfway).mul_scalar(2.0)
            - softmax_gradient(scores.clone(), probs).mul_scalar(0.5);
        let expected_loss: Tensor<1> = decode(sample + gradient, 1, loss).squeeze_dim(1);
        let [decoder_calls] = expected_loss.dims();
        Estimate::new(expected_loss, Categories::entropy(scores), decoder_calls)
    }
}

/// The value 0, with the Jacobian that softmax has where its value is `probs`: diag(p) − p pᵀ.
fn softmax_gradient(scores: Tensor<2>, probs: Tensor<2>) -> Tensor<2> {
    // a score of −∞, below the greatest by any amount, has no gradient, and no difference from itself
    let greatest = scores.clone().detach().max_dim(1);
    let change = gradient_of((scores - greatest).clamp_min(LEAST_LOG_PROB));
    let mean = (probs.clone() * change.clone()).sum_dim(1);
    probs * (change - mean)
}
