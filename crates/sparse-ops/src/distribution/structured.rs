//! Distributions over structures.

use std::sync::Arc;

use burn_core::backend::Dispatch;
use burn_core::tensor::{DType, Device, IndexingUpdateOp, Int, Tensor, TensorData};

use super::{Origin, SparseDistribution, least_normal, outcomes};
use crate::SparseOps;
use crate::sparsemap::{Candidates, Link, Solution};
use crate::structure::Vertices;

impl SparseDistribution<Tensor<2>> {
    /// The distribution of a SparseMAP solution.
    pub(crate) fn solved(scores: Tensor<2>, solution: Arc<Solution>) -> Self {
        let (device, dtype) = (scores.device(), scores.dtype());
        let total = solution.probs.len();
        let least = least_normal(dtype);
        // not `max`, which would make a probability of a NaN
        let lifted = |p: &f64| if *p < least { least } else { *p };
        let values = solution.probs.iter().map(lifted).collect();
        let values = floats(values, [total], &device, dtype);
        let probs = attach(&scores, values, Link::probs(solution.clone()));
        let sizes = (0..solution.batch()).map(|row| solution.entries(row).len());
        let (rows, support_size) = places(sizes, &device);
        let source = solution.clone();
        Self {
            probs,
            rows,
            outcomes: outcomes(move || {
                bits(&source.vertices, (0..total).map(Some), &device, dtype)
            }),
            support_size,
            origin: Origin::Solved {
                scores: Box::new(scores),
                solution,
            },
        }
    }

    /// The distribution that a mapping makes of candidates' scores `[batch, width]`.
    pub(crate) fn weighed(
        scores: Tensor<2>,
        candidates: Candidates,
        k: Option<usize>,
        mapping: impl Fn(Tensor<2>) -> Tensor<2>,
    ) -> Self {
        let (device, dtype) = (scores.device(), scores.dtype());
        let candidates = Arc::new(candidates);
        let shape = [candidates.batch(), candidates.width];
        let values = floats(candidates.scores.clone(), shape, &device, dtype);
        let values = attach(&scores, values, Link::candidates(candidates.clone()));
        let packed = SparseDistribution::categorical(mapping(values));
        let (rows, columns) = (packed.rows(), packed.outcomes().clone());
        let source = candidates.clone();
        Self {
            probs: packed.probs(),
            rows: packed.rows(),
            outcomes: outcomes(move || {
                let (rows, columns) = (rows.into_data(), columns.into_data());
                let chosen = rows.iter::<i64>().zip(columns.iter::<i64>());
                let chosen = chosen.map(|(row, column)| {
                    // a row without candidates is NaN all over
                    source.entries(row as usize).nth(column as usize)
                });
                bits(&source.vertices, chosen, &device, dtype)
            }),
            support_size: packed.support_size(),
            origin: Origin::Candidates { candidates, k },
        }
    }

    /// The marginals `[batch, n]`: the probability of each unary part. Differentiable in the
    /// scores; those of [`sparsemap`](crate::sparsemap()) with the Jacobian of μ, others through
    /// the probabilities.
    pub fn marginals(&self) -> Tensor<2> {
        match &self.origin {
            Origin::Solved { scores, solution } => {
                let (device, dtype) = (scores.device(), scores.dtype());
                let shape = [solution.batch(), solution.unaries];
                let values = floats(solution.marginals.clone(), shape, &device, dtype);
                attach(scores, values, Link::marginals(solution.clone()))
            }
            Origin::Probs | Origin::Candidates { .. } => {
                let terms = self.outcomes().clone() * self.probs().unsqueeze_dim(1);
                let shape = [self.batch(), terms.dims()[1]];
                let zeros = Tensor::zeros(shape, (&terms.device(), terms.dtype()));
                zeros.select_assign(0, self.rows(), terms, IndexingUpdateOp::Add)
            }
        }
    }
}

pub(crate) fn attach<const D: usize>(
    scores: &Tensor<2>,
    values: Tensor<D>,
    link: Link,
) -> Tensor<D> {
    if values.shape().num_elements() == 0 {
        return values;
    }
    let scores = scores.clone().into_dispatch();
    Tensor::from_dispatch(<Dispatch as SparseOps>::attach(
        scores,
        values.into_dispatch(),
        link,
    ))
}

pub(crate) fn floats<const D: usize>(
    values: Vec<f64>,
    shape: [usize; D],
    device: &Device,
    dtype: DType,
) -> Tensor<D> {
    let data = TensorData::new(values, shape).convert_dtype(dtype);
    Tensor::from_data(data, (device, dtype))
}

/// The row of each entry, and the number of entries of each row.
fn places(
    sizes: impl Iterator<Item = usize> + Clone,
    device: &Device,
) -> (Tensor<1, Int>, Tensor<1, Int>) {
    let ints = |values: Vec<i64>| {
        let shape = [values.len()];
        Tensor::from_data(TensorData::new(values, shape), device)
    };
    let rows = sizes.clone().enumerate();
    let rows = rows.flat_map(|(row, size)| std::iter::repeat_n(row as i64, size));
    (
        ints(rows.collect()),
        ints(sizes.map(|size| size as i64).collect()),
    )
}

/// Vertices as rows of 0 and 1; none is a row of 0.
fn bits(
    vertices: &Vertices,
    chosen: impl Iterator<Item = Option<usize>>,
    device: &Device,
    dtype: DType,
) -> Tensor<2> {
    let n = vertices.unaries();
    let mut values: Vec<f32> = Vec::new();
    for vertex in chosen {
        let start = values.len();
        values.resize(start + n, 0.0);
        for part in vertex.into_iter().flat_map(|vertex| vertices.iter(vertex)) {
            values[start + part] = 1.0;
        }
    }
    let shape = [values.len() / n, n];
    let data = TensorData::new(values, shape).convert_dtype(dtype);
    Tensor::from_data(data, (device, dtype))
}
