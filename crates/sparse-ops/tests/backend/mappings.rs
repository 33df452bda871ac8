//! The mappings against their definition.

use crate::device::{
    assert_close, autodiff_modes, dtypes, has_exp, modes, normals, tensor, values,
};
use crate::oracle;
use burn_core::tensor::{DType, Device, Tensor, TensorData};
use sparse_ops::{entmax, entmax_with_alpha, entmax15, sparsemax};

const ALPHAS: [f64; 6] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0];

/// Around every boundary of the kernels: vector lanes, tiles, blocks, tasks.
const LENGTHS: [usize; 16] = [
    1, 2, 3, 10, 31, 32, 33, 64, 100, 255, 257, 513, 1000, 1025, 4097, 33000,
];

/// Applies `f` to each row of a `[outer, len, inner]` tensor.
fn by_row(
    x: &[f64],
    [outer, len, inner]: [usize; 3],
    f: impl Fn(usize, &[f64]) -> Vec<f64>,
) -> Vec<f64> {
    let mut out = vec![0.0; x.len()];
    for o in 0..outer {
        for i in 0..inner {
            let at = |j: usize| (o * len + j) * inner + i;
            let row: Vec<f64> = (0..len).map(|j| x[at(j)]).collect();
            for (j, y) in f(o * inner + i, &row).into_iter().enumerate() {
                out[at(j)] = y;
            }
        }
    }
    out
}

/// α > 2 has an infinite slope where a probability leaves 0: the answer is only as good as the
/// square root (and worse) of the rounding there.
fn tolerance(base: f64, alpha: f64) -> f64 {
    if alpha > 2.0 {
        base.powf(1.0 / (alpha - 1.0)) * 2.0
    } else {
        base
    }
}

#[test]
fn every_length_equals_the_definition() {
    for device in modes() {
        for len in LENGTHS {
            let x = normals(3 * len, len as u64);
            for (dtype, base) in dtypes() {
                let scores = tensor(&x, [3, len], &device, dtype);
                let seen = values(scores.clone());
                let softmax = has_exp(&device, dtype);
                for alpha in ALPHAS.into_iter().filter(|&a| a > 1.0 || softmax) {
                    let want = by_row(&seen, [3, len, 1], |_, row| oracle::entmax(row, alpha));
                    let got = values(entmax(scores.clone(), alpha, 1));
                    assert_close(&got, &want, tolerance(base, alpha));
                }
            }
        }
    }
}

#[test]
fn every_dim_of_every_rank() {
    let shape = [3, 35, 37];
    let x = normals(shape.iter().product(), 5);
    for device in modes() {
        let scores = tensor(&x, shape, &device, DType::F32);
        for (dim, view) in [(0, [1, 3, 35 * 37]), (1, shape), (2, [3 * 35, 37, 1])] {
            let want = by_row(&x, view, |_, row| oracle::entmax(row, 1.5));
            assert_close(&values(entmax15(scores.clone(), dim)), &want, 1e-6);
            let negative = dim as isize - 3;
            assert_close(&values(entmax15(scores.clone(), negative)), &want, 1e-6);
            // a view whose strides are not those of its shape
            let turned = entmax15(scores.clone().swap_dims(0, 2), 2 - dim).swap_dims(0, 2);
            assert_close(&values(turned), &want, 1e-6);
        }
        assert_eq!(
            values(sparsemax(tensor(&[0.5, 0.25], [2], &device, DType::F32), 0)),
            [0.625, 0.375]
        );
        let deep = tensor(&x[..16], [2, 2, 2, 2], &device, DType::F32);
        let want = by_row(&x[..16], [4, 2, 2], |_, row| oracle::entmax(row, 2.0));
        assert_close(&values(sparsemax(deep, 2)), &want, 1e-6);
    }
}

#[test]
fn probabilities_are_a_permutable_point_of_the_simplex() {
    let x = normals(40 * 100, 9);
    let mut turned = x.clone();
    turned.chunks_mut(100).for_each(|row| row.reverse());
    for device in modes() {
        for alpha in ALPHAS {
            let p = values(entmax(tensor(&x, [40, 100], &device, DType::F32), alpha, 1));
            for row in p.chunks(100) {
                assert!(row.iter().all(|&p| (0.0..=1.0 + 1e-6).contains(&p)));
                // 100 probabilities, each rounded by half an ulp of at most 1
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-5);
            }
            let mut q = values(entmax(
                tensor(&turned, [40, 100], &device, DType::F32),
                alpha,
                1,
            ));
            q.chunks_mut(100).for_each(|row| row.reverse());
            assert_close(&q, &p, tolerance(1e-6, alpha));
        }
    }
}

