//! Chains of bits, with a score for each two neighbours that are both on.

use super::paths::{Paths, larger, same_parts};
use crate::structure::{
    ClosedForm, KBest, Neighbors, Parts, Penalty, Scores, Structure, StructureError, Vertices, ones,
};

/// The bit vectors of `n` bits in a row, whose neighbours attract or repel each other: contiguous
/// or scattered selections, such as rationales.
///
/// Unary scores are `[n]`, one for each bit that is on. Additional scores are `[n − 1]`, one for
/// each two neighbours that are both on. The penalty is [`Penalty::OnOff`].
///
/// The MAP oracle is Viterbi's algorithm with two states, `O(n)`; [`KBest`] keeps a list of the k
/// best at each state, `O(n · k)`; [`Neighbors`] are the flips of one bit.
///
/// Source: Viterbi 1967; as a factor of SparseMAP: Niculae, Martins, Blondel, Cardie 2018,
/// [arXiv 1802.04223](https://arxiv.org/abs/1802.04223).
#[derive(Debug, Clone, PartialEq)]
pub struct BinarySequence {
    n: usize,
}

impl BinarySequence {
    /// Vectors of `n` bits.
    ///
    /// # Errors
    ///
    /// If there is no bit, or if there are more than [`u32`] counts.
    pub fn new(n: usize) -> Result<Self, StructureError> {
        StructureError::check_size("BinarySequence", n)?;
        Ok(Self { n })
    }

    /// The additional parts that go with the bits, ascending.
    fn additional_parts(&self, on: impl Fn(usize) -> bool) -> impl Iterator<Item = usize> {
        (0..self.n - 1).filter(move |&at| on(at) && on(at + 1))
    }

    /// Appends the vector of these bits.
    fn append(&self, on: impl Fn(usize) -> bool, vertices: &mut Vertices) {
        let unaries = (0..self.n).filter(|&at| on(at));
        vertices.push_parts(unaries, self.additional_parts(&on));
    }
}

/// What [`BinarySequence`] allocates once.
#[derive(Debug, Default)]
pub struct BinarySequenceWorkspace {
    /// For each bit but the first, whether the bit before it is best on: if this one is off
    /// (bit 0), and if it is on (bit 1).
    choices: Vec<u8>,
    words: Vec<u64>,
    paths: Paths,
}

impl Structure for BinarySequence {
    type Workspace = BinarySequenceWorkspace;

    fn unaries(&self) -> usize {
        self.n
    }

    fn additionals(&self) -> usize {
        self.n - 1
    }

    fn argmax(
        &self,
        scores: Scores<'_>,
        workspace: &mut BinarySequenceWorkspace,
        best: &mut Parts,
    ) {
        let BinarySequenceWorkspace { choices, words, .. } = workspace;
        choices.resize(self.n, 0);
        let (&first, unaries) = scores.unaries.split_first().expect("n is at least 1");
        // The best scores of a prefix whose last bit is off, and on.
        let (mut off, mut on) = (0.0, first);
        let steps = unaries.iter().zip(scores.additionals);
        for (choice, (unary, both)) in choices[1..].iter_mut().zip(steps) {
            let stays = on + both;
            *choice = u8::from(on > off) | u8::from(stays > off) << 1;
            (off, on) = (larger(on, off), larger(stays, off) + unary);
        }

        // Bits are as good as random here: nothing branches on one until all are known.
        words.resize(self.n.div_ceil(64), 0);
        let mut bit = u64::from(on > off);
        for (word, choices) in words.iter_mut().zip(choices.chunks(64)).rev() {
            let mut bits = 0;
            for choice in choices.iter().rev() {
                bits = bits << 1 | bit;
                bit = u64::from(*choice) >> bit & 1;
            }
            *word = bits;
        }
        for at in ones(words) {
            best.insert(at);
        }
        for at in 0..words.len() {
            let after = words.get(at + 1).map_or(0, |word| word << 63);
            words[at] &= words[at] >> 1 | after;
        }
        for at in ones(words) {
            best.insert_additional(at);
        }
    }

    fn penalty(&self) -> Penalty {
        Penalty::OnOff
    }

