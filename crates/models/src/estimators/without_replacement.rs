//! Probabilities of sets that are drawn without replacement. Numbers only; no tensors.
//!
//! Members are drawn one by one, each with its share of the mass that is left. A set may come in any
//! order: its probability is a sum over orders, which a recursion over subsets does in `O(k 2^k)`.

/// The weights of a set of k samples without replacement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SetWeights {
    /// `w[s] = p(s) R(S, s)`, with the leave-one-out ratio `R(S, s) = P(S | s comes first) / P(S)`:
    /// the probability that s came first. They sum to 1.
    pub weights: Vec<f64>,
    /// `b[s · k + t] = p(t) R(S, t | s came first)`, and `p(s)` for `t = s`: with these weights the
    /// set estimates the expectation without bias, given that s came first.
    pub baselines: Vec<f64>,
}

impl SetWeights {
    /// Of the set whose members have probabilities `probs`, when all other outcomes together have
    /// `rest`.
    pub fn new(probs: &[f64], rest: f64) -> Self {
        let k = probs.len();
        let without = |left_out: &[usize]| {
            let kept = (0..k).filter(|i| !left_out.contains(i));
            let kept: Vec<f64> = kept.map(|i| probs[i]).collect();
            set_probability(&kept, rest)
        };
        let whole = without(&[]);
        let (mut weights, mut baselines) = (Vec::with_capacity(k), Vec::with_capacity(k * k));
        for s in 0..k {
            let one_out = without(&[s]);
            weights.push(probs[s] * one_out / whole);
            for (t, prob) in probs.iter().enumerate() {
                let ratio = if s == t {
                    1.0
                } else {
                    without(&[s, t]) / one_out
                };
                baselines.push(prob * ratio);
            }
        }
        Self { weights, baselines }
    }
}

/// The probability that the first draws from these members, and others of mass `rest`, are all
/// members. Masses need not sum to 1.
fn set_probability(members: &[f64], rest: f64) -> f64 {
    let subsets = 1_usize << members.len();
    // the mass of a subset, added up without subtraction: a small rest stays exact
    let mut mass = vec![0.0; subsets];
    for set in 1..subsets {
        let first = set.trailing_zeros() as usize;
        mass[set] = mass[set & (set - 1)] + members[first];
    }
    // that the first draws are this subset, in any order
    let mut drawn = vec![0.0; subsets];
    drawn[0] = 1.0;
    for set in 1..subsets {
        drawn[set] = (0..members.len())
            .filter(|last| set >> last & 1 == 1)
            .map(|last| {
                let before = set ^ 1 << last;
                drawn[before] * members[last] / (rest + mass[subsets - 1 - before])
            })
            .sum();
    }
    drawn[subsets - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every order of `k` draws from `probs`, with its probability.
    fn orders(probs: &[f64], k: usize) -> Vec<(Vec<usize>, f64)> {
        let mut all = vec![(Vec::new(), 1.0)];
        for _ in 0..k {
            all = all
                .into_iter()
                .flat_map(|(order, p): (Vec<usize>, f64)| {
                    let left: f64 = (0..probs.len())
                        .filter(|i| !order.contains(i))
                        .map(|i| probs[i])
                        .sum();
                    let next = (0..probs.len()).filter(|i| !order.contains(i));
                    next.map(|i| ([order.clone(), vec![i]].concat(), p * probs[i] / left))
                        .collect::<Vec<_>>()
                })
                .collect();
        }
        all
    }

    /// By enumeration of all orders: a weight is the probability that a member came first, given
    /// the set.
    #[test]
    fn weights_are_chances_of_coming_first() {
        let probs = [0.4, 0.05, 0.3, 0.15, 0.1];
        let set = [0, 2, 4];
        let in_set = |order: &[usize]| set.iter().all(|s| order.contains(s));
        let chance = |first: Option<usize>| {
            orders(&probs, 3)
                .iter()
                .filter(|(order, _)| in_set(order) && first.is_none_or(|s| order[0] == s))
                .map(|(_, p)| p)
                .sum::<f64>()
        };
        let got = SetWeights::new(&[0.4, 0.3, 0.1], 0.2);
        for (weight, s) in got.weights.iter().zip(set) {
            // f64 sums of a few terms
            assert!((weight - chance(Some(s)) / chance(None)).abs() < 1e-14);
        }
    }

    /// The mean over all sets, given their first member, is the expectation.
    #[test]
    fn baselines_estimate_the_expectation_whatever_came_first() {
        let probs = [0.4, 0.05, 0.3, 0.15, 0.1];
        let losses = [3.0, -20.0, 0.5, 8.0, 11.0];
        let want: f64 = probs.iter().zip(losses).map(|(p, loss)| p * loss).sum();
        for first in 0..5 {
            let mut mean = 0.0;
            for (order, p) in orders(&probs, 3) {
                if order[0] != first {
                    continue;
                }
                let members: Vec<f64> = order.iter().map(|&i| probs[i]).collect();
                let rest = (0..5).filter(|i| !order.contains(i)).map(|i| probs[i]);
                let set = SetWeights::new(&members, rest.sum());
                let baseline: f64 = (0..3).map(|t| set.baselines[t] * losses[order[t]]).sum();
                mean += p / probs[first] * baseline;
            }
            assert!((mean - want).abs() < 1e-13, "{first}: {mean}, {want}");
        }
    }

    #[test]
    fn a_set_of_everything_has_the_probabilities_as_weights() {
        let got = SetWeights::new(&[0.5, 0.25, 0.25], 0.0);
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-15);
        assert!(close(&got.weights, &[0.5, 0.25, 0.25]));
        assert!(close(&got.baselines, &[0.5, 0.25, 0.25].repeat(3)));
    }
}
