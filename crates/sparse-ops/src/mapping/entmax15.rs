use burn_core::tensor::Tensor;

use super::Mapping;
use crate::functions::entmax15;

/// [`entmax15`](crate::entmax15()): sparse, with a larger support than
/// [`Sparsemax`](crate::Sparsemax)'s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Entmax15;

impl Mapping for Entmax15 {
    fn probs(&self, scores: Tensor<2>) -> Tensor<2> {
        entmax15(scores, 1)
    }

    fn is_sparse(&self) -> bool {
        true
    }
}
