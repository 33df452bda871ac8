//! Rows of every length and layout: around the sizes at which kernels change how they share the
//! work, and many more than one launch dimension holds.

use burn_core::tensor::{DType, Device, Tensor};
use sparse_ops::{entmax, entmax_loss, entmax_with_alpha, sparsemax};

use crate::device::{assert_close, dtypes, ints, normals, powf_rounding, tensor, values};
use crate::oracle;

/// One element; planes of 32; rows of one unit (64) and of one cube; units of a cube that double;
/// powers of two; rows that no tile holds.
const LENGTHS: [usize; 16] = [
    1, 2, 31, 32, 33, 64, 65, 255, 256, 257, 1000, 2047, 2049, 4096, 5000, 33000,
];
const ALPHAS: [f64; 5] = [1.01, 1.3, 1.5, 2.0, 3.0];

/// α > 2 has an infinite slope where a probability leaves 0: the answer is only as good as the
/// (α − 1)th root of the rounding there.
fn tolerance(base: f64, alpha: f64) -> f64 {
    if alpha > 2.0 {
        2.0 * base.powf(1.0 / (alpha - 1.0))
    } else {
        base
    }
}

/// The probabilities against the definition, and the gradient against the closed form at the
/// probabilities that the device found, so that only the backward pass is judged.
#[track_caller]
fn check<const D: usize>(
    scores: Tensor<D>,
    dim: usize,
    alpha: f64,
    base: f64,
    rows: impl Fn(&[f64]) -> Vec<Vec<f64>>,
) {
    let scores = scores.require_grad();
    let probs = entmax(scores.clone(), alpha, dim as isize);
    let got = rows(&values(probs.clone()));
    let seen = rows(&values(scores.clone()));
    for (got, seen) in got.iter().zip(&seen) {
        assert_close(got, &oracle::entmax(seen, alpha), tolerance(base, alpha));
        // a rounding of each of the few that are large, which the others together weigh no more than
        let sum: f64 = got.iter().sum();
        assert!((sum - 1.0).abs() <= tolerance(10.0 * base, alpha), "{sum}");
    }
    let shape = scores.dims();
    let g = normals(shape.iter().product(), 99);
    let g = tensor(&g, shape, &scores.device(), scores.dtype());
    let upstream = rows(&values(g.clone()));
    let grads = (probs * g).sum().backward();
    let grad = scores.grad(&grads).expect("the scores require a gradient");
    for ((grad, p), g) in rows(&values(grad)).iter().zip(&got).zip(&upstream) {
        // s = p^(2 − α) has no bound for α > 2, and its multiples of g, up to about 4, cancel
        let smallest = p
            .iter()
            .filter(|&&p| p > 0.0)
            .fold(1.0, |m: f64, p| m.min(*p));
        let steepest = smallest.powf(2.0 - alpha).max(1.0);
        assert_close(
            grad,
            &oracle::entmax_vjp(p, g, alpha),
            20.0 * base.max(powf_rounding()) * steepest,
        );
    }
}

#[test]
fn every_length_forward_and_backward() {
    for len in LENGTHS {
        let alphas = if len > 1000 {
            &ALPHAS[2..4]
        } else {
            &ALPHAS[..]
        };
        check_length(len, alphas, DType::F32, 1e-6);
    }
}

/// A row of a unit, of a cube, and of a cube without a tile.
#[test]
fn every_dtype_forward_and_backward() {
    for (dtype, base) in dtypes()
        .into_iter()
        .filter(|(dtype, _)| *dtype != DType::F32)
    {
        for len in [10, 300, 9000] {
            check_length(len, &[1.3, 1.5, 2.0], dtype, base);
        }
    }
}

fn check_length(len: usize, alphas: &[f64], dtype: DType, base: f64) {
    let device = Device::default().autodiff();
    let x = normals(2 * len, 7 + len as u64);
    for &alpha in alphas {
        let scores = tensor(&x, [2, len], &device, dtype);
        check(scores, 1, alpha, base, |x| {
            x.chunks(len).map(<[f64]>::to_vec).collect()
        });
    }
}

