use std::sync::Arc;

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress},
        dataset::DatasetError,
    },
    tensor::Device,
};

use super::EpochLog;

/// Batches whose epochs are timed: from the request for the first one to the end of the last.
pub(super) struct Timed<I> {
    inner: Arc<dyn DataLoader<I>>,
    log: EpochLog,
}

impl<I> Timed<I> {
    pub(super) fn new(inner: Arc<dyn DataLoader<I>>, log: EpochLog) -> Self {
        Self { inner, log }
    }
}

impl<I: Send + 'static> DataLoader<I> for Timed<I> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<I> + 'a> {
        self.log.begin_steps();
        Box::new(TimedEpoch {
            inner: self.inner.iter(),
            steps: 0,
            log: &self.log,
        })
    }

    fn num_items(&self) -> usize {
        self.inner.num_items()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<I>> {
        Arc::new(Self::new(self.inner.to_device(device), self.log.clone()))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<I>> {
        Arc::new(Self::new(self.inner.slice(start, end), self.log.clone()))
    }
}

struct TimedEpoch<'a, I> {
    inner: Box<dyn DataLoaderIterator<I> + 'a>,
    steps: usize,
    log: &'a EpochLog,
}

impl<I> Iterator for TimedEpoch<'_, I> {
    type Item = Result<I, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.inner.next();
        self.steps += usize::from(item.is_some());
        item
    }
}

impl<I> DataLoaderIterator<I> for TimedEpoch<'_, I> {
    fn progress(&self) -> Progress {
        self.inner.progress()
    }
}

impl<I> Drop for TimedEpoch<'_, I> {
    fn drop(&mut self) {
        self.log.end_steps(self.steps);
    }
}
