//! Warm starts, on tensors; what they save and where they end is tested beside the solver.

use burn_core::tensor::{DType, Device, Tensor};
use sparse_ops::*;

use crate::device::{assert_close, autodiff_modes, modes, normals, tensor, values};

fn scores(seed: u64, device: &Device) -> StructureScores {
    StructureScores {
        unaries: tensor::<2>(&normals(3 * 12, seed), [3, 12], device, DType::F32),
        additionals: Some(tensor(
            &normals(3 * 27, seed + 1),
            [3, 27],
            device,
            DType::F32,
        )),
    }
}

#[test]
fn from_any_distribution_to_the_same_marginals() {
    let (structure, options) = (Sequence::new(4, 3).unwrap(), SparseMapOptions::default());
    for device in modes() {
        let before = scores(1, &device);
        let starts = [
            sparsemap(before.clone(), &structure, &options),
            topk_sparsemax(before.clone(), &structure, 6),
            local_sparsemax(before, &structure),
        ];
        let want = sparsemap(scores(3, &device), &structure, &options);
        for start in starts {
            let q = sparsemap_from(&start, scores(3, &device), &structure, &options);
            assert_eq!(q.is_exact(), [true; 3]);
            assert!(q.certificates().iter().all(|c| c.wolfe_gap < 1e-10));
            // both are rounded to f32 from solutions that agree far below that
            assert_close(&values(q.marginals()), &values(want.marginals()), 1e-6);
        }
        let again = sparsemap_from(&want, scores(3, &device), &structure, &options);
        for (again, first) in again.certificates().iter().zip(want.certificates()) {
            assert!(again.iterations < first.iterations, "{again:?} {first:?}");
        }
    }
}

#[test]
fn gradients_are_those_of_a_cold_start() {
    let (structure, options) = (Assignment::new(3, 4).unwrap(), SparseMapOptions::default());
    for device in autodiff_modes() {
        let unaries = |seed: u64| {
            tensor::<2>(&normals(24, seed), [2, 12], &device, DType::F32).require_grad()
        };
        let weights = tensor::<2>(&normals(24, 9), [2, 12], &device, DType::F32);
        let (before, after) = (unaries(1), unaries(2));
        let grad = |q: SparseDistribution<Tensor<2>>| {
            let grads = (q.marginals() * weights.clone()).sum().backward();
            assert!(before.grad(&grads).is_none());
            values(after.grad(&grads).unwrap())
        };
        let start = sparsemap(before.clone(), &structure, &options);
        let warm = grad(sparsemap_from(&start, after.clone(), &structure, &options));
        let cold = grad(sparsemap(after.clone(), &structure, &options));
        // the same projection from two sets of vertices, rounded to f32
        assert_close(&warm, &cold, 1e-5);
        assert!(cold.iter().any(|g| g.abs() > 0.1));
    }
}

#[test]
#[should_panic(
    expected = "sparsemap_from: the previous distribution must have 3 rows of 4 unary \
                           parts as the scores have, got 2 rows of 4"
)]
fn another_batch_is_refused() {
    let (structure, options) = (BitVector::new(4).unwrap(), SparseMapOptions::default());
    let zeros = |rows: usize| Tensor::<2>::zeros([rows, 4], &Device::default());
    let previous = sparsemap(zeros(2), &structure, &options);
    sparsemap_from(&previous, zeros(3), &structure, &options);
}

#[test]
#[should_panic(expected = "sparsemap_from: max_iter must be at least 1, got 0")]
fn no_iterations_are_refused() {
    let (structure, options) = (BitVector::new(4).unwrap(), SparseMapOptions::default());
    let zeros = Tensor::<2>::zeros([2, 4], &Device::default());
    let previous = sparsemap(zeros.clone(), &structure, &options);
    sparsemap_from(&previous, zeros, &structure, &options.with_max_iter(0));
}