#[test]
fn every_dim_forward_and_backward() {
    let device = Device::default().autodiff();
    // short and long rows, strided and not; fewer and more columns than a cube takes rows
    for shape in [[3, 10, 70], [2, 130, 5], [5, 2, 300]] {
        let x = normals(shape.iter().product(), 3);
        let [outer, middle, inner] = shape;
        for (dim, view) in [
            (0, [1, outer, middle * inner]),
            (1, shape),
            (2, [outer * middle, inner, 1]),
        ] {
            for alpha in [1.3, 2.0] {
                let scores = tensor(&x, shape, &device, DType::F32);
                check(scores, dim, alpha, 1e-6, |x| split(x, view));
            }
        }
    }
}

/// The rows along the middle of `[outer, len, inner]`.
fn split(x: &[f64], [outer, len, inner]: [usize; 3]) -> Vec<Vec<f64>> {
    let row = |r: usize| (0..len).map(move |j| (r / inner * len + j) * inner + r % inner);
    (0..outer * inner)
        .map(|r| row(r).map(|at| x[at]).collect())
        .collect()
}

/// A view whose strides are not those of its shape, as scores, as α and as upstream gradient.
#[test]
fn turned_views() {
    let device = Device::default().autodiff();
    let (x, g) = (normals(70 * 90, 1), normals(70 * 90, 2));
    let a: Vec<f64> = (0..90).map(|i| 1.0 + f64::from(i) / 60.0).collect();
    let run = |turn: bool| {
        let scores = tensor::<2>(&x, [70, 90], &device, DType::F32).require_grad();
        let alpha = tensor::<2>(&a, [1, 90], &device, DType::F32).require_grad();
        let g = tensor::<2>(&g, [70, 90], &device, DType::F32);
        let grads = if turn {
            let p = entmax_with_alpha(scores.clone().transpose(), alpha.clone().transpose(), 1);
            (p * g.transpose()).sum().backward()
        } else {
            let p = entmax_with_alpha(scores.clone(), alpha.clone(), 0);
            (p * g).sum().backward()
        };
        (
            values(scores.grad(&grads).unwrap()),
            values(alpha.grad(&grads).unwrap()),
        )
    };
    let ((scores, alpha), (want_scores, want_alpha)) = (run(true), run(false));
    // the same sums over the same rows, but perhaps in another order
    assert_close(&scores, &want_scores, 2e-5);
    assert_close(&alpha, &want_alpha, 2e-5);
}

/// More rows than one dimension of a launch has cubes (65,535), of both kinds of row.
#[test]
fn many_rows() {
    let device = Device::default();
    for (rows, len) in [(70_001, 3), (66_001, 65)] {
        let period = 97;
        let x = normals(period * len, 5);
        let all: Vec<f64> = x.iter().copied().cycle().take(rows * len).collect();
        let p = values(sparsemax(
            tensor::<2>(&all, [rows, len], &device, DType::F32),
            1,
        ));
        for (row, z) in p.chunks(len).zip(x.chunks(len)).take(period) {
            assert_close(row, &oracle::entmax(z, 2.0), 1e-6);
        }
        // equal rows have equal results, bit for bit, wherever they are
        for (i, row) in p.chunks(len).enumerate() {
            let first = i % period * len;
            assert_eq!(row, &p[first..first + len], "row {i} of length {len}");
        }
    }
}

#[test]
fn bad_rows_are_alone_at_every_length() {
    let device = Device::default().autodiff();
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    for len in [1, 65, 9000] {
        let good = normals(len, 1);
        let with = |value: f64, at: usize| {
            let mut row = good.clone();
            row[at] = value;
            row
        };
        // at the first and the last element of a unit that shares the row
        let bad = [
            with(nan, 0),
            with(nan, len - 1),
            with(inf, len / 2),
            vec![-inf; len],
        ];
        for alpha in [1.3, 1.5, 2.0, 3.0] {
            let rows: Vec<Vec<f64>> = bad
                .iter()
                .flat_map(|bad| [good.clone(), bad.clone()])
                .collect();
            let scores = tensor::<2>(&rows.concat(), [8, len], &device, DType::F32).require_grad();
            let probs = entmax(scores.clone(), alpha, 1);
            let targets = ints(&[0; 8], &device);
            let loss = values(entmax_loss(scores.clone(), targets, alpha));
            let want = oracle::entmax(&good, alpha);
            let p = values(probs.clone());
            let g = tensor::<2>(&normals(8 * len, 2), [8, len], &device, DType::F32);
            let grad = values(scores.grad(&(probs * g).sum().backward()).unwrap());
            for (row, loss) in loss.iter().enumerate() {
                let (p, grad) = (&p[row * len..][..len], &grad[row * len..][..len]);
                if row % 2 == 0 {
                    assert_close(p, &want, tolerance(1e-6, alpha));
                    assert!(loss.is_finite() && grad.iter().all(|g| g.is_finite()));
                } else {
                    assert!(loss.is_nan(), "loss {loss} of row {row}, length {len}");
                    assert!(
                        p.iter().chain(grad).all(|x| x.is_nan()),
                        "row {row}, length {len}"
                    );
                }
            }
        }
    }
}

