//! Batches of an epoch: what is in them follows from seed, epoch and step.

use std::{ops::Range, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt, seq::SliceRandom};

use super::GreyBatch;
use crate::{
    data::{ImageSet, SplitImages},
    networks::Standard,
    training::{BatchSource, Draw, EpochBatches, Stream},
};

impl GreyBatch {
    /// The images of `set` at `indices`.
    pub fn of(set: &ImageSet, indices: &[usize], draw: Draw, device: &Device) -> Self {
        Self::seen(set.all_intensities(indices), set, indices, draw, device)
    }

    /// The same, of which the encoder sees these intensities.
    fn seen(
        images: Vec<f32>,
        set: &ImageSet,
        indices: &[usize],
        draw: Draw,
        device: &Device,
    ) -> Self {
        let shape = [indices.len(), set.pixels()];
        let mut levels: Vec<i64> = Vec::with_capacity(images.len());
        for &i in indices {
            levels.extend(set.levels(i).iter().map(|&level| i64::from(level)));
        }
        Self {
            images: Tensor::from_data(TensorData::new(images, shape), device),
            levels: Tensor::from_data(TensorData::new(levels, shape), device),
            draw,
        }
    }
}

impl Standard {
    /// That of the intensities of the images of `set` at `indices`.
    pub fn of_images(set: &ImageSet, indices: &[usize]) -> Self {
        Self::of(set.pixels(), indices.len(), |i, row| {
            row.extend(set.intensities(indices[i]));
        })
    }
}

/// Some of the images that are not held out to test, as batches.
#[derive(Debug, Clone)]
pub struct GreyImages {
    data: Arc<SplitImages>,
    indices: Vec<usize>,
    seed: u64,
    batch_size: usize,
    shuffled: bool,
    dropout: Option<Dropout>,
}

/// Which pixels the encoder does not see.
#[derive(Debug, Clone)]
struct Dropout {
    probability: f64,
    /// What stands in their place: the mean of each.
    mean: Arc<[f32]>,
}

impl Dropout {
    fn apply(&self, images: &mut [f32], rng: &mut impl Rng) {
        let stretch = (1.0 - self.probability).recip() as f32;
        let least = (self.probability * 2f64.powi(32)) as u32;
        for image in images.chunks_exact_mut(self.mean.len()) {
            for (x, mean) in image.iter_mut().zip(&*self.mean) {
                let shown = rng.random::<u32>() >= least;
                *x = if shown {
                    mean + (*x - mean) * stretch
                } else {
                    *mean
                };
            }
        }
    }
}

impl GreyImages {
    /// The images to train on, in another order in each epoch.
    pub fn training(data: Arc<SplitImages>, seed: u64, batch_size: usize) -> Self {
        Self {
            indices: data.training.clone(),
            data,
            seed,
            batch_size,
            shuffled: true,
            dropout: None,
        }
    }

    /// The validation images, always in the same order.
    pub fn validation(data: Arc<SplitImages>, seed: u64, batch_size: usize) -> Self {
        Self {
            indices: data.validation.clone(),
            data,
            seed,
            batch_size,
            shuffled: false,
            dropout: None,
        }
    }

    /// The same, where the encoder does not see each pixel with a `probability`, but its `mean`; the others are
    /// stretched from it, so that a pixel is as far from its mean, on average, as it was (inverted dropout). The
    /// generator explains the whole image: a denoising VAE (Im, Ahn, Memisevic & Bengio, [Denoising Criterion for
    /// Variational Auto-Encoding Framework](https://arxiv.org/abs/1511.06406), 2017). Which pixels follows from
    /// seed, epoch and step.
    ///
    /// # Panics
    ///
    /// If the probability is not in `0..1`, or there is not a mean for each pixel.
    pub fn with_dropout(self, probability: f64, mean: &[f32]) -> Self {
        assert!(
            (0.0..1.0).contains(&probability),
            "with_dropout: a probability in 0..1, got {probability}"
        );
        let pixels = self.data.train.pixels();
        assert!(
            mean.len() == pixels,
            "with_dropout: a mean for each of {pixels} pixels, got {}",
            mean.len()
        );
        let mean = mean.into();
        let dropout = Some(Dropout { probability, mean });
        Self { dropout, ..self }
    }
}

