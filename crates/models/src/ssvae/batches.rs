//! Batches of a training epoch: what is in them follows from seed, epoch and step.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress},
        dataset::DatasetError,
    },
    tensor::{Device, Tensor, TensorData},
};
use rand::{Rng, RngExt, seq::SliceRandom};
use rand_distr::{Distribution, StandardNormal};

use super::{Labelled, Unlabelled};
use crate::{
    data::{ImageSet, SemiSupervised},
    training::generator,
};

/// One step's images: labelled ones, and after the warm-up as many unlabelled ones.
#[derive(Debug, Clone)]
pub struct SsvaeBatch {
    /// Images with their classes.
    pub labelled: Labelled,
    /// Images without; `None` while the classifier warms up.
    pub unlabelled: Option<Unlabelled>,
}

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

/// The batches of one epoch after the other: each call of `iter` is the next epoch.
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
        let mut order = images.clone();
        order.shuffle(&mut generator(self.plan.seed, epoch, 0));
        Box::new(Epoch {
            loader: self,
            epoch,
            warm_up,
            order,
            step: 0,
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
    epoch: usize,
    warm_up: bool,
    order: Vec<usize>,
    step: usize,
}

impl Iterator for Epoch<'_> {
    type Item = Result<SsvaeBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let EpochLoader {
            data, plan, device, ..
        } = self.loader;
        let rest = self
            .order
            .get(self.step * plan.batch_size..)
            .filter(|rest| !rest.is_empty())?;
        let chosen = &rest[..rest.len().min(plan.batch_size)];
        self.step += 1;
        let mut rng = generator(plan.seed, self.epoch, self.step);
        let labelled = if self.warm_up {
            chosen.to_vec()
        } else {
            let pool = &data.labelled;
            (0..chosen.len())
                .map(|_| pool[rng.random_range(0..pool.len())])
                .collect()
        };
        let labels: Vec<i64> = labelled
            .iter()
            .map(|&i| i64::from(data.train.label(i)))
            .collect();
        let (images, seen) = draw(&data.train, &labelled, plan.grey, &mut rng, device);
        let batch = Labelled {
            images,
            seen,
            labels: Tensor::from_data(TensorData::new(labels, [labelled.len()]), device),
            noise: normal([labelled.len(), plan.style], &mut rng, device),
        };
        let unlabelled = (!self.warm_up).then(|| {
            let (images, seen) = draw(&data.train, chosen, plan.grey, &mut rng, device);
            let noise = normal([chosen.len(), plan.style], &mut rng, device);
            Unlabelled {
                images,
                seen,
                noise,
            }
        });
        Some(Ok(SsvaeBatch {
            labelled: batch,
            unlabelled,
        }))
    }
}

impl DataLoaderIterator<SsvaeBatch> for Epoch<'_> {
    fn progress(&self) -> Progress {
        let done = (self.step * self.loader.plan.batch_size).min(self.order.len());
        Progress::new(done, self.order.len(), Some("images".to_string()))
    }
}

/// Binarized images `[n, pixels]`, sampled anew, and what the classifier sees of them.
pub(super) fn draw(
    set: &ImageSet,
    indices: &[usize],
    grey: bool,
    rng: &mut impl Rng,
    device: &Device,
) -> (Tensor<2>, Tensor<2>) {
    let shape = [indices.len(), set.pixels()];
    let levels: Vec<f32> = indices.iter().flat_map(|&i| set.intensities(i)).collect();
    let bits = levels
        .iter()
        .map(|&p| f32::from(u8::from(rng.random::<f32>() < p)))
        .collect();
    let images = Tensor::from_data(TensorData::new::<f32, _>(bits, shape), device);
    let seen = if grey {
        Tensor::from_data(TensorData::new(levels, shape), device)
    } else {
        images.clone()
    };
    (images, seen)
}

/// Standard normal numbers.
pub(super) fn normal(shape: [usize; 2], rng: &mut impl Rng, device: &Device) -> Tensor<2> {
    let numbers: Vec<f32> = (0..shape[0] * shape[1])
        .map(|_| StandardNormal.sample(rng))
        .collect();
    Tensor::from_data(TensorData::new(numbers, shape), device)
}
