//! One of several.

use crate::structure::{
    ClosedForm, KBest, Neighbors, Parts, Scores, Structure, StructureError, Vertices,
};

/// Exactly one of `n` bits on: categories. SparseMAP over them is sparsemax.
///
/// Unary scores are `[n]`. The penalty is [`Penalty::On`](crate::Penalty::On). The MAP oracle is
/// `O(n)`, [`KBest`] `O(n + k log k)`; [`Neighbors`] are all the others.
///
/// Source: Martins & Astudillo 2016, [arXiv 1602.02068](https://arxiv.org/abs/1602.02068).
#[derive(Debug, Clone, PartialEq)]
pub struct OneOf {
    n: usize,
}

impl OneOf {
    /// One of `n`.
    ///
    /// # Errors
    ///
    /// If there is none, or if there are more than [`u32`] counts.
    pub fn new(n: usize) -> Result<Self, StructureError> {
        StructureError::check_size("OneOf", n)?;
        Ok(Self { n })
    }
}

impl Structure for OneOf {
    type Workspace = Vec<u32>;

    fn unaries(&self) -> usize {
        self.n
    }

    fn argmax(&self, scores: Scores<'_>, _: &mut Vec<u32>, best: &mut Parts) {
        let (mut chosen, mut most) = (0, f64::NEG_INFINITY);
        for (at, &score) in scores.unaries.iter().enumerate() {
            if score > most {
                (chosen, most) = (at, score);
            }
        }
        best.insert(chosen);
    }

    fn closed_form(&self) -> Option<ClosedForm> {
        Some(ClosedForm::Cardinality {
            at_least: 1,
            at_most: 1,
        })
    }

    fn contains(&self, parts: &Parts) -> bool {
        parts.unaries() == self.n && parts.count() == 1 && parts.additionals().is_empty()
    }

    fn trusted(&self) -> bool {
        true
    }
}

impl KBest for OneOf {
    fn k_best(&self, scores: Scores<'_>, k: usize, order: &mut Vec<u32>, best: &mut Vertices) {
        let score = |at: u32| scores.unaries[at as usize];
        order.clear();
        order.extend((0..self.n as u32).filter(|&at| score(at) > f64::NEG_INFINITY));
        let descending = |a: &u32, b: &u32| score(*b).total_cmp(&score(*a)).then(a.cmp(b));
        if k < order.len() {
            order.select_nth_unstable_by(k, descending);
            order.truncate(k);
        }
        order.sort_unstable_by(descending);
        for &at in order.iter() {
            best.push_parts([at as usize], []);
        }
    }
}

impl Neighbors for OneOf {
    fn neighbors(&self, parts: &Parts, neighbors: &mut Vertices) {
        for at in (0..self.n).filter(|&at| !parts.contains(at)) {
            neighbors.push_parts([at], []);
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
            let structure = OneOf::new(n).unwrap();
            let members: Vec<Parts> = bit_vectors(n).filter(|bits| bits.count() == 1).collect();
            check_argmax(&structure, &members);
            check_k_best(&structure, &members);
            check_neighbors(&structure, &members);
        }
    }
}
