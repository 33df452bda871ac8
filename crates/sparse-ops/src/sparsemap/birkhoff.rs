//! A distribution over permutations with given marginals: Birkhoff's theorem, as he proved it.
//!
//! Among the pairs with a positive marginal there is a permutation (Birkhoff 1946). Give it the least of
//! its pairs' marginals as its probability, take that from all of them, and go on with what is left: each
//! uses up a pair at least, which the later permutations lack. So they are independent.

use crate::structure::{Parts, ones};

/// What is left of a marginal by rounding.
const NOTHING: f64 = 1e-13;

const NOBODY: usize = usize::MAX;

/// What is allocated once.
#[derive(Debug, Default)]
pub(super) struct Birkhoff {
    size: usize,
    /// What is left of the marginals.
    left: Vec<f64>,
    /// Of each row, the columns where something is left: a bit for each.
    open: Vec<u64>,
    /// The columns without a row.
    vacant: Vec<u64>,
    /// The column of each row, and the row of each column.
    partners: Vec<usize>,
    owners: Vec<usize>,
    /// Of a search: the columns that were reached, each with the row it was reached from, and the rows.
    seen: Vec<u64>,
    origins: Vec<usize>,
    reached: Vec<usize>,
}

impl Birkhoff {
    /// Emits permutations of `means` `[size · size]`, each with its probability, and returns the mass
    /// that none of them has: rounding, unless the sums of the rows and columns were not all 1.
    #[inline(always)]
    pub(super) fn decompose(
        &mut self,
        means: &[f64],
        size: usize,
        vertex: &mut Parts,
        mut emit: impl FnMut(&Parts, f64),
    ) -> f64 {
        self.begin(means, size);
        let mut mass = 1.0_f64;
        while mass > NOTHING && self.complete() {
            vertex.clear();
            let mut least = mass;
            for (row, &column) in self.partners.iter().enumerate() {
                vertex.insert(row * size + column);
                least = least.min(self.left[row * size + column]);
            }
            emit(vertex, least);
            mass -= least;
            for row in 0..size {
                let column = self.partners[row];
                let left = &mut self.left[row * size + column];
                *left -= least;
                if *left <= NOTHING {
                    self.close(row, column);
                }
            }
        }
        mass
    }

    /// Gives rows the column of their largest mean, where it is free: what is likely gets a large
    /// share, so that there are few permutations.
    #[inline(always)]
    fn begin(&mut self, means: &[f64], size: usize) {
        let words = size.div_ceil(64);
        self.size = size;
        self.left.clear();
        self.left.extend_from_slice(means);
        refill(&mut self.open, size * words, 0);
        refill(&mut self.vacant, words, u64::MAX);
        refill(&mut self.seen, words, 0);
        refill(&mut self.origins, size, NOBODY);
        refill(&mut self.partners, size, NOBODY);
        refill(&mut self.owners, size, NOBODY);
        for (row, means) in means.chunks_exact(size).enumerate() {
            let open = &mut self.open[row * words..(row + 1) * words];
            let (mut best, mut most) = (0, NOTHING);
            for (column, mean) in means.iter().enumerate() {
                if *mean > NOTHING {
                    open[column / 64] |= 1 << (column % 64);
                }
                if *mean > most {
                    (best, most) = (column, *mean);
                }
            }
            if most > NOTHING && self.owners[best] == NOBODY {
                self.partners[row] = best;
                self.owners[best] = row;
                self.vacant[best / 64] &= !(1 << (best % 64));
            }
        }
    }

    /// Nothing is left of a pair of partners.
    #[inline(always)]
    fn close(&mut self, row: usize, column: usize) {
        let (word, bit) = (column / 64, 1 << (column % 64));
        self.open[row * self.size.div_ceil(64) + word] &= !bit;
        self.vacant[word] |= bit;
        self.partners[row] = NOBODY;
        self.owners[column] = NOBODY;
    }

    /// Finds a partner for every row; false if there is no such way.
    #[inline(always)]
    fn complete(&mut self) -> bool {
        for row in 0..self.size {
            if self.partners[row] == NOBODY && !self.augment(row) {
                return false;
            }
        }
        true
    }

    /// Finds a partner for a row by the shortest path of exchanges.
    #[inline(always)]
    fn augment(&mut self, free: usize) -> bool {
        let words = self.size.div_ceil(64);
        self.seen.fill(0);
        self.reached.clear();
        self.reached.push(free);
        let mut next = 0;
        while let Some(&row) = self.reached.get(next) {
            next += 1;
            for word in 0..words {
                let new = self.open[row * words + word] & !self.seen[word];
                self.seen[word] |= new;
                let vacant = new & self.vacant[word];
                if vacant != 0 {
                    let column = word * 64 + vacant.trailing_zeros() as usize;
                    self.origins[column] = row;
                    self.vacant[word] &= !(1 << (column % 64));
                    self.exchange(free, column);
                    return true;
                }
                for column in ones(&[new]) {
                    let column = word * 64 + column;
                    self.origins[column] = row;
                    self.reached.push(self.owners[column]);
                }
            }
        }
        false
    }

    /// Along the path that ends at a column, every row leaves its partner for the next.
    fn exchange(&mut self, free: usize, mut column: usize) {
        loop {
            let row = self.origins[column];
            self.owners[column] = row;
            let before = std::mem::replace(&mut self.partners[row], column);
            if row == free {
                return;
            }
            column = before;
        }
    }
}

fn refill<T: Clone>(values: &mut Vec<T>, len: usize, value: T) {
    values.clear();
    values.resize(len, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decompose(means: &[f64], size: usize) -> (Vec<(Vec<usize>, f64)>, f64) {
        let (mut found, mut vertex) = (Vec::new(), Parts::new(size * size));
        let rest = Birkhoff::default().decompose(means, size, &mut vertex, |vertex, prob| {
            found.push((vertex.iter().collect(), prob));
        });
        (found, rest)
    }

    #[test]
    fn permutations_have_the_marginals() {
        // five of size 4, the probabilities of which are known: their mixture is decomposed
        let mixed = [
            ([0, 1, 2, 3], 0.4),
            ([1, 0, 3, 2], 0.3),
            ([3, 2, 1, 0], 0.15),
            ([1, 2, 3, 0], 0.1),
            ([0, 3, 2, 1], 0.05),
        ];
        let mut means = vec![0.0; 16];
        for (columns, prob) in &mixed {
            for (row, column) in columns.iter().enumerate() {
                means[4 * row + column] += prob;
            }
        }
        let (found, rest) = decompose(&means, 4);
        assert!(rest.abs() < 1e-12);
        let mut again = vec![0.0; 16];
        let mut later: Vec<bool> = vec![false; 16];
        for (pairs, prob) in found.iter().rev() {
            assert!(*prob > 0.0 && pairs.len() == 4);
            // a pair that the later ones lack
            assert!(pairs.iter().any(|&pair| !later[pair]));
            for &pair in pairs {
                again[pair] += prob;
                later[pair] = true;
            }
        }
        let pairs = means.iter().zip(&again);
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
    }

    #[test]
    fn what_has_no_permutation_is_left() {
        // two rows that share one column
        let (found, rest) = decompose(&[0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.5, 0.5], 3);
        assert!(found.is_empty());
        assert_eq!(rest, 1.0);
    }
}
