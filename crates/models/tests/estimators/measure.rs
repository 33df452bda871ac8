//! What an estimator gives on average, with standard errors: every row of a large batch is a sample of
//! its own.

use std::sync::{Mutex, PoisonError};

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use sparse_models::{
    estimators::{
        BitEstimator, BitMethod, BitVectorEstimator, CategoricalEstimator, Estimate, Estimator,
        EstimatorSettings, Method, Outcomes, Query, Setup,
    },
    training::Draw,
};

use crate::problem::Problem;

/// Samples of each estimator.
pub const SAMPLES: usize = 200_000;
/// Features of the inputs, which are noise.
const INPUTS: usize = 3;

/// An estimator of either family.
pub enum Any {
    Categories(Estimator),
    Bits(BitEstimator),
}

impl Any {
    pub fn categories(method: Method, settings: &EstimatorSettings) -> Self {
        let device = Device::default().autodiff();
        Self::Categories(seeded(|| method.init(setup(settings, 5, &device)).unwrap()))
    }

    pub fn bits(method: BitMethod, settings: &EstimatorSettings) -> Self {
        let device = Device::default().autodiff();
        Self::Bits(seeded(|| method.init(setup(settings, 4, &device)).unwrap()))
    }

    pub fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        match self {
            Self::Categories(estimator) => estimator.estimate(query, loss),
            Self::Bits(estimator) => estimator.estimate(query, loss),
        }
    }
}

/// A fresh estimator, with the same weights each time: they come from the device's generator, of which
/// a process has one, when they are first looked at.
pub fn seeded<E: Module>(init: impl FnOnce() -> E) -> E {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Device::default().autodiff().seed(7);
    let estimator = init();
    let _ = estimator.clone().into_record();
    estimator
}

pub fn setup<'a>(settings: &'a EstimatorSettings, size: usize, device: &'a Device) -> Setup<'a> {
    Setup {
        settings,
        size,
        inputs: INPUTS,
        device,
    }
}

pub fn draw(step: usize) -> Draw {
    Draw {
        seed: 11,
        epoch: 1,
        step,
    }
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Inputs `[rows, 3]` that differ from row to row.
pub fn inputs(rows: usize, device: &Device) -> Tensor<2> {
    let numbers = (0..rows * INPUTS)
        .map(|i| (i as f32 * 0.37).sin())
        .collect();
    Tensor::from_data(TensorData::new(numbers, [rows, INPUTS]), device)
}

/// Coordinates as in [`Problem::exact`]: the value, the decoder's derivative, those of the scores.
pub struct Measured {
    pub mean: Vec<f64>,
    pub variance: Vec<f64>,
    pub samples: usize,
    pub decoder_calls: f64,
}

impl Measured {
    /// The estimates of `samples` rows of the same problem, in the `step`-th step.
    pub fn of(estimator: &Any, problem: &Problem, samples: usize, step: usize) -> Self {
        let device = Device::default().autodiff();
        let size = problem.scores.len();
        let scores = problem.scores.repeat(samples);
        let scores = Tensor::<2>::from_data(TensorData::new(scores, [samples, size]), &device);
        let scores = scores.require_grad();
        let decoder = Tensor::<1>::zeros([samples], &device).require_grad();
        let query = Query {
            scores: scores.clone(),
            inputs: inputs(samples, &device),
            draw: draw(step),
        };
        let mut calls = 0;
        let estimate = estimator.estimate(query, &mut |outcomes| {
            calls += 1;
            problem.loss.losses(outcomes, &decoder)
        });
        assert_eq!(calls, 1, "the loss is asked for once");
        let value = values(estimate.expected_loss.clone());
        let grads = estimate.expected_loss.sum().backward();
        let scores = values(scores.grad(&grads).unwrap());
        let decoder = values(decoder.grad(&grads).unwrap());
        let rows = (0..samples).map(|row| {
            let scores = &scores[row * size..(row + 1) * size];
            [&[value[row], decoder[row]], scores].concat()
        });
        let mut measured = Self::moments(rows);
        measured.decoder_calls = estimate.decoder_calls as f64 / samples as f64;
        measured
    }

    /// Of any samples.
    pub fn moments(rows: impl Iterator<Item = Vec<f64>>) -> Self {
        let (mut sum, mut squares, mut samples) = (Vec::new(), Vec::new(), 0);
        for row in rows {
            sum.resize(row.len(), 0.0);
            squares.resize(row.len(), 0.0);
            for (i, value) in row.into_iter().enumerate() {
                sum[i] += value;
                squares[i] += value * value;
            }
            samples += 1;
        }
        let n = samples as f64;
        let mean: Vec<f64> = sum.iter().map(|sum| sum / n).collect();
        let spread = squares.iter().zip(&mean);
        let variance = spread.map(|(square, mean)| (square / n - mean * mean).max(0.0));
        Self {
            variance: variance.collect(),
            mean,
            samples,
            decoder_calls: 0.0,
        }
    }

    fn squared_error(&self, at: usize) -> f64 {
        self.variance[at] / self.samples as f64
    }

    /// Each of the coordinates lies within four standard errors of `want`, and what f32 rounds in
    /// losses of a few units: 1e-5.
    #[track_caller]
    pub fn assert_mean(&self, name: &str, want: &[f64], coordinates: std::ops::Range<usize>) {
        for at in coordinates {
            let (got, want) = (self.mean[at], want[at]);
            let tolerance = 4.0 * self.squared_error(at).sqrt() + 1e-5;
            assert!(
                (got - want).abs() <= tolerance,
                "{name}, coordinate {at}: {got}, expected {want} within {tolerance}"
            );
        }
    }

    /// The same against another measurement, with the errors of both.
    #[track_caller]
    pub fn assert_same(&self, name: &str, other: &Self, coordinates: std::ops::Range<usize>) {
        for at in coordinates {
            let (got, want) = (self.mean[at], other.mean[at]);
            let error = (self.squared_error(at) + other.squared_error(at)).sqrt();
            let tolerance = 4.0 * error + 1e-5;
            assert!(
                (got - want).abs() <= tolerance,
                "{name}, coordinate {at}: {got}, expected {want} within {tolerance}"
            );
        }
    }

    /// The norm of the difference of the scores' gradient from that of `exact`, relative to it.
    pub fn bias(&self, exact: &[f64]) -> f64 {
        let norm =
            |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let pairs = self.mean[2..].iter().zip(&exact[2..]);
        norm(&mut pairs.map(|(got, want)| got - want)) / norm(&mut exact[2..].iter().copied())
    }

    /// The bias is as it was measured, within several standard errors.
    #[track_caller]
    pub fn assert_bias(&self, name: &str, exact: &[f64], want: f64) {
        let bias = self.bias(exact);
        assert!(
            (bias - want).abs() < 0.02,
            "{name}: {bias}, expected {want}"
        );
    }

    /// The variance of the scores' gradient, summed over its coordinates.
    pub fn total_variance(&self) -> f64 {
        self.variance[2..].iter().sum()
    }
}
