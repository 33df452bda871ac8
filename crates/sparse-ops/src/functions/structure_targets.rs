use burn_core::tensor::Tensor;

use super::structure_scores::StructureScores;
use crate::structure::Structure;

/// The true structures of a batch, for a loss: the unary parts `[batch, n]`, and the additional ones
/// `[batch, m]` where the structure has any; 1 where a part is on and 0 where it is off. Marginals
/// of a distribution over structures are as good.
#[derive(Debug, Clone)]
pub struct StructureTargets {
    /// `[batch, n]`
    pub unaries: Tensor<2>,
    /// `[batch, m]`
    pub additionals: Option<Tensor<2>>,
}

impl From<Tensor<2>> for StructureTargets {
    fn from(unaries: Tensor<2>) -> Self {
        Self {
            unaries,
            additionals: None,
        }
    }
}

impl StructureTargets {
    /// One tensor `[batch, n + m]`.
    ///
    /// # Panics
    ///
    /// If the shapes are not those of the structure, or additional parts that it has are missing.
    pub(super) fn joined<S: Structure>(self, op: &str, structure: &S) -> Tensor<2> {
        let Self {
            unaries,
            additionals,
        } = self;
        let m = structure.additionals();
        assert!(
            m == 0 || additionals.is_some(),
            "{op}: this structure needs the additionals of the targets, [batch, {m}]; there are none"
        );
        let parts = StructureScores {
            unaries,
            additionals,
        };
        parts.joined(&format!("{op}, targets"), structure)
    }
}
