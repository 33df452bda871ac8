//! Batches of an epoch: what is in them follows from seed, epoch and step.

use std::{ops::Range, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData};
use rand::seq::SliceRandom;

use super::GreyBatch;
use crate::{
    data::{ImageSet, SplitImages},
    networks::Standard,
    training::{BatchSource, Draw, EpochBatches, Stream},
};

impl GreyBatch {
    /// The images of `set` at `indices`.
    pub fn of(set: &ImageSet, indices: &[usize], draw: Draw, device: &Device) -> Self {
        let shape = [indices.len(), set.pixels()];
        let images = set.all_intensities(indices);
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
        }
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
        let data = self.data.clone();
        EpochBatches {
            items: order.len(),
            batch_size: self.batch_size,
            make: Box::new(move |items, draw, device| {
                GreyBatch::of(&data.train, &order[items], draw, device)
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