/// All but a few scores masked, in a row that a cube shares: some of its units have nothing.
#[test]
fn masks_leave_exact_zeros_in_long_rows() {
    let device = Device::default().autodiff();
    for len in [65, 1000, 9000] {
        let mut x = vec![f64::NEG_INFINITY; len];
        for (j, z) in normals(len, 4)
            .into_iter()
            .enumerate()
            .skip(len / 3)
            .take(20)
        {
            x[j] = z;
        }
        for alpha in [1.0 + 1e-4, 1.3, 1.5, 2.0, 3.0] {
            let scores = tensor::<1>(&x, [len], &device, DType::F32).require_grad();
            let probs = entmax(scores.clone(), alpha, 0);
            let p = values(probs.clone());
            // the oracle itself loses 1e-16 / (α − 1)
            assert_close(&p, &oracle::entmax(&x, alpha), tolerance(1e-6, alpha));
            let g = tensor::<1>(&normals(len, 5), [len], &device, DType::F32);
            let grad = values(scores.grad(&(probs * g).sum().backward()).unwrap());
            for ((&x, &p), &grad) in x.iter().zip(&p).zip(&grad) {
                if x.is_finite() {
                    assert!(grad.is_finite());
                } else {
                    assert!(p == 0.0 && grad == 0.0, "p {p}, gradient {grad}");
                }
            }
        }
    }
}

#[test]
fn ties_and_offsets_in_long_rows() {
    let device = Device::default();
    for len in [40, 300, 5000, 9000] {
        let equal = vec![0.3; len];
        // multiples of 1/64 survive an offset of 1e5 in f32 exactly
        let x: Vec<f64> = normals(len, 3)
            .iter()
            .map(|x| (x * 64.0).round() / 64.0)
            .collect();
        let moved: Vec<f64> = x.iter().map(|x| x + 1e5).collect();
        for alpha in ALPHAS {
            let run =
                |x: &[f64]| values(entmax(tensor::<1>(x, [len], &device, DType::F32), alpha, 0));
            let p = run(&equal);
            assert!(p.iter().all(|&q| q == p[0]), "ties must share");
            // a rounding of the threshold, which is about −1: u − τ is 1/n, or its root
            let n = len as f64;
            let rounding = match alpha {
                2.0 => 1.2e-7 * n,
                1.5 => 2.4e-7 * n.sqrt(),
                // an exponential and a logarithm of up to ln n
                _ => 1e-5,
            };
            assert!((p[0] * n - 1.0).abs() <= rounding, "{} for 1/{n}", p[0]);
            // shifted by the maximum, both are the same numbers
            assert_eq!(run(&moved), run(&x));
            // two that lead together, at the ends of the row
            let mut lead = vec![-3.0; len];
            (lead[0], lead[len - 1]) = (2.0, 2.0);
            let p = run(&lead);
            assert_eq!(p[0], p[len - 1]);
            assert_close(&p, &oracle::entmax(&lead, alpha), tolerance(1e-6, alpha));
        }
    }
}

