use burn_core::tensor::Tensor;

use super::Mapping;
use crate::functions::{check, entmax};

/// [`entmax`](crate::entmax()) of any α ≥ 1: sparse for α > 1, the more so the larger α is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entmax {
    alpha: f64,
}

impl Entmax {
    /// α-entmax.
    ///
    /// # Panics
    ///
    /// If `alpha` is below 1, infinite or NaN.
    pub fn new(alpha: f64) -> Self {
        check::alpha("Entmax", alpha);
        Self { alpha }
    }
}

impl Mapping for Entmax {
    fn probs(&self, scores: Tensor<2>) -> Tensor<2> {
        entmax(scores, self.alpha, 1)
    }

    fn is_sparse(&self) -> bool {
        self.alpha > 1.0
    }
}
