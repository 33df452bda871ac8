//! Bits whose costs fit a capacity.

use std::collections::HashMap;

use crate::structure::{Parts, Scores, Structure, StructureError};

/// All bit vectors with `Σ cost_i · a_i ≤ capacity`, and their convex hull: that of the *integer*
/// points, not the larger polytope of the relaxation.
///
/// Unary scores are `[n]`. The penalty is [`Penalty::On`](crate::Penalty::On). A vector is in the
/// set if the sum of its costs, in the order of its bits and rounded as f64 rounds it, is at most
/// the capacity.
///
/// The MAP oracle is exact up to the rounding of sums: branch and bound with the bound of Dantzig.
/// A branch that has used the same capacity as an earlier one, for no more score, ends: if costs
/// are multiples of `capacity / c`, it visits at most `O(n · c)` branches, of `O(n)` each, as long as
/// there are no more than it remembers, 2¹⁸. Its worst case is exponential in n: many items of
/// about the same score by cost, whose costs have no common measure.
///
/// Source: Dantzig 1957; Horowitz & Sahni 1974; as a factor of SparseMAP (there its relaxation),
/// Niculae & Martins 2020, [arXiv 2001.04437](https://arxiv.org/abs/2001.04437).
#[derive(Debug, Clone, PartialEq)]
pub struct Knapsack {
    costs: Vec<f64>,
    capacity: f64,
}

impl Knapsack {
    /// Vectors whose costs sum to at most `capacity`.
    ///
    /// # Errors
    ///
    /// If there is no cost, if one is not finite or negative, or if the capacity is not a finite
    /// number from 0 up.
    pub fn new(costs: impl Into<Vec<f64>>, capacity: f64) -> Result<Self, StructureError> {
        let costs = costs.into();
        let refuse = |problem| Err(StructureError::new("Knapsack", problem));
        if costs.is_empty() || u32::try_from(costs.len()).is_err() {
            let (most, given) = (u32::MAX, costs.len());
            return refuse(format!("there must be 1..={most} costs, got {given}"));
        }
        let wrong = |cost: f64| !(cost >= 0.0 && cost.is_finite());
        if let Some((at, cost)) = costs.iter().enumerate().find(|(_, cost)| wrong(**cost)) {
            return refuse(format!(
                "costs must be finite and at least 0, got {cost} at {at}"
            ));
        }
        if wrong(capacity) {
            return refuse(format!(
                "capacity must be finite and at least 0, got {capacity}"
            ));
        }
        Ok(Self { costs, capacity })
    }

    fn fits(&self, parts: &Parts) -> bool {
        parts.iter().map(|item| self.costs[item]).sum::<f64>() <= self.capacity
    }
}

/// What [`Knapsack`] allocates once.
#[derive(Debug, Default)]
pub struct KnapsackWorkspace {
    /// Items of a positive score and cost that fit alone, ascending.
    items: Vec<Item>,
    /// Their places in `items`, the best score by cost first, and the rank of each among them.
    order: Vec<usize>,
    ranks: Vec<usize>,
    /// The present branch: for each item, in the order of `items`, what was decided.
    branch: Vec<Decision>,
    chosen: Vec<bool>,
    /// The value of a branch by its length and the bits of the capacity that it has used.
    seen: HashMap<(usize, u64), f64>,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    item: usize,
    score: f64,
    cost: f64,
}

/// The rest of the items with fractions allowed: those of a rank below `split` whole, that of
/// `split` in part, none of the others.
#[derive(Debug, Clone, Copy)]
struct Relaxed {
    /// The value, with that of the branch before.
    bound: f64,
    split: usize,
    /// What capacity is worth: the score by cost of the split item, 0 if there is none.
    rate: f64,
}

#[derive(Debug, Clone, Copy)]
struct Decision {
    taken: bool,
    /// Whether the other decision has been dealt with.
    last: bool,
    /// Before it: restored rather than subtracted again, since that would leave rounding behind.
    used: f64,
    value: f64,
    relaxed: Relaxed,
}

/// How many branches are remembered, some 10 MB of them.
const REMEMBERED: usize = 1 << 18;

impl Structure for Knapsack {
    type Workspace = KnapsackWorkspace;

    fn unaries(&self) -> usize {
        self.costs.len()
    }

