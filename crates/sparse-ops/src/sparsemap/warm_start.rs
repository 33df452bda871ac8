//! Where the active set begins, if not at the MAP structure.

use super::solution::{Shape, Solution};
use crate::candidates::CandidateSet;
use crate::structure::{Parts, Vertices};

/// The structures of each row of an earlier distribution, with weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WarmStart<'a> {
    vertices: &'a Vertices,
    /// Where the structures of each row end.
    ends: &'a [usize],
    /// Equal if none.
    weights: Option<&'a [f64]>,
    /// Of the rows of a solution.
    shapes: Option<&'a [Shape]>,
}

impl<'a> From<&'a Solution> for WarmStart<'a> {
    fn from(solution: &'a Solution) -> Self {
        Self {
            vertices: &solution.vertices,
            ends: &solution.ends,
            weights: Some(&solution.probs),
            shapes: Some(&solution.shapes),
        }
    }
}

impl<'a> From<&'a CandidateSet> for WarmStart<'a> {
    fn from(candidates: &'a CandidateSet) -> Self {
        Self {
            vertices: &candidates.vertices,
            ends: &candidates.ends,
            weights: None,
            shapes: None,
        }
    }
}

impl<'a> WarmStart<'a> {
    pub(crate) fn batch(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn unaries(&self) -> usize {
        self.vertices.unaries()
    }

    pub(super) fn row(&self, row: usize) -> WarmRow<'a> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        WarmRow {
            start: *self,
            entries: start..self.ends[row],
            shape: self.shapes.map(|shapes| shapes[row]),
        }
    }
}

/// Those of one row.
#[derive(Debug, Clone)]
pub(super) struct WarmRow<'a> {
    start: WarmStart<'a>,
    entries: std::ops::Range<usize>,
    shape: Option<Shape>,
}

impl WarmRow<'_> {
    /// Writes the next structure that has a weight into `parts`, and gives the weight.
    pub(super) fn next(&mut self, parts: &mut Parts) -> Option<f64> {
        let weight = |index: usize| self.start.weights.map_or(1.0, |weights| weights[index]);
        // a row that failed is one entry of weight NaN
        let index = self.entries.find(|index| weight(*index) > 0.0)?;
        self.start.vertices.get(index, parts);
        if let Some(shape) = self.shape {
            shape.complete(parts);
        }
        Some(weight(index))
    }
}
