//! Exact marginalization over bit vectors: every code of positive probability is decoded.
//!
//! No bias and no variance, in the expectation over the distribution that the method defines.
//! Decoder calls: its support, at most k codes of the k best, and at most one more than there are bits
//! otherwise. Source: Correia, Niculae, Aziz & Martins,
//! [Efficient Marginalization of Discrete and Structured Latent Variables via
//! Sparsity](https://arxiv.org/abs/2007.01919), 2020.

use burn::{module::Module, tensor::Tensor};
use sparse_ops::{
    BitVector, Budget, SparseDistribution, SparseMapOptions, local_entmax15, local_sparsemax,
    sparsemap, topk_sparsemax,
};

use super::{
    BitVectorEstimator, Codes, Estimate, EstimatorSettings, Outcomes, Query, SettingError,
};

/// A sparse distribution over bit vectors.
#[derive(Debug, Clone, PartialEq)]
pub enum BitDistribution {
    /// Over the most probable code and its neighbours; see [`local_sparsemax`](fn@local_sparsemax).
    LocalSparsemax(BitVector),
    /// The same with more neighbours; see [`local_entmax15`](fn@local_entmax15).
    LocalEntmax15(BitVector),
    /// Over the k best codes; see [`topk_sparsemax`](fn@topk_sparsemax).
    TopKSparsemax(BitVector, usize),
    /// See [`sparsemap`](fn@sparsemap).
    SparseMap(BitVector),
    /// SparseMAP over codes with a limited number of ones.
    SparseMapBudget(Budget),
}

impl BitDistribution {
    /// The distributions of scores `[batch, bits]`.
    ///
    /// # Panics
    ///
    /// If there are not as many scores as bits.
    pub fn of(&self, scores: Tensor<2>) -> SparseDistribution<Tensor<2>> {
        let options = SparseMapOptions::default();
        match self {
            Self::LocalSparsemax(bits) => local_sparsemax(scores, bits),
            Self::LocalEntmax15(bits) => local_entmax15(scores, bits),
            Self::TopKSparsemax(bits, k) => topk_sparsemax(scores, bits, *k),
            Self::SparseMap(bits) => sparsemap(scores, bits, &options),
            Self::SparseMapBudget(budget) => sparsemap(scores, budget, &options),
        }
    }
}

/// The exact expectation over the support of a distribution over bit vectors.
#[derive(Module, Debug)]
pub struct MarginalizeBits {
    #[module(skip)]
    distribution: BitDistribution,
}

impl MarginalizeBits {
    /// Over the support of `distribution`.
    pub fn new(distribution: BitDistribution) -> Self {
        Self { distribution }
    }

    /// Over the `settings.k` best codes, 10 by default.
    ///
    /// # Errors
    ///
    /// If k or the number of bits is 0; more than 65,536 codes are refused too.
    pub fn topk_sparsemax(settings: &EstimatorSettings, bits: usize) -> Result<Self, SettingError> {
        let k = settings.k.unwrap_or(10);
        if !(1..=1 << 16).contains(&k) {
            let allowed = "from 1 to 65536 for topk-sparsemax";
            return Err(SettingError::new("k", k, allowed));
        }
        let distribution = BitDistribution::TopKSparsemax(bit_vector(bits)?, k);
        Ok(Self::new(distribution))
    }

    /// Over all codes with at most `settings.budget` ones, by default half of the bits.
    ///
    /// # Errors
    ///
    /// If the budget is 0 or above the number of bits.
    pub fn sparsemap_budget(
        settings: &EstimatorSettings,
        bits: usize,
    ) -> Result<Self, SettingError> {
        let most = settings.budget.unwrap_or(bits.div_ceil(2));
        let budget = Budget::new(bits, most).map_err(|_| {
            SettingError::new("budget", most, format!("in 1..={bits}, the number of bits"))
        })?;
        Ok(Self::new(BitDistribution::SparseMapBudget(budget)))
    }

    /// What `distribution` makes of all codes of a number of bits.
    ///
    /// # Errors
    ///
    /// If the number of bits is 0.
    pub fn over(
        distribution: fn(BitVector) -> BitDistribution,
        bits: usize,
    ) -> Result<Self, SettingError> {
        Ok(Self::new(distribution(bit_vector(bits)?)))
    }
}

fn bit_vector(bits: usize) -> Result<BitVector, SettingError> {
    BitVector::new(bits).map_err(|_| SettingError::new("bits", bits, "at least 1"))
}

impl BitVectorEstimator for MarginalizeBits {
    fn distribution(&self) -> Option<&BitDistribution> {
        Some(&self.distribution)
    }

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        let q = self.distribution.of(query.scores);
        let losses = loss(Outcomes {
            rows: q.rows(),
            codes: Codes::Values(q.outcomes().clone()),
        });
        let [decoder_calls] = losses.dims();
        Estimate::new(q.expect(losses), q.entropy(), decoder_calls)
    }
}