    fn closed_form(&self) -> Option<ClosedForm> {
        Some(ClosedForm::Chain)
    }

    fn contains(&self, parts: &Parts) -> bool {
        let expected = self.additional_parts(|at| parts.contains(at));
        parts.unaries() == self.n && same_parts(parts.additionals(), expected)
    }

    fn trusted(&self) -> bool {
        true
    }
}

impl KBest for BinarySequence {
    fn k_best(
        &self,
        scores: Scores<'_>,
        k: usize,
        workspace: &mut BinarySequenceWorkspace,
        best: &mut Vertices,
    ) {
        let unary = |at: usize, on: usize| if on == 1 { scores.unaries[at] } else { 0.0 };
        let transition = |at: usize, from: usize, to: usize| {
            if from + to == 2 {
                scores.additionals[at]
            } else {
                0.0
            }
        };
        workspace
            .paths
            .k_best((self.n, 2), k, unary, transition, |path| {
                self.append(|at| path[at] == 1, best);
            });
    }
}

impl Neighbors for BinarySequence {
    fn neighbors(&self, parts: &Parts, neighbors: &mut Vertices) {
        for flipped in 0..self.n {
            self.append(|at| parts.contains(at) != (at == flipped), neighbors);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::enumerate::{
        bit_vectors, check_argmax, check_k_best, check_k_best_survives_nan, check_neighbors,
        check_survives_nan, trials,
    };

    fn with_pairs(mut bits: Parts) -> Parts {
        for at in 1..bits.unaries() {
            if bits.contains(at - 1) && bits.contains(at) {
                bits.insert_additional(at - 1);
            }
        }
        bits
    }

    #[test]
    fn agrees_with_enumeration() {
        for n in 1..=7 {
            let structure = BinarySequence::new(n).expect("a size");
            let members: Vec<Parts> = bit_vectors(n).map(with_pairs).collect();
            check_argmax(&structure, &members);
            check_k_best(&structure, &members);
            check_neighbors(&structure, &members);
            let mut neighbors = Vertices::new(n);
            structure.neighbors(&members[0], &mut neighbors);
            assert_eq!(neighbors.len(), n);
        }
    }

    /// Across words, and with a workspace that comes from other sizes.
    #[test]
    fn argmax_is_the_first_of_k_best() {
        let mut workspace = BinarySequenceWorkspace::default();
        for n in [200, 63, 64, 1, 65, 128, 129] {
            let structure = BinarySequence::new(n).expect("a size");
            for scores in trials(2 * n - 1) {
                let scores = Scores {
                    unaries: &scores[..n],
                    additionals: &scores[n..],
                };
                let (mut best, mut first) = (Parts::new(n), Vertices::new(n));
                structure.argmax(scores, &mut workspace, &mut best);
                let mut bits = best.clone();
                bits.clear_additionals();
                assert_eq!(best, with_pairs(bits));
                structure.k_best(scores, 1, &mut workspace, &mut first);
                let mut parts = Parts::new(n);
                first.get(0, &mut parts);
                // Sums below 1e9, each of its 400 terms rounded by at most an ulp of that.
                assert!((scores.of(&parts) - scores.of(&best)).abs() <= 1e-4);
            }
        }
    }

    #[test]
    fn survives_nan() {
        let structure = BinarySequence::new(70).expect("a size");
        check_survives_nan(&structure);
        check_k_best_survives_nan(&structure);
    }

    #[test]
    fn contains_no_others() {
        let structure = BinarySequence::new(3).expect("a size");
        let mut parts = Parts::new(3);
        parts.insert(0);
        parts.insert(1);
        assert!(!structure.contains(&parts));
        parts.insert_additional(0);
        assert!(structure.contains(&parts));
        parts.insert_additional(1);
        assert!(!structure.contains(&parts));
        assert!(!structure.contains(&Parts::new(4)));
    }

    #[test]
    fn sizes() {
        let expected = "BinarySequence: n must be in 1..=4294967295, got 0";
        assert_eq!(
            BinarySequence::new(0).expect_err("no size").to_string(),
            expected
        );
        assert_eq!(BinarySequence::new(1).expect("a size").additionals(), 0);
    }
}
