//! Distributions over categories.

use burn_core::backend::Dispatch;
use burn_core::tensor::{DType, Int, Tensor};

use super::{Origin, SparseDistribution, outcomes};
use crate::SparseOps;

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
    ///
    /// # Panics
    ///
    /// If there are more probabilities than the device's integers count.
    pub fn categorical(probs: Tensor<2>) -> Self {
        let [batch, classes] = probs.dims();
        let device = probs.device();
        if batch * classes == 0 {
            let none = Tensor::<1, Int>::empty([0], &device);
            return Self {
                probs: probs.reshape([0]),
                rows: none.clone(),
                outcomes: outcomes(|| none),
                support_size: Tensor::zeros([batch], &device),
                origin: Origin::Probs,
            };
        }
        let int_dtype = Tensor::<1, Int>::empty([1], &device).dtype();
        let most = match int_dtype {
            DType::I32 => i32::MAX as usize,
            _ => usize::MAX,
        };
        assert!(
            batch * classes <= most,
            "SparseDistribution::categorical: probabilities of shape [{batch}, {classes}] are more than the {most} that {int_dtype:?} counts"
        );
        let int_dtype = int_dtype.into();
        let dense = probs.clone().detach().into_dispatch();
        let offsets = <Dispatch as SparseOps>::support_offsets(dense.clone(), int_dtype);
        let starts = Tensor::<1, Int>::from_dispatch(offsets.clone());
        let total = starts.clone().narrow(0, batch, 1).into_scalar::<i64>() as usize;
        let (rows, chosen) = <Dispatch as SparseOps>::support_entries(dense, offsets, total);
        let rows = Tensor::<1, Int>::from_dispatch(rows);
        let chosen = Tensor::<1, Int>::from_dispatch(chosen);
        let places = rows.clone() * (classes as i64) + chosen.clone();
        let support_size = starts.clone().narrow(0, 1, batch) - starts.narrow(0, 0, batch);
        Self {
            probs: probs.reshape([batch * classes]).select(0, places),
            rows,
            outcomes: outcomes(|| chosen),
            support_size,
            origin: Origin::Probs,
        }
    }
}
