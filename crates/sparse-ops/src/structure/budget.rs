//! Bits under a budget.

use super::chain::Paths;
use crate::structure::{
    ClosedForm, KBest, Neighbors, Parts, Penalty, Scores, Structure, StructureError, Vertices,
};

/// All vectors of `n` bits with at most `max_ones` ones: sparse codes, selections of limited size.
///
/// Unary scores are `[n]`. The penalty is [`Penalty::OnOff`], or [`Penalty::On`] after
/// [`one_sided`](Self::one_sided). μ is a clip with a threshold, and the distribution that of
/// systematic sampling, of at most n + 1 vectors.
///
/// The MAP oracle takes the largest positive scores, `O(n)`. [`KBest`] is a k-best path through
/// `n` bits and the number of ones so far, `O(n · max_ones² · k)`. [`Neighbors`] are the flips of
/// one bit that keep the budget, and the exchanges of a one for a zero.
///
/// Source: Correia et al. 2020, [arXiv 2007.01919](https://arxiv.org/abs/2007.01919).
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    n: usize,
    max_ones: usize,
    penalty: Penalty,
}

impl Budget {
    /// Vectors of `n` bits with at most `max_ones` ones.
    ///
    /// # Errors
    ///
    /// If there is no bit, if there are more than [`u32`] counts, or if `max_ones` is not in
    /// `1..=n`.
    pub fn new(n: usize, max_ones: usize) -> Result<Self, StructureError> {
        let refuse = |problem| Err(StructureError::new("Budget", problem));
        if n == 0 || u32::try_from(n).is_err() {
            return refuse(format!("n must be in 1..={}, got {n}", u32::MAX));
        }
        if !(1..=n).contains(&max_ones) {
            return refuse(format!("max_ones must be in 1..={n}, got {max_ones}"));
        }
        Ok(Self {
            n,
            max_ones,
            penalty: Penalty::OnOff,
        })
    }

    /// The same set, with the penalty [`Penalty::On`].
    pub fn one_sided(self) -> Self {
        Self {
            penalty: Penalty::On,
            ..self
        }
    }
}

/// What [`Budget`] allocates once.
#[derive(Debug, Default)]
pub struct BudgetWorkspace {
    order: Vec<u32>,
    paths: Paths,
}

impl Structure for Budget {
    type Workspace = BudgetWorkspace;

    fn unaries(&self) -> usize {
        self.n
    }

    fn argmax(&self, scores: Scores<'_>, workspace: &mut BudgetWorkspace, best: &mut Parts) {
        let score = |bit: u32| scores.unaries[bit as usize];
        let order = &mut workspace.order;
        order.clear();
        order.extend((0..self.n as u32).filter(|&bit| score(bit) > 0.0));
        if order.len() > self.max_ones {
            let descending = |a: &u32, b: &u32| score(*b).total_cmp(&score(*a)).then(a.cmp(b));
            order.select_nth_unstable_by(self.max_ones, descending);
            order.truncate(self.max_ones);
        }
        order.iter().for_each(|&bit| best.insert(bit as usize));
    }

    fn penalty(&self) -> Penalty {
        self.penalty
    }

    fn closed_form(&self) -> Option<ClosedForm> {
        Some(ClosedForm::Cardinality {
            at_least: 0,
            at_most: self.max_ones,
        })
    }

    fn contains(&self, parts: &Parts) -> bool {
        parts.unaries() == self.n
            && parts.count() <= self.max_ones
            && parts.additionals().is_empty()
    }
}

impl KBest for Budget {
    fn k_best(
        &self,
        scores: Scores<'_>,
        k: usize,
        workspace: &mut BudgetWorkspace,
        best: &mut Vertices,
    ) {
        // a state is the number of ones so far
        let gain = |at: usize, ones: usize| match ones {
            0 => 0.0,
            1 => scores.unaries[at],
            _ => f64::NEG_INFINITY,
        };
        let start = |at: usize, state: usize| if at == 0 { gain(0, state) } else { 0.0 };
        let step = |at: usize, from: usize, to: usize| gain(at + 1, to.wrapping_sub(from));
        let mut parts = Parts::new(self.n);
        let size = (self.n, self.max_ones + 1);
        workspace.paths.k_best(size, k, start, step, |path| {
            parts.clear();
            let mut before = 0;
            for (bit, &ones) in path.iter().enumerate() {
                if ones > before {
                    parts.insert(bit);
                }
                before = ones;
            }
            best.push(&parts);
        });
    }
}

impl Neighbors for Budget {
    fn neighbors(&self, parts: &Parts, neighbors: &mut Vertices) {
        let full = parts.count() == self.max_ones;
        let mut other = parts.clone();
        for bit in (0..self.n).filter(|&bit| parts.contains(bit) || !full) {
            other.toggle(bit);
            neighbors.push(&other);
            other.toggle(bit);
        }
        for on in parts.iter() {
            other.toggle(on);
            for off in (0..self.n).filter(|&bit| !parts.contains(bit)) {
                other.toggle(off);
                neighbors.push(&other);
                other.toggle(off);
            }
            other.toggle(on);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::enumerate::{bit_vectors, check_argmax, check_k_best, check_neighbors};

    #[test]
    fn agrees_with_enumeration() {
        for n in 1..=6 {
            for max_ones in 1..=n {
                let structure = Budget::new(n, max_ones).unwrap();
                let kept = |bits: &Parts| bits.count() <= max_ones;
                let members: Vec<Parts> = bit_vectors(n).filter(kept).collect();
                check_argmax(&structure, &members);
                check_k_best(&structure, &members);
                check_neighbors(&structure, &members);
            }
        }
    }

    #[test]
    fn wrong_budgets_are_refused() {
        for (n, max_ones) in [(3, 4), (3, 0), (0, 0)] {
            assert!(Budget::new(n, max_ones).is_err());
        }
        let error = Budget::new(3, 4).unwrap_err().to_string();
        assert_eq!(error, "Budget: max_ones must be in 1..=3, got 4");
    }
}
