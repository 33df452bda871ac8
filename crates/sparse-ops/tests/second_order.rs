//! Gradients of gradients: a backward pass is float operations of its backend, which can be
//! differentiated as others are. The oracle is the first gradient, by central differences.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used)]

use burn_autodiff::Autodiff;
use burn_core::{
    backend::{
        AutodiffBackend, Backend, Flex,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{DType, TensorData},
};
use burn_std::reader::try_read_sync;
use sparse_ops::SparseOps;

type Once = Autodiff<Flex>;
type Twice = Autodiff<Once>;

const SHAPE: [usize; 2] = [2, 4];
/// Supports of two to four classes, none of them near its edge.
const SCORES: [f64; 8] = [0.3, -0.2, 0.8, 0.1, 1.0, 0.4, 0.1, -2.0];
const WEIGHTS: [f64; 8] = [0.7, -1.1, 0.4, 2.0, -0.3, 0.9, 1.3, 0.5];
/// What leaves a quarter.
const FEW: [f64; 8] = [0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 0.0, -1.0];
const DIRECTION: [f64; 8] = [0.2, 1.0, -0.6, 0.3, -0.8, 0.1, 0.5, 0.4];

fn floats<B: Backend>(values: &[f64]) -> FloatTensor<B> {
    let data = TensorData::new(values.to_vec(), SHAPE).convert_dtype(DType::F64);
    B::float_from_data(data, &Default::default())
}

/// The product of a tensor with constants, summed.
fn inner<B: Backend>(tensor: FloatTensor<B>, constants: &[f64]) -> FloatTensor<B> {
    B::float_sum(B::float_mul(tensor, floats::<B>(constants)))
}

/// The gradient of `function` at `scores`.
fn gradient<A: AutodiffBackend>(
    scores: FloatTensor<A::InnerBackend>,
    function: impl Fn(FloatTensor<A>) -> FloatTensor<A>,
) -> FloatTensor<A::InnerBackend> {
    let scores = A::float_set_require_grad(A::from_inner(scores), true);
    let grads = A::backward(function(scores.clone()));
    A::grad(&scores, &grads).unwrap()
}

fn numbers<B: Backend>(tensor: FloatTensor<B>) -> Vec<f64> {
    let data = try_read_sync(B::float_into_data(tensor)).unwrap().unwrap();
    data.iter::<f64>().collect()
}

/// A function of scores on any backend.
trait Function {
    fn of<B: SparseOps>(&self, scores: FloatTensor<B>) -> FloatTensor<B>;
}

/// `⟨w, entmax(z)⟩`.
struct Expectation(f64);

impl Function for Expectation {
    fn of<B: SparseOps>(&self, scores: FloatTensor<B>) -> FloatTensor<B> {
        inner::<B>(B::entmax(scores, self.0, 1), &WEIGHTS)
    }
}

/// The sum of the squared losses.
struct SquaredLoss(f64);

impl Function for SquaredLoss {
    fn of<B: SparseOps>(&self, scores: FloatTensor<B>) -> FloatTensor<B> {
        let targets: IntTensor<B> =
            B::int_from_data(TensorData::from([1i64, 0]), &Default::default());
        let (loss, _) = B::entmax_loss(scores, targets, self.0);
        B::float_sum(B::float_mul(loss.clone(), loss))
    }
}

/// The sum of the squared sums of sigmoids, with the scores as inputs, slopes and weights.
struct Sigmoids;

impl Function for Sigmoids {
    fn of<B: SparseOps>(&self, scores: FloatTensor<B>) -> FloatTensor<B> {
        let all = B::float_reshape(scores, [SCORES.len()].into());
        let sums = B::sum_of_sigmoids(all.clone(), all.clone(), all);
        B::float_sum(B::float_mul(sums.clone(), sums))
    }
}

/// The sum of the squares of products of the scores, most of which are set to zero, and their transpose.
struct SparseProducts;

impl Function for SparseProducts {
    fn of<B: SparseOps>(&self, scores: FloatTensor<B>) -> FloatTensor<B> {
        let few = B::float_mul(scores.clone(), floats::<B>(&FEW));
        let product = B::sparse_matmul(few, B::float_swap_dims(scores, 0, 1));
        B::float_sum(B::float_mul(product.clone(), product))
    }
}

fn check(function: impl Function, name: &str) {
    let twice = numbers::<Flex>(gradient::<Once>(floats::<Flex>(&SCORES), |scores| {
        let first = gradient::<Twice>(scores, |scores| function.of::<Twice>(scores));
        inner::<Once>(first, &DIRECTION)
    }));
    let step = 1e-5;
    for i in 0..SCORES.len() {
        let along = |h: f64| {
            let mut scores = SCORES;
            scores[i] += h;
            let first = gradient::<Once>(floats::<Flex>(&scores), |s| function.of::<Once>(s));
            let first = numbers::<Flex>(first);
            first.iter().zip(DIRECTION).map(|(g, d)| g * d).sum::<f64>()
        };
        let want = (along(step) - along(-step)) / (2.0 * step);
        // differences of second order in the step, and rounding of 1e-16 / step
        assert!(
            (twice[i] - want).abs() < 1e-8,
            "{name}: {} for {want}",
            twice[i]
        );
    }
}

#[test]
fn mappings_are_differentiated_twice() {
    for alpha in [1.3, 1.5, 2.0, 2.5] {
        check(Expectation(alpha), &format!("α = {alpha}"));
    }
}

#[test]
fn losses_are_differentiated_twice() {
    for alpha in [1.0, 1.3, 1.5, 2.0] {
        check(SquaredLoss(alpha), &format!("loss of α = {alpha}"));
    }
}

#[test]
fn sums_of_sigmoids_are_differentiated_twice() {
    check(Sigmoids, "sums of sigmoids");
}

#[test]
fn sparse_products_are_differentiated_twice() {
    check(SparseProducts, "sparse products");
}