impl BatchSource for GreyImages {
    type Batch = GreyBatch;
    const UNIT: &'static str = "images";

    fn seed(&self) -> u64 {
        self.seed
    }

    fn items(&self) -> usize {
        self.indices.len()
    }

    fn epoch(&self, draw: Draw) -> EpochBatches<GreyBatch> {
        let mut order = self.indices.clone();
        if self.shuffled {
            order.shuffle(&mut draw.generator(Stream::Data));
        }
        let (data, dropout) = (self.data.clone(), self.dropout.clone());
        EpochBatches {
            items: order.len(),
            batch_size: self.batch_size,
            make: Box::new(move |items, draw, device| {
                let indices = &order[items];
                let mut images = data.train.all_intensities(indices);
                if let Some(dropout) = &dropout {
                    dropout.apply(&mut images, &mut draw.generator(Stream::Noise));
                }
                GreyBatch::seen(images, &data.train, indices, draw, device)
            }),
        }
    }

    fn slice(&self, items: Range<usize>) -> Self {
        Self {
            indices: self.indices[items].to_vec(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PROBABILITY: f64 = 0.3;

    fn values(batch: &GreyBatch) -> (Vec<f32>, Vec<i64>) {
        let images = batch.images.clone().into_data();
        let levels = batch.levels.clone().into_data();
        (images.iter().collect(), levels.iter().collect())
    }

    /// The batch of a step in an epoch, of all images that are trained on, in the order of the first epoch.
    fn batch(source: &GreyImages, epoch: usize, step: usize) -> (Vec<f32>, Vec<i64>) {
        let draw = |epoch, step| Draw {
            seed: source.seed(),
            epoch,
            step,
        };
        let make = source.epoch(draw(1, 0)).make;
        let all = 0..source.items();
        values(&make(all, draw(epoch, step), &Device::default()))
    }

    #[test]
    fn hidden_pixels_are_means_and_the_others_as_far_from_them_on_average() {
        let data = Arc::new(SplitImages::digits().unwrap());
        let mean = Standard::of_images(&data.train, &data.training).mean;
        let source = || GreyImages::training(data.clone(), 7, 64);
        let hiding = source().with_dropout(PROBABILITY, &mean);
        let (whole, levels) = batch(&source(), 1, 3);
        let (seen, explained) = batch(&hiding, 1, 3);
        assert_eq!(levels, explained);
        let (mut hidden, mut all) = (0.0, 0.0);
        for (i, (x, seen)) in whole.iter().zip(&seen).enumerate() {
            let mean = mean[i % mean.len()];
            let shown = mean + (x - mean) / (1.0 - PROBABILITY as f32);
            // which of both it is cannot be told where a pixel is at its mean
            if (x - mean).abs() > 1e-3 {
                all += 1.0;
                hidden += f64::from(u8::from(*seen == mean));
            }
            // a rounding of numbers up to about 1
            assert!(*seen == mean || (seen - shown).abs() < 1e-6, "{x} {seen}");
        }
        // five standard deviations of a binomial frequency
        let allowed = 5.0 * (PROBABILITY * (1.0 - PROBABILITY) / all).sqrt();
        assert!(
            (hidden / all - PROBABILITY).abs() < allowed,
            "{hidden} of {all}"
        );
        assert_eq!(seen, batch(&hiding, 1, 3).0);
        assert_ne!(seen, batch(&hiding, 1, 4).0);
        assert_ne!(seen, batch(&hiding, 2, 3).0);
        assert_eq!(batch(&source().with_dropout(0.0, &mean), 1, 3).0, whole);
    }
}