#[test]
fn offsets_change_nothing_in_f32() {
    // multiples of 1/64 survive an offset of 1e5 in f32 exactly
    let x: Vec<f64> = normals(50, 3)
        .iter()
        .map(|x| (x * 64.0).round() / 64.0)
        .collect();
    let moved: Vec<f64> = x.iter().map(|x| x + 1e5).collect();
    for device in modes() {
        for alpha in ALPHAS {
            let p = values(entmax(tensor(&x, [50], &device, DType::F32), alpha, 0));
            let q = values(entmax(tensor(&moved, [50], &device, DType::F32), alpha, 0));
            assert_close(&q, &p, 1e-7);
        }
    }
}

#[test]
fn ties_share_and_scale_decides() {
    for device in modes() {
        for alpha in ALPHAS {
            let p = values(entmax(
                tensor(&[0.3; 7], [7], &device, DType::F32),
                alpha,
                0,
            ));
            assert_close(&p, &[1.0 / 7.0; 7], 1e-6);
            // the widest scores that f32 has
            let p = values(entmax(
                tensor(&[1e38, -1e38, 0.0], [3], &device, DType::F32),
                alpha,
                0,
            ));
            assert_close(&p, &[1.0, 0.0, 0.0], 0.0);
        }
    }
}

#[test]
fn masked_scores_are_as_if_removed() {
    let x = normals(60, 4);
    let mut masked = x.clone();
    masked
        .iter_mut()
        .step_by(3)
        .for_each(|x| *x = f64::NEG_INFINITY);
    let kept: Vec<f64> = masked.iter().copied().filter(|x| x.is_finite()).collect();
    for device in autodiff_modes() {
        for alpha in ALPHAS {
            let scores = tensor(&masked, [60], &device, DType::F32).require_grad();
            let probs = entmax(scores.clone(), alpha, 0);
            let got = values(probs.clone());
            let few = values(entmax(tensor(&kept, [40], &device, DType::F32), alpha, 0));
            assert!(got.iter().step_by(3).all(|&p| p == 0.0));
            let rest: Vec<f64> = (0..60).filter(|i| i % 3 != 0).map(|i| got[i]).collect();
            assert_close(&rest, &few, 1e-7);
            let grads = (probs * tensor(&x, [60], &device, DType::F32))
                .sum()
                .backward();
            let grad = values(scores.grad(&grads).unwrap());
            assert!(grad.iter().step_by(3).all(|&g| g == 0.0));
            assert!(grad.iter().all(|g| g.is_finite()));
        }
    }
}

#[test]
fn a_row_without_an_answer_is_nan_and_alone() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let good = [0.4, 0.1, -0.2, 2.0];
    let bad = [
        [nan, 1.0, 2.0, 3.0],
        [0.0, 9.0, nan, -inf],
        [-inf; 4],
        [inf, 0.0, 0.0, 0.0],
        [nan; 4],
    ];
    for device in autodiff_modes() {
        for (bad, alpha) in bad.iter().flat_map(|bad| ALPHAS.map(|alpha| (bad, alpha))) {
            let x: Vec<f64> = [good, *bad, good].concat();
            let scores = tensor(&x, [3, 4], &device, DType::F32).require_grad();
            let probs = entmax(scores.clone(), alpha, 1);
            let row = oracle::entmax(&good, alpha);
            let want: Vec<f64> = [row.clone(), vec![nan; 4], row].concat();
            assert_close(&values(probs.clone()), &want, tolerance(1e-6, alpha));
            let weights: Vec<f64> = (0..12).map(f64::from).collect();
            let grads = (probs * tensor(&weights, [3, 4], &device, DType::F32))
                .sum()
                .backward();
            let grad = values(scores.grad(&grads).unwrap());
            assert!(
                [0..4, 8..12]
                    .into_iter()
                    .flatten()
                    .all(|i| grad[i].is_finite())
            );
            assert!(grad[4..8].iter().all(|g| g.is_nan()), "{grad:?}");
        }
    }
}

#[test]
fn gradients_equal_the_closed_form_jacobian() {
    for device in autodiff_modes() {
        for shape in [[4, 9, 1], [2, 40, 3], [3, 130, 1]] {
            let count = shape.iter().product();
            let (x, g) = (normals(count, 21), normals(count, 22));
            for alpha in [1.2, 1.5, 2.0] {
                let scores = tensor(&x, shape, &device, DType::F32).require_grad();
                let probs = entmax(scores.clone(), alpha, 1);
                let grads = (probs * tensor(&g, shape, &device, DType::F32))
                    .sum()
                    .backward();
                let got = values(scores.grad(&grads).unwrap());
                let p = by_row(&x, shape, |_, row| oracle::entmax(row, alpha));
                let gs = rows_of(&g, shape);
                let want = by_row(&p, shape, |r, p| oracle::entmax_vjp(p, &gs[r], alpha));
                // f32 probabilities near 0 carry an absolute error into s = p^(2 − α)
                assert_close(&got, &want, 2e-4);
                let exact = got
                    .iter()
                    .zip(&want)
                    .filter(|(g, w)| (*g - *w).abs() < 1e-5)
                    .count();
                assert!(exact * 10 >= got.len() * 9, "{exact} of {}", got.len());
            }
        }
    }
}

