//! The k best structures.

use super::{Candidates, Omitted};
use crate::structure::{KBest, Scores, Vertices};

/// The k highest-scoring structures, best first; all of them if there are fewer than k. Equal
/// scores may be ordered in any way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KBestCandidates {
    k: usize,
}

impl KBestCandidates {
    /// The `k` best.
    ///
    /// # Panics
    ///
    /// If `k` is 0.
    pub fn new(k: usize) -> Self {
        assert!(k > 0, "KBestCandidates: k must be at least 1, got 0");
        Self { k }
    }
}

impl<S: KBest> Candidates<S> for KBestCandidates {
    type Workspace = S::Workspace;

    fn choose(
        &self,
        structure: &S,
        scores: Scores<'_>,
        workspace: &mut S::Workspace,
        chosen: &mut Vertices,
    ) -> Omitted {
        structure.k_best(scores, self.k, workspace, chosen);
        if chosen.len() < self.k {
            Omitted::Nothing
        } else {
            Omitted::NoBetter
        }
    }

    fn trusted(&self, structure: &S) -> bool {
        structure.trusted()
    }
}
