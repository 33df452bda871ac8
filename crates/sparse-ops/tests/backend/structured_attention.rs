//! Gradients through a small model: attention whose weights are the marginals of a chain, or whose
//! loss is an expectation over its structures, against central differences in every parameter.

use std::collections::BTreeSet;

use burn_core::tensor::{DType, Device, Tensor};
use sparse_ops::*;

use crate::device::{
    assert_close, autodiff_modes, dtypes, has_exp, modes, normals, tensor, values,
};

const BATCH: usize = 2;
const FEATURES: usize = 2;

/// How the structures are made a loss.
#[derive(Debug, Clone, Copy)]
enum Objective {
    /// The error of what the marginals attend to.
    Marginals,
    /// The expected error of what each structure attends to, less some entropy.
    Expectation,
}

/// Queries that attend to memories, by a structure with a part for each pair of the two.
struct Attention<S> {
    structure: S,
    options: SparseMapOptions,
    objective: Objective,
    queries: usize,
    memories: usize,
    seed: u64,
}

impl<S: Structure> Attention<S> {
    /// The shapes of the parameters: three projections, those of queries, keys and values, a linear
    /// layer, and the scores of the additional parts.
    fn shapes(&self) -> [[usize; 2]; 5] {
        let square = [FEATURES, FEATURES];
        let additionals = [1, self.structure.additionals()];
        [square, square, square, [FEATURES, 1], additionals]
    }

    /// Small enough for a few structures in each support.
    fn parameters(&self) -> Vec<Vec<f64>> {
        let shapes = self.shapes().into_iter().zip(1..);
        let draw = |([rows, columns], at): ([usize; 2], u64)| {
            normals(rows * columns, 100 * self.seed + at)
        };
        let halved = |values: Vec<f64>| values.iter().map(|value| value / 2.0).collect();
        shapes.map(draw).map(halved).collect()
    }

    fn tensors(&self, parameters: &[Vec<f64>], device: &Device, dtype: DType) -> Vec<Tensor<2>> {
        let all = parameters.iter().zip(self.shapes());
        all.map(|(values, shape)| tensor(values, shape, device, dtype))
            .collect()
    }

    /// The loss `[1]`, and the distribution behind it.
    fn run(&self, parameters: &[Tensor<2>]) -> (Tensor<1>, SparseDistribution<Tensor<2>>) {
        let [query, key, value, linear, additionals] = parameters else {
            panic!("five parameters");
        };
        let (device, dtype) = (query.device(), query.dtype());
        let (r, c) = (self.queries, self.memories);
        let project = |count: usize, weights: &Tensor<2>, at: u64| {
            let inputs = normals(BATCH * count * FEATURES, 100 * self.seed + at);
            let inputs = tensor(&inputs, [BATCH * count, FEATURES], &device, dtype);
            let outputs = inputs.matmul(weights.clone());
            outputs.reshape([BATCH, count, FEATURES])
        };
        let (queries, keys) = (project(r, query, 10), project(c, key, 11));
        let memories = project(c, value, 11);
        let targets = normals(BATCH * r, 100 * self.seed + 12);
        let targets = tensor::<2>(&targets, [BATCH, r], &device, dtype);

        let scores = StructureScores {
            unaries: queries.matmul(keys.swap_dims(1, 2)).reshape([BATCH, r * c]),
            additionals: Some(additionals.clone().repeat_dim(0, BATCH)),
        };
        let q = sparsemap(scores, &self.structure, &self.options);
        // [rows, r] of `weights` [rows, r · c] and `memories` [rows, c, FEATURES]
        let attend = |weights: Tensor<2>, memories: Tensor<3>| {
            let rows = weights.dims()[0];
            let attended = weights.reshape([rows, r, c]).matmul(memories);
            let outputs = attended.reshape([rows * r, FEATURES]);
            outputs.matmul(linear.clone()).reshape([rows, r])
        };
        let error = |outputs: Tensor<2>, targets: Tensor<2>| -> Tensor<1> {
            (outputs - targets).square().sum_dim(1).reshape([-1])
        };
        let loss = match self.objective {
            Objective::Marginals => error(attend(q.marginals(), memories), targets).mean(),
            Objective::Expectation => {
                let outputs = attend(q.outcomes().clone(), q.repeat(memories));
                let errors = error(outputs, q.repeat(targets));
                q.expect(errors).mean() - q.entropy().mean() * 0.5
            }
        };
        (loss, q)
    }

    /// The loss at parameters, and the structures of each row.
    fn at(&self, parameters: &[Vec<f64>], device: &Device, dtype: DType) -> (f64, Support) {
        let (loss, q) = self.run(&self.tensors(parameters, device, dtype));
        (values(loss)[0], Support::of(&q))
    }

