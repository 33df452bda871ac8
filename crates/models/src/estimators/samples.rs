use burn::tensor::{Int, Tensor, TensorData};

use super::{Codes, LatentFamily, Outcomes};
use crate::training::{Draw, Stream};

/// Samples of the rows of a query, the same number of each, those of a row side by side.
#[derive(Debug, Clone)]
pub(super) struct Samples {
    /// The scores `[batch · count, size]`, repeated.
    pub scores: Tensor<2>,
    /// The codes `[batch · count, size]`.
    pub codes: Tensor<2>,
    /// How many there are of each row.
    pub count: usize,
}

impl Samples {
    /// `count` independent samples for each row of `scores`.
    pub fn draw<F: LatentFamily>(scores: Tensor<2>, count: usize, draw: Draw) -> Self {
        let scores = repeat_rows(scores, count);
        let codes = F::mode(scores.clone().detach() + noise::<F>(&scores, draw));
        Self {
            scores,
            codes,
            count,
        }
    }

    /// The log-probabilities `[batch · count]`.
    pub fn log_prob<F: LatentFamily>(&self) -> Tensor<1> {
        F::log_prob(self.scores.clone(), self.codes.clone())
    }

    /// The losses `[batch, count]`.
    pub fn decode(&self, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Tensor<2> {
        decode(self.codes.clone(), self.count, loss)
    }
}

/// The losses `[batch, count]` of codes `[batch · count, size]`, `count` of each row side by side.
pub(super) fn decode(
    codes: Tensor<2>,
    count: usize,
    loss: &mut dyn FnMut(Outcomes) -> Tensor<1>,
) -> Tensor<2> {
    let [total, _] = codes.dims();
    let batch = total / count;
    let rows = Tensor::<1, Int>::arange(0..batch as i64, &codes.device())
        .unsqueeze_dim::<2>(1)
        .expand([batch, count])
        .reshape([total]);
    let codes = Codes::Values(codes);
    loss(Outcomes { rows, codes }).reshape([batch, count])
}

/// Noise of the family, one number for each score. It is made on the host, so that every device
/// has the same.
pub(super) fn noise<F: LatentFamily>(scores: &Tensor<2>, draw: Draw) -> Tensor<2> {
    let [rows, size] = scores.dims();
    let mut rng = draw.generator(Stream::Estimator);
    let numbers: Vec<f32> = (0..rows * size)
        .map(|_| F::noise(&mut rng) as f32)
        .collect();
    let data = TensorData::new(numbers, [rows, size]).convert_dtype(scores.dtype());
    Tensor::from_data(data, (&scores.device(), scores.dtype()))
}

/// Every row `count` times, side by side.
pub(super) fn repeat_rows(batch: Tensor<2>, count: usize) -> Tensor<2> {
    let [rows, size] = batch.dims();
    if count == 1 {
        return batch;
    }
    batch
        .unsqueeze_dim::<3>(1)
        .expand([rows, count, size])
        .reshape([rows * count, size])
}
