use burn::tensor::{
    Tensor,
    activation::{log_sigmoid, log_softmax, sigmoid, softmax},
};
use rand::Rng;
use rand_distr::{Distribution, Open01};
use sparse_ops::{BitVector, OneOf, Structure, StructureError};

use super::one_hot;

/// Where log-probabilities stop: below, probabilities are 0 in any dtype, and a product of 0 and
/// −∞ would be NaN.
pub(super) const LEAST_LOG_PROB: f64 = -1e4;

/// A latent family: what scores `[n, size]` say about codes `[n, size]`.
///
/// An estimator that asks for no more than this is written once, for every family.
pub trait LatentFamily: Copy + Send + Sync + 'static {
    /// The set of the codes.
    type Structure: Structure + Clone + 'static;

    /// One number of noise: the [mode](Self::mode) of scores with a number added to each is a
    /// sample.
    fn noise(rng: &mut impl Rng) -> f64;

    /// The most probable codes; not differentiable.
    fn mode(scores: Tensor<2>) -> Tensor<2>;

    /// The expected codes, differentiable: a relaxation of the mode.
    fn mean(scores: Tensor<2>) -> Tensor<2>;

    /// The log-probability `[n]` of codes. It stops at −10,000 for each part.
    fn log_prob(scores: Tensor<2>, codes: Tensor<2>) -> Tensor<1>;

    /// The entropy `[n]`, in nats.
    fn entropy(scores: Tensor<2>) -> Tensor<1>;

    /// The set of the codes of a size.
    ///
    /// # Errors
    ///
    /// If the size is 0.
    fn structure(size: usize) -> Result<Self::Structure, StructureError>;
}

/// One of several classes: one-hot codes, with the softmax of the scores. A score may be −∞.
#[derive(Debug, Clone, Copy)]
pub struct Categories;

impl LatentFamily for Categories {
    type Structure = OneOf;

    /// Standard Gumbel.
    fn noise(rng: &mut impl Rng) -> f64 {
        let u: f64 = Open01.sample(rng);
        -(-u.ln()).ln()
    }

    fn mode(scores: Tensor<2>) -> Tensor<2> {
        let [_, classes] = scores.dims();
        one_hot(scores.argmax(1).squeeze_dim(1), classes)
    }

    fn mean(scores: Tensor<2>) -> Tensor<2> {
        softmax(scores, 1)
    }

    fn log_prob(scores: Tensor<2>, codes: Tensor<2>) -> Tensor<1> {
        let log_probs = log_softmax(scores, 1).clamp_min(LEAST_LOG_PROB);
        (log_probs * codes).sum_dim(1).squeeze_dim(1)
    }

    fn entropy(scores: Tensor<2>) -> Tensor<1> {
        let probs = softmax(scores.clone(), 1);
        Self::log_prob(scores, probs).neg()
    }

    fn structure(size: usize) -> Result<OneOf, StructureError> {
        OneOf::new(size)
    }
}

/// Independent bits: codes of 0 and 1, each on with the sigmoid of its score. Scores are finite.
#[derive(Debug, Clone, Copy)]
pub struct Bits;

impl LatentFamily for Bits {
    type Structure = BitVector;

    /// Standard logistic.
    fn noise(rng: &mut impl Rng) -> f64 {
        let u: f64 = Open01.sample(rng);
        u.ln() - (-u).ln_1p()
    }

    fn mode(scores: Tensor<2>) -> Tensor<2> {
        scores.greater_elem(0.0).float()
    }

    fn mean(scores: Tensor<2>) -> Tensor<2> {
        sigmoid(scores)
    }

    fn log_prob(scores: Tensor<2>, codes: Tensor<2>) -> Tensor<1> {
        let off = codes.clone().neg().add_scalar(1.0);
        let on = log_sigmoid(scores.clone()).clamp_min(LEAST_LOG_PROB) * codes;
        let off = log_sigmoid(scores.neg()).clamp_min(LEAST_LOG_PROB) * off;
        (on + off).sum_dim(1).squeeze_dim(1)
    }

    fn entropy(scores: Tensor<2>) -> Tensor<1> {
        let probs = sigmoid(scores.clone());
        Self::log_prob(scores, probs).neg()
    }

    fn structure(size: usize) -> Result<BitVector, StructureError> {
        BitVector::new(size)
    }
}
