//! The categorical log-likelihood against its definition, in f64.

use burn_core::tensor::{DType, Device, Int, Tensor, TensorData};
use sparse_ops::categorical_log_likelihood;

use crate::device::{
    assert_close, autodiff_modes, dtypes, has_exp, ints, modes, normals, tensor, values,
};

/// Sizes of a problem.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    rows: usize,
    pixels: usize,
    rank: usize,
    levels: usize,
    images: usize,
}

impl Sizes {
    /// By Burn's own operations instead of a kernel.
    fn is_composed(self) -> bool {
        self.pixels <= self.rank
    }
}

const fn sizes(pixels: usize, rank: usize, levels: usize) -> Sizes {
    Sizes {
        rows: 5,
        pixels,
        rank,
        levels,
        images: 3,
    }
}

/// Levels from 2 to 1,000 and ranks from 1 to 64, whole registers and tiles of pixels and not; the
/// last two have so few pixels that they are composed.
const SIZES: [Sizes; 8] = [
    sizes(3, 1, 2),
    sizes(64, 5, 17),
    sizes(22, 5, 256),
    sizes(7, 2, 1000),
    sizes(9, 3, 33),
    sizes(70, 64, 40),
    sizes(2, 5, 31),
    sizes(1, 64, 100),
];

/// A problem with normal numbers, and what is true of it.
struct Problem {
    sizes: Sizes,
    features: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
    targets: Vec<i64>,
    rows: Vec<i64>,
}

impl Problem {
    fn new(sizes: Sizes) -> Self {
        let Sizes {
            rows,
            pixels,
            rank,
            levels,
            images,
        } = sizes;
        let scale = (rank as f64).sqrt();
        Self {
            sizes,
            features: normals(rows * pixels * rank, 1),
            // logits of standard deviation 3, however many features there are
            weight: normals(rank * levels, 2)
                .iter()
                .map(|w| 3.0 * w / scale)
                .collect(),
            bias: normals(levels, 3),
            targets: (0..images * pixels)
                .map(|i| (i * 7919 % levels) as i64)
                .collect(),
            rows: (0..rows).map(|i| (i * 2 % images) as i64).collect(),
        }
    }

    /// The tensors, and the numbers that they hold once rounded to `dtype`.
    fn tensors(&self, device: &Device, dtype: DType) -> (Inputs, Self) {
        let s = self.sizes;
        let inputs = Inputs {
            features: tensor(&self.features, [s.rows, s.pixels, s.rank], device, dtype),
            weight: tensor(&self.weight, [s.rank, s.levels], device, dtype),
            bias: tensor(&self.bias, [s.levels], device, dtype),
            targets: int_matrix(&self.targets, [s.images, s.pixels], device),
            rows: ints(&self.rows, device),
        };
        let seen = Self {
            features: values(inputs.features.clone()),
            weight: values(inputs.weight.clone()),
            bias: values(inputs.bias.clone()),
            targets: self.targets.clone(),
            rows: self.rows.clone(),
            sizes: s,
        };
        (inputs, seen)
    }

    /// The log-likelihoods, and the gradients of their sum weighted by `grad`.
    fn truth(&self, grad: &[f64]) -> Truth {
        let s = self.sizes;
        let mut truth = Truth {
            log_likelihood: vec![0.0; s.rows],
            features: vec![0.0; self.features.len()],
            weight: vec![0.0; self.weight.len()],
            bias: vec![0.0; s.levels],
        };
        for (i, grad) in grad.iter().enumerate() {
            for j in 0..s.pixels {
                let at = (i * s.pixels + j) * s.rank;
                let features = &self.features[at..at + s.rank];
                let logit = |c: usize| {
                    let terms = features.iter().enumerate();
                    self.bias[c]
                        + terms
                            .map(|(k, f)| f * self.weight[k * s.levels + c])
                            .sum::<f64>()
                };
                let logits: Vec<f64> = (0..s.levels).map(logit).collect();
                let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = logits.iter().map(|l| (l - largest).exp()).sum();
                let target = self.targets[self.rows[i] as usize * s.pixels + j] as usize;
                truth.log_likelihood[i] += logits[target] - largest - total.ln();
                for (c, logit) in logits.iter().enumerate() {
                    let hit = if c == target { 1.0 } else { 0.0 };
                    let residual = grad * (hit - (logit - largest).exp() / total);
                    truth.bias[c] += residual;
                    for (k, feature) in features.iter().enumerate() {
                        let weight = k * s.levels + c;
                        truth.weight[weight] += residual * feature;
                        truth.features[at + k] += residual * self.weight[weight];
                    }
                }
            }
        }
        truth
    }
}

