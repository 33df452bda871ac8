//! Bits whose costs fit a capacity.

use crate::structure::{Parts, Scores, Structure, StructureError};

/// All bit vectors with `Σ cost_i · a_i ≤ capacity`, and their convex hull: that of the *integer*
/// points, not the larger polytope of the relaxation.
///
/// Unary scores are `[n]`. The penalty is [`Penalty::On`](crate::Penalty::On). A vector is in the
/// set if the sum of its costs, in the order of its bits and rounded as f64 rounds it, is at most
/// the capacity.
///
/// The MAP oracle is exact: branch and bound with the bound of Dantzig, in the order of score by
/// cost. Its worst case is exponential in the number of items of a positive score and a cost, but
/// only where many items have about the same ratio and the costs do not add up to the capacity.
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
    /// Items of a positive score and cost that fit alone, the best by cost first.
    order: Vec<u32>,
    /// Which of them are taken on the present branch.
    taken: Vec<bool>,
}

impl Structure for Knapsack {
    type Workspace = KnapsackWorkspace;

    fn unaries(&self) -> usize {
        self.costs.len()
    }

    fn argmax(&self, scores: Scores<'_>, workspace: &mut KnapsackWorkspace, best: &mut Parts) {
        let KnapsackWorkspace { order, taken } = workspace;
        let score = |item: u32| scores.unaries[item as usize];
        let cost = |item: u32| self.costs[item as usize];
        order.clear();
        for item in 0..self.costs.len() as u32 {
            if score(item) <= 0.0 || cost(item) > self.capacity {
                continue;
            }
            if cost(item) == 0.0 {
                best.insert(item as usize);
            } else {
                order.push(item);
            }
        }
        let ratio = |item: u32| score(item) / cost(item);
        order.sort_unstable_by(|&a, &b| ratio(b).total_cmp(&ratio(a)).then(a.cmp(&b)));
        taken.clear();
        taken.resize(order.len(), false);

        // sums in another order than that of the set's definition are rounded otherwise
        let slack = 1e-9 * self.capacity;
        let mut candidate = best.clone();
        let (mut at, mut value, mut used, mut most) = (0, 0.0, 0.0, 0.0);
        loop {
            // down: take what fits
            while at < order.len() {
                taken[at] = used + cost(order[at]) <= self.capacity + slack;
                if taken[at] {
                    value += score(order[at]);
                    used += cost(order[at]);
                }
                at += 1;
            }
            if value > most {
                candidate.clone_from(best);
                for (&item, taken) in order.iter().zip(taken.iter()) {
                    if *taken != candidate.contains(item as usize) {
                        candidate.toggle(item as usize);
                    }
                }
                if self.fits(&candidate) {
                    best.clone_from(&candidate);
                    most = value;
                }
            }
            // up: to the last item taken without which more could still be had
            loop {
                let Some(last) = taken[..at].iter().rposition(|taken| *taken) else {
                    return;
                };
                at = last;
                taken[at] = false;
                value -= score(order[at]);
                used -= cost(order[at]);
                at += 1;
                let (mut bound, mut left) = (value, self.capacity + slack - used);
                for &item in &order[at..] {
                    if cost(item) > left {
                        bound += ratio(item) * left;
                        break;
                    }
                    (bound, left) = (bound + score(item), left - cost(item));
                }
                if bound > most {
                    break;
                }
            }
        }
    }

    fn contains(&self, parts: &Parts) -> bool {
        parts.unaries() == self.costs.len() && parts.additionals().is_empty() && self.fits(parts)
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