    fn argmax(&self, scores: Scores<'_>, workspace: &mut KnapsackWorkspace, best: &mut Parts) {
        let KnapsackWorkspace {
            items,
            order,
            ranks,
            branch,
            chosen,
            seen,
        } = workspace;
        items.clear();
        let all = scores.unaries.iter().zip(&self.costs).enumerate();
        for (item, (&score, &cost)) in all.filter(|(_, (score, _))| **score > 0.0) {
            if cost == 0.0 {
                best.insert(item);
            } else if cost <= self.capacity {
                items.push(Item { item, score, cost });
            }
        }
        order.clear();
        order.extend(0..items.len());
        let ratio = |at: usize| items[at].score / items[at].cost;
        order.sort_unstable_by(|&a, &b| ratio(b).total_cmp(&ratio(a)).then(a.cmp(&b)));
        ranks.resize(items.len(), 0);
        for (rank, &at) in order.iter().enumerate() {
            ranks[at] = rank;
        }

        // what sums of n terms in different orders may differ by, in parts of them
        let rounding = 2.0 * (items.len() as f64 + 1.0) * f64::EPSILON;
        let relax = |at: usize, used: f64, value: f64| {
            let (mut bound, mut left) = (value, self.capacity * (1.0 + rounding) - used);
            for (rank, &other) in order.iter().enumerate().filter(|(_, other)| **other >= at) {
                let Item { score, cost, .. } = items[other];
                if cost > left {
                    return Relaxed {
                        bound: bound + score * (left / cost),
                        split: rank,
                        rate: score / cost,
                    };
                }
                (bound, left) = (bound + score, left - cost);
            }
            Relaxed {
                bound,
                split: order.len(),
                rate: 0.0,
            }
        };

        // Items are decided in their own order, so that `used` is rounded as the sum of the set's
        // definition is. Rounding keeps order: where a branch ends within the capacity, another that
        // has used as much may end in the same way.
        branch.clear();
        seen.clear();
        chosen.clear();
        chosen.resize(items.len(), false);
        let (mut used, mut value, mut most) = (0.0, 0.0, 0.0);
        let mut relaxed = relax(0, used, value);
        'search: loop {
            // down, as the relaxation decides: it stays the same
            while let Some(item) = items.get(branch.len()) {
                let (rank, fits) = (ranks[branch.len()], used + item.cost <= self.capacity);
                let whole = rank < relaxed.split;
                let taken = whole && fits;
                branch.push(Decision {
                    taken,
                    last: !fits,
                    used,
                    value,
                    relaxed,
                });
                if taken {
                    (used, value) = (used + item.cost, value + item.score);
                }
                if taken != whole || rank == relaxed.split {
                    relaxed = relax(branch.len(), used, value);
                    if !(relaxed.bound > most * (1.0 + 2.0 * rounding)) {
                        break;
                    }
                }
            }
            if branch.len() == items.len() && value > most {
                most = value;
                for (chosen, decision) in chosen.iter_mut().zip(branch.iter()) {
                    *chosen = decision.taken;
                }
            }
            // up, to a decision whose contrary may be worth more
            let enough = most * (1.0 + 2.0 * rounding);
            loop {
                let Some(decision) = branch.pop() else {
                    break 'search;
                };
                let Item { score, cost, .. } = items[branch.len()];
                // what the contrary loses at the least: capacity is worth the rate
                let loss = (score - decision.relaxed.rate * cost).abs();
                if decision.last || !(decision.relaxed.bound - loss > enough) {
                    continue;
                }
                let taken = !decision.taken;
                (used, value) = (decision.used, decision.value);
                if taken {
                    (used, value) = (used + cost, value + score);
                }
                branch.push(Decision {
                    taken,
                    last: true,
                    ..decision
                });
                relaxed = relax(branch.len(), used, value);
                let key = (branch.len(), f64::to_bits(used));
                if !(relaxed.bound > enough)
                    || seen.get(&key).is_some_and(|earlier| *earlier >= value)
                {
                    continue;
                }
                if seen.len() < REMEMBERED {
                    seen.insert(key, value);
                }
                break;
            }
        }
        let taken = items.iter().zip(chosen.iter()).filter(|(_, taken)| **taken);
        taken.for_each(|(item, _)| best.insert(item.item));
    }

    fn contains(&self, parts: &Parts) -> bool {
        parts.unaries() == self.costs.len() && parts.additionals().is_empty() && self.fits(parts)
    }

    fn trusted(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::enumerate::{bit_vectors, check_argmax};

    #[test]
    fn agrees_with_enumeration() {
        for costs in [
            vec![1.0; 5],
            vec![0.1, 0.2, 0.3, 0.0, 0.6, 0.7],
            vec![3.0, 5.0, 2.0, 8.0, 1.0, 9.0],
            vec![0.0],
        ] {
            for capacity in [0.0, 0.3, 0.6, 2.0, 7.0, 100.0] {
                let structure = Knapsack::new(costs.clone(), capacity).unwrap();
                let kept = |bits: &Parts| structure.fits(bits);
                let members: Vec<Parts> = bit_vectors(costs.len()).filter(kept).collect();
                check_argmax(&structure, &members);
            }
        }
    }

    /// Scores equal to costs, so that no bound tells the 2⁶⁰ branches apart.
    #[test]
    fn ties_are_no_harder() {
        let n = 60;
        let even: Vec<f64> = (1..=n).map(|at| 2.0 * f64::from(at)).collect();
        let uneven = (0..n).map(|at| [6.0, 10.0, 15.0, 35.0][at as usize % 4]);
        for (costs, capacity, expected) in [
            (vec![1.0; 60], 30.5, 30.0),
            (vec![1.0; 60], 30.0, 30.0),
            // ten tenths are 1 − 2⁻⁵³ as they are rounded, three of them above 0.3
            (vec![0.1; 60], 1.0, 1.0),
            (vec![0.1; 60], 0.3, 0.2),
            (uneven.collect(), 299.0, 299.0),
            (even, 601.0, 600.0),
        ] {
            let structure = Knapsack::new(costs.clone(), capacity).unwrap();
            let mut best = Parts::new(60);
            let scores = Scores {
                unaries: &costs,
                additionals: &[],
            };
            structure.argmax(scores, &mut Default::default(), &mut best);
            assert!(structure.contains(&best));
            assert!((scores.of(&best) - expected).abs() < 1e-12, "{best:?}");
        }
    }

    #[test]
    fn wrong_costs_are_refused() {
        for (costs, capacity) in [
            (vec![], 1.0),
            (vec![-1.0], 1.0),
            (vec![f64::NAN], 1.0),
            (vec![1.0], f64::INFINITY),
            (vec![1.0], -1.0),
        ] {
            assert!(Knapsack::new(costs, capacity).is_err());
        }
        let error = Knapsack::new([2.0, -1.0], 1.0).unwrap_err().to_string();
        assert!(error.contains("got -1 at 1"), "{error}");
    }
}
