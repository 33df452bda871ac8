use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress},
        dataset::DatasetError,
    },
    tensor::Device,
};

use super::{Draw, ahead::Ahead, backend::is_host};

/// Where a task's batches come from. What is in one follows from seed, epoch and step.
pub trait BatchSource: Clone + Send + Sync + 'static {
    /// A batch.
    type Batch: Send + 'static;

    /// What is counted, such as `images`.
    const UNIT: &'static str;

    /// The run's seed.
    fn seed(&self) -> u64;

    /// The number of items in a usual epoch.
    fn items(&self) -> usize;

    /// The batches of the epoch of `draw`, whose step is 0.
    fn epoch(&self, draw: Draw) -> EpochBatches<Self::Batch>;

    /// The same source, of these items only.
    fn slice(&self, items: Range<usize>) -> Self;
}

/// The batches of one epoch, which are made one by one.
pub struct EpochBatches<B> {
    /// The number of items in this epoch.
    pub items: usize,
    /// The number of items in a batch; the last one may have less.
    pub batch_size: usize,
    /// Makes a batch on a device: of which items, and of which step, counted from 1.
    pub make: MakeBatch<B>,
}

/// Makes the batch of some items and of a step on a device.
pub type MakeBatch<B> = Box<dyn Fn(Range<usize>, Draw, &Device) -> B + Send>;

impl<B> std::fmt::Debug for EpochBatches<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EpochBatches")
            .field("items", &self.items)
            .field("batch_size", &self.batch_size)
            .finish_non_exhaustive()
    }
}

/// The batches of one epoch after the other, for burn-train: each call of `iter` is the next epoch.
#[derive(Debug, Clone)]
pub struct EpochLoader<S> {
    source: S,
    device: Device,
    /// `None` where every epoch is the same.
    epochs_done: Option<Arc<AtomicUsize>>,
}

impl<S: BatchSource> EpochLoader<S> {
    /// Training epochs on `device`, beginning after `epochs_done` epochs.
    pub fn training(source: S, device: Device, epochs_done: usize) -> Self {
        Self {
            source,
            device,
            epochs_done: Some(Arc::new(AtomicUsize::new(epochs_done))),
        }
    }

    /// Epoch 0 again and again: to validate.
    pub fn fixed(source: S, device: Device) -> Self {
        Self {
            source,
            device,
            epochs_done: None,
        }
    }
}

impl<S: BatchSource> DataLoader<S::Batch> for EpochLoader<S> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<S::Batch> + 'a> {
        let next = |done: &Arc<AtomicUsize>| done.fetch_add(1, Ordering::SeqCst) + 1;
        let draw = Draw {
            seed: self.source.seed(),
            epoch: self.epochs_done.as_ref().map_or(0, next),
            step: 0,
        };
        Box::new(Epoch::new(
            self.source.epoch(draw),
            S::UNIT,
            draw,
            self.device.clone(),
        ))
    }

    fn num_items(&self) -> usize {
        self.source.items()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<S::Batch>> {
        Arc::new(Self {
            device: device.clone(),
            ..self.clone()
        })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<S::Batch>> {
        Arc::new(Self {
            source: self.source.slice(start..end),
            ..self.clone()
        })
    }
}

struct Epoch<B> {
    batches: Box<dyn Iterator<Item = B>>,
    items: usize,
    batch_size: usize,
    taken: usize,
    unit: &'static str,
}

impl<B: Send + 'static> Epoch<B> {
    fn new(epoch: EpochBatches<B>, unit: &'static str, draw: Draw, device: Device) -> Self {
        let EpochBatches {
            items,
            batch_size,
            make,
        } = epoch;
        // a device works on by itself while the next batch is made, and whoever allows one thread means it
        let ahead = is_host(&device) && rayon::current_num_threads() > 1;
        let batches = (0..items.div_ceil(batch_size)).map(move |taken| {
            let draw = Draw {
                step: taken + 1,
                ..draw
            };
            let batch = taken * batch_size..items.min(draw.step * batch_size);
            make(batch, draw, &device)
        });
        Self {
            batches: match ahead {
                true => Box::new(Ahead::of(batches)),
                false => Box::new(batches),
            },
            items,
            batch_size,
            taken: 0,
            unit,
        }
    }
}

impl<B> Iterator for Epoch<B> {
    type Item = Result<B, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        self.taken += 1;
        Some(Ok(batch))
    }
}

impl<B> DataLoaderIterator<B> for Epoch<B> {
    fn progress(&self) -> Progress {
        let done = (self.taken * self.batch_size).min(self.items);
        Progress::new(done, self.items, Some(self.unit.to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Seven items in batches of three; a batch is its epoch and its items.
    #[derive(Debug, Clone)]
    struct Counted(Range<usize>);

    impl BatchSource for Counted {
        type Batch = (usize, Vec<usize>);
        const UNIT: &'static str = "numbers";

        fn seed(&self) -> u64 {
            7
        }

        fn items(&self) -> usize {
            self.0.len()
        }

        fn epoch(&self, draw: Draw) -> EpochBatches<Self::Batch> {
            assert_eq!((draw.seed, draw.step), (7, 0));
            let first = self.0.start;
            EpochBatches {
                items: self.items(),
                batch_size: 3,
                make: Box::new(move |items, step, _| {
                    assert_eq!((step.epoch, step.step), (draw.epoch, items.start / 3 + 1));
                    (step.epoch, items.map(|i| first + i).collect())
                }),
            }
        }

        fn slice(&self, items: Range<usize>) -> Self {
            Self(self.0.start + items.start..self.0.start + items.end)
        }
    }

    fn epoch(loader: &dyn DataLoader<(usize, Vec<usize>)>) -> Vec<(usize, Vec<usize>)> {
        loader.iter().map(Result::unwrap).collect()
    }

    /// In a pool of one thread batches are made when they are asked for, and in one of two ahead of it.
    fn with_threads(threads: usize, test: impl FnOnce() + Send) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(test);
    }

    #[test]
    fn epochs_follow_each_other_and_fixed_ones_do_not() {
        for threads in [1, 2] {
            with_threads(threads, || {
                let device = Device::default();
                let all = |n| vec![(n, vec![0, 1, 2]), (n, vec![3, 4, 5]), (n, vec![6])];
                let training = EpochLoader::training(Counted(0..7), device.clone(), 4);
                assert_eq!(epoch(&training), all(5));
                assert_eq!(epoch(&training), all(6));
                let slice = training.slice(2, 4);
                assert_eq!(
                    (epoch(&*slice), slice.num_items()),
                    (vec![(7, vec![2, 3])], 2)
                );

                let fixed = EpochLoader::fixed(Counted(0..7), device);
                assert_eq!((epoch(&fixed), epoch(&fixed)), (all(0), all(0)));
            });
        }
    }

    #[test]
    fn progress_is_that_of_the_batches_that_were_taken() {
        for threads in [1, 2] {
            with_threads(threads, || {
                let loader = EpochLoader::fixed(Counted(0..7), Device::default());
                let mut batches = loader.iter();
                for done in [0, 3, 6, 7, 7] {
                    let progress = batches.progress();
                    assert_eq!((progress.items_processed, progress.items_total), (done, 7));
                    batches.next();
                }
            });
        }
    }
}
