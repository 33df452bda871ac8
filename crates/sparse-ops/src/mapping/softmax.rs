use burn_core::tensor::Tensor;

use super::Mapping;
use crate::functions::entmax;

/// Softmax: dense. A probability of 0 is a rounded one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Softmax;

impl Mapping for Softmax {
    fn probs(&self, scores: Tensor<2>) -> Tensor<2> {
        entmax(scores, 1.0, 1)
    }

    fn is_sparse(&self) -> bool {
        false
    }
}