struct Truth {
    log_likelihood: Vec<f64>,
    features: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

#[derive(Clone)]
struct Inputs {
    features: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<2, Int>,
    rows: Tensor<1, Int>,
}

impl Inputs {
    fn tracked(self) -> Self {
        Self {
            features: self.features.require_grad(),
            weight: self.weight.require_grad(),
            bias: self.bias.require_grad(),
            ..self
        }
    }

    fn log_likelihood(&self) -> Tensor<1> {
        let Self {
            features,
            weight,
            bias,
            targets,
            rows,
        } = self.clone();
        categorical_log_likelihood(features, weight, bias, targets, Some(rows))
    }
}

fn int_matrix(values: &[i64], shape: [usize; 2], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, x| x.abs().max(most))
}

#[test]
fn equals_the_definition() {
    for device in modes() {
        for (dtype, rounding) in dtypes() {
            for sizes in SIZES {
                if sizes.is_composed() && !has_exp(&device, dtype) {
                    continue;
                }
                let (inputs, seen) = Problem::new(sizes).tensors(&device, dtype);
                let want = seen.truth(&[1.0; 5]).log_likelihood;
                let got = values(inputs.log_likelihood());
                // a rounding of the result, and of each pixel's logits, which are below 20
                let tolerance = rounding * (largest(&want) + 5.0 * sizes.pixels as f64);
                assert_close(&got, &want, tolerance);
            }
        }
    }
}

#[test]
fn gradients_are_those_of_the_definition() {
    let weights = [1.0, -2.0, 0.0, 0.5, 3.0];
    for device in autodiff_modes() {
        for (dtype, rounding) in dtypes() {
            if !matches!(dtype, DType::F32 | DType::F64) {
                continue;
            }
            for sizes in SIZES {
                if sizes.is_composed() && !has_exp(&device, dtype) {
                    continue;
                }
                let (inputs, seen) = Problem::new(sizes).tensors(&device, dtype);
                let want = seen.truth(&weights);
                let inputs = inputs.tracked();
                let factors = tensor::<1>(&weights, [5], &device, dtype);
                let grads = (inputs.log_likelihood() * factors).sum().backward();
                let features = values(inputs.features.grad(&grads).unwrap());
                let weight = values(inputs.weight.grad(&grads).unwrap());
                let bias = values(inputs.bias.grad(&grads).unwrap());
                // a sum over levels of roundings of logits of up to 20; and the same summed over
                // pixels and rows, where they average out
                assert_close(
                    &features,
                    &want.features,
                    20.0 * rounding * largest(&want.features),
                );
                assert_close(
                    &weight,
                    &want.weight,
                    20.0 * rounding * largest(&want.weight),
                );
                assert_close(&bias, &want.bias, 20.0 * rounding * largest(&want.bias));
            }
        }
    }
}

