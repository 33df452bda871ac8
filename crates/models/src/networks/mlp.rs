use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor, activation::relu},
};
use sparse_ops::sparse_matmul;

/// Linear layers with ReLU between them. What they see may be mostly zeros, as ink on paper is: the first
/// layer leaves them out.
#[derive(Module, Debug)]
pub struct Mlp {
    /// The layers, in order.
    pub layers: Vec<Linear>,
}

impl Mlp {
    /// Layers from `sizes[0]` to the last of `sizes`.
    pub fn new(sizes: &[usize], device: &Device) -> Self {
        let layers = sizes
            .windows(2)
            .map(|pair| LinearConfig::new(pair[0], pair[1]).init(device))
            .collect();
        Self { layers }
    }

    /// The size of the last layer.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.weight.dims()[1])
    }

    /// `[n, in]` to `[n, out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self.layers.split_first() {
            Some((first, rest)) => after(see(first, x), rest),
            None => x,
        }
    }

    /// That of `(x − mean) / scale`, for `mean` `[in]` and `scale` `[1]`. Both are done to the first layer,
    /// `x · W/s + (b − m · W/s)`, which has fewer numbers than a large batch. Digits are lost as by `x − mean`
    /// itself where the mean is many times the scale, and more where products are of less precision.
    pub fn forward_standardized(
        &self,
        x: Tensor<2>,
        mean: Tensor<1>,
        scale: Tensor<1>,
    ) -> Tensor<2> {
        let (mean, scale) = (mean.unsqueeze_dim::<2>(0), scale.unsqueeze_dim::<2>(0));
        let Some((first, rest)) = self.layers.split_first() else {
            return (x - mean) / scale;
        };
        let weight = first.weight.val() / scale;
        let shift = mean.matmul(weight.clone()).squeeze_dim::<1>(0);
        let bias = match &first.bias {
            Some(bias) => bias.val() - shift,
            None => shift.neg(),
        };
        after(sparse_matmul(x, weight) + bias.unsqueeze_dim(0), rest)
    }
}

/// What `layer` makes of inputs `[n, in]` that may be mostly zeros.
pub fn see(layer: &Linear, x: Tensor<2>) -> Tensor<2> {
    let product = sparse_matmul(x, layer.weight.val());
    match &layer.bias {
        Some(bias) => product + bias.val().unsqueeze_dim(0),
        None => product,
    }
}

/// What layers make of the outputs of the one before them.
fn after(x: Tensor<2>, layers: &[Linear]) -> Tensor<2> {
    layers.iter().fold(x, |x, layer| layer.forward(relu(x)))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    fn what_is_standardized_in_the_layer_is_what_is_standardized_before_it() {
        let device = Device::default().autodiff();
        device.seed(5);
        let network = Mlp::new(&[7, 5, 3], &device);
        let normal = |shape| Tensor::<2>::random(shape, Distribution::Normal(1.0, 2.0), &device);
        let (x, mean) = (normal([4, 7]), normal([1, 7]).squeeze_dim::<1>(0));
        let scale = Tensor::from_data([0.25f32], &device);
        let pull = normal([4, 3]);
        let before = (x.clone() - mean.clone().unsqueeze_dim(0)) / scale.clone().unsqueeze_dim(0);
        let results = [
            network.forward(before),
            network.forward_standardized(x, mean, scale),
        ]
        .map(|y| {
            let gradients = (y.clone() * pull.clone()).sum().backward();
            let layers = network.layers.iter();
            let weights = layers.filter_map(|layer| layer.weight.val().grad(&gradients));
            let biases = network
                .layers
                .iter()
                .filter_map(|layer| layer.bias.as_ref());
            let biases = biases.filter_map(|bias| bias.val().grad(&gradients));
            let numbers = weights.map(|grad| grad.into_data());
            let numbers = numbers.chain(biases.map(|grad| grad.into_data()));
            let all = numbers.chain([y.inner().into_data()]);
            all.flat_map(|data| data.iter::<f64>().collect::<Vec<_>>())
                .collect::<Vec<_>>()
        });
        assert_eq!(results[0].len(), 7 * 5 + 5 * 3 + 5 + 3 + 4 * 3);
        for (a, b) in results[0].iter().zip(&results[1]) {
            // f32 sums of some ten terms up to about 100, in another order
            assert!((a - b).abs() < 1e-3, "{a} {b}");
        }
    }
}
