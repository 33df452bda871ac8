//! Structures: sets of bit vectors, each known by its MAP oracle.
//!
//! A structure is a set of vertices `a ∈ {0, 1}^n`, its *unary* parts, each with `m` *additional*
//! parts that scores may also be given for (two neighbours both on, a transition). [SparseMAP],
//! top-k and local mappings know a set only by what it implements here.
//!
//! [SparseMAP]: https://arxiv.org/abs/1802.04223

mod arborescence;
mod assignment;
mod at_most_one;
mod binary_sequence;
mod bit_vector;
mod budget;
#[cfg(test)]
pub(crate) mod enumerate;
mod error;
mod knapsack;
mod one_of;
mod or;
mod parts;
mod paths;
mod sequence;

pub use arborescence::Arborescence;
pub use assignment::Assignment;
pub use at_most_one::AtMostOne;
pub use binary_sequence::BinarySequence;
pub use bit_vector::BitVector;
pub use budget::Budget;
pub use error::StructureError;
pub use knapsack::Knapsack;
pub use one_of::OneOf;
pub use or::Or;
pub use parts::{Parts, Vertices};
pub(crate) use parts::{ones, overlap};
pub use sequence::Sequence;

/// A set of structures, known by its MAP oracle: the structure of the highest score.
///
/// Implement it for a set of your own, and `sparsemap` works on it, gradients included. Only
/// [`unaries`](Self::unaries) and [`argmax`](Self::argmax) are required.
pub trait Structure: Send + Sync {
    /// What the oracle allocates once and uses again for each call; `()` if nothing. Its contents
    /// must not change an answer of [`argmax`](Self::argmax).
    type Workspace: Default + Send;

    /// The number `n` of unary parts.
    fn unaries(&self) -> usize;

    /// The number `m` of additional parts; 0 by default.
    fn additionals(&self) -> usize {
        0
    }

    /// Writes the parts of a highest-scoring structure into `best`, which arrives empty.
    ///
    /// Scores are finite or −∞; a part of −∞ is forbidden. Where every structure has a forbidden
    /// part, any structure may be written: the caller sees that its score is −∞. Ties may be
    /// broken in any way that depends on the scores alone.
    fn argmax(&self, scores: Scores<'_>, workspace: &mut Self::Workspace, best: &mut Parts);

    /// The same for scores that are close to those of the last question to this workspace, as they are
    /// between two steps of a solver. What is left of that answer may be a start, and may break ties
    /// here. The first question about a row is always [`argmax`](Self::argmax), which is also the default.
    fn argmax_again(&self, scores: Scores<'_>, workspace: &mut Self::Workspace, best: &mut Parts) {
        self.argmax(scores, workspace, best);
    }

    /// How SparseMAP penalizes the unary marginals; [`Penalty::On`] by default.
    fn penalty(&self) -> Penalty {
        Penalty::On
    }

    /// What kind of set it is, if it is one for which SparseMAP has a closed form. `None` by
    /// default.
    fn closed_form(&self) -> Option<ClosedForm> {
        None
    }

    /// Whether these parts are a structure of the set. It is asked for each answer of an oracle that
    /// is not [`trusted`](Self::trusted), and for each structure that a warm start brings. True by
    /// default.
    fn contains(&self, parts: &Parts) -> bool {
        let _ = parts;
        true
    }

    /// Whether the answers of all oracles (also those of [`KBest`] and [`Neighbors`]) are what they
    /// should be, whatever the scores, so that none is checked. False by default.
    fn trusted(&self) -> bool {
        false
    }
}

/// A structure that also knows its k best members.
pub trait KBest: Structure {
    /// Pushes the `k` highest-scoring structures onto `best`, which arrives empty: distinct, in
    /// descending order of their scores; all of them if there are fewer than `k`. Structures with
    /// a forbidden part (−∞) are left out.
    fn k_best(
        &self,
        scores: Scores<'_>,
        k: usize,
        workspace: &mut Self::Workspace,
        best: &mut Vertices,
    );
}

/// A structure whose members have neighbours: what a local change makes of them.
pub trait Neighbors: Structure {
    /// Pushes every neighbour of `parts` onto `neighbors`, which arrives empty: distinct, without
    /// `parts` itself, in an order that depends on `parts` alone.
    fn neighbors(&self, parts: &Parts, neighbors: &mut Vertices);
}

/// The scores of a structure's parts.
#[derive(Debug, Clone, Copy)]
pub struct Scores<'a> {
    /// `[n]`
    pub unaries: &'a [f64],
    /// `[m]`
    pub additionals: &'a [f64],
}

impl Scores<'_> {
    /// The score of a structure: the sum over its parts.
    pub fn of(&self, parts: &Parts) -> f64 {
        let unaries: f64 = parts.iter().map(|i| self.unaries[i]).sum();
        let additionals = parts.additionals().iter();
        unaries
            + additionals
                .map(|&j| self.additionals[j as usize])
                .sum::<f64>()
    }
}

/// What SparseMAP subtracts from the expected score of the marginals `μ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Penalty {
    /// `½‖μ‖²`
    On,
    /// `½‖μ‖² + ½‖1 − μ‖²`: a part that is off is one of its own, with score 0. The same as
    /// [`On`](Self::On) with scores `(η + 1) / 2` and additional scores halved.
    OnOff,
}

/// Sets for which SparseMAP has a closed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedForm {
    /// All bit vectors with `at_least..=at_most` ones, without additional parts: μ is a clip with a
    /// threshold. If the bounds are 0 and n, the distribution is the nested one; otherwise that of
    /// systematic sampling, which keeps the bounds. At most n + 1 structures.
    Cardinality {
        /// The least number of ones.
        at_least: usize,
        /// The largest number of ones.
        at_most: usize,
    },
    /// All bit vectors, with an additional part for each two neighbours that are both on: μ is total
    /// variation denoising of a chain. The distribution is nested, where bits are turned over so
    /// that no two neighbours have a negative score. At most n + 1 structures.
    Chain,
    /// All permutations of `size` members, without additional parts: of `size · size` unary parts, one in
    /// each row and each column. μ is a projection onto the doubly stochastic matrices, and the
    /// distribution that of Birkhoff's proof: at most as many structures as marginals are not 0. It is
    /// found by a few Newton steps, and if it is not (where scores are so far apart that there is little
    /// to share), by the active set.
    Permutations {
        /// The number of members.
        size: usize,
    },
}
