//! What ties a solved tensor to the scores that it was solved from.

use std::sync::Arc;

use super::implicit::ImplicitGradient;
use super::loss::Losses;
use super::solution::Solution;
use crate::candidates::CandidateSet;

/// Where a tensor of numbers came from, for its gradient in the scores: what
/// [`SparseOps::attach`](crate::SparseOps::attach) is told. Opaque, and cheap to clone.
#[derive(Debug, Clone)]
pub struct Link(Source);

#[derive(Debug, Clone)]
enum Source {
    /// The probabilities `[total]` of a SparseMAP solution.
    Probs(Arc<Solution>),
    /// The marginals `[batch, n]` of a SparseMAP solution.
    Marginals(Arc<Solution>),
    /// The scores `[batch, width]` of candidates.
    Candidates(Arc<CandidateSet>),
    /// The Fenchel–Young losses `[batch]` of SparseMAP solutions.
    Losses(Arc<Losses>),
    /// MAP structures and anchors `[batch, n + 1]`.
    Implicit(Arc<dyn ImplicitGradient>),
}

impl Link {
    pub(crate) fn probs(solution: Arc<Solution>) -> Self {
        Self(Source::Probs(solution))
    }

    pub(crate) fn marginals(solution: Arc<Solution>) -> Self {
        Self(Source::Marginals(solution))
    }

    pub(crate) fn candidates(candidates: Arc<CandidateSet>) -> Self {
        Self(Source::Candidates(candidates))
    }

    pub(crate) fn losses(losses: Arc<Losses>) -> Self {
        Self(Source::Losses(losses))
    }

    pub(crate) fn implicit(implicit: Arc<dyn ImplicitGradient>) -> Self {
        Self(Source::Implicit(implicit))
    }

    /// The shape `[batch, n + m]` of the scores.
    pub(crate) fn scores_shape(&self) -> [usize; 2] {
        match &self.0 {
            Source::Probs(solution) | Source::Marginals(solution) => {
                [solution.batch(), solution.unaries + solution.additionals]
            }
            Source::Candidates(candidates) => [candidates.batch(), candidates.parts()],
            Source::Losses(losses) => [losses.values.len(), losses.parts],
            Source::Implicit(implicit) => implicit.scores_shape(),
        }
    }

    /// The gradient in the scores.
    pub(crate) fn backward(&self, grad: &[f64]) -> Vec<f64> {
        match &self.0 {
            Source::Probs(solution) => solution.probs_backward(grad),
            Source::Marginals(solution) => solution.marginals_backward(grad),
            Source::Candidates(candidates) => candidates.backward(grad),
            Source::Losses(losses) => losses.backward(grad),
            Source::Implicit(implicit) => implicit.backward(grad),
        }
    }
}