/// Scores that hardly differ, in rows so long that every probability is near `1/n`: what the threshold
/// is compared with, `n^(1 − α)`, is small, and below all numbers of f32 in the last cases.
#[test]
fn nearly_equal_scores_in_long_rows() {
    let device = Device::default();
    for len in [3, 1000, 32000] {
        let n = len as f64;
        let x: Vec<f64> = normals(len, 11)
            .iter()
            .map(|x| f64::from((1e-3 * x) as f32))
            .collect();
        let run =
            |x: &[f64], alpha| values(entmax(tensor::<1>(x, [len], &device, DType::F32), alpha, 0));
        // what f32 rounds in the threshold, or the root of it where the slope has no end
        for (alpha, rounding) in [
            (1.01, 2e-5),
            (1.49, 5e-5),
            (1.9, 5e-5),
            (1.99, 1e-4),
            (3.0, 1e-2),
        ] {
            let (got, want) = (run(&x, alpha), oracle::entmax(&x, alpha));
            let largest = want.iter().fold(0.0, |a: f64, &b| a.max(b));
            assert_close(&got, &want, rounding * largest);
            let sum: f64 = got.iter().sum();
            assert!((sum - 1.0).abs() <= rounding, "α {alpha}, {len}: {sum}");
        }
        for alpha in [1.9, 1.99, 2.5, 4.0, 20.0, 100.0, 1000.0] {
            for p in run(&vec![-0.7; len], alpha) {
                assert!((p * n - 1.0).abs() < 1e-5, "α {alpha}: {p} for 1/{n}");
            }
            // two that lead by anything leave nothing for the others
            let mut lead = vec![-2.0; len];
            (lead[0], lead[len - 1]) = (1.0, 1.0);
            let p = run(&lead, alpha);
            assert!((p[0] - 0.5).abs() < 1e-5 && p[len - 1] == p[0], "{}", p[0]);
            assert_eq!(p[1], 0.0);
        }
    }
}

/// One score that leads all others, which are equal, by so much that they hardly have a probability: a
/// rounding of the threshold takes it from all of them or gives it to all.
#[test]
fn a_lead_that_is_almost_enough() {
    let device = Device::default();
    for len in [10, 64, 1000, 32000] {
        for alpha in [1.5, 1.9, 1.99, 1.9999, 2.0, 2.5, 3.0] {
            // roundings of a threshold of 1 and of the sum, or the root of one, for each of the others
            let each = match alpha {
                2.5.. => 2.0 * 1e-7_f64.powf(1.0 / (alpha - 1.0)),
                _ => 2e-6,
            };
            for short in [0.1, 0.01, 0.00089, 1e-4, 1e-5, 1e-6] {
                let lead = f64::from(((1.0 - short) / (alpha - 1.0)) as f32);
                let mut x = vec![0.0; len];
                x[len / 2] = lead;
                let p = values(entmax(
                    tensor::<1>(&x, [len], &device, DType::F32),
                    alpha,
                    0,
                ));
                assert_close(&p, &oracle::entmax(&x, alpha), each.max(2e-6));
                let sum: f64 = p.iter().sum();
                let allowed = 1e-5 + each * len as f64;
                assert!(
                    (sum - 1.0).abs() <= allowed,
                    "α {alpha}, {short} short, {len}: {sum}"
                );
            }
        }
    }
}

#[test]
fn losses_of_every_length() {
    let device = Device::default().autodiff();
    for len in [1, 2, 64, 65, 1000, 5000, 33000] {
        let x = normals(3 * len, 8);
        let targets = [0, len as i64 / 2, len as i64 - 1];
        let alphas = if len > 1000 {
            &[1.5, 2.0][..]
        } else {
            &[1.0, 1.01, 1.3, 1.5, 2.0, 3.0]
        };
        for &alpha in alphas {
            let scores = tensor::<2>(&x, [3, len], &device, DType::F32).require_grad();
            let loss = entmax_loss(scores.clone(), ints(&targets, &device), alpha);
            let want: Vec<f64> = x
                .chunks(len)
                .zip(targets)
                .map(|(row, y)| oracle::entmax_loss(row, y as usize, alpha))
                .collect();
            // losses are up to about 10: a few of its roundings
            assert_close(&values(loss.clone()), &want, 5e-6);
            let weights = tensor::<1>(&[1.0, -2.0, 0.5], [3], &device, DType::F32);
            let grad = scores.grad(&(loss * weights).sum().backward()).unwrap();
            let want: Vec<f64> = x
                .chunks(len)
                .zip([1.0, -2.0, 0.5].iter().zip(targets))
                .flat_map(|(row, (weight, y))| {
                    let mut p = oracle::entmax(row, alpha);
                    p[y as usize] -= 1.0;
                    p.into_iter().map(move |p| p * weight)
                })
                .collect();
            assert_close(&values(grad), &want, 2.0 * tolerance(1e-6, alpha));
        }
    }
}
