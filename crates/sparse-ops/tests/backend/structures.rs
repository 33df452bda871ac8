//! Distributions over structures, on tensors.

use burn_core::tensor::{Device, Tensor};
use sparse_ops::*;

use crate::device::{
    assert_close, autodiff_modes, dtypes, has_exp, modes, normals, tensor, values,
};

fn chain(scores: Tensor<2>, additionals: Option<Tensor<2>>) -> SparseDistribution<Tensor<2>> {
    let scores = StructureScores {
        unaries: scores,
        additionals,
    };
    let structure = BinarySequence::new(4).unwrap();
    sparsemap(scores, &structure, &SparseMapOptions::default())
}

#[test]
fn packed_structures_have_the_marginals() {
    for device in modes() {
        for (dtype, tolerance) in dtypes() {
            let unaries = tensor::<2>(&normals(12, 3), [3, 4], &device, dtype);
            let pairs = tensor::<2>(&normals(9, 4), [3, 3], &device, dtype);
            let q = chain(unaries, Some(pairs));
            let [total, n] = q.outcomes().dims();
            assert_eq!(
                (n, q.probs().dims(), q.rows().dims()),
                (4, [total], [total])
            );
            assert_eq!(q.solve_status(), [SolveStatus::Converged; 3]);
            assert_eq!(q.is_exact(), [true; 3]);
            assert!(q.certificates().iter().all(|c| c.wolfe_gap < 1e-10));
            let bits = values(q.outcomes().clone());
            assert!(bits.iter().all(|bit| *bit == 0.0 || *bit == 1.0));
            // each column in expectation, which sums as many rounded numbers as a row has entries
            let means = values(q.marginals());
            for bit in 0..n {
                let column = q.outcomes().clone().narrow(1, bit, 1).reshape([total]);
                let want: Vec<f64> = (0..3).map(|row| means[row * n + bit]).collect();
                assert_close(&values(q.expect(column)), &want, 8.0 * tolerance);
            }
            let sizes: f64 = values(q.support_size().float()).iter().sum();
            assert_eq!(sizes as usize, total);
            // a device that has no exponential of a dtype has no logarithm either
            if has_exp(&device, dtype) {
                let mut want = vec![0.0; 3];
                for (row, p) in values(q.rows().float()).iter().zip(values(q.probs())) {
                    want[*row as usize] -= p * p.ln();
                }
                assert_close(&values(q.entropy()), &want, 16.0 * tolerance);
            }
        }
    }
}

/// Central differences on the f64 host solver would be the same code; this checks the tensor side:
/// that both parts of the scores get their gradients, of both quantities, on the device's dtype.
#[test]
fn gradients_reach_both_parts_of_the_scores() {
    for device in autodiff_modes() {
        let dtype = burn_core::tensor::DType::F32;
        let at = |unaries: &[f64], pairs: &[f64], device: &Device| {
            let unaries = tensor::<2>(unaries, [1, 4], device, dtype).require_grad();
            let pairs = tensor::<2>(pairs, [1, 3], device, dtype).require_grad();
            (unaries, pairs)
        };
        let (unaries, pairs) = ([0.1, -0.3, 0.4, 0.2], [0.5, -0.4, 0.3]);
        let weights = [1.0, -2.0, 0.5, 3.0];
        let value = |unaries: &[f64], pairs: &[f64]| -> f64 {
            let (unaries, pairs) = at(unaries, pairs, &device);
            let means = values(chain(unaries, Some(pairs)).marginals());
            means
                .iter()
                .zip(weights)
                .map(|(mean, weight)| mean * weight)
                .sum()
        };
        let (u, w) = at(&unaries, &pairs, &device);
        let means = chain(u.clone(), Some(w.clone())).marginals();
        let weighted = means * tensor::<2>(&weights, [1, 4], &device, dtype);
        let grads = weighted.sum().backward();
        let got = [
            values(u.grad(&grads).unwrap()),
            values(w.grad(&grads).unwrap()),
        ]
        .concat();
        // μ is piecewise linear: a step of 1/64 stays within the piece, and f32 rounds it by 1e-5
        const STEP: f64 = 1.0 / 64.0;
        for part in 0..7 {
            let mut moved = [unaries.as_slice(), &pairs].concat();
            moved[part] += STEP;
            let above = value(&moved[..4], &moved[4..]);
            moved[part] -= 2.0 * STEP;
            let want = (above - value(&moved[..4], &moved[4..])) / (2.0 * STEP);
            assert_close(&[got[part]], &[want], 1e-4);
        }
        // Σp is constant, so that its gradient is 0, but there
        let (u, w) = at(&unaries, &pairs, &device);
        let grads = chain(u.clone(), Some(w)).probs().sum().backward();
        assert_close(&values(u.grad(&grads).unwrap()), &[0.0; 4], 1e-6);
    }
}

