//! What the encoder says about images, on the host.

use burn::tensor::{Device, Tensor, TensorData};

use crate::estimators::{BitEstimator, BitVectorEstimator};

/// A code: whether each bit is on.
pub(super) type Code = Vec<bool>;

/// A code with some bits flipped.
pub(super) fn flipped(code: &Code, bits: &[usize]) -> Code {
    let mut code = code.clone();
    for &bit in bits {
        code[bit] = !code[bit];
    }
    code
}

/// Logits of codes that are decoded together, at most: 128 MiB of f32.
pub(super) const LOGITS: usize = 1 << 25;

/// Codes as a tensor `[n, bits]` of 0 and 1.
pub(super) fn codes(codes: &[Code], device: &Device) -> Tensor<2> {
    let shape = [codes.len(), codes.first().map_or(0, Vec::len)];
    let bits = codes.iter().flatten().map(|&on| f32::from(u8::from(on)));
    Tensor::from_data(TensorData::new(bits.collect::<Vec<_>>(), shape), device)
}

/// The distribution q over codes of one image.
#[derive(Debug, Clone)]
pub(super) struct Belief {
    /// The score of each bit.
    pub scores: Vec<f64>,
    /// The supported codes with their probabilities, the most probable first; `None` where the bits are
    /// independent.
    pub support: Option<Vec<(Code, f64)>>,
}

impl Belief {
    /// The distributions that `estimator` makes of scores `[n, bits]`.
    pub fn of(estimator: &BitEstimator, scores: Tensor<2>) -> Vec<Self> {
        let [images, bits] = scores.dims();
        let values: Vec<f64> = scores.clone().into_data().iter().collect();
        let mut supports = vec![None; images];
        if let Some(distribution) = estimator.distribution() {
            let q = distribution.of(scores);
            let (rows, probs) = (q.rows().into_data(), q.probs().into_data());
            let codes = q.outcomes().clone().into_data();
            let codes: Vec<bool> = codes.iter::<f32>().map(|bit| bit > 0.5).collect();
            supports.fill(Some(Vec::new()));
            for ((row, prob), code) in rows
                .iter::<i64>()
                .zip(probs.iter::<f64>())
                .zip(codes.chunks_exact(bits))
            {
                if let Some(support) = &mut supports[row as usize] {
                    support.push((code.to_vec(), prob));
                }
            }
        }
        let scores = values.chunks_exact(bits);
        let beliefs = scores.zip(supports).map(|(scores, mut support)| {
            if let Some(support) = &mut support {
                support.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            }
            Self {
                scores: scores.to_vec(),
                support,
            }
        });
        beliefs.collect()
    }

    /// The most probable code.
    pub fn mode(&self) -> Code {
        let best = self.support.as_ref().and_then(|support| support.first());
        match best {
            Some((code, _)) => code.clone(),
            None => self.scores.iter().map(|&score| score > 0.0).collect(),
        }
    }

    /// The probability that each bit is on.
    pub fn marginals(&self) -> Vec<f64> {
        match &self.support {
            None => self.scores.iter().map(|&score| sigmoid(score)).collect(),
            Some(support) => (0..self.scores.len())
                .map(|bit| {
                    let on = support.iter().filter(|(code, _)| code[bit]);
                    on.map(|(_, prob)| prob).sum()
                })
                .collect(),
        }
    }
}

pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
