//! Candidates: a few structures of each row, chosen by its scores, for a [`Mapping`] to weigh.
//!
//! [`Mapping`]: crate::Mapping

mod k_best;
mod neighborhood;
mod set;

pub use k_best::KBestCandidates;
pub use neighborhood::{MapAndNeighbors, NeighborhoodWorkspace};
pub(crate) use set::CandidateSet;

use crate::structure::{Scores, Structure, Vertices};

/// A choice of structures for the scores of a row, as
/// [`distribution_over_candidates`](crate::distribution_over_candidates) takes it.
///
/// [`KBestCandidates`] and [`MapAndNeighbors`] are two. Implement it for a choice of your own, for
/// one kind of structure or for all:
///
/// ```
/// use burn_core::tensor::Tensor;
/// use sparse_ops::*;
///
/// /// The same structures for every row.
/// struct Codebook(Vertices);
///
/// impl<S: Structure> Candidates<S> for Codebook {
///     type Workspace = ();
///
///     fn choose(&self, _: &S, _: Scores<'_>, _: &mut (), chosen: &mut Vertices) -> Omitted {
///         chosen.append(&self.0);
///         Omitted::Unknown
///     }
/// }
///
/// let mut codes = Vertices::new(3);
/// for ones in [0..0, 0..2, 1..3] {
///     let mut code = Parts::new(3);
///     ones.for_each(|bit| code.insert(bit));
///     codes.push(&code);
/// }
/// let scores = Tensor::<2>::from_floats([[0.5, 0.0, 0.25]], &Default::default());
/// let bits = BitVector::new(3).unwrap();
/// let q = distribution_over_candidates(scores, &bits, &Codebook(codes), &Sparsemax);
/// // of 000, 110 and 011, whose scores are 0, ½ and ¼
/// let probs = q.probs().into_data().to_vec::<f32>().unwrap();
/// assert!((probs[1] - 7. / 12.).abs() < 1e-6);
/// ```
pub trait Candidates<S: Structure>: Sync {
    /// What is allocated once for many rows, such as [`Structure::Workspace`] to call the MAP oracle
    /// with.
    type Workspace: Default;

    /// Pushes the candidates of a row onto `chosen`, which arrives empty, and says what is known of
    /// all other structures.
    ///
    /// Scores are finite or −∞; a part of −∞ is forbidden, and candidates that have one get
    /// probability 0. The same scores must give the same candidates.
    ///
    /// Candidates must be structures of the set: one that is not, as
    /// [`Structure::contains`] or the number of additional parts tells, makes the row NaN with
    /// [`SolveStatus::OracleWrong`](crate::SolveStatus::OracleWrong). Of equal ones the first alone
    /// is kept. A row without candidates, or with forbidden ones alone, is NaN with
    /// [`SolveStatus::Infeasible`](crate::SolveStatus::Infeasible); a panic makes it NaN with
    /// [`SolveStatus::OraclePanicked`](crate::SolveStatus::OraclePanicked). No other row is touched.
    fn choose(
        &self,
        structure: &S,
        scores: Scores<'_>,
        workspace: &mut Self::Workspace,
        chosen: &mut Vertices,
    ) -> Omitted;

    /// Whether all candidates are distinct structures of the set in any case, so that neither has
    /// to be checked. False by default.
    fn trusted(&self, structure: &S) -> bool {
        let _ = structure;
        false
    }
}

/// What is known of the structures that are no candidates, those with a forbidden part (−∞) aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omitted {
    /// There are none: the candidates are the whole set.
    Nothing,
    /// None scores more than any candidate.
    NoBetter,
    /// Nothing.
    Unknown,
}
