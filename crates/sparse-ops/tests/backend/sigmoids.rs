//! Sums of sigmoids against their definition.

use burn_core::tensor::{DType, Device, Tensor};
use sparse_ops::sum_of_sigmoids;

use crate::device::{
    assert_close, autodiff_modes, dtypes, has_exp, modes, normals, tensor, values,
};

/// Inputs and filters: one of each, less than a register, a tile and more, blocks and more, tasks.
const SIZES: [[usize; 2]; 5] = [[1, 1], [5, 3], [70, 64], [64, 200], [700, 130]];

fn sigmoid(t: f64) -> f64 {
    if t < 0.0 {
        t.exp() / (1.0 + t.exp())
    } else {
        1.0 / (1.0 + (-t).exp())
    }
}

/// `[inputs, slopes, weights]` with some slopes that saturate, and what their sums get as a gradient.
fn problem([n, filters]: [usize; 2]) -> ([Vec<f64>; 3], Vec<f64>) {
    let slopes = normals(filters, 2);
    let slopes = slopes.iter().enumerate();
    let slopes = slopes.map(|(f, a)| if f % 5 == 4 { 60.0 * a } else { *a });
    let weights = normals(filters, 3);
    let inputs = [normals(n, 1), slopes.collect(), weights];
    (inputs, normals(n, 4))
}

fn oracle([inputs, slopes, weights]: &[Vec<f64>; 3]) -> Vec<f64> {
    let sum = |x: &f64| -> f64 {
        let terms = slopes.iter().zip(weights);
        terms.map(|(a, w)| w * sigmoid(a * x)).sum()
    };
    inputs.iter().map(sum).collect()
}

/// The gradients, and with them the sums of the sizes of their terms, which rounding goes by.
fn gradients(
    [inputs, slopes, weights]: &[Vec<f64>; 3],
    grad: &[f64],
) -> ([Vec<f64>; 3], [Vec<f64>; 3]) {
    let mut sums = [
        vec![0.0; inputs.len()],
        vec![0.0; slopes.len()],
        vec![0.0; weights.len()],
    ];
    let mut sizes = sums.clone();
    for (i, x) in inputs.iter().enumerate() {
        for (f, (a, w)) in slopes.iter().zip(weights).enumerate() {
            let (on, off) = (sigmoid(a * x), sigmoid(-a * x));
            let terms = [
                grad[i] * w * a * on * off,
                grad[i] * w * x * on * off,
                grad[i] * on,
            ];
            for (k, at) in [i, f, f].into_iter().enumerate() {
                sums[k][at] += terms[k];
                sizes[k][at] += terms[k].abs();
            }
        }
    }
    (sums, sizes)
}

fn tensors(problem: &[Vec<f64>; 3], device: &Device, dtype: DType) -> [Tensor<1>; 3] {
    problem
        .each_ref()
        .map(|values| tensor::<1>(values, [values.len()], device, dtype))
}

#[test]
fn equals_the_definition() {
    for device in modes() {
        for (dtype, rounding) in dtypes() {
            if !has_exp(&device, dtype) {
                continue;
            }
            for sizes in SIZES {
                let (problem, _) = problem(sizes);
                let [inputs, slopes, weights] = tensors(&problem, &device, dtype);
                // what the dtype has made of them
                let seen = [inputs.clone(), slopes.clone(), weights.clone()].map(values);
                let got = values(sum_of_sigmoids(inputs, slopes, weights));
                let most: f64 = seen[2].iter().map(|w| w.abs()).sum();
                // Terms of up to |w|, each of a product a x that is rounded where σ is steepest: by
                // less than 0.3 of a rounding.
                assert_close(&got, &oracle(&seen), rounding * most);
            }
        }
    }
}

#[test]
fn gradients_equal_the_definition() {
    let composed = is_composed();
    for device in autodiff_modes() {
        for (dtype, rounding) in dtypes() {
            // composed of operations of a half, sums are of halves
            let rough = composed && matches!(dtype, DType::F16 | DType::BF16);
            if rough || !has_exp(&device, dtype) {
                continue;
            }
            for sizes in SIZES {
                gradient_equals_the_definition(sizes, &device, dtype, rounding);
            }
        }
    }
}

/// Whether the device composes the operation of its own, which have their own rounding.
fn is_composed() -> bool {
    let name = format!("{:?}", Device::default().as_dispatch()).to_lowercase();
    !(name.starts_with("flex") || name.starts_with("ndarray"))
}

fn gradient_equals_the_definition(sizes: [usize; 2], device: &Device, dtype: DType, rounding: f64) {
    let (problem, grad) = problem(sizes);
    let all = tensors(&problem, device, dtype).map(|tensor| tensor.require_grad());
    let factors = tensor::<1>(&grad, [sizes[0]], device, dtype);
    // what the dtype has made of them
    let (seen, grad) = (all.clone().map(values), values(factors.clone()));
    let [inputs, slopes, weights] = all.clone();
    let weighted = sum_of_sigmoids(inputs, slopes, weights) * factors;
    let grads = weighted.sum().backward();
    let (want, terms) = gradients(&seen, &grad);
    for ((tensor, want), terms) in all.iter().zip(&want).zip(&terms) {
        let got = values(tensor.grad(&grads).unwrap());
        for ((got, want), terms) in got.iter().zip(want).zip(terms) {
            // A term of σ′ where a x is t has a relative error of |t| roundings, and is below e^(−|t|);
            // the others have a few.
            assert_close(&[*got], &[*want], 2.0 * rounding * terms + rounding);
        }
    }
}

