use burn_core::tensor::Tensor;

use crate::host::doubles;
use crate::structure::Structure;

/// The scores of a batch of structures: the unary parts `[batch, n]`, and the additional ones
/// `[batch, m]` where the structure has any. Without them all additional scores are 0.
#[derive(Debug, Clone)]
pub struct StructureScores {
    /// `[batch, n]`
    pub unaries: Tensor<2>,
    /// `[batch, m]`
    pub additionals: Option<Tensor<2>>,
}

impl From<Tensor<2>> for StructureScores {
    fn from(unaries: Tensor<2>) -> Self {
        Self {
            unaries,
            additionals: None,
        }
    }
}

impl StructureScores {
    /// One tensor `[batch, n + m]`.
    ///
    /// # Panics
    ///
    /// If the shapes are not those of the structure.
    pub(super) fn joined<S: Structure>(self, op: &str, structure: &S) -> Tensor<2> {
        let (n, m) = (structure.unaries(), structure.additionals());
        let [batch, given] = self.unaries.dims();
        assert!(
            given == n,
            "{op}: unaries must be [batch, {n}] for this structure, got [{batch}, {given}]"
        );
        let additionals = match self.additionals {
            Some(additionals) => {
                let [rows, given] = additionals.dims();
                assert!(
                    [rows, given] == [batch, m],
                    "{op}: additionals must be [{batch}, {m}] for this structure and batch, \
                     got [{rows}, {given}]"
                );
                additionals
            }
            None => Tensor::zeros([batch, m], (&self.unaries.device(), self.unaries.dtype())),
        };
        if m == 0 {
            return self.unaries;
        }
        Tensor::cat(vec![self.unaries, additionals], 1)
    }
}

/// Reads scores back, in f64.
pub(super) fn read(scores: &Tensor<2>) -> Vec<f64> {
    doubles(&scores.clone().detach().into_data())
}
