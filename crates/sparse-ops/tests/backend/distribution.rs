//! Packed supports and expectations over them.

use crate::device::{assert_close, autodiff_modes, modes, normals, tensor, values};
use burn_core::tensor::{DType, Int, Tensor};
use sparse_ops::{SparseDistribution, entmax15, sparsemax};

fn numbers(tensor: Tensor<1, Int>) -> Vec<i64> {
    tensor.into_data().iter::<i64>().collect()
}

#[test]
fn packs_what_is_not_zero_in_order() {
    let p = [0.5, 0.0, 0.5, 0.0, 1.0, 0.0, 0.2, 0.3, 0.5];
    for device in modes() {
        let q = SparseDistribution::categorical(tensor(&p, [3, 3], &device, DType::F32));
        assert_eq!(numbers(q.rows()), [0, 0, 1, 2, 2, 2]);
        assert_eq!(numbers(q.outcomes().clone()), [0, 2, 1, 0, 1, 2]);
        assert_eq!(numbers(q.support_size()), [2, 1, 3]);
        assert_close(&values(q.probs()), &[0.5, 0.5, 1.0, 0.2, 0.3, 0.5], 1e-7);
        let batch = tensor(&[1.0, 2.0, 3.0], [3, 1], &device, DType::F32);
        assert_eq!(values(q.repeat(batch)), [1.0, 1.0, 2.0, 3.0, 3.0, 3.0]);
        let each = tensor(&[2.0, 4.0, 7.0, 1.0, 2.0, 3.0], [6], &device, DType::F32);
        assert_close(&values(q.expect(each)), &[3.0, 7.0, 2.3], 1e-6);
        let entropy = [
            2f64.ln(),
            0.0,
            -0.2 * 0.2f64.ln() - 0.3 * 0.3f64.ln() + 0.5 * 2f64.ln(),
        ];
        assert_close(&values(q.entropy()), &entropy, 1e-6);
    }
}

/// The expectation over the packed support has the value and the gradients of the dense sum.
#[test]
fn sparse_equals_dense() {
    let (x, v) = (normals(50 * 12, 1), normals(50 * 12, 2));
    for device in autodiff_modes() {
        for mapping in [sparsemax::<2>, entmax15::<2>] as [fn(Tensor<2>, i32) -> Tensor<2>; 2] {
            let run = |dense: bool| {
                let scores = tensor(&x, [50, 12], &device, DType::F32).require_grad();
                let table = tensor(&v, [50, 12], &device, DType::F32).require_grad();
                let probs = mapping(scores.clone(), 1);
                let expected = if dense {
                    (probs * table.clone()).sum_dim(1).reshape([50])
                } else {
                    let q = SparseDistribution::categorical(probs);
                    let places = q.rows() * 12 + q.outcomes().clone();
                    q.expect(table.clone().reshape([600]).select(0, places))
                };
                // a loss that weighs the rows differently
                let grads = expected.clone().square().sum().backward();
                let grad = |t: Tensor<2>| values(t.grad(&grads).unwrap());
                (values(expected), grad(scores), grad(table))
            };
            let ((e, s, t), (want_e, want_s, want_t)) = (run(false), run(true));
            assert_close(&e, &want_e, 1e-5);
            assert_close(&s, &want_s, 1e-5);
            assert_close(&t, &want_t, 1e-5);
        }
    }
}

#[test]
fn repeat_sums_gradients_over_the_entries_of_a_row() {
    for device in autodiff_modes() {
        let p = tensor(&[0.5, 0.5, 0.0, 1.0], [2, 2], &device, DType::F32);
        let q = SparseDistribution::categorical(p);
        let batch = tensor(&[1.0, 2.0], [2, 1], &device, DType::F32).require_grad();
        let weights = tensor(&[1.0, 10.0, 100.0], [3, 1], &device, DType::F32);
        let grads = (q.repeat(batch.clone()) * weights).sum().backward();
        assert_eq!(values(batch.grad(&grads).unwrap()), [11.0, 100.0]);
    }
}

#[test]
fn nan_is_kept_and_empty_is_empty() {
    for device in modes() {
        let p = tensor(&[f64::NAN, f64::NAN, 0.0, 1.0], [2, 2], &device, DType::F32);
        let q = SparseDistribution::categorical(p);
        assert_eq!(numbers(q.support_size()), [2, 1]);
        let e = values(q.expect(tensor(&[1.0, 1.0, 3.0], [3], &device, DType::F32)));
        assert!(e[0].is_nan());
        assert_eq!(e[1], 3.0);
        let none = SparseDistribution::categorical(Tensor::zeros([0, 4], &device));
        assert_eq!(
            (none.probs().dims(), none.support_size().dims()),
            ([0], [0])
        );
    }
}

#[test]
#[should_panic(expected = "SparseDistribution::expect: one value for each of the 2 entries, got 3")]
fn expect_needs_a_value_for_each_entry() {
    let device = Default::default();
    let q = SparseDistribution::categorical(tensor(&[0.5, 0.5], [1, 2], &device, DType::F32));
    let _ = q.expect(Tensor::zeros([3], &device));
}