fn rows_of(x: &[f64], [outer, len, inner]: [usize; 3]) -> Vec<Vec<f64>> {
    let row = |r: usize| (0..len).map(move |j| (r / inner * len + j) * inner + r % inner);
    (0..outer * inner)
        .map(|r| row(r).map(|at| x[at]).collect())
        .collect()
}

#[test]
fn alpha_of_each_row_and_its_gradient() {
    let alphas = [1.0, 1.0 + 1e-6, 1.001, 1.1, 1.5, 1.9, 2.0, 2.3];
    let (x, g) = (normals(8 * 12, 31), normals(8 * 12, 32));
    for (dtype, base) in dtypes().into_iter().filter(|(dtype, _)| dtype.size() >= 4) {
        for device in autodiff_modes() {
            let scores = tensor(&x, [8, 12], &device, dtype).require_grad();
            let alpha = tensor(&alphas, [8, 1], &device, dtype).require_grad();
            let probs = entmax_with_alpha(scores.clone(), alpha.clone(), 1);
            let seen = values(alpha.clone());
            let want = by_row(&x, [8, 12, 1], |r, row| oracle::entmax(row, seen[r]));
            // the oracle itself loses 1e-16 / (α − 1) close to 1
            assert_close(
                &values(probs.clone()),
                &want,
                tolerance(base, 2.3).max(1e-9),
            );
            let grads = (probs * tensor(&g, [8, 12], &device, dtype))
                .sum()
                .backward();
            assert!(scores.grad(&grads).is_some());
            let got = values(alpha.grad(&grads).unwrap());
            let gs = rows_of(&g, [8, 12, 1]);
            let differences: Vec<f64> = rows_of(&x, [8, 12, 1])
                .iter()
                .zip(&gs)
                .zip(&seen)
                .map(|((row, g), &alpha)| {
                    let inner = |alpha: f64| {
                        oracle::entmax(row, alpha)
                            .iter()
                            .zip(g)
                            .map(|(p, g)| p * g)
                            .sum::<f64>()
                    };
                    // one-sided at the edge of the domain; the oracle is exact to about
                    // 1e-16 / (α − 1), so the step trades that against its own truncation
                    let h = 1e-4;
                    if alpha < 1.0 + h {
                        (-3.0 * inner(1.0) + 4.0 * inner(1.0 + h) - inner(1.0 + 2.0 * h))
                            / (2.0 * h)
                    } else {
                        (inner(alpha + h) - inner(alpha - h)) / (2.0 * h)
                    }
                })
                .collect();
            assert_close(
                &got,
                &differences,
                if dtype == DType::F64 { 2e-5 } else { 2e-3 },
            );
        }
    }
}

#[test]
fn empty_batches_and_empty_rows_are_empty() {
    for device in modes() {
        for shape in [[0, 5], [5, 0]] {
            let empty = Tensor::<2>::from_data(TensorData::new(Vec::<f32>::new(), shape), &device);
            assert_eq!(sparsemax(empty.clone(), 1).dims(), shape);
            assert_eq!(entmax(empty, 1.3, 1).dims(), shape);
        }
    }
}

#[track_caller]
fn panic_message(f: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let cause = std::panic::catch_unwind(f).expect_err("should have panicked");
    match cause.downcast::<String>() {
        Ok(message) => *message,
        Err(cause) => (*cause.downcast::<&str>().unwrap()).to_string(),
    }
}

#[test]
fn bad_arguments_are_named() {
    let x = || Tensor::<2>::zeros([2, 3], &Device::default());
    let message = panic_message(|| drop(sparsemax(x(), 2)));
    assert_eq!(
        message,
        "sparsemax: dim must be in -2..2 for a tensor of rank 2, got 2"
    );
    let message = panic_message(|| drop(entmax15(x(), -3)));
    assert_eq!(
        message,
        "entmax15: dim must be in -2..2 for a tensor of rank 2, got -3"
    );
    for alpha in [0.99, f64::NAN, f64::INFINITY, -1.0] {
        let message = panic_message(move || drop(entmax(x(), alpha, 0)));
        assert_eq!(
            message,
            format!("entmax: alpha must be finite and at least 1, got {alpha}")
        );
    }
    let message = panic_message(|| {
        drop(entmax_with_alpha(
            x(),
            Tensor::zeros([2, 2], &Device::default()),
            1,
        ))
    });
    assert_eq!(
        message,
        "entmax_with_alpha: scores of shape [2, 3] along dim 1 need alpha of shape [2, 1], got [2, 2]"
    );
}
