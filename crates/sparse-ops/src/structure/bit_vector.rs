//! Independent bits.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::select_unpredictable;

use crate::structure::{
    ClosedForm, KBest, Neighbors, Parts, Penalty, Scores, Structure, StructureError, Vertices, ones,
};

/// All bit vectors of `n` bits: binary codes, sets.
///
/// Unary scores are `[n]`, one for each bit that is on. The penalty is [`Penalty::OnOff`], so that
/// `μ_i = clip((η_i + 1)/2, 0, 1)`; the distribution is the nested one, of at most n + 1 vectors.
///
/// The MAP oracle takes the positive scores, `O(n)`. [`KBest`] walks the subsets of bits to flip in
/// the order of their cost `Σ|η_i|`, `O(n + k log(n + k))`. [`Neighbors`] are the flips of one bit.
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
        StructureError::check_size("BitVector", n)?;
        Ok(Self { n })
    }
}

/// What [`BitVector`] allocates once.
#[derive(Debug, Default)]
pub struct BitVectorWorkspace {
    tournament: Tournament,
    /// The cheapest flips, as many as were needed.
    flips: Vec<Flip>,
    /// What each vector found so far costs.
    costs: Vec<f64>,
    heap: BinaryHeap<Reverse<Candidate>>,
    parts: Option<Parts>,
}

/// A bit and what the score loses if it is flipped.
#[derive(Debug, Clone, Copy)]
struct Flip {
    cost: f64,
    bit: u32,
}

/// A knockout of costs, to sort no more flips than needed.
///
/// The round of `m` winners lies at `m..2 * m`, and its number `i` is the lesser of the numbers `i` and
/// `i + m` of the round below. So a round is made of the halves of another lane by lane, and `costs[1]` is
/// the least of all. The lowest round has a place for each bit, and more up to a power of two; ∞ is the cost of a
/// flip that may not be.
#[derive(Debug, Default)]
struct Tournament {
    costs: Vec<f64>,
    /// The bit of each cost, as wide as the cost for the sake of the lanes.
    bits: Vec<u64>,
}

impl Tournament {
    fn fill(&mut self, scores: &[f64]) {
        let size = scores.len().next_power_of_two();
        if self.costs.len() != 2 * size {
            self.costs.resize(2 * size, f64::INFINITY);
            self.bits.clear();
            self.bits.resize(size, 0);
            self.bits.extend(0..size as u64);
        }
        let (places, rest) = self.costs[size..].split_at_mut(scores.len());
        for (cost, score) in places.iter_mut().zip(scores) {
            // a forbidden bit has the cost ∞ by itself; a NaN would be lost on the way to the top
            *cost = score.abs().min(f64::INFINITY);
        }
        rest.fill(f64::INFINITY);
        let mut winners = size / 2;
        while winners > 0 {
            let (round, below) = self.costs[winners..4 * winners].split_at_mut(winners);
            let (left, right) = below.split_at(winners);
            let (bits, below) = self.bits[winners..4 * winners].split_at_mut(winners);
            let (left_bits, right_bits) = below.split_at(winners);
            for i in 0..winners {
                let first = left[i] <= right[i];
                round[i] = if first { left[i] } else { right[i] };
                bits[i] = if first { left_bits[i] } else { right_bits[i] };
            }
            winners /= 2;
        }
    }

    /// The cheapest of those that are left.
    fn next(&mut self) -> Option<Flip> {
        let size = self.costs.len() / 2;
        let (costs, bits) = (&mut self.costs[..2 * size], &mut self.bits[..2 * size]);
        let (cost, bit) = (costs[1], bits[1]);
        if cost == f64::INFINITY {
            return None;
        }
        // again without it, from its place to the top, with the least so far at hand
        let (mut least, mut whose) = (f64::INFINITY, bit);
        let (mut places, mut at) = (size, bit as usize);
        costs[places + at] = least;
        while places > 1 {
            let winners = places / 2;
            let rival = places + (at ^ winners);
            // costs are not negative, so that their bits are in their order; a branch would be mispredicted
            let first = least.to_bits() <= costs[rival].to_bits();
            least = select_unpredictable(first, least, costs[rival]);
            whose = select_unpredictable(first, whose, bits[rival]);
            places = winners;
            at &= winners - 1;
            costs[places + at] = least;
            bits[places + at] = whose;
        }
        Some(Flip {
            cost,
            bit: bit as u32,
        })
    }
}

