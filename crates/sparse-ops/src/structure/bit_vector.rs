//! Independent bits.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::structure::{
    ClosedForm, KBest, Neighbors, Parts, Penalty, Scores, Structure, StructureError, Vertices,
};

/// All bit vectors of `n` bits: binary codes, sets.
///
/// Unary scores are `[n]`, one for each bit that is on. The penalty is [`Penalty::OnOff`], so that
/// `μ_i = clip((η_i + 1)/2, 0, 1)`; the distribution is the nested one, of at most n + 1 vectors.
///
/// The MAP oracle takes the positive scores, `O(n)`. [`KBest`] walks the subsets of bits to flip in
/// the order of their cost `Σ|η_i|`, `O(n + k log k)`. [`Neighbors`] are the flips of one bit.
///
/// Source: Correia et al. 2020, [arXiv 2007.01919](https://arxiv.org/abs/2007.01919).
#[derive(Debug, Clone, PartialEq)]
pub struct BitVector {
    n: usize,
}

impl BitVector {
    /// Vectors of `n` bits.
    ///
    /// # Errors
    ///
    /// If there is no bit, or if there are more than [`u32`] counts.
    pub fn new(n: usize) -> Result<Self, StructureError> {
        if n == 0 || u32::try_from(n).is_err() {
            let problem = format!("n must be in 1..={}, got {n}", u32::MAX);
            return Err(StructureError::new("BitVector", problem));
        }
        Ok(Self { n })
    }
}

/// What [`BitVector`] allocates once.
#[derive(Debug, Default)]
pub struct BitVectorWorkspace {
    flips: Vec<Flip>,
    subsets: Vec<Subset>,
    heap: BinaryHeap<Reverse<(Cost, u32)>>,
}

/// A bit and what the score loses if it is flipped.
#[derive(Debug, Clone, Copy)]
struct Flip {
    cost: f64,
    bit: u32,
}

/// A set of flips: that of `parent`, and `last` in the order of costs.
#[derive(Debug, Clone, Copy)]
struct Subset {
    cost: f64,
    parent: u32,
    last: u32,
}

/// No parent: the empty set.
const EMPTY: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Cost(f64);

impl Eq for Cost {}

impl PartialOrd for Cost {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cost {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Structure for BitVector {
    type Workspace = BitVectorWorkspace;

    fn unaries(&self) -> usize {
        self.n
    }

    fn argmax(&self, scores: Scores<'_>, _: &mut BitVectorWorkspace, best: &mut Parts) {
        for (bit, score) in scores.unaries.iter().enumerate() {
            if *score > 0.0 {
                best.insert(bit);
            }
        }
    }

    fn penalty(&self) -> Penalty {
        Penalty::OnOff
    }

    fn closed_form(&self) -> Option<ClosedForm> {
        Some(ClosedForm::Cardinality {
            at_least: 0,
            at_most: self.n,
        })
    }

    fn contains(&self, parts: &Parts) -> bool {
        parts.unaries() == self.n && parts.additionals().is_empty()
    }
}

impl KBest for BitVector {
    fn k_best(
        &self,
        scores: Scores<'_>,
        k: usize,
        workspace: &mut BitVectorWorkspace,
        best: &mut Vertices,
    ) {
        let BitVectorWorkspace {
            flips,
            subsets,
            heap,
        } = workspace;
        flips.clear();
        // a forbidden bit cannot be flipped on
        flips.extend((0u32..).zip(scores.unaries).filter_map(|(bit, score)| {
            let cost = score.abs();
            (cost < f64::INFINITY).then_some(Flip { cost, bit })
        }));
        let order = |a: &Flip, b: &Flip| a.cost.total_cmp(&b.cost).then(a.bit.cmp(&b.bit));
        // the k best flip none but the k − 1 cheapest bits
        let useful = (k - 1).min(flips.len());
        if useful < flips.len() && useful > 0 {
            flips.select_nth_unstable_by(useful - 1, order);
        }
        flips.truncate(useful);
        flips.sort_unstable_by(order);

        let mut parts = Parts::new(self.n);
        self.argmax(scores, &mut BitVectorWorkspace::default(), &mut parts);
        best.push(&parts);
        subsets.clear();
        heap.clear();
        if let Some(first) = flips.first() {
            subsets.push(Subset {
                cost: first.cost,
                parent: EMPTY,
                last: 0,
            });
            heap.push(Reverse((Cost(first.cost), 0)));
        }
        // Each set comes from one other alone: by one more flip after its last, or by its last
        // flip exchanged for the next; neither costs less.
        while best.len() < k
            && let Some(Reverse((_, index))) = heap.pop()
        {
            let set = subsets[index as usize];
            let next = set.last + 1;
            if let Some(flip) = flips.get(next as usize) {
                let own = flips[set.last as usize].cost;
                let extended = Subset {
                    cost: set.cost + flip.cost,
                    parent: index,
                    last: next,
                };
                let exchanged = Subset {
                    cost: set.cost - own + flip.cost,
                    parent: set.parent,
                    last: next,
                };
                for subset in [extended, exchanged] {
                    heap.push(Reverse((Cost(subset.cost), subsets.len() as u32)));
                    subsets.push(subset);
                }
            }
            let toggle = |parts: &mut Parts| {
                let mut at = index;
                while at != EMPTY {
                    let Subset { parent, last, .. } = subsets[at as usize];
                    parts.toggle(flips[last as usize].bit as usize);
                    at = parent;
                }
            };
            toggle(&mut parts);
            best.push(&parts);
            toggle(&mut parts);
        }
    }
}

impl Neighbors for BitVector {
    fn neighbors(&self, parts: &Parts, neighbors: &mut Vertices) {
        let mut other = parts.clone();
        for bit in 0..self.n {
            other.toggle(bit);
            neighbors.push(&other);
            other.toggle(bit);
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
            let structure = BitVector::new(n).unwrap();
            let members: Vec<Parts> = bit_vectors(n).collect();
            check_argmax(&structure, &members);
            check_k_best(&structure, &members);
            check_neighbors(&structure, &members);
        }
    }

    #[test]
    fn no_bit_is_refused() {
        let error = BitVector::new(0).unwrap_err().to_string();
        assert!(error.contains("got 0"), "{error}");
    }
}
