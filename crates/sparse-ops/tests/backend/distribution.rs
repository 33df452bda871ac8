//! Packed supports and expectations over them.

use crate::device::{assert_close, autodiff_modes, modes, normals, tensor, values};
use burn_core::tensor::{DType, Device, Int, Tensor};
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

/// More than 100,000 entries; rows without any beside full ones; rows of one unit and of a cube;
/// more rows than a cube has units, so that its running sum has several to each.
#[test]
fn packs_many_and_long_rows() {
    let device = Device::default();
    let mask = normals(66_000, 11);
    for (batch, classes) in [
        (1, 66_000),
        (2, 33_000),
        (1500, 44),
        (64, 1000),
        (1000, 65),
        (6600, 10),
    ] {
        let mut p: Vec<f64> = (0..batch * classes)
            .map(|i| if mask[i % mask.len()] > 0.3 { 0.0 } else { 0.5 })
            .collect();
        for (row, p) in p.chunks_mut(classes).enumerate() {
            match row % 5 {
                1 => p.fill(0.0),
                2 => p.fill(0.25),
                3 => p[classes - 1] = f64::NAN,
                _ => {}
            }
        }
        let q = SparseDistribution::categorical(tensor(&p, [batch, classes], &device, DType::F32));
        let kept: Vec<usize> = (0..p.len())
            .filter(|&i| p[i] > 0.0 || p[i].is_nan())
            .collect();
        let rows: Vec<i64> = kept.iter().map(|i| (i / classes) as i64).collect();
        let outcomes: Vec<i64> = kept.iter().map(|i| (i % classes) as i64).collect();
        let sizes: Vec<i64> = (0..batch as i64)
            .map(|row| rows.iter().filter(|&&r| r == row).count() as i64)
            .collect();
        assert_eq!(numbers(q.rows()), rows, "rows of [{batch}, {classes}]");
        assert_eq!(numbers(q.outcomes().clone()), outcomes);
        assert_eq!(numbers(q.support_size()), sizes);
    }
    let full = Tensor::<2>::ones([330, 400], &device);
    let q = SparseDistribution::categorical(full);
    assert_eq!(numbers(q.rows()).len(), 132_000);
    assert_eq!(numbers(q.outcomes().clone())[131_999], 399);
}

/// All rows empty: nothing to pack, and nothing to launch.
#[test]
fn packs_nothing() {
    for classes in [3, 100] {
        let q = SparseDistribution::categorical(Tensor::zeros([4, classes], &Device::default()));
        assert_eq!(q.rows().dims(), [0]);
        assert_eq!(numbers(q.support_size()), [0; 4]);
    }
}

#[test]
#[should_panic(expected = "SparseDistribution::expect: one value for each of the 2 entries, got 3")]
fn expect_needs_a_value_for_each_entry() {
    let device = Default::default();
    let q = SparseDistribution::categorical(tensor(&[0.5, 0.5], [1, 2], &device, DType::F32));
    let _ = q.expect(Tensor::zeros([3], &device));
}

/// The reciprocal of a subnormal number overflows, and a softmax has them.
#[test]
fn entropy_of_tiny_probabilities_has_a_finite_gradient() {
    for device in autodiff_modes() {
        let probs = tensor::<2>(&[1.0, 1e-40, 1e-30], [1, 3], &device, DType::F32).require_grad();
        let q = SparseDistribution::categorical(probs.clone());
        let entropy = q.entropy();
        assert_close(&values(entropy.clone()), &[0.0], 1e-6);
        let grads = entropy.sum().backward();
        let grad = values(probs.grad(&grads).unwrap());
        assert!(grad.iter().all(|g| g.is_finite()), "{grad:?}");
        assert_close(&grad[..1], &[-1.0], 1e-6); // −log p − 1
    }
}
