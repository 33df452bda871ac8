use burn::{
    module::Module,
    nn::{Initializer, Linear, LinearConfig},
    tensor::{Device, Tensor, activation::relu},
};

use super::SsvaeConfig;
use crate::networks::{Mlp, see};

/// The Gaussian posterior of the style: means and log standard deviations, `[n, style]` each.
#[derive(Debug, Clone)]
pub struct Posterior {
    /// The means.
    pub mean: Tensor<2>,
    /// The logarithms of the standard deviations.
    pub log_sd: Tensor<2>,
}

impl Posterior {
    /// A sample by reparametrization, from standard normal `noise` `[n, style]`.
    pub fn sample(&self, noise: Tensor<2>) -> Tensor<2> {
        self.mean.clone() + self.log_sd.clone().exp() * noise
    }

    /// The Kullback–Leibler divergence `[n]` from the standard normal prior, in nats.
    pub fn divergence(&self) -> Tensor<1> {
        let terms = self.mean.clone().square() + self.log_sd.clone().mul_scalar(2.0).exp()
            - self.log_sd.clone().mul_scalar(2.0)
            - 1.0;
        terms.sum_dim(1).squeeze_dim(1).mul_scalar(0.5)
    }
}

/// `q(z | x, y)`.
///
/// The first layer is linear in the image and the class together, and is computed apart for each:
/// an image is seen once, however many classes are tried with it.
#[derive(Module, Debug)]
pub struct Inference {
    image: Linear,
    class: Linear,
    rest: Mlp,
}

impl Inference {
    fn new(pixels: usize, classes: usize, hidden: &[usize], style: usize, device: &Device) -> Self {
        // the bound of one layer for both
        let bound = 1.0 / ((pixels + classes) as f64).sqrt();
        let initializer = Initializer::Uniform {
            min: -bound,
            max: bound,
        };
        let first = |inputs, bias| {
            LinearConfig::new(inputs, hidden[0])
                .with_bias(bias)
                .with_initializer(initializer.clone())
                .init(device)
        };
        Self {
            image: first(pixels, true),
            class: first(classes, false),
            rest: Mlp::new(&[hidden, &[2 * style]].concat(), device),
        }
    }

    /// What the first layer sees `[n, hidden]` in images `[n, pixels]`.
    pub fn see(&self, images: Tensor<2>) -> Tensor<2> {
        see(&self.image, images)
    }

    /// The posterior for images, as [seen](Self::see), and classes `[n, classes]`.
    pub fn forward(&self, seen: Tensor<2>, codes: Tensor<2>) -> Posterior {
        let hidden = relu(seen + self.class.forward(codes));
        let mut halves = self.rest.forward(hidden).chunk(2, 1).into_iter();
        match (halves.next(), halves.next()) {
            (Some(mean), Some(log_sd)) => Posterior { mean, log_sd },
            _ => unreachable!("the network has two outputs for each dimension of the style"),
        }
    }
}

/// `p(x | z, y)`.
#[derive(Module, Debug)]
pub struct Generator {
    network: Mlp,
}

impl Generator {
    /// Logits `[n, pixels]` of the Bernoulli pixels for styles `[n, style]` and classes
    /// `[n, classes]`.
    pub fn forward(&self, style: Tensor<2>, codes: Tensor<2>) -> Tensor<2> {
        self.network.forward(Tensor::cat(vec![style, codes], 1))
    }
}

/// The three networks of the model.
#[derive(Module, Debug)]
pub struct Ssvae {
    /// Scores `[n, classes]` of images `[n, pixels]`.
    pub classifier: Mlp,
    /// `q(z | x, y)`.
    pub inference: Inference,
    /// `p(x | z, y)`.
    pub generator: Generator,
}

impl Ssvae {
    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classifier.outputs()
    }
}

impl SsvaeConfig {
    /// The networks with fresh weights, random by the device's seed.
    pub fn init(&self, device: &Device) -> Ssvae {
        let around = |first: usize, hidden: &[usize], last: usize| {
            Mlp::new(&[&[first], hidden, &[last]].concat(), device)
        };
        let mirrored: Vec<usize> = self.autoencoder.iter().rev().copied().collect();
        let (x, y, z) = (self.pixels, self.classes, self.style);
        Ssvae {
            classifier: around(x, &self.classifier, y),
            inference: Inference::new(x, y, &self.autoencoder, z, device),
            generator: Generator {
                network: around(z + y, &mirrored, x),
            },
        }
    }
}
