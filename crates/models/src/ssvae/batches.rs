//! Batches of an epoch: what is in them follows from seed, epoch and step.

use std::{ops::Range, sync::Arc};

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{Rng, RngExt, seq::SliceRandom};
use rand_distr::{Distribution, StandardNormal};

use super::SsvaeBatch;
use crate::{
    data::{ImageSet, SemiSupervised},
    training::{BatchSource, Draw, EpochBatches, Stream},
};

/// How batches are drawn.
#[derive(Debug, Clone)]
pub struct BatchPlan {
    /// The run's seed.
    pub seed: u64,
    /// Images of each kind in a batch.
    pub batch_size: usize,
    /// Epochs, from the first, that see labelled images only.
    pub warm_up_epochs: usize,
    /// Dimensions of the style.
    pub style: usize,
    /// Whether the classifier sees grey levels instead of binarized images.
    pub grey: bool,
}

impl BatchPlan {
    /// The number of steps of a warm-up epoch.
    pub fn warm_up_steps(&self, data: &SemiSupervised) -> usize {
        data.labelled.len().div_ceil(self.batch_size)
    }

    /// The images of `set` at `indices`, the first of them with their `labels`: binarized anew,
    /// with noise, by the random numbers of `draw`.
    pub fn batch(
        &self,
        set: &ImageSet,
        indices: &[usize],
        labels: &[usize],
        draw: Draw,
        device: &Device,
    ) -> SsvaeBatch {
        let shape = [indices.len(), set.pixels()];
        let levels = set.all_intensities(indices);
        let images = binarize(&levels, shape, &mut draw.generator(Stream::Data), device);
        let seen = if self.grey {
            Tensor::from_data(TensorData::new(levels, shape), device)
        } else {
            images.clone()
        };
        let noise = [indices.len(), self.style];
        SsvaeBatch {
            images,
            seen,
            noise: normal(noise, &mut draw.generator(Stream::Noise), device),
            labels: classes(set, labels, device),
            draw,
        }
    }
}

/// The training epochs.
///
/// While the classifier warms up, a batch has labelled images only; then it has as many unlabelled
/// ones, each once an epoch, and labelled ones drawn with replacement.
#[derive(Debug, Clone)]
pub struct TrainingImages {
    /// The images.
    pub data: Arc<SemiSupervised>,
    /// How batches are drawn.
    pub plan: BatchPlan,
}

impl BatchSource for TrainingImages {
    type Batch = SsvaeBatch;
    const UNIT: &'static str = "images";

    fn seed(&self) -> u64 {
        self.plan.seed
    }

    fn items(&self) -> usize {
        self.data.unlabelled.len()
    }

    fn epoch(&self, draw: Draw) -> EpochBatches<SsvaeBatch> {
        let Self { data, plan } = self.clone();
        let warm_up = draw.epoch <= plan.warm_up_epochs;
        let mut order = if warm_up {
            data.labelled.clone()
        } else {
            data.unlabelled.clone()
        };
        order.shuffle(&mut draw.generator(Stream::Data));
        EpochBatches {
            items: order.len(),
            batch_size: plan.batch_size,
            make: Box::new(move |items, draw, device| {
                let chosen = &order[items];
                if warm_up {
                    return plan.batch(&data.train, chosen, chosen, draw, device);
                }
                let mut rng = draw.generator(Stream::Labelled);
                let pool = &data.labelled;
                let labelled: Vec<usize> = (0..chosen.len())
                    .map(|_| pool[rng.random_range(0..pool.len())])
                    .collect();
                let all = [&labelled, chosen].concat();
                plan.batch(&data.train, &all, &labelled, draw, device)
            }),
        }
    }

    fn slice(&self, items: Range<usize>) -> Self {
        let data = SemiSupervised {
            unlabelled: self.data.unlabelled[items].to_vec(),
            ..(*self.data).clone()
        };
        Self {
            data: Arc::new(data),
            plan: self.plan.clone(),
        }
    }
}

/// The validation images with their classes, always binarized in the same way.
#[derive(Debug, Clone)]
pub struct ValidationImages {
    data: Arc<SemiSupervised>,
    plan: BatchPlan,
    indices: Vec<usize>,
}

impl ValidationImages {
    /// Those of `data`, in batches of `batch_size`.
    pub fn new(data: Arc<SemiSupervised>, plan: &BatchPlan, batch_size: usize) -> Self {
        Self {
            indices: data.validation.clone(),
            plan: BatchPlan {
                batch_size,
                ..plan.clone()
            },
            data,
        }
    }
}

impl BatchSource for ValidationImages {
    type Batch = SsvaeBatch;
    const UNIT: &'static str = "images";

    fn seed(&self) -> u64 {
        self.plan.seed
    }

    fn items(&self) -> usize {
        self.indices.len()
    }

    fn epoch(&self, _draw: Draw) -> EpochBatches<SsvaeBatch> {
        let Self {
            data,
            plan,
            indices,
        } = self.clone();
        EpochBatches {
            items: indices.len(),
            batch_size: plan.batch_size,
            make: Box::new(move |items, draw, device| {
                let chosen = &indices[items];
                plan.batch(&data.train, chosen, chosen, draw, device)
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

/// Pixels that are on with the probability of their grey level.
fn binarize(levels: &[f32], shape: [usize; 2], rng: &mut impl Rng, device: &Device) -> Tensor<2> {
    let bits: Vec<f32> = levels
        .iter()
        .map(|&level| f32::from(u8::from(rng.random::<f32>() < level)))
        .collect();
    Tensor::from_data(TensorData::new(bits, shape), device)
}

/// Standard normal numbers.
pub(super) fn normal(shape: [usize; 2], rng: &mut impl Rng, device: &Device) -> Tensor<2> {
    let numbers: Vec<f32> = (0..shape[0] * shape[1])
        .map(|_| StandardNormal.sample(rng))
        .collect();
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

fn classes(set: &ImageSet, indices: &[usize], device: &Device) -> Tensor<1, Int> {
    let labels: Vec<i64> = indices.iter().map(|&i| i64::from(set.label(i))).collect();
    Tensor::from_data(TensorData::new(labels, [indices.len()]), device)
}
