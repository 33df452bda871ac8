use burn::{
    module::{Module, Param},
    nn::{Linear, LinearConfig},
    tensor::{Device, Int, Tensor, TensorData, activation::log_softmax},
};
use sparse_ops::categorical_log_likelihood;

use super::BitVectorVaeConfig;
use crate::networks::{Mlp, Standard, Standardization};

/// `p(x | z)`: pixels that are independent given the code, each with a categorical distribution over
/// grey levels.
///
/// A code becomes a few features of each pixel, and a linear map, the same for all pixels, makes logits
/// of them: so the levels of an image are modelled by `features × levels` weights, and not by as many
/// for each pixel.
#[derive(Module, Debug)]
pub struct Generator {
    /// From codes `[n, bits]` to features `[n, pixels · features]`.
    pub network: Mlp,
    /// From the features of a pixel to the logits of its levels.
    pub levels: Linear,
    #[module(skip)]
    signed_codes: bool,
}

impl Generator {
    /// The features `[n, pixels, features]` of codes `[n, bits]`.
    fn features(&self, codes: Tensor<2>) -> Tensor<3> {
        let [features, _] = self.levels.weight.dims();
        let codes = match self.signed_codes {
            true => codes.mul_scalar(2.0).sub_scalar(1.0),
            false => codes,
        };
        let flat = self.network.forward(codes);
        let [n, outputs] = flat.dims();
        flat.reshape([n, outputs / features, features])
    }

    fn bias(&self) -> Tensor<1> {
        match &self.levels.bias {
            Some(bias) => bias.val(),
            None => {
                let [_, levels] = self.levels.weight.dims();
                Tensor::zeros([levels], &self.levels.weight.device())
            }
        }
    }

    /// The log-likelihood `[n]`, in nats, of the images `levels[rows]` given codes `[n, bits]`.
    ///
    /// `levels` are grey levels `[batch, pixels]`, and `rows` `[n]` the image of each code: an image that
    /// is explained by many codes is not repeated.
    pub fn log_likelihood(
        &self,
        codes: Tensor<2>,
        levels: Tensor<2, Int>,
        rows: Tensor<1, Int>,
    ) -> Tensor<1> {
        categorical_log_likelihood(
            self.features(codes),
            self.levels.weight.val(),
            self.bias(),
            levels,
            Some(rows),
        )
    }

    /// The log-probabilities `[n, pixels, levels]` of every level of every pixel for codes
    /// `[n, bits]`.
    pub fn log_probs(&self, codes: Tensor<2>) -> Tensor<3> {
        log_softmax(self.levels.forward(self.features(codes)), 2)
    }

    /// The expected intensities `[n, pixels]`, from 0 to 1, for codes `[n, bits]`.
    pub fn mean(&self, codes: Tensor<2>) -> Tensor<2> {
        let probs = self.log_probs(codes).exp();
        let [_, _, levels] = probs.dims();
        let largest = levels.saturating_sub(1).max(1) as f64;
        let intensities = Tensor::arange(0..levels as i64, &probs.device()).float();
        let intensities = intensities.div_scalar(largest).reshape([1, 1, levels]);
        (probs * intensities).sum_dim(2).squeeze_dim(2)
    }
}

/// The two networks of the model.
#[derive(Module, Debug)]
pub struct BitVectorVae {
    /// From intensities `[n, pixels]`, which are [standardized](Self::with_standard) where that was asked for,
    /// to a score `[n, bits]` for each bit, before they are scaled; see [`scores`](Self::scores).
    pub encoder: Mlp,
    /// `p(x | z)`.
    pub generator: Generator,
    standardization: Option<Standardization>,
    #[module(skip)]
    score_scale: f64,
}

impl BitVectorVae {
    /// The number of bits of a code.
    pub fn bits(&self) -> usize {
        self.encoder.outputs()
    }

    /// The number of grey levels.
    pub fn levels(&self) -> usize {
        self.generator.levels.weight.dims()[1]
    }

    /// The scores `[n, bits]` of images with intensities `[n, pixels]`, which parametrize their
    /// distributions over codes.
    pub fn scores(&self, images: Tensor<2>) -> Tensor<2> {
        let scores = match &self.standardization {
            Some(standardization) => standardization.before(&self.encoder, images),
            None => self.encoder.forward(images),
        };
        scores.mul_scalar(self.score_scale)
    }

    /// The same networks with an encoder that sees standardized intensities.
    ///
    /// Inputs of mean 0 make a better conditioned problem: LeCun, Bottou, Orr & Müller, [Efficient
    /// BackProp](https://doi.org/10.1007/3-540-49430-8_2), 1998.
    pub fn with_standard(self, standard: &Standard) -> Self {
        let device = self.generator.levels.weight.device();
        let standardization = Some(Standardization::new(standard, &device));
        Self {
            standardization,
            ..self
        }
    }

    /// The same networks with a generator that begins at the frequencies of the levels in the training
    /// data, `counts`: the biases of the levels become the logarithms of their counts plus one.
    ///
    /// The features of a fresh generator are small, so that it begins at that distribution for each
    /// pixel, and learns from the first step on what sets pixels and images apart, and not how often
    /// a level occurs at all.
    ///
    /// # Panics
    ///
    /// If there is not a count for each level.
    pub fn with_level_counts(mut self, counts: &[u64]) -> Self {
        assert!(
            counts.len() == self.levels(),
            "with_level_counts: a count for each of the {} levels, got {}",
            self.levels(),
            counts.len()
        );
        let total: f64 = counts.iter().map(|&count| count as f64 + 1.0).sum();
        let biases = counts.iter().map(|&count| (count as f64 + 1.0) / total);
        let biases: Vec<f32> = biases.map(|frequency| frequency.ln() as f32).collect();
        let device = self.generator.levels.weight.device();
        let data = TensorData::new(biases, [counts.len()]);
        self.generator.levels.bias = Some(Param::from_data(data, &device));
        self
    }
}

impl BitVectorVaeConfig {
    /// The networks with fresh weights, random by the device's seed.
    pub fn init(&self, device: &Device) -> BitVectorVae {
        let outputs = self.pixels * self.features;
        BitVectorVae {
            encoder: Mlp::new(&[self.pixels, self.hidden, self.bits], device),
            generator: Generator {
                network: Mlp::new(&[self.bits, self.hidden, outputs], device),
                levels: LinearConfig::new(self.features, self.levels).init(device),
                signed_codes: self.signed_codes,
            },
            standardization: None,
            score_scale: self.score_scale,
        }
    }
}
