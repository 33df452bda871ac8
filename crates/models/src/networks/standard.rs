use burn::{
    module::{Module, RunningState},
    tensor::{Device, Tensor, TensorData},
};

use super::Mlp;

/// What makes features comparable: the mean of each, and one scale for all.
///
/// One scale, because a feature that hardly varies in training (a pixel at the border of an image)
/// would become huge in a new example if it were divided by its own deviation.
#[derive(Debug, Clone, PartialEq)]
pub struct Standard {
    /// The mean of each feature.
    pub mean: Vec<f32>,
    /// The root mean square of what is left when the means are taken away; 1 where nothing is left.
    pub scale: f32,
}

impl Standard {
    /// That of rows of `width` features, which are gone through twice: one after the other is written to
    /// the end of a list that arrives empty.
    pub fn of(width: usize, count: usize, write: impl Fn(usize, &mut Vec<f32>)) -> Self {
        let mut row = Vec::with_capacity(width);
        let mut each = |visit: &mut dyn FnMut(&[f32])| {
            for index in 0..count {
                row.clear();
                write(index, &mut row);
                visit(&row);
            }
        };
        let rows = count as f64;
        let mut mean = vec![0.0; width];
        each(&mut |row| {
            for (mean, &x) in mean.iter_mut().zip(row) {
                *mean += f64::from(x) / rows;
            }
        });
        // deviations from the mean, not a difference of squares: nothing cancels
        let mut squares = 0.0;
        each(&mut |row| {
            let pairs = row.iter().zip(&mean);
            squares += pairs
                .map(|(&x, mean)| (f64::from(x) - mean).powi(2))
                .sum::<f64>();
        });
        let scale = (squares / (rows * width as f64)).sqrt() as f32;
        Self {
            mean: mean.iter().map(|&mean| mean as f32).collect(),
            scale: if scale > 0.0 { scale } else { 1.0 },
        }
    }
}

/// A [`Standard`] before a network, as state of a module: checkpoints hold it.
#[derive(Module, Debug)]
pub struct Standardization {
    mean: RunningState<Tensor<1>>,
    scale: RunningState<Tensor<1>>,
}

impl Standardization {
    /// By `standard`.
    pub fn new(standard: &Standard, device: &Device) -> Self {
        let fixed = |values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [values.len()]);
            RunningState::new(Tensor::from_data(data, device))
        };
        Self {
            mean: fixed(&standard.mean),
            scale: fixed(&[standard.scale]),
        }
    }

    /// What `network` makes of features `[n, in]` when they are standardized.
    pub fn before(&self, network: &Mlp, features: Tensor<2>) -> Tensor<2> {
        network.forward_standardized(features, self.mean.value(), self.scale.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_each_and_one_scale_for_all() {
        let rows = [[1.0f32, 10.0, 5.0], [3.0, 20.0, 5.0]];
        let standard = Standard::of(3, 2, |i, row| row.extend(rows[i]));
        assert_eq!(standard.mean, [2.0, 15.0, 5.0]);
        // deviations of 1, 5 and 0, twice each
        assert!((f64::from(standard.scale) - (26.0f64 / 3.0).sqrt()).abs() < 1e-6);
        let constant = Standard::of(2, 3, |_, row| row.extend([7.0, 0.0]));
        assert_eq!((constant.mean, constant.scale), (vec![7.0, 0.0], 1.0));
    }
}
