//! A loss of few categories or bits, and its expectation by enumeration: sums in f64 by definition,
//! without tensors.

use burn::tensor::{Device, Tensor, TensorData};
use sparse_models::estimators::Outcomes;

/// Features of a code: three mixtures of its parts.
const MIX: [[f64; 5]; 3] = [
    [0.9, -0.3, 0.5, 1.1, -0.7],
    [-0.4, 0.8, 0.6, -0.9, 0.3],
    [0.2, 0.7, -1.0, 0.4, 0.5],
];
/// What all losses have in common, so that a baseline has something to take away.
const COMMON: f64 = 2.0;

/// `COMMON + Σ_j a_j h_j + b_j h_j² + c_j h_j³` in the features h of a code.
#[derive(Clone, Copy)]
pub struct Polynomial {
    coefficients: [[f64; 3]; 3],
}

impl Polynomial {
    pub const CUBIC: Self = Self {
        coefficients: [[0.7, -1.2, 0.9], [0.8, 1.1, -0.6], [-0.5, 0.4, 1.3]],
    };
    pub const QUADRATIC: Self = Self {
        coefficients: [[0.7, -1.2, 0.9], [0.8, 1.1, -0.6], [0.0, 0.0, 0.0]],
    };
    pub const LINEAR: Self = Self {
        coefficients: [[0.7, -1.2, 0.9], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
    };

    fn features(code: &[f64]) -> [f64; 3] {
        MIX.map(|row| {
            row.iter()
                .zip(code)
                .map(|(weight, part)| weight * part)
                .sum()
        })
    }

    pub fn value(&self, code: &[f64]) -> f64 {
        let features = Self::features(code);
        let terms = (0..3).flat_map(|power| {
            (0..3).map(move |j| self.coefficients[power][j] * features[j].powi(power as i32 + 1))
        });
        COMMON + terms.sum::<f64>()
    }

    /// The gradient in the code.
    pub fn gradient(&self, code: &[f64]) -> Vec<f64> {
        let features = Self::features(code);
        let slope = |j: usize| -> f64 {
            (0..3)
                .map(|power| {
                    (power as f64 + 1.0)
                        * self.coefficients[power][j]
                        * features[j].powi(power as i32)
                })
                .sum()
        };
        (0..code.len())
            .map(|part| (0..3).map(|j| slope(j) * MIX[j][part]).sum())
            .collect()
    }

    /// The same on tensors: the losses `[total]`, plus `decoder` of each row times its code's second
    /// feature, squared.
    pub fn losses(&self, outcomes: Outcomes, decoder: &Tensor<1>) -> Tensor<1> {
        let (rows, codes) = (outcomes.rows, outcomes.codes.values());
        let ([_, size], device) = (codes.dims(), codes.device());
        let mix: Vec<f64> = (0..size)
            .flat_map(|part| MIX.map(|row| row[part]))
            .collect();
        let mix = Tensor::<2>::from_data(TensorData::new(mix, [size, 3]), &device);
        let features = codes.matmul(mix);
        let mut terms = features.clone() * self.row(0, &device);
        let mut power = features.clone();
        for degree in 1..3 {
            power = power * features.clone();
            terms = terms + power.clone() * self.row(degree, &device);
        }
        let second = features.narrow(1, 1, 1).squeeze_dim::<1>(1);
        let losses = terms.sum_dim(1).squeeze_dim::<1>(1) + COMMON;
        losses + decoder.clone().select(0, rows) * second.square()
    }

    fn row(&self, power: usize, device: &Device) -> Tensor<2> {
        let row = self.coefficients[power].to_vec();
        Tensor::from_data(TensorData::new(row, [1, 3]), device)
    }
}

/// Scores, a loss, and every outcome with its probability.
pub struct Problem {
    pub scores: Vec<f64>,
    pub loss: Polynomial,
    pub outcomes: Vec<(Vec<f64>, f64)>,
}

impl Problem {
    /// Five categories, by their softmax.
    pub fn categories(loss: Polynomial) -> Self {
        let scores = vec![0.8, -0.4, 0.1, -1.2, 0.5];
        let outcomes = softmax(&scores)
            .into_iter()
            .enumerate()
            .map(|(class, p)| (unit(5, class), p))
            .collect();
        Self {
            scores,
            loss,
            outcomes,
        }
    }

    /// Four bits, each by the sigmoid of its score.
    pub fn bits(loss: Polynomial) -> Self {
        let scores = vec![0.7, -1.1, 0.2, -0.4];
        let outcomes = (0..16)
            .map(|number| {
                let code: Vec<f64> = (0..4).map(|bit| f64::from(number >> bit & 1)).collect();
                let chances = code.iter().zip(&scores).map(|(bit, score)| {
                    let on = sigmoid(*score);
                    if *bit > 0.5 { on } else { 1.0 - on }
                });
                let p = chances.product();
                (code, p)
            })
            .collect();
        Self {
            scores,
            loss,
            outcomes,
        }
    }

    pub fn expect(&self, of: impl Fn(&[f64]) -> f64) -> f64 {
        self.outcomes.iter().map(|(code, p)| p * of(code)).sum()
    }

    /// The expected loss, its derivative in the decoder's parameter, and that in each score:
    /// `E[loss · (z_i − E z_i)]`, as both families are exponential ones with z as statistic.
    pub fn exact(&self) -> Vec<f64> {
        let second = |code: &[f64]| Polynomial::features(code)[1].powi(2);
        let mut exact = vec![self.expect(|z| self.loss.value(z)), self.expect(second)];
        for i in 0..self.scores.len() {
            let mean = self.expect(|z| z[i]);
            exact.push(self.expect(|z| self.loss.value(z) * (z[i] - mean)));
        }
        exact
    }
}

pub fn unit(size: usize, at: usize) -> Vec<f64> {
    (0..size).map(|i| f64::from(u8::from(i == at))).collect()
}

pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub fn softmax(scores: &[f64]) -> Vec<f64> {
    let masses: Vec<f64> = scores.iter().map(|score| score.exp()).collect();
    let total: f64 = masses.iter().sum();
    masses.into_iter().map(|mass| mass / total).collect()
}

/// `(diag(p) − p pᵀ) g`
pub fn softmax_vjp(p: &[f64], g: &[f64]) -> Vec<f64> {
    let mean: f64 = p.iter().zip(g).map(|(p, g)| p * g).sum();
    p.iter().zip(g).map(|(p, g)| p * (g - mean)).collect()
}