    /// Central differences in each parameter; none if the support changes within a step: there is
    /// a kink, where μ and p have no derivative.
    fn differences(&self, device: &Device, dtype: DType, step: f64) -> Option<Vec<Vec<f64>>> {
        let mut parameters = self.parameters();
        let (_, support) = self.at(&parameters, device, dtype);
        if !support.is_interior() {
            return None;
        }
        let mut differences = parameters.clone();
        for (which, differences) in differences.iter_mut().enumerate() {
            for (at, difference) in differences.iter_mut().enumerate() {
                let here = parameters[which][at];
                let mut side = |step: f64| {
                    parameters[which][at] = here + step;
                    let (loss, moved) = self.at(&parameters, device, dtype);
                    (moved.structures == support.structures).then_some(loss)
                };
                let (above, below) = (side(step)?, side(-step)?);
                parameters[which][at] = here;
                *difference = (above - below) / (2.0 * step);
            }
        }
        Some(differences)
    }
}

/// The rows' structures in no order, and their least probability.
struct Support {
    structures: BTreeSet<(usize, Vec<bool>)>,
    least: f64,
}

impl Support {
    fn of(q: &SparseDistribution<Tensor<2>>) -> Self {
        let n = q.outcomes().dims()[1];
        let bits = values(q.outcomes().clone());
        let rows = values(q.rows().float());
        let structures = bits.chunks(n).zip(&rows);
        Self {
            structures: structures
                .map(|(bits, row)| (*row as usize, bits.iter().map(|bit| *bit > 0.5).collect()))
                .collect(),
            least: values(q.probs()).into_iter().fold(1.0, f64::min),
        }
    }

    /// Whether each row has several structures, all with a probability that can change by much more
    /// than a step makes it, so that the third derivative of the entropy, 1/p², is below 400.
    fn is_interior(&self) -> bool {
        let size = |row: usize| {
            self.structures
                .iter()
                .filter(|entry| entry.0 == row)
                .count()
        };
        self.least > 0.05 && (0..BATCH).all(|row| size(row) > 1)
    }
}

/// The step and the tolerance of central differences. A loss of about 1 is the sum of a few dozen
/// rounded terms: off by 4 ε, and a difference by that over the step. Its third derivative is some
/// hundred, times step² / 6. In f64 the solution is known to 1e-12 or better, instead of ε.
fn accuracy(dtype: DType) -> (f64, f64) {
    match dtype {
        // 4 · 6e-8 · 256 = 6e-5, and 100 / 256² / 6 = 3e-4
        DType::F32 => (1.0 / 256.0, 1e-3),
        // 1e-12 · 8192 = 1e-8, and 100 / 8192² / 6 = 3e-7
        _ => (1.0 / 8192.0, 2e-6),
    }
}

/// Compares gradients in all modes at the first seed that is away from kinks.
fn check<S: Structure + Clone>(structure: S, queries: usize, options: SparseMapOptions) {
    let device = Device::default();
    // a device that has no exponential of a dtype has no logarithm either
    let usable = |dtype: DType| matches!(dtype, DType::F32 | DType::F64) && has_exp(&device, dtype);
    let dtypes = dtypes().into_iter().filter(|(dtype, _)| usable(*dtype));
    for ((dtype, rounding), objective) in dtypes.flat_map(|dtype| {
        [
            (dtype, Objective::Marginals),
            (dtype, Objective::Expectation),
        ]
    }) {
        let (step, tolerance) = accuracy(dtype);
        let attention = |seed| Attention {
            memories: structure.unaries() / queries,
            structure: structure.clone(),
            options,
            objective,
            queries,
            seed,
        };
        let smooth = (1..40).map(attention).find_map(|attention| {
            let differences = attention.differences(&device, dtype, step)?;
            Some((attention, differences))
        });
        let (attention, differences) = smooth.expect("a point away from kinks");

        let parameters = attention.parameters();
        let (plain, _) = attention.at(&parameters, &device, dtype);
        for device in modes() {
            let (loss, support) = attention.at(&parameters, &device, dtype);
            // the same operations, which a device may fuse otherwise
            assert_close(&[loss], &[plain], 8.0 * rounding * plain.abs().max(1.0));
            assert!(support.is_interior());
        }
        for device in autodiff_modes() {
            let tensors = attention.tensors(&parameters, &device, dtype);
            let tensors: Vec<_> = tensors.into_iter().map(Tensor::require_grad).collect();
            let (loss, _) = attention.run(&tensors);
            let grads = loss.backward();
            for (parameter, want) in tensors.iter().zip(&differences) {
                let got = values(parameter.grad(&grads).expect("a gradient"));
                assert_close(&got, want, tolerance);
                // and there is something to see
                assert!(
                    want.iter().any(|want| want.abs() > 20.0 * tolerance),
                    "{objective:?}: {want:?}"
                );
            }
        }
    }
}

/// Each of four queries attends to one of three memories.
#[test]
fn a_sequence_attends() {
    let structure = Sequence::new(4, 3).unwrap();
    check(structure, 4, SparseMapOptions::default());
}

/// One query attends to a selection among five memories in a row, whose neighbours have scores.
#[test]
fn a_selection_attends_by_closed_form() {
    let structure = BinarySequence::new(5).unwrap();
    check(structure, 1, SparseMapOptions::default());
}

#[test]
fn a_selection_attends_by_active_set() {
    let structure = BinarySequence::new(5).unwrap();
    let options = SparseMapOptions::default().with_closed_form(false);
    check(structure, 1, options);
}