#[test]
fn expectations_are_differentiable() {
    for device in autodiff_modes() {
        let dtype = burn_core::tensor::DType::F32;
        let scores = tensor::<2>(&normals(16, 8), [2, 8], &device, dtype).require_grad();
        let structure = BitVector::new(8).unwrap();
        let all: [&dyn Fn() -> SparseDistribution<Tensor<2>>; 4] = [
            &|| sparsemap(scores.clone(), &structure, &SparseMapOptions::default()),
            &|| topk_sparsemax(scores.clone(), &structure, 5),
            &|| local_sparsemax(scores.clone(), &structure),
            &|| local_entmax15(scores.clone(), &structure),
        ];
        for make in all {
            // the expected number of ones, by p and by the marginals: one value, one gradient for
            // the mappings over candidates; SparseMAP's two gradients agree since p spans the face
            let q = make();
            let ones = q.outcomes().clone().sum_dim(1).reshape([-1]);
            let expected = q.expect(ones);
            let by_probs = values(scores.grad(&expected.clone().sum().backward()).unwrap());
            let marginals = make().marginals().sum_dim(1).reshape([-1]);
            assert_close(&values(expected), &values(marginals.clone()), 1e-5);
            let by_marginals = values(scores.grad(&marginals.sum().backward()).unwrap());
            assert_close(&by_probs, &by_marginals, 1e-4);
            assert!(by_probs.iter().any(|g| g.abs() > 0.1));
        }
    }
}

#[test]
fn top_k_is_exact_where_it_says_so() {
    let device = Device::default();
    let dtype = burn_core::tensor::DType::F32;
    let structure = BitVector::new(3).unwrap();
    // scores far apart: one structure; close together: all eight
    let scores = tensor::<2>(&[9.0, -9.0, 9.0, 0.01, 0.02, -0.01], [2, 3], &device, dtype);
    let exact = |k: usize| topk_sparsemax(scores.clone(), &structure, k).is_exact();
    assert_eq!(exact(2), [true, false]);
    assert_eq!(exact(9), [true, true]);
    let q = topk_sparsemax(scores.clone(), &structure, 100);
    assert_eq!(values(q.support_size().float()), [1.0, 8.0]);
    assert_eq!(
        local_sparsemax(scores, &structure).is_exact(),
        [false, false]
    );
}

#[test]
fn bad_rows_are_nan_and_alone() {
    let device = Device::default();
    let dtype = burn_core::tensor::DType::F32;
    let infinity = f64::INFINITY;
    let rows = [0.5, 0.2, -infinity, f64::NAN, 0.0, 0.0, infinity, 0.0, 0.0];
    let scores = tensor::<2>(&rows, [3, 3], &device, dtype);
    let structure = OneOf::new(3).unwrap();
    use SolveStatus::{Converged, NotFinite};
    for q in [
        sparsemap(scores.clone(), &structure, &SparseMapOptions::default()),
        topk_sparsemax(scores.clone(), &structure, 2),
        local_sparsemax(scores.clone(), &structure),
    ] {
        assert_eq!(q.solve_status(), [Converged, NotFinite, NotFinite]);
        let means = values(q.marginals());
        assert_close(&means[..3], &[0.65, 0.35, 0.0], 1e-6);
        assert!(means[3..].iter().all(|mean| mean.is_nan()));
    }
}

#[test]
fn an_empty_batch_is_empty() {
    let scores = Tensor::<2>::zeros([0, 3], &Device::default());
    let structure = BitVector::new(3).unwrap();
    for q in [
        sparsemap(scores.clone(), &structure, &SparseMapOptions::default()),
        topk_sparsemax(scores.clone(), &structure, 2),
        local_sparsemax(scores, &structure),
    ] {
        assert_eq!(q.probs().dims(), [0]);
        assert_eq!(q.solve_status(), []);
    }
}