#[test]
fn one_part_may_be_tracked_alone() {
    for device in autodiff_modes() {
        let (inputs, seen) = Problem::new(sizes(9, 3, 33)).tensors(&device, DType::F32);
        let want = seen.truth(&[1.0; 5]);
        let weight = inputs.weight.clone().require_grad();
        let inputs = Inputs {
            weight: weight.clone(),
            ..inputs
        };
        let grads = inputs.log_likelihood().sum().backward();
        // as above
        let tolerance = 2e-5 * largest(&want.weight);
        assert_close(
            &values(weight.grad(&grads).unwrap()),
            &want.weight,
            tolerance,
        );
        assert!(inputs.features.grad(&grads).is_none());
        assert!(inputs.bias.grad(&grads).is_none());
    }
}

#[test]
fn without_rows_each_has_its_own() {
    for device in modes() {
        let problem = Problem {
            rows: (0..3).collect(),
            ..Problem::new(Sizes {
                rows: 3,
                ..sizes(9, 3, 33)
            })
        };
        let (inputs, _) = problem.tensors(&device, DType::F32);
        let want = values(inputs.log_likelihood());
        let Inputs {
            features,
            weight,
            bias,
            targets,
            ..
        } = inputs;
        let got = categorical_log_likelihood(features, weight, bias, targets, None);
        assert_eq!(values(got), want);
    }
}

/// Rows of 9 pixels, then of 2, which are composed.
fn fused_and_composed() -> [Sizes; 2] {
    [sizes(9, 3, 33), sizes(2, 3, 33)]
}

#[test]
fn a_bad_row_is_alone() {
    for device in autodiff_modes() {
        for sizes in fused_and_composed() {
            let mut problem = Problem::new(sizes);
            let row = sizes.pixels * sizes.rank;
            let good = values(problem.tensors(&device, DType::F32).0.log_likelihood());
            // rows 0 and 3 explain image 0, row 2 image 1, and rows 1 and 4 image 2
            problem.features[row] = f64::NAN;
            // of the one target, one of the two logits is −∞
            problem.features[1] = f64::NEG_INFINITY;
            problem.features[3 * row + 1] = f64::INFINITY;
            problem.targets[sizes.pixels] = sizes.levels as i64;
            let inputs = problem.tensors(&device, DType::F32).0.tracked();
            let log_likelihood = inputs.log_likelihood();
            let grads = log_likelihood.clone().sum().backward();
            let got = values(log_likelihood);
            let nan: Vec<bool> = got.iter().map(|x| x.is_nan()).collect();
            assert_eq!(nan, [true, true, true, true, false]);
            assert_eq!(got[4], good[4]);
            let features = values(inputs.features.grad(&grads).unwrap());
            assert!(features[4 * row..].iter().all(|g| g.is_finite()));
            for i in [0, 1, 2, 3] {
                assert!(features[i * row..(i + 1) * row].iter().any(|g| g.is_nan()));
            }
        }
    }
}

/// A head that is no number, at a level that is no pixel's target: it is in every sum over levels.
#[test]
fn a_head_that_is_no_number_reaches_every_row() {
    let device = Device::default().autodiff();
    let nan = f64::NAN;
    for (dtype, _) in dtypes() {
        for (bad, in_weight) in [(nan, true), (nan, false), (f64::INFINITY, false)] {
            let mut problem = Problem::new(sizes(6, 2, 40));
            let unused = (0..40).find(|level| !problem.targets.contains(level));
            let level = unused.expect("more levels than targets") as usize;
            match in_weight {
                true => problem.weight[level] = bad,
                false => problem.bias[level] = bad,
            }
            let (inputs, _) = problem.tensors(&device, dtype);
            let got = values(inputs.tracked().log_likelihood());
            assert!(got.iter().all(|x| x.is_nan()), "{dtype:?}, {bad}: {got:?}");
        }
    }
}

#[test]
fn indices_out_of_range_make_their_rows_nan() {
    for device in modes() {
        for sizes in fused_and_composed() {
            let mut problem = Problem::new(sizes);
            problem.rows = vec![0, 3, -1, 1, 2];
            problem.targets[sizes.pixels + 1] = -1;
            let got = values(problem.tensors(&device, DType::F32).0.log_likelihood());
            let nan: Vec<bool> = got.iter().map(|x| x.is_nan()).collect();
            assert_eq!(nan, [false, true, true, true, false]);
        }
    }
}

