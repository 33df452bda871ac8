//! The MAP structure and its neighbours.

use super::{Candidates, Omitted};
use crate::structure::{Neighbors, Parts, Scores, Vertices};

/// The MAP structure, then its neighbours: for bit vectors the flips of one bit, whose scores are
/// less by `|η_i|`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MapAndNeighbors;

/// What [`MapAndNeighbors`] allocates once.
#[derive(Debug, Default)]
pub struct NeighborhoodWorkspace<W> {
    oracle: W,
    lists: Option<(Parts, Vertices)>,
}

impl<S: Neighbors> Candidates<S> for MapAndNeighbors {
    type Workspace = NeighborhoodWorkspace<S::Workspace>;

    fn choose(
        &self,
        structure: &S,
        scores: Scores<'_>,
        workspace: &mut Self::Workspace,
        chosen: &mut Vertices,
    ) -> Omitted {
        let n = structure.unaries();
        let fresh = || (Parts::new(n), Vertices::new(n));
        let (best, neighbors) = workspace.lists.get_or_insert_with(fresh);
        best.clear();
        structure.argmax(scores, &mut workspace.oracle, best);
        neighbors.clear();
        structure.neighbors(best, neighbors);
        chosen.push(best);
        chosen.append(neighbors);
        Omitted::Unknown
    }

    fn trusted(&self, structure: &S) -> bool {
        structure.trusted()
    }
}