#[test]
#[should_panic(expected = "sparsemap: unaries must be [batch, 3] for this structure, got [2, 4]")]
fn wrong_unaries_are_refused() {
    let scores = Tensor::<2>::zeros([2, 4], &Device::default());
    sparsemap(
        scores,
        &BitVector::new(3).unwrap(),
        &SparseMapOptions::default(),
    );
}

#[test]
#[should_panic(expected = "additionals must be [2, 2]")]
fn wrong_additionals_are_refused() {
    let device = Device::default();
    let scores = StructureScores {
        unaries: Tensor::zeros([2, 3], &device),
        additionals: Some(Tensor::zeros([1, 2], &device)),
    };
    sparsemap(
        scores,
        &BinarySequence::new(3).unwrap(),
        &SparseMapOptions::default(),
    );
}

#[test]
#[should_panic(expected = "topk_sparsemax: k must be at least 1, got 0")]
fn no_structure_at_all_is_refused() {
    let scores = Tensor::<2>::zeros([2, 3], &Device::default());
    topk_sparsemax(scores, &BitVector::new(3).unwrap(), 0);
}

#[test]
#[should_panic(expected = "sparsemap: tol must be positive and finite, got 0")]
fn no_tolerance_is_refused() {
    let scores = Tensor::<2>::zeros([2, 3], &Device::default());
    let options = SparseMapOptions::default().with_tol(0.0);
    sparsemap(scores, &BitVector::new(3).unwrap(), &options);
}

/// By hand: scores move by λ times the gradient of the row's own loss, whatever that weighs in the
/// whole, and the gradient is the difference of the two structures by λ.
#[test]
fn implicit_gradients_point_from_the_moved_structure() {
    for device in autodiff_modes() {
        for (dtype, _) in dtypes() {
            let scores = [1.0, 0.5, -1.0, 0.25, 0.5, 4.0];
            let scores = tensor::<2>(&scores, [2, 3], &device, dtype).require_grad();
            let costs = tensor::<2>(&[1.0, 0.0, -2.0, 0.0, 0.0, 8.0], [2, 3], &device, dtype);
            let bits = BitVector::new(3).unwrap();
            let sample = implicit_mle(scores.clone(), &bits, 0.5);
            assert_eq!(
                values(sample.structures.clone()),
                [1.0, 1.0, 0.0, 1.0, 1.0, 1.0]
            );
            assert_eq!(values(sample.anchor.clone()), [0.0, 0.0]);
            let losses = (sample.structures * costs).sum_dim(1).squeeze_dim(1) + sample.anchor;
            // moved: 0.5, 0.5, 0 and 0.25, 0.5, 0: of the second row, the last bit goes
            let grads = (losses.sum() * 0.25).backward();
            let grad = values(scores.grad(&grads).unwrap());
            assert_eq!(grad, [0.0, 0.0, 0.0, 0.0, 0.0, 0.5]);
        }
    }
}

/// Additional parts get gradients as others do, and a row without a structure is NaN alone.
#[test]
fn implicit_gradients_reach_additional_parts() {
    let device = Device::default().autodiff();
    let dtype = burn_core::tensor::DType::F32;
    let unaries = tensor::<2>(&[0.2, 0.2, f64::NAN, 0.0], [2, 2], &device, dtype).require_grad();
    let pairs = tensor::<2>(&[1.0, 1.0], [2, 1], &device, dtype).require_grad();
    let scores = StructureScores {
        unaries: unaries.clone(),
        additionals: Some(pairs.clone()),
    };
    let sample = implicit_mle(scores, &BinarySequence::new(2).unwrap(), 2.0);
    let got = values(sample.structures.clone());
    assert_eq!(got[..2], [1.0, 1.0]);
    assert!(got[2..].iter().all(|bit| bit.is_nan()));
    // the first bit costs 1: scores −1.8, 0.2 and 1 for both, so that the second bit stays alone
    let loss = sample.structures.narrow(1, 0, 1).sum() + sample.anchor.sum();
    let grads = loss.backward();
    let grad = values(unaries.grad(&grads).unwrap());
    assert_eq!(grad[..2], [0.5, 0.0]);
    assert!(grad[2].is_nan());
    assert_eq!(values(pairs.grad(&grads).unwrap())[0], 0.5);
}
