//! The MAP structure and its neighbours.

use super::{Candidates, Omitted};
use crate::structure::{Neighbors, Parts, Scores, Vertices};

/// The MAP structure, then its neighbours: for bit vectors the flips of one bit, whose scores are
/// less by `|η_i|`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MapAndNeighbors;

impl<S: Neighbors> Candidates<S> for MapAndNeighbors {
    fn choose(
        &self,
        structure: &S,
        scores: Scores<'_>,
        workspace: &mut S::Workspace,
        chosen: &mut Vertices,
    ) -> Omitted {
        let mut best = Parts::new(structure.unaries());
        structure.argmax(scores, workspace, &mut best);
        let mut neighbors = Vertices::new(structure.unaries());
        structure.neighbors(&best, &mut neighbors);
        chosen.push(&best);
        chosen.append(&neighbors);
        Omitted::Unknown
    }

    fn trusted(&self) -> bool {
        true // as `Neighbors::neighbors` demands
    }
}
