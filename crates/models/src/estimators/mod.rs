//! Estimators of `E_{q(z)}[loss(z)]` for a discrete z, and of its gradient.
//!
//! Three things are apart: the latent family ([`LatentFamily`]: categories, bit vectors), the
//! estimator, one a file, and the task, which gives scores and a loss. An estimator knows no task and a
//! task no estimator; one that asks no more of a family than samples, log-probabilities or a relaxation
//! is written once for all families ([`AnyFamily`]). [`Method`] and [`BitMethod`] list them by name,
//! and [`Estimator`] and [`BitEstimator`] are any of them.
//!
//! | method | families | bias of the gradient | variance | decoder calls |
//! |---|---|---|---|---|
//! | `softmax`, `sparsemax`, `entmax15` | categories | none | none | the support |
//! | `topk-sparsemax`, `local-sparsemax`, `local-entmax15`, `sparsemap`, `sparsemap-budget` | bits | none | none | the support |
//! | `sfe` | both | none | high | 1 |
//! | `sfe-plus` | both | none | high, less where examples differ | 2 |
//! | `nvil` | both | none | less, as far as the baseline is learned | 1 |
//! | `vimco` | both | none | falls with the samples m | m |
//! | `disarm` | bits | none | low for uncertain bits | 2 |
//! | `sum-and-sample` | categories | none | that of the rest's mass | k + 1 |
//! | `unordered-set` | categories | none | below that of k samples | k |
//! | `reinmax` | categories | of third order | that of straight-through | 1 |
//! | `gumbel`, `st-gumbel` | both | vanishes, or is less, as τ → 0 | grows as τ → 0 | 1 |
//! | `gapped-st` | categories | that of straight-through | the same | 1 |
//! | `i-mle` | both | of a finite difference λ, and of straight-through | grows as 1/λ | 1 |
//!
//! A step trains where its scores are on a device with autodiff. Elsewhere it evaluates: running means
//! and temperatures stay as they are, and every method decodes as many outcomes as in training, none of
//! them relaxed, so that the value has no bias: exact for the exact methods, a sample's for the others.

mod annealing;
mod disarm;
mod family;
mod gapped_st;
mod gumbel;
mod i_mle;
mod marginalize;
mod marginalize_bits;
mod method;
mod nvil;
mod outcomes;
mod reinmax;
mod running_mean;
mod samples;
mod score_function;
mod settings;
mod sfe;
mod sfe_plus;
mod st_gumbel;
mod sum_and_sample;
mod unordered_set;
mod vimco;
mod without_replacement;

use burn::{module::Module, tensor::Tensor};

pub use annealing::Annealing;
pub use disarm::Disarm;
pub use family::{Bits, Categories, LatentFamily};
pub use gapped_st::GappedSt;
pub use gumbel::Gumbel;
pub use i_mle::ImplicitMle;
pub use marginalize::{Mapping, Marginalize};
pub use marginalize_bits::{BitDistribution, MarginalizeBits};
pub use method::{BitEstimator, BitMethod, Estimator, Method, Setup, UnknownMethod};
pub use nvil::Nvil;
pub use outcomes::{Codes, Outcomes, one_hot};
pub use reinmax::ReinMax;
pub use running_mean::RunningMean;
pub use settings::{EstimatorSettings, SettingError, UnreadSetting};
pub use sfe::Sfe;
pub use sfe_plus::SfePlus;
pub use st_gumbel::StGumbel;
pub use sum_and_sample::SumAndSample;
pub use unordered_set::UnorderedSet;
pub use vimco::Vimco;

use crate::training::Draw;

/// What an estimator is asked about.
#[derive(Debug, Clone)]
pub struct Query {
    /// The scores `[batch, classes]` or `[batch, bits]` that parametrize the distributions q.
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
    /// The loss `[batch]` of a baseline that is learned: to be added to the loss of the task, whose
    /// networks get no gradient from it.
    pub baseline_loss: Option<Tensor<1>>,
}

impl Estimate {
    /// An estimate without a learned baseline.
    pub fn new(expected_loss: Tensor<1>, entropy: Tensor<1>, decoder_calls: usize) -> Self {
        Self {
            expected_loss,
            entropy,
            decoder_calls,
            baseline_loss: None,
        }
    }
}

/// An estimator for categorical latent variables.
///
/// It is a [`Module`], so that what it learns (a baseline, say) is trained and saved with the model.
pub trait CategoricalEstimator: Module {
    /// The mapping that makes probabilities of the scores.
    fn mapping(&self) -> Mapping;

    /// Whether the estimate of a row is its exact expectation, and so follows from that row alone: then
    /// the rows of a batch may be estimated apart.
    fn is_exact(&self) -> bool {
        false
    }

    /// Estimates the expectation of `loss` for the distributions of the query.
    ///
    /// `loss` is called once, with all outcomes of all rows, and gives a loss for each entry,
    /// `[total]`.
    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate;
}

/// An estimator for latent vectors of bits.
pub trait BitVectorEstimator: Module {
    /// The sparse distribution that the scores parametrize; `None` where the bits are independent,
    /// each on with the sigmoid of its score.
    fn distribution(&self) -> Option<&BitDistribution>;

    /// Estimates the expectation of `loss` for the distributions of the query: its scores are
    /// `[batch, bits]`, and the codes `[total, bits]` that `loss` gets are 0 and 1, or relaxed.
    ///
    /// `loss` is called once, with all outcomes of all rows.
    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate;
}

/// An estimator that is the same for every latent family. The probabilities are those of the
/// family: the softmax of scores, the sigmoid of each.
pub trait AnyFamily: Module {
    /// As [`CategoricalEstimator::estimate`], for the family `F`.
    fn estimate_for<F: LatentFamily>(
        &self,
        query: Query,
        loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
    ) -> Estimate;
}

impl<E: AnyFamily> CategoricalEstimator for E {
    fn mapping(&self) -> Mapping {
        Mapping::Softmax
    }

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        self.estimate_for::<Categories>(query, loss)
    }
}

impl<E: AnyFamily> BitVectorEstimator for E {
    fn distribution(&self) -> Option<&BitDistribution> {
        None
    }

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        self.estimate_for::<Bits>(query, loss)
    }
}
