//! Sparse distributions: their supports, packed, and expectations over them.

use burn_core::backend::Dispatch;
use burn_core::tensor::{IndexingUpdateOp, Int, Tensor};

use crate::SparseOps;

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
    outcomes: O,
    support_size: Tensor<1, Int>,
}

impl SparseDistribution<Tensor<1, Int>> {
    /// Packs `[batch, classes]` probabilities: an entry for each one that is not 0, rows and
    /// classes ascending. The outcomes are the classes.
    ///
    /// # Gradient
    ///
    /// [`probs`](Self::probs) is differentiable in `probs`; the choice of the support is not.
    ///
    /// # Numerical behaviour
    ///
    /// A NaN is kept as an entry, so that it reaches the loss instead of vanishing. On a device
    /// only one number is read back, the size of the support.
    pub fn categorical(probs: Tensor<2>) -> Self {
        let [batch, classes] = probs.dims();
        let device = probs.device();
        if batch * classes == 0 {
            let rows = Tensor::<1, Int>::empty([0], &device);
            return Self {
                probs: probs.reshape([0]),
                outcomes: rows.clone(),
                rows,
                support_size: Tensor::zeros([batch], &device),
            };
        }
        let int_dtype = Tensor::<1, Int>::empty([1], &device).dtype().into();
        let dense = probs.clone().detach().into_dispatch();
        let offsets = <Dispatch as SparseOps>::support_offsets(dense.clone(), int_dtype);
        let starts = Tensor::<1, Int>::from_dispatch(offsets.clone());
        let total = starts.clone().narrow(0, batch, 1).into_scalar::<i64>() as usize;
        let (rows, outcomes) = <Dispatch as SparseOps>::support_entries(dense, offsets, total);
        let rows = Tensor::<1, Int>::from_dispatch(rows);
        let outcomes = Tensor::<1, Int>::from_dispatch(outcomes);
        let places = rows.clone() * (classes as i64) + outcomes.clone();
        let support_size = starts.clone().narrow(0, 1, batch) - starts.narrow(0, 0, batch);
        Self {
            probs: probs.reshape([batch * classes]).select(0, places),
            rows,
            outcomes,
            support_size,
        }
    }
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

    /// The outcomes: categories `[total]`, or structures `[total, n]`.
    pub fn outcomes(&self) -> &O {
        &self.outcomes
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
    /// values and in the scores behind the probabilities.
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

    /// The Shannon entropy `[batch]` in nats, differentiable.
    pub fn entropy(&self) -> Tensor<1> {
        self.sum_rows(self.probs() * self.probs().log()).neg()
    }

    fn batch(&self) -> usize {
        self.support_size.dims()[0]
    }

    fn sum_rows(&self, terms: Tensor<1>) -> Tensor<1> {
        let zeros = Tensor::zeros([self.batch()], (&terms.device(), terms.dtype()));
        zeros.select_assign(0, self.rows.clone(), terms, IndexingUpdateOp::Add)
    }
}
