//! The Bernoulli log-likelihood against its definition.

use burn_core::tensor::{DType, Device, Tensor};
use sparse_ops::bernoulli_log_likelihood;

use crate::device::{assert_close, autodiff_modes, dtypes, modes, normals, tensor, values};

/// Rows that share registers, rows that do not, and lengths that fill none.
const LENGTHS: [usize; 5] = [1, 5, 64, 100, 784];

/// By the definition, with each probability's logarithm from the smaller of the two.
fn oracle(logits: &[f64], targets: &[f64]) -> f64 {
    let log_sigma = |l: f64| -(-l.abs()).exp().ln_1p() + l.min(0.0);
    let pairs = logits.iter().zip(targets);
    pairs
        .map(|(&l, &x)| {
            let parts = [(x, log_sigma(l)), (1.0 - x, log_sigma(-l))];
            let possible = parts.iter().filter(|(weight, _)| *weight > 0.0);
            possible.map(|(weight, log)| weight * log).sum::<f64>()
        })
        .sum()
}

fn residual(l: f64, x: f64) -> f64 {
    x - 1.0 / (1.0 + (-l).exp())
}

/// Zeros, ones and what is between.
fn targets(count: usize) -> Vec<f64> {
    (0..count)
        .map(|i| [0.0, 1.0, 0.25, 1.0][i * 7 % 4])
        .collect()
}

#[test]
fn equals_the_definition() {
    for device in modes() {
        for (dtype, rounding) in dtypes() {
            for p in LENGTHS {
                let logits: Vec<f64> = normals(3 * p, 5).iter().map(|l| 4.0 * l).collect();
                let logits = tensor::<2>(&logits, [3, p], &device, dtype);
                let targets = tensor::<2>(&targets(3 * p), [3, p], &device, dtype);
                let (seen, wanted) = (values(logits.clone()), values(targets.clone()));
                let got = values(bernoulli_log_likelihood(logits, targets));
                for ((got, l), x) in got.iter().zip(seen.chunks(p)).zip(wanted.chunks(p)) {
                    let want = oracle(l, x);
                    // a rounding of the result, and those of the sum, which average out
                    let tolerance = rounding * (want.abs() + p as f64);
                    assert_close(&[*got], &[want], tolerance);
                }
            }
        }
    }
}

#[test]
fn gradient_is_the_residual() {
    for device in autodiff_modes() {
        for p in LENGTHS {
            let (l, x) = (normals(3 * p, 6), targets(3 * p));
            let logits = tensor::<2>(&l, [3, p], &device, DType::F32).require_grad();
            let data = tensor::<2>(&x, [3, p], &device, DType::F32).require_grad();
            let weights = tensor::<1>(&[1.0, -2.0, 0.0], [3], &device, DType::F32);
            let loss = bernoulli_log_likelihood(logits.clone(), data.clone()) * weights;
            let grads = loss.sum().backward();
            let pairs = l.iter().zip(&x).enumerate();
            let want: Vec<f64> = pairs
                .map(|(i, (&l, &x))| [1.0, -2.0, 0.0][i / p] * residual(l, x))
                .collect();
            // numbers below 2, each from a handful of roundings
            assert_close(&values(logits.grad(&grads).unwrap()), &want, 1e-6);
            assert!(data.grad(&grads).is_none());
        }
    }
}

#[test]
fn large_and_infinite_logits() {
    let inf = f64::INFINITY;
    for device in autodiff_modes() {
        let l = [1e4, -1e4, inf, -inf, 1e4, -3e38, inf, 0.0];
        let x = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        let logits = tensor::<2>(&l, [2, 4], &device, DType::F32).require_grad();
        let targets = tensor::<2>(&x, [2, 4], &device, DType::F32);
        let log_likelihood = bernoulli_log_likelihood(logits.clone(), targets);
        let grads = log_likelihood.clone().sum().backward();
        assert_eq!(values(log_likelihood), [0.0, -inf]);
        let want = [0.0, 0.0, 0.0, 0.0, -1.0, 0.0, -1.0, 0.5];
        assert_eq!(values(logits.grad(&grads).unwrap()), want);
    }
}

#[test]
fn a_bad_row_is_alone() {
    for device in autodiff_modes() {
        for p in [3, 100] {
            let mut l = vec![0.0; 2 * p];
            l[1] = f64::NAN;
            let logits = tensor::<2>(&l, [2, p], &device, DType::F32).require_grad();
            let targets = Tensor::zeros([2, p], &device);
            let log_likelihood = bernoulli_log_likelihood(logits.clone(), targets);
            let grads = log_likelihood.clone().sum().backward();
            let got = values(log_likelihood);
            assert!(got[0].is_nan());
            // p roundings of a sum of p equal numbers
            assert_close(&got[1..], &[-(p as f64) * 2f64.ln()], 1e-5);
            let grad = values(logits.grad(&grads).unwrap());
            assert!(grad[1].is_nan());
            assert!(grad[p..].iter().all(|g| *g == -0.5));
        }
    }
}

#[test]
fn nothing_has_log_likelihood_0() {
    for device in modes() {
        for (n, p) in [(0, 3), (2, 0)] {
            let empty = Tensor::<2>::zeros([n, p], &device);
            let got = values(bernoulli_log_likelihood(empty.clone(), empty));
            assert_eq!(got, vec![0.0; n]);
        }
    }
}

#[test]
#[should_panic(
    expected = "bernoulli_log_likelihood: logits of shape [2, 3] need targets of that shape, got [1, 3]"
)]
fn targets_of_another_shape() {
    let device = Device::default();
    bernoulli_log_likelihood(
        Tensor::zeros([2, 3], &device),
        Tensor::zeros([1, 3], &device),
    );
}

#[test]
fn targets_of_another_dtype_are_refused() {
    let device = Device::default();
    for (dtype, _) in dtypes() {
        let refused = std::panic::catch_unwind(|| {
            bernoulli_log_likelihood(
                tensor(&[0.0; 2], [1, 2], &device, DType::F32),
                tensor(&[0.0; 2], [1, 2], &device, dtype),
            )
        });
        if dtype == DType::F32 {
            assert!(refused.is_ok());
            continue;
        }
        let panic = refused.expect_err("another dtype");
        let message = panic.downcast_ref::<String>().expect("a formatted message");
        let want = "bernoulli_log_likelihood: targets must have the dtype of logits, F32, got";
        assert!(message.starts_with(want), "{message}");
    }
}
