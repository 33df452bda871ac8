//! The solutions of a batch, and what their gradients need.

use super::chain::{self, Bit};
use super::status::{Certificate, SolveStatus};
use crate::structure::{Parts, Vertices};

/// The solved rows of a batch: packed supports, marginals, and how both move with the scores.
#[derive(Debug)]
pub(crate) struct Solution {
    pub(crate) unaries: usize,
    pub(crate) additionals: usize,
    /// `∂η'/∂η` of the representation solved in: ½ for on/off, else 1.
    pub(super) slope: f64,
    /// The supported vertices, rows ascending. Those of [`Shape::Chain`] are without their pairs,
    /// which would take far more room than the bits that they follow from:
    /// [`vertex`](Self::vertex) has all.
    pub(crate) vertices: Vertices,
    /// `[total]`
    pub(crate) probs: Vec<f64>,
    /// `[batch · unaries]`
    pub(crate) marginals: Vec<f64>,
    /// `[batch · unaries]`, for rows of [`Shape::Chain`]: see [`Bit`].
    pub(super) chain: Vec<Bit>,
    /// Whether that is kept, for rows of any shape.
    pub(super) chains: bool,
    /// Where the entries of each row end.
    pub(crate) ends: Vec<usize>,
    /// Vertices beside the supports that complete the span of the optimal faces.
    pub(super) face_vertices: Vertices,
    pub(super) face_ends: Vec<usize>,
    pub(super) shapes: Vec<Shape>,
    pub(crate) status: Vec<SolveStatus>,
    pub(crate) certificates: Vec<Certificate>,
}

/// How a row's probabilities and marginals move with its scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// No distribution: NaN.
    Failed,
    /// Both by the vertices.
    Vertices,
    /// The marginals strictly between 0 and 1 move freely, or with a constant sum.
    Box { tight: bool, probs: Probs },
    /// Neighbours with equal marginals move together.
    Chain,
    /// The marginals that are not 0 move, with constant sums of rows and columns.
    Permutations,
}

impl Shape {
    /// Turns those parts on that the vertices of a solution are stored without.
    pub(super) fn complete(self, parts: &mut Parts) {
        if self == Self::Chain {
            chain::insert_pairs(parts);
        }
    }
}

/// How probabilities were made of marginals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probs {
    Nested,
    Systematic,
    /// By the vertices: ends of intervals coincide.
    Vertices,
}

impl Solution {
    pub(super) fn new(unaries: usize, additionals: usize, slope: f64) -> Self {
        Self {
            unaries,
            additionals,
            slope,
            vertices: Vertices::new(unaries),
            probs: Vec::new(),
            marginals: Vec::new(),
            chain: Vec::new(),
            chains: false,
            ends: Vec::new(),
            face_vertices: Vertices::new(unaries),
            face_ends: Vec::new(),
            shapes: Vec::new(),
            status: Vec::new(),
            certificates: Vec::new(),
        }
    }

    pub(crate) fn batch(&self) -> usize {
        self.ends.len()
    }

    /// The entries of a row.
    pub(crate) fn entries(&self, row: usize) -> std::ops::Range<usize> {
        span(&self.ends, row)
    }

    /// Writes the vertex of an entry of a row, with all of its parts.
    pub(super) fn vertex(&self, row: usize, index: usize, parts: &mut Parts) {
        self.vertices.get(index, parts);
        self.shapes[row].complete(parts);
    }

    pub(super) fn face(&self, row: usize) -> std::ops::Range<usize> {
        span(&self.face_ends, row)
    }

    pub(crate) fn row_marginals(&self, row: usize) -> &[f64] {
        &self.marginals[row * self.unaries..(row + 1) * self.unaries]
    }

    pub(super) fn row_chain(&self, row: usize) -> &[Bit] {
        &self.chain[row * self.unaries..(row + 1) * self.unaries]
    }

    pub(super) fn finish_row(&mut self, shape: Shape, status: SolveStatus, proof: Certificate) {
        if self.chains {
            self.chain.resize(self.marginals.len(), Bit::NONE);
        }
        self.ends.push(self.vertices.len());
        self.face_ends.push(self.face_vertices.len());
        self.shapes.push(shape);
        self.status.push(status);
        self.certificates.push(proof);
    }

    /// Makes room for the rows of others where there is much of it, and no more than that.
    pub(super) fn reserve(&mut self, others: &[Self]) {
        self.vertices
            .reserve(others.iter().map(|other| &other.vertices));
        self.face_vertices
            .reserve(others.iter().map(|other| &other.face_vertices));
        let sum = |count: fn(&Self) -> usize| others.iter().map(count).sum();
        self.probs.reserve_exact(sum(|other| other.probs.len()));
        self.marginals
            .reserve_exact(sum(|other| other.marginals.len()));
        self.chain.reserve_exact(sum(|other| other.chain.len()));
    }

    /// Appends the rows of another.
    pub(super) fn append(&mut self, other: Self) {
        let (first, first_face) = (self.vertices.len(), self.face_vertices.len());
        self.vertices.append(&other.vertices);
        self.face_vertices.append(&other.face_vertices);
        self.probs.extend(other.probs);
        self.marginals.extend(other.marginals);
        self.chain.extend(other.chain);
        self.chains |= other.chains;
        self.ends.extend(other.ends.iter().map(|end| first + end));
        self.face_ends
            .extend(other.face_ends.iter().map(|end| first_face + end));
        self.shapes.extend(other.shapes);
        self.status.extend(other.status);
        self.certificates.extend(other.certificates);
    }
}

#[cfg(test)]
impl Solution {
    /// The same, with gradients by the vertices instead of a closed form's.
    pub(crate) fn by_vertices(mut self) -> Self {
        let (mut vertices, mut parts) = (Vertices::new(self.unaries), Parts::new(self.unaries));
        for row in 0..self.batch() {
            for index in self.entries(row) {
                self.vertex(row, index, &mut parts);
                vertices.push(&parts);
            }
        }
        self.vertices = vertices;
        self.shapes.fill(Shape::Vertices);
        self
    }
}

fn span(ends: &[usize], row: usize) -> std::ops::Range<usize> {
    let start = if row == 0 { 0 } else { ends[row - 1] };
    start..ends[row]
}
