//! Estimators of `E_{q(z)}[loss(z)]` for a categorical z, and of its gradient.
//!
//! One estimator a file, behind one trait: an estimator knows no task and a task no estimator.
//! [`Estimator`] is the list of them all.

mod marginalize;
mod method;
mod outcomes;

use burn::{module::Module, tensor::Tensor};

pub use marginalize::{Mapping, Marginalize};
pub use method::{Method, UnknownMethod};
pub use outcomes::{Outcomes, one_hot};

use crate::training::Draw;

/// What an estimator is asked about.
#[derive(Debug, Clone)]
pub struct Query {
    /// The scores `[batch, classes]` that parametrize the distributions q.
    pub scores: Tensor<2>,
    /// What the scores were computed from, `[batch, features]`: learned baselines look at it.
    pub inputs: Tensor<2>,
    /// The step, from which all random numbers follow.
    pub draw: Draw,
}

/// What an estimator makes of scores and losses.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// The surrogate `[batch]` of the expected loss: its value estimates the expectation, its
    /// gradient the gradient of the expectation.
    pub expected_loss: Tensor<1>,
    /// The entropy `[batch]` of the distribution, in nats.
    pub entropy: Tensor<1>,
    /// The number of outcomes that were decoded, all rows together.
    pub decoder_calls: usize,
}

/// An estimator for categorical latent variables.
///
/// It is a [`Module`], so that what it learns (a baseline, say) is trained and saved with the model.
pub trait CategoricalEstimator: Module {
    /// The mapping that makes probabilities of the scores.
    fn mapping(&self) -> Mapping;

    /// Estimates the expectation of `loss` for the distributions of the query.
    ///
    /// `loss` is called once, with all outcomes of all rows, and gives a loss for each entry,
    /// `[total]`.
    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate;
}

/// Any of the estimators for categorical latent variables.
#[derive(Module, Debug)]
pub enum Estimator {
    /// Every outcome of positive probability.
    Marginalize(Marginalize),
}

impl CategoricalEstimator for Estimator {
    fn mapping(&self) -> Mapping {
        match self {
            Self::Marginalize(estimator) => estimator.mapping(),
        }
    }

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        match self {
            Self::Marginalize(estimator) => estimator.estimate(query, loss),
        }
    }
}
