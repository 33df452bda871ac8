//! Sparse distributions: their supports, packed, and expectations over them.

mod categorical;
mod structured;

use std::sync::{Arc, LazyLock};

use burn_core::tensor::{DType, IndexingUpdateOp, Int, Tensor};

use crate::candidates::{CandidateSet, Omitted};
use crate::sparsemap::{Certificate, Solution, SolveStatus};

/// The supported outcomes of a batch of sparse distributions, packed: entry `i` belongs to batch
/// row `rows[i]`.
///
/// This is what makes exact marginalization cheap. A model evaluates its loss for the supported
/// outcomes only, all of them in one call, and [`expect`](Self::expect) gives the exact expectation
/// of each batch row:
///
/// ```
/// use burn_core::tensor::Tensor;
/// use sparse_ops::{SparseDistribution, sparsemax};
///
/// let scores = Tensor::<2>::from_floats([[1.0, 0.5, -1.0], [3.0, 0.0, 0.0]], &Default::default());
/// let q = SparseDistribution::categorical(sparsemax(scores, 1));
/// assert_eq!(q.outcomes().to_data().iter::<i64>().collect::<Vec<_>>(), [0, 1, 0]);
///
/// let loss = q.outcomes().clone().float() * 8.0; // one evaluation for each supported outcome
/// assert_eq!(q.expect(loss).into_data().to_vec::<f32>().unwrap(), [2.0, 0.0]);
/// ```
#[derive(Debug, Clone)]
pub struct SparseDistribution<O> {
    probs: Tensor<1>,
    rows: Tensor<1, Int>,
    outcomes: Outcomes<O>,
    support_size: Tensor<1, Int>,
    origin: Origin,
}

/// Outcomes, made when they are first asked for: those of structures may be far larger than all
/// the rest, and marginals do without.
type Outcomes<O> = Arc<LazyLock<O, Box<dyn FnOnce() -> O + Send>>>;

fn outcomes<O>(make: impl FnOnce() -> O + Send + 'static) -> Outcomes<O> {
    Arc::new(LazyLock::new(Box::new(make)))
}

/// The least positive number of full precision.
fn least_normal(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 6.104e-5,
        // bf16 and f32 have the same exponents, and no f64 device does without f32's
        _ => f64::from(f32::MIN_POSITIVE),
    }
}

/// What a distribution was made of.
#[derive(Debug, Clone)]
enum Origin {
    /// Given probabilities.
    Probs,
    /// SparseMAP.
    Solved {
        scores: Box<Tensor<2>>,
        solution: Arc<Solution>,
    },
    /// A mapping over candidates; whether it is a sparse one.
    Candidates {
        candidates: Arc<CandidateSet>,
        sparse: bool,
    },
}

impl<O> SparseDistribution<O> {
    /// The probabilities `[total]` of the entries: positive, summing to 1 over each row,
    /// differentiable.
    pub fn probs(&self) -> Tensor<1> {
        self.probs.clone()
    }

    /// The batch row `[total]` of each entry, ascending.
    pub fn rows(&self) -> Tensor<1, Int> {
        self.rows.clone()
    }

    /// The outcomes: categories `[total]`, or structures `[total, n]` of 0 and 1. Structures are
    /// written into a tensor when they are first asked for.
    pub fn outcomes(&self) -> &O {
        &self.outcomes
    }

    /// How the solution of each batch row ended, for distributions over structures; empty for
    /// others.
    pub fn solve_status(&self) -> &[SolveStatus] {
        match &self.origin {
            Origin::Probs => &[],
            Origin::Solved { solution, .. } => &solution.status,
            Origin::Candidates { candidates, .. } => &candidates.status,
        }
    }

    /// How good the solution of each batch row is, for distributions of
    /// [`sparsemap`](crate::sparsemap()); empty for others.
    pub fn certificates(&self) -> &[Certificate] {
        match &self.origin {
            Origin::Solved { solution, .. } => &solution.certificates,
            Origin::Probs | Origin::Candidates { .. } => &[],
        }
    }

    /// Whether each batch row is known to be what it would be over *all* outcomes.
    ///
    /// - Given probabilities: always.
    /// - SparseMAP: where it has converged.
    /// - Candidates: where they are the whole set (k best, if there are fewer than k), whatever the
    ///   mapping; with a sparse mapping also where no other structure scores more than a candidate
    ///   and the support is smaller than the candidates are many (k best, if it is smaller than k).
    ///   Of the MAP structure and its neighbours neither is known, so never. A probability that rounding
    ///   makes 0, as entmax's with α near 1 in a short dtype, counts as 0.
    ///
    /// The support sizes are read back for candidates.
    pub fn is_exact(&self) -> Vec<bool> {
        match &self.origin {
            Origin::Probs => vec![true; self.batch()],
            Origin::Solved { solution, .. } => {
                let status = solution.status.iter();
                status.map(|s| *s == SolveStatus::Converged).collect()
            }
            Origin::Candidates { candidates, sparse } => {
                let sizes = self.support_size.to_data();
                let rows = sizes.iter::<i64>().zip(&candidates.omitted).enumerate();
                rows.map(|(row, (size, omitted))| match omitted {
                    Omitted::Nothing => true,
                    Omitted::NoBetter => *sparse && (size as usize) < candidates.entries(row).len(),
                    Omitted::Unknown => false,
                })
                .collect()
            }
        }
    }

    /// The number of entries `[batch]` of each row.
    pub fn support_size(&self) -> Tensor<1, Int> {
        self.support_size.clone()
    }

    /// The batch row of every entry: `[batch, ..]` to `[total, ..]`. Its gradient sums the entries
    /// of each row.
    ///
    /// # Panics
    ///
    /// If the first dimension is not the batch.
    pub fn repeat<const D: usize>(&self, batch: Tensor<D>) -> Tensor<D> {
        let (given, wanted) = (batch.dims()[0], self.batch());
        assert!(
            given == wanted,
            "SparseDistribution::repeat: the first dimension must be the batch, {wanted}, got {given}"
        );
        batch.select(0, self.rows.clone())
    }

    /// The expectation `[batch]` of `values` `[total]`, one for each entry. Differentiable in the
    /// values and in the scores behind the probabilities. A batch row without an entry has 0; a NaN
    /// stays in its own row.
    ///
    /// # Panics
    ///
    /// If there is not one value for each entry.
    pub fn expect(&self, values: Tensor<1>) -> Tensor<1> {
        let (given, wanted) = (values.dims()[0], self.probs.dims()[0]);
        assert!(
            given == wanted,
            "SparseDistribution::expect: one value for each of the {wanted} entries, got {given}"
        );
        self.sum_rows(self.probs() * values)
    }

    /// The Shannon entropy `[batch]` in nats, differentiable: 0 for a batch row without an entry, NaN for
    /// one with a NaN.
    ///
    /// The logarithm stops at the least normal number of the dtype: the derivative of a softmax
    /// probability below that would overflow.
    pub fn entropy(&self) -> Tensor<1> {
        let least = least_normal(self.probs.dtype());
        self.sum_rows(self.probs() * self.probs().clamp_min(least).log())
            .neg()
    }

    fn batch(&self) -> usize {
        self.support_size.dims()[0]
    }

    fn sum_rows(&self, terms: Tensor<1>) -> Tensor<1> {
        let zeros = Tensor::zeros([self.batch()], (&terms.device(), terms.dtype()));
        zeros.select_assign(0, self.rows.clone(), terms, IndexingUpdateOp::Add)
    }
}
