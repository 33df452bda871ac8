//! At least one of several.

use crate::structure::{ClosedForm, Parts, Scores, Structure, StructureError};

/// At least one of `n` bits on: a disjunction.
///
/// Unary scores are `[n]`. The penalty is [`Penalty::On`](crate::Penalty::On). The MAP oracle takes
/// the positive scores, or the largest if none is, `O(n)`.
///
/// Source: as a factor, Martins et al., *AD³*, 2015; of SparseMAP, Niculae, Martins, Blondel, Cardie
/// 2018, [arXiv 1802.04223](https://arxiv.org/abs/1802.04223).
#[derive(Debug, Clone, PartialEq)]
pub struct Or {
    n: usize,
}

impl Or {
    /// At least one of `n`.
    ///
    /// # Errors
    ///
    /// If there is none, or if there are more than [`u32`] counts.
    pub fn new(n: usize) -> Result<Self, StructureError> {
        StructureError::check_size("Or", n)?;
        Ok(Self { n })
    }
}

impl Structure for Or {
    type Workspace = ();

    fn unaries(&self) -> usize {
        self.n
    }

    fn argmax(&self, scores: Scores<'_>, (): &mut (), best: &mut Parts) {
        let (mut chosen, mut most) = (0, f64::NEG_INFINITY);
        for (at, &score) in scores.unaries.iter().enumerate() {
            if score > 0.0 {
                best.insert(at);
            }
            if score > most {
                (chosen, most) = (at, score);
            }
        }
        best.insert(chosen);
    }

    fn closed_form(&self) -> Option<ClosedForm> {
        Some(ClosedForm::Cardinality {
            at_least: 1,
            at_most: self.n,
        })
    }

    fn contains(&self, parts: &Parts) -> bool {
        parts.unaries() == self.n && parts.count() >= 1 && parts.additionals().is_empty()
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
            let members: Vec<Parts> = bit_vectors(n).filter(|bits| bits.count() >= 1).collect();
            check_argmax(&Or::new(n).unwrap(), &members);
        }
    }
}