#[test]
fn constants_get_no_gradient() {
    for device in autodiff_modes() {
        let (problem, _) = problem([5, 3]);
        let [inputs, slopes, weights] = tensors(&problem, &device, DType::F32);
        let slopes = slopes.require_grad();
        let sums = sum_of_sigmoids(inputs.clone(), slopes.clone(), weights.clone());
        let grads = sums.sum().backward();
        let (want, _) = gradients(&problem, &[1.0; 5]);
        let got = values(slopes.grad(&grads).unwrap());
        // sums of five terms below 3
        assert_close(&got, &want[1], 5e-6);
        assert!(inputs.grad(&grads).is_none() && weights.grad(&grads).is_none());
    }
}

#[test]
fn far_out() {
    for device in autodiff_modes() {
        let x = [1e30, -1e30, 0.0, 200.0, f64::INFINITY, f64::NEG_INFINITY];
        let inputs = tensor::<1>(&x, [6], &device, DType::F32).require_grad();
        let slopes = tensor::<1>(&[1.0], [1], &device, DType::F32);
        let weights = tensor::<1>(&[2.0], [1], &device, DType::F32);
        let sums = sum_of_sigmoids(inputs.clone(), slopes, weights);
        let grads = sums.clone().sum().backward();
        assert_eq!(values(sums), [2.0, 0.0, 1.0, 2.0, 2.0, 0.0]);
        let grad = values(inputs.grad(&grads).unwrap());
        assert_eq!(grad, [0.0, 0.0, 0.5, 0.0, 0.0, 0.0]);
    }
}

#[test]
fn a_bad_input_is_alone() {
    for device in autodiff_modes() {
        let mut x = vec![0.0; 70];
        x[66] = f64::NAN;
        let inputs = tensor::<1>(&x, [70], &device, DType::F32).require_grad();
        let slopes = Tensor::<1>::ones([3], &device);
        let weights = Tensor::<1>::ones([3], &device);
        let sums = sum_of_sigmoids(inputs.clone(), slopes, weights);
        let grads = sums.clone().sum().backward();
        let (sums, grad) = (values(sums), values(inputs.grad(&grads).unwrap()));
        for (i, (sum, grad)) in sums.iter().zip(&grad).enumerate() {
            if i == 66 {
                assert!(sum.is_nan() && grad.is_nan());
            } else {
                assert_eq!([*sum, *grad], [1.5, 0.75]);
            }
        }
    }
}

#[test]
fn a_bad_filter_is_in_everything() {
    for device in modes() {
        for bad in 0..2 {
            let inputs = Tensor::<1>::ones([70], &device);
            let mut filters = [(); 2].map(|()| Tensor::<1>::ones([3], &device));
            filters[bad] = tensor::<1>(&[1.0, f64::NAN, 1.0], [3], &device, DType::F32);
            let [slopes, weights] = filters;
            let sums = values(sum_of_sigmoids(inputs, slopes, weights));
            assert!(sums.iter().all(|sum| sum.is_nan()));
        }
    }
}

/// Sums over many inputs are not rounded more than those over few.
#[test]
fn many_inputs() {
    if is_composed() {
        return;
    }
    for device in autodiff_modes() {
        let inputs = Tensor::<1>::ones([100_000], &device);
        let slopes = tensor::<1>(&[0.3], [1], &device, DType::F32).require_grad();
        let weights = tensor::<1>(&[1.7], [1], &device, DType::F32).require_grad();
        let sums = sum_of_sigmoids(inputs, slopes.clone(), weights.clone());
        let grads = sums.sum().backward();
        let (on, off) = (sigmoid(0.3), sigmoid(-0.3));
        let want = [1e5 * 1.7 * on * off, 1e5 * on];
        for (tensor, want) in [slopes, weights].iter().zip(want) {
            let got = values(tensor.grad(&grads).unwrap());
            // roundings of a term and of blocks
            assert_close(&got, &[want], 2e-6 * want);
        }
    }
}

#[test]
fn nothing_sums_to_nothing() {
    for device in modes() {
        for [n, filters] in [[0, 3], [2, 0]] {
            let inputs = Tensor::<1>::ones([n], &device);
            let filters = Tensor::<1>::ones([filters], &device);
            let got = values(sum_of_sigmoids(inputs, filters.clone(), filters));
            assert_eq!(got, vec![0.0; n]);
        }
    }
}

#[test]
#[should_panic(expected = "sum_of_sigmoids: 3 slopes need as many weights, got 2")]
fn weights_of_another_length() {
    let device = Device::default();
    let ones = |count: usize| Tensor::<1>::ones([count], &device);
    sum_of_sigmoids(ones(4), ones(3), ones(2));
}
