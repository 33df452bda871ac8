//! The Fenchel–Young losses against their definition.

use crate::device::{assert_close, autodiff_modes, dtypes, ints, modes, normals, tensor, values};
use crate::oracle;
use burn_core::tensor::{DType, Device, Int, IntDType, Tensor, TensorData};
use sparse_ops::{entmax_loss, entmax15_loss, sparsemax_loss};

#[test]
fn losses_equal_the_definition() {
    let targets: Vec<i64> = (0..20).map(|i| i * 7 % 30).collect();
    let x = normals(20 * 30, 1);
    for device in modes() {
        for (dtype, base) in dtypes() {
            let scores = tensor(&x, [20, 30], &device, dtype);
            let seen = values(scores.clone());
            for alpha in [1.0, 1.3, 1.5, 2.0, 3.0] {
                let got = values(entmax_loss(scores.clone(), ints(&targets, &device), alpha));
                let want: Vec<f64> = seen
                    .chunks(30)
                    .zip(&targets)
                    .map(|(row, &y)| oracle::entmax_loss(row, y as usize, alpha))
                    .collect();
                // losses are up to about 5: a relative rounding of the dtype
                assert_close(&got, &want, 8.0 * base);
            }
        }
    }
}

#[test]
fn gradient_is_p_minus_the_target() {
    let (x, targets) = (normals(4 * 9, 2), [0, 8, 3, 3]);
    let weights = [1.0, -2.0, 0.5, 0.0];
    for device in autodiff_modes() {
        for alpha in [1.0, 1.3, 1.5, 2.0] {
            let scores = tensor(&x, [4, 9], &device, DType::F32).require_grad();
            let loss = entmax_loss(scores.clone(), ints(&targets, &device), alpha);
            let grads = (loss * tensor(&weights, [4], &device, DType::F32))
                .sum()
                .backward();
            let want: Vec<f64> = x
                .chunks(9)
                .enumerate()
                .flat_map(|(row, z)| {
                    let mut p = oracle::entmax(z, alpha);
                    p[targets[row] as usize] -= 1.0;
                    p.into_iter().map(move |p| p * weights[row])
                })
                .collect();
            assert_close(&values(scores.grad(&grads).unwrap()), &want, 2e-6);
        }
    }
}

/// More classes than a narrow type of targets counts.
#[test]
fn narrow_targets_mean_their_own_class() {
    let device = Device::default().autodiff();
    let x = normals(300, 4);
    for dtype in [DType::U8, DType::I16, DType::I32] {
        if !device.supports_dtype(dtype) {
            continue;
        }
        let target = Tensor::<1, Int>::from_data(TensorData::new(vec![3i64], [1]), &device);
        let target = target.cast(IntDType::from(dtype));
        let scores = tensor(&x, [1, 300], &device, DType::F32).require_grad();
        let grads = entmax_loss(scores.clone(), target, 1.5).sum().backward();
        let mut want = oracle::entmax(&x, 1.5);
        want[3] -= 1.0;
        assert_close(&values(scores.grad(&grads).unwrap()), &want, 2e-6);
    }
}

#[test]
fn masked_classes_leave_loss_and_gradient_finite() {
    let inf = f64::NEG_INFINITY;
    let x = [0.3, inf, 1.0, inf, -0.5, 0.2, 0.1, inf];
    for device in autodiff_modes() {
        for loss in [sparsemax_loss, entmax15_loss, |z, y| entmax_loss(z, y, 1.2)] {
            let scores = tensor(&x, [2, 4], &device, DType::F32).require_grad();
            let losses = loss(scores.clone(), ints(&[0, 1], &device));
            assert!(values(losses.clone()).iter().all(|l| l.is_finite()));
            let grad = values(scores.grad(&losses.sum().backward()).unwrap());
            assert!(grad.iter().all(|g| g.is_finite()));
            assert!([1, 3, 7].iter().all(|&i| grad[i] == 0.0));
            // a target that is masked itself cannot be reached
            let masked = loss(scores, ints(&[1, 0], &device));
            assert_eq!(values(masked)[0], f64::INFINITY);
        }
    }
}

#[test]
fn a_bad_row_is_alone() {
    for device in modes() {
        let scores = tensor(&[f64::NAN, 0.0, 1.0, 0.0], [2, 2], &device, DType::F32);
        let loss = values(sparsemax_loss(scores, ints(&[0, 0], &device)));
        assert!(loss[0].is_nan());
        assert_eq!(loss[1], 0.0);
    }
}

#[test]
fn empty_batch_is_an_empty_loss() {
    for device in modes() {
        let targets = Tensor::<1, Int>::empty([0], &device);
        assert_eq!(
            sparsemax_loss(Tensor::zeros([0, 3], &device), targets).dims(),
            [0]
        );
    }
}

#[test]
#[should_panic(expected = "sparsemax_loss: targets must be in 0..3, got 3")]
fn target_too_large() {
    let device = Device::default();
    sparsemax_loss(Tensor::zeros([2, 3], &device), ints(&[0, 3], &device));
}

#[test]
#[should_panic(expected = "entmax15_loss: targets must be in 0..3, got -1")]
fn target_negative() {
    let device = Device::default();
    entmax15_loss(Tensor::zeros([2, 3], &device), ints(&[-1, 0], &device));
}

#[test]
#[should_panic(expected = "entmax_loss: scores of shape [2, 3] need targets of shape [2], got [1]")]
fn targets_of_another_batch() {
    let device = Device::default();
    entmax_loss(Tensor::zeros([2, 3], &device), ints(&[0], &device), 1.5);
}
