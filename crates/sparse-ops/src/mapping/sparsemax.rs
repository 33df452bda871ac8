use burn_core::tensor::Tensor;

use super::Mapping;
use crate::functions::sparsemax;

/// [`sparsemax`](crate::sparsemax()): the sparsest of the three that have a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sparsemax;

impl Mapping for Sparsemax {
    fn probs(&self, scores: Tensor<2>) -> Tensor<2> {
        sparsemax(scores, 1)
    }

    fn is_sparse(&self) -> bool {
        true
    }
}
