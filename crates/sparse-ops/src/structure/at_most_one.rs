//! One of several, or none.

use crate::structure::{ClosedForm, Parts, Scores, Structure, StructureError};

/// At most one of `n` bits on: an optional category.
///
/// Unary scores are `[n]`. The penalty is [`Penalty::On`](crate::Penalty::On). The MAP oracle is
/// `O(n)`.
///
/// Source: as a factor, Martins et al., *AD³*, 2015; of SparseMAP, Niculae, Martins, Blondel, Cardie
/// 2018, [arXiv 1802.04223](https://arxiv.org/abs/1802.04223).
#[derive(Debug, Clone, PartialEq)]
pub struct AtMostOne {
    n: usize,
}

impl AtMostOne {
    /// At most one of `n`.
    ///
    /// # Errors
    ///
    /// If there is none, or if there are more than [`u32`] counts.
    pub fn new(n: usize) -> Result<Self, StructureError> {
        StructureError::check_size("AtMostOne", n)?;
        Ok(Self { n })
    }
}

impl Structure for AtMostOne {
    type Workspace = ();

    fn unaries(&self) -> usize {
        self.n
    }

    fn argmax(&self, scores: Scores<'_>, (): &mut (), best: &mut Parts) {
        let (mut chosen, mut most) = (None, 0.0);
        for (at, &score) in scores.unaries.iter().enumerate() {
            if score > most {
                (chosen, most) = (Some(at), score);
            }
        }
        chosen.into_iter().for_each(|at| best.insert(at));
    }

    fn closed_form(&self) -> Option<ClosedForm> {
        Some(ClosedForm::Cardinality {
            at_least: 0,
            at_most: 1,
        })
    }

    fn contains(&self, parts: &Parts) -> bool {
        parts.unaries() == self.n && parts.count() <= 1 && parts.additionals().is_empty()
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
        for n in 1..=7 {
            let members: Vec<Parts> = bit_vectors(n).filter(|bits| bits.count() <= 1).collect();
            check_argmax(&AtMostOne::new(n).unwrap(), &members);
        }
    }
}