/// A vector to come, the one found as number `parent` with a further flip, the `last` in the order
/// of costs: the bits of its cost, 32 of `last`, 32 of `parent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate(u128);

impl Candidate {
    fn new(cost: f64, last: usize, parent: usize) -> Self {
        Self(u128::from(cost.to_bits()) << 64 | (last as u128) << 32 | parent as u128)
    }

    fn cost(self) -> f64 {
        f64::from_bits((self.0 >> 64) as u64)
    }

    fn last(self) -> usize {
        (self.0 >> 32) as u32 as usize
    }

    fn parent(self) -> usize {
        self.0 as u32 as usize
    }
}

impl Structure for BitVector {
    type Workspace = BitVectorWorkspace;

    fn unaries(&self) -> usize {
        self.n
    }

    fn argmax(&self, scores: Scores<'_>, _: &mut BitVectorWorkspace, best: &mut Parts) {
        // A branch on each sign would be mispredicted half of the time.
        for (block, scores) in scores.unaries.chunks(64).enumerate() {
            let positive = (0..).zip(scores).fold(0, |word, (bit, score)| {
                word | u64::from(*score > 0.0) << bit
            });
            ones(&[positive]).for_each(|bit| best.insert(block * 64 + bit));
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

    fn trusted(&self) -> bool {
        true
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
        if k == 0 {
            return;
        }
        let mut parts = match workspace.parts.take() {
            Some(parts) if parts.unaries() == self.n => parts,
            _ => Parts::new(self.n),
        };
        parts.clear();
        self.argmax(scores, workspace, &mut parts);
        best.push(&parts);

        let BitVectorWorkspace {
            tournament,
            flips,
            costs,
            heap,
            ..
        } = workspace;
        flips.clear();
        tournament.fill(scores.unaries);
        costs.clear();
        costs.push(0.0);
        heap.clear();
        flips.extend(tournament.next());
        heap.extend(
            flips
                .first()
                .map(|flip| Reverse(Candidate::new(flip.cost, 0, 0))),
        );
        // Each set of flips comes from one other alone: by one more flip after its last, or by its
        // last flip exchanged for the next; neither costs less.
        while best.len() < k
            && let Some(&Reverse(found)) = heap.peek()
        {
            let (last, parent, index) = (found.last(), found.parent(), best.len());
            best.push_copy(parent);
            best.toggle_last(flips[last].bit as usize);
            if best.len() == k {
                break;
            }
            costs.push(found.cost());
            if last + 1 == flips.len() {
                flips.extend(tournament.next());
            }
            let Some(flip) = flips.get(last + 1) else {
                heap.pop();
                continue;
            };
            let next = |parent: usize| {
                Reverse(Candidate::new(costs[parent] + flip.cost, last + 1, parent))
            };
            // in the place of what was found, which is cheaper than to pop and push
            if let Some(mut top) = heap.peek_mut() {
                *top = next(parent);
            }
            heap.push(next(index));
        }
        workspace.parts = Some(parts);
    }
}

impl Neighbors for BitVector {
    fn neighbors(&self, parts: &Parts, neighbors: &mut Vertices) {
        for bit in 0..self.n {
            neighbors.push(parts);
            neighbors.toggle_last(bit);
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
    fn a_workspace_serves_other_sizes() {
        let mut workspace = BitVectorWorkspace::default();
        for (n, k, expected) in [(70, 3, 3), (2, 9, 4), (1, 0, 0), (65, 1, 1)] {
            let scores = vec![0.5; n];
            let scores = Scores {
                unaries: &scores,
                additionals: &[],
            };
            let mut best = Vertices::new(n);
            let structure = BitVector::new(n).unwrap();
            structure.k_best(scores, k, &mut workspace, &mut best);
            assert_eq!(best.len(), expected);
            assert!(k == 0 || best.iter(0).eq(0..n));
        }
    }

    #[test]
    fn no_bit_is_refused() {
        let error = BitVector::new(0).unwrap_err().to_string();
        assert!(error.contains("got 0"), "{error}");
    }
}