#[test]
fn levels_may_be_impossible() {
    for device in autodiff_modes() {
        for sizes in fused_and_composed() {
            let mut problem = Problem::new(sizes);
            problem.targets.fill(4);
            let last = (sizes.images - 1) * sizes.pixels;
            problem.targets[last] = 5;
            problem.bias[5] = f64::NEG_INFINITY;
            let inputs = problem.tensors(&device, DType::F32).0.tracked();
            let log_likelihood = inputs.log_likelihood();
            // of the rows whose image is possible
            let possible = log_likelihood.clone().select(0, ints(&[0, 2, 3], &device));
            let grads = possible.sum().backward();
            let got = values(log_likelihood);
            for i in [0, 2, 3] {
                assert!(got[i].is_finite(), "{got:?}");
            }
            for i in [1, 4] {
                assert_eq!(got[i], f64::NEG_INFINITY);
            }
            assert_eq!(values(inputs.bias.grad(&grads).unwrap())[5], 0.0);
        }
    }
}

#[test]
fn large_logits_stay_finite() {
    for device in autodiff_modes() {
        for scale in [0.0, 1e4] {
            let mut problem = Problem::new(sizes(9, 3, 33));
            problem.features.iter_mut().for_each(|f| *f *= scale);
            let inputs = problem.tensors(&device, DType::F32).0.tracked();
            let log_likelihood = inputs.log_likelihood();
            let grads = log_likelihood.clone().sum().backward();
            let finite = |x: Vec<f64>| assert!(x.iter().all(|x| x.is_finite()));
            finite(values(log_likelihood));
            finite(values(inputs.features.grad(&grads).unwrap()));
            finite(values(inputs.weight.grad(&grads).unwrap()));
        }
    }
}

#[test]
fn nothing_has_log_likelihood_0() {
    for device in modes() {
        for (n, p) in [(0, 3), (2, 0)] {
            let got = categorical_log_likelihood(
                Tensor::zeros([n, p, 2], &device),
                Tensor::zeros([2, 4], &device),
                Tensor::zeros([4], &device),
                Tensor::zeros([n, p], &device),
                None,
            );
            assert_eq!(values(got), vec![0.0; n]);
        }
    }
}

#[test]
#[should_panic(
    expected = "categorical_log_likelihood: features [2, 3, 2] need a weight [2, levels] and a bias [levels], with at least 1 feature and 1 level, got [3, 4] and [4]"
)]
fn a_weight_of_another_rank() {
    let device = Device::default();
    categorical_log_likelihood(
        Tensor::zeros([2, 3, 2], &device),
        Tensor::zeros([3, 4], &device),
        Tensor::zeros([4], &device),
        Tensor::zeros([2, 3], &device),
        None,
    );
}

#[test]
#[should_panic(
    expected = "categorical_log_likelihood: features [2, 3, 2] need targets [2, 3], or at least 1 row of targets of 3 and rows [2], got [1, 3] and None rows"
)]
fn too_few_targets() {
    let device = Device::default();
    categorical_log_likelihood(
        Tensor::zeros([2, 3, 2], &device),
        Tensor::zeros([2, 4], &device),
        Tensor::zeros([4], &device),
        Tensor::zeros([1, 3], &device),
        None,
    );
}

#[test]
#[should_panic(
    expected = "categorical_log_likelihood: weight and bias must have the dtype of features, F32, got F64 and F32"
)]
fn a_weight_of_another_dtype() {
    let device = Device::default();
    categorical_log_likelihood(
        tensor(&[0.0; 12], [2, 3, 2], &device, DType::F32),
        tensor(&[0.0; 8], [2, 4], &device, DType::F64),
        tensor(&[0.0; 4], [4], &device, DType::F32),
        Tensor::zeros([2, 3], &device),
        None,
    );
}
