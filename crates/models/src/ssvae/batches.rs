//! Batches of an epoch: what is in them follows from seed, epoch and step.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress},
        dataset::DatasetError,
    },
    tensor::{Device, Int, Tensor, TensorData},
};
use rand::{Rng, RngExt, seq::SliceRandom};
use rand_distr::{Distribution, StandardNormal};

use super::SsvaeBatch;
use crate::{
    data::{ImageSet, SemiSupervised},
    training::{Draw, Stream},
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
        let levels: Vec<f32> = indices.iter().flat_map(|&i| set.intensities(i)).collect();
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

/// The batches of one training epoch after the other: each call of `iter` is the next epoch.
///
/// While the classifier warms up, a batch has labelled images only; then it has as many unlabelled
/// ones, each once an epoch, and labelled ones drawn with replacement.
#[derive(Debug, Clone)]
pub struct EpochLoader {
    data: Arc<SemiSupervised>,
    plan: BatchPlan,
    device: Device,
    epochs_done: Arc<AtomicUsize>,
}

impl EpochLoader {
    /// Batches of `data` on `device`, beginning after `epochs_done` epochs.
    pub fn new(
        data: Arc<SemiSupervised>,
        plan: BatchPlan,
        device: Device,
        epochs_done: usize,
    ) -> Self {
        Self {
            data,
            plan,
            device,
            epochs_done: Arc::new(AtomicUsize::new(epochs_done)),
        }
    }
}

impl DataLoader<SsvaeBatch> for EpochLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<SsvaeBatch> + 'a> {
        let epoch = self.epochs_done.fetch_add(1, Ordering::SeqCst) + 1;
        let warm_up = epoch <= self.plan.warm_up_epochs;
        let images = if warm_up {
            &self.data.labelled
        } else {
            &self.data.unlabelled
        };
        let draw = Draw {
            seed: self.plan.seed,
            epoch,
            step: 0,
        };
        let mut order = images.clone();
        order.shuffle(&mut draw.generator(Stream::Data));
        Box::new(Epoch {
            loader: self,
            warm_up,
            order,
            draw,
        })
    }

    fn num_items(&self) -> usize {
        self.data.unlabelled.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<SsvaeBatch>> {
        Arc::new(Self {
            device: device.clone(),
            ..self.clone()
        })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<SsvaeBatch>> {
        let unlabelled = self.data.unlabelled[start..end].to_vec();
        let data = SemiSupervised {
            unlabelled,
            ..(*self.data).clone()
        };
        Arc::new(Self {
            data: Arc::new(data),
            ..self.clone()
        })
    }
}

struct Epoch<'a> {
    loader: &'a EpochLoader,
    warm_up: bool,
    order: Vec<usize>,
    draw: Draw,
}

impl Iterator for Epoch<'_> {
    type Item = Result<SsvaeBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let EpochLoader {
            data, plan, device, ..
        } = self.loader;
        let chosen = self.order.chunks(plan.batch_size).nth(self.draw.step)?;
        self.draw.step += 1;
        let batch = if self.warm_up {
            plan.batch(&data.train, chosen, chosen, self.draw, device)
        } else {
            let mut rng = self.draw.generator(Stream::Labelled);
            let pool = &data.labelled;
            let labelled: Vec<usize> = (0..chosen.len())
                .map(|_| pool[rng.random_range(0..pool.len())])
                .collect();
            let all = [&labelled, chosen].concat();
            plan.batch(&data.train, &all, &labelled, self.draw, device)
        };
        Some(Ok(batch))
    }
}

impl DataLoaderIterator<SsvaeBatch> for Epoch<'_> {
    fn progress(&self) -> Progress {
        let done = (self.draw.step * self.loader.plan.batch_size).min(self.order.len());
        Progress::new(done, self.order.len(), Some("images".to_string()))
    }
}

/// Images with their classes, always the same ones, binarized in the same way: to validate.
#[derive(Debug, Clone)]
pub struct FixedLoader {
    data: Arc<SemiSupervised>,
    plan: BatchPlan,
    device: Device,
    indices: Vec<usize>,
}

impl FixedLoader {
    /// The validation images of `data`, in batches of `batch_size`.
    pub fn validation(
        data: Arc<SemiSupervised>,
        plan: &BatchPlan,
        batch_size: usize,
        device: Device,
    ) -> Self {
        Self {
            indices: data.validation.clone(),
            plan: BatchPlan {
                batch_size,
                ..plan.clone()
            },
            data,
            device,
        }
    }
}

impl DataLoader<SsvaeBatch> for FixedLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<SsvaeBatch> + 'a> {
        Box::new(FixedEpoch {
            loader: self,
            step: 0,
        })
    }

    fn num_items(&self) -> usize {
        self.indices.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<SsvaeBatch>> {
        Arc::new(Self {
            device: device.clone(),
            ..self.clone()
        })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<SsvaeBatch>> {
        Arc::new(Self {
            indices: self.indices[start..end].to_vec(),
            ..self.clone()
        })
    }
}

struct FixedEpoch<'a> {
    loader: &'a FixedLoader,
    step: usize,
}

impl Iterator for FixedEpoch<'_> {
    type Item = Result<SsvaeBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let FixedLoader {
            data,
            plan,
            device,
            indices,
        } = self.loader;
        let chosen = indices.chunks(plan.batch_size).nth(self.step)?;
        self.step += 1;
        let draw = Draw {
            seed: plan.seed,
            epoch: 0,
            step: self.step,
        };
        Some(Ok(plan.batch(&data.train, chosen, chosen, draw, device)))
    }
}

impl DataLoaderIterator<SsvaeBatch> for FixedEpoch<'_> {
    fn progress(&self) -> Progress {
        let done = (self.step * self.loader.plan.batch_size).min(self.loader.indices.len());
        Progress::new(done, self.loader.indices.len(), Some("images".to_string()))
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
