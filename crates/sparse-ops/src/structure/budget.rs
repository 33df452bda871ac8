//! Bits under a budget.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::structure::{
    ClosedForm, KBest, Neighbors, Parts, Penalty, Scores, Structure, StructureError, Vertices,
};

/// All vectors of `n` bits with at most `max_ones` ones: sparse codes, selections of limited size.
///
/// Unary scores are `[n]`. The penalty is [`Penalty::OnOff`], or [`Penalty::On`] after
/// [`one_sided`](Self::one_sided). μ is a clip with a threshold, and the distribution that of
/// systematic sampling, of at most n + 1 vectors.
///
/// The MAP oracle takes the largest positive scores, `O(n)`. [`KBest`] walks the vectors in the order
/// of what they cost, `O(n + b log b)` with `b = max_ones + k`. [`Neighbors`] are the flips of one bit
/// that keep the budget, and the exchanges of a one for a zero.
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
        StructureError::check_size("Budget", n)?;
        if !(1..=n).contains(&max_ones) {
            let problem = format!("max_ones must be in 1..={n}, got {max_ones}");
            return Err(StructureError::new("Budget", problem));
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
    /// Bits, the highest score first.
    order: Vec<u32>,
    heap: BinaryHeap<Reverse<Candidate>>,
}

/// A vector to come. Places are those in the order of scores: the first `moving - 1` ones are at the
/// first places, one is at `at` and may go on as far as `end`, others are behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// The bits of what it scores less than the best, a float from 0 up: they are in its order.
    cost: u64,
    /// The number of the found vector whose one at `at - 1` has come to `at`. None if all its ones
    /// are at the first places.
    parent: Option<u32>,
    moving: u32,
    at: u32,
    end: u32,
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

    fn trusted(&self) -> bool {
        true
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
        let BudgetWorkspace { order, heap } = workspace;
        let score = |bit: u32| scores.unaries[bit as usize];
        order.clear();
        order.extend((0..self.n as u32).filter(|&bit| score(bit) > f64::NEG_INFINITY));
        let descending = |a: &u32, b: &u32| score(*b).total_cmp(&score(*a)).then(a.cmp(b));
        // each of the k best moves a one by one place, from among the first
        let useful = self.max_ones.saturating_add(k);
        if useful < order.len() {
            order.select_nth_unstable_by(useful, descending);
            order.truncate(useful);
        }
        order.sort_unstable_by(descending);
        let score = |place: u32| score(order[place as usize]);

        // for each number of ones the best; they lose what is between them and the best of all
        heap.clear();
        let most = self.max_ones.min(order.len()) as u32;
        let positive = (0..most).take_while(|&place| score(place) > 0.0).count() as u32;
        let mut first = |ones: u32, cost: f64| {
            heap.push(Reverse(Candidate {
                cost: cost.to_bits(),
                parent: None,
                moving: ones,
                at: ones.saturating_sub(1),
                end: if ones == 0 { 0 } else { order.len() as u32 - 1 },
            }));
            cost
        };
        let cost = first(positive, 0.0);
        (0..positive).rfold(cost, |cost, ones| first(ones, cost + score(ones)));
        (positive..most).fold(cost, |cost, ones| first(ones + 1, cost + score(ones).abs()));

        while best.len() < k
            && let Some(Reverse(found)) = heap.pop()
        {
            let Candidate {
                moving, at, end, ..
            } = found;
            let bit = |place: u32| order[place as usize] as usize;
            let number = Some(best.len() as u32);
            if let Some(parent) = found.parent {
                best.push_copy(parent as usize);
                best.toggle_last(bit(at - 1));
                best.toggle_last(bit(at));
            } else {
                best.push_parts((0..moving).map(bit), []);
            }
            // Each vector comes from one other alone: its last one that has moved goes on, or the
            // one before starts, to stay behind it; neither costs less.
            let mut moved = |moving: u32, at: u32, end: u32| {
                let cost = f64::from_bits(found.cost) + (score(at - 1) - score(at));
                heap.push(Reverse(Candidate {
                    cost: cost.to_bits(),
                    parent: number,
                    moving,
                    at,
                    end,
                }));
            };
            if at < end {
                moved(moving, at + 1, end);
            }
            if moving > 1 && moving - 1 < at {
                moved(moving - 1, moving - 1, at - 1);
            }
        }
    }
}

impl Neighbors for Budget {
    fn neighbors(&self, parts: &Parts, neighbors: &mut Vertices) {
        let full = parts.count() == self.max_ones;
        for bit in (0..self.n).filter(|&bit| parts.contains(bit) || !full) {
            neighbors.push(parts);
            neighbors.toggle_last(bit);
        }
        for on in parts.iter() {
            for off in (0..self.n).filter(|&bit| !parts.contains(bit)) {
                neighbors.push(parts);
                neighbors.toggle_last(on);
                neighbors.toggle_last(off);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::enumerate::{bit_vectors, check_argmax, check_k_best, check_neighbors};

    #[test]
    fn agrees_with_enumeration() {
        for n in 1..=7 {
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
