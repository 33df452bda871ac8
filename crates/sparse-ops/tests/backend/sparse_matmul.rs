//! Products of a factor that is mostly zeros against their definition.

use burn_core::tensor::{DType, Device, Tensor};
use sparse_ops::sparse_matmul;

use crate::device::{assert_close, autodiff_modes, dtypes, modes, normals, tensor, values};

/// `[n, k, m]`: one of each; columns by less than a register, a register, a tile, and some of each; more
/// rows than a task has.
const SIZES: [[usize; 3]; 7] = [
    [1, 1, 1],
    [3, 40, 5],
    [5, 33, 16],
    [9, 100, 64],
    [7, 50, 299],
    [400, 90, 130],
    [300, 1000, 9],
];
/// Shares of `lhs` that are not zero, on both sides of what is taken for dense.
const SHARES: [f64; 4] = [0.0, 0.1, 0.3, 1.0];

struct Problem {
    lhs: Vec<f64>,
    rhs: Vec<f64>,
    grad: Vec<f64>,
    sizes: [usize; 3],
}

impl Problem {
    fn new(sizes: [usize; 3], share: f64) -> Self {
        let [n, k, m] = sizes;
        let mut lhs = normals(n * k, 1);
        for (i, x) in lhs.iter_mut().enumerate() {
            // a permutation of 0..1009, cut off
            if (i * 617 % 1009) as f64 >= 1009.0 * share {
                *x = 0.0;
            }
        }
        Self {
            lhs,
            rhs: normals(k * m, 2),
            grad: normals(n * m, 3),
            sizes,
        }
    }

    fn tensors(&self, device: &Device, dtype: DType) -> [Tensor<2>; 3] {
        let [n, k, m] = self.sizes;
        [
            tensor::<2>(&self.lhs, [n, k], device, dtype),
            tensor::<2>(&self.rhs, [k, m], device, dtype),
            tensor::<2>(&self.grad, [n, m], device, dtype),
        ]
    }
}

/// The product of `[n, k]` and `[k, m]`, where `a` and `b` say where an element is.
fn definition(
    [n, k, m]: [usize; 3],
    a: impl Fn(usize, usize) -> f64,
    b: impl Fn(usize, usize) -> f64,
) -> Vec<f64> {
    let element = |i, j| (0..k).map(|l| a(i, l) * b(l, j)).sum();
    (0..n)
        .flat_map(|i| (0..m).map(move |j| (i, j)))
        .map(|(i, j)| element(i, j))
        .collect()
}

/// Terms of products of normal numbers, up to some 16 each, that are added one after the other; the result
/// is rounded to the dtype, and of a backend's own product the terms may be too.
fn tolerance(terms: usize, rounding: f64) -> f64 {
    rounding * (8.0 + 4.0 * terms as f64)
}

#[test]
fn equals_the_definition() {
    for device in modes() {
        for (dtype, rounding) in dtypes() {
            for sizes in SIZES {
                for share in SHARES {
                    let [lhs, rhs, _] = Problem::new(sizes, share).tensors(&device, dtype);
                    let [n, k, m] = sizes;
                    // what the dtype has made of them
                    let [a, b] = [lhs.clone(), rhs.clone()].map(values);
                    let want = definition([n, k, m], |i, l| a[i * k + l], |l, j| b[l * m + j]);
                    let product = sparse_matmul(lhs, rhs);
                    assert_eq!(product.dims(), [n, m]);
                    assert_close(&values(product), &want, tolerance(k, rounding));
                }
            }
        }
    }
}

#[test]
fn gradients_equal_the_definition() {
    for device in autodiff_modes() {
        for (dtype, rounding) in dtypes() {
            for sizes in SIZES {
                for share in SHARES {
                    let [lhs, rhs, grad] = Problem::new(sizes, share).tensors(&device, dtype);
                    let (lhs, rhs) = (lhs.require_grad(), rhs.require_grad());
                    let [n, k, m] = sizes;
                    let [a, b, g] = [lhs.clone(), rhs.clone(), grad.clone()].map(values);
                    let product = sparse_matmul(lhs.clone(), rhs.clone());
                    let grads = (product * grad).sum().backward();
                    let [of_lhs, of_rhs] =
                        [lhs, rhs].map(|factor| values(factor.grad(&grads).unwrap()));
                    let want = definition([n, m, k], |i, j| g[i * m + j], |j, l| b[l * m + j]);
                    assert_close(&of_lhs, &want, tolerance(m, rounding));
                    let want = definition([k, n, m], |l, i| a[i * k + l], |i, j| g[i * m + j]);
                    assert_close(&of_rhs, &want, tolerance(n, rounding));
                }
            }
        }
    }
}

/// A factor that is no leaf and lies in memory as its transpose does, and one without a gradient.
#[test]
fn transposed_factors() {
    for device in autodiff_modes() {
        let [lhs, rhs, grad] = Problem::new([40, 64, 33], 0.1).tensors(&device, DType::F32);
        let weight = rhs.clone().transpose().require_grad();
        let columns = lhs.clone().transpose().mul_scalar(1.0).transpose();
        let product = sparse_matmul(columns, weight.clone().transpose());
        let want = lhs.clone().matmul(rhs);
        // sums of 64 f32 in another order
        assert_close(&values(product.clone()), &values(want), 2e-4);
        let grads = (product * grad.clone()).sum().backward();
        let got = weight.grad(&grads).unwrap();
        let want = grad.transpose().matmul(lhs);
        assert_close(&values(got), &values(want), 2e-4);
    }
}

#[test]
fn what_is_no_number_reaches_its_row_alone() {
    for device in modes() {
        let mut lhs = vec![0.0; 4 * 20];
        (lhs[5], lhs[27], lhs[44]) = (f64::NAN, f64::INFINITY, 2.0);
        let lhs = tensor::<2>(&lhs, [4, 20], &device, DType::F32);
        let product = values(sparse_matmul(lhs, Tensor::ones([20, 3], &device)));
        assert!(product[..3].iter().all(|x| x.is_nan()));
        assert_eq!(product[3..6], [f64::INFINITY; 3]);
        assert_eq!(product[6..], [2.0, 2.0, 2.0, 0.0, 0.0, 0.0]);
    }
}

#[test]
fn nothing_to_multiply() {
    for device in modes() {
        let product = |n, k, m| {
            let (lhs, rhs) = (
                Tensor::<2>::zeros([n, k], &device),
                Tensor::zeros([k, m], &device),
            );
            sparse_matmul(lhs, rhs).dims()
        };
        assert_eq!(product(0, 3, 2), [0, 2]);
        assert_eq!(product(2, 3, 0), [2, 0]);
    }
}

#[test]
#[should_panic(expected = "sparse_matmul: rhs must have 3 rows for lhs of [2, 3], got [4, 5]")]
fn sizes_that_do_not_match() {
    let device = Device::default();
    sparse_matmul(
        Tensor::zeros([2, 3], &device),
        Tensor::zeros([4, 5], &device),
    );
}
