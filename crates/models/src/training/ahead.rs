use std::{
    panic::resume_unwind,
    sync::mpsc::{Receiver, sync_channel},
    thread::{Builder, JoinHandle},
};

/// Items that a thread of their own makes while the ones before them are used.
///
/// They are what they would be without it, and come in the same order. The thread makes two at most
/// that nobody has asked for, and ends with the iterator.
pub(super) struct Ahead<T> {
    made: Option<Receiver<T>>,
    maker: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Ahead<T> {
    pub(super) fn of(items: impl Iterator<Item = T> + Send + 'static) -> Self {
        let (sender, made) = sync_channel(1);
        let make = move || {
            for item in items {
                if sender.send(item).is_err() {
                    return;
                }
            }
        };
        let maker = Builder::new().name("batches".to_string()).spawn(make);
        let maker = maker.expect("a thread for the next batches");
        Self {
            made: Some(made),
            maker: Some(maker),
        }
    }
}

impl<T> Iterator for Ahead<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let item = self.made.as_ref()?.recv().ok();
        if item.is_none()
            && let Some(maker) = self.maker.take()
            && let Err(panic) = maker.join()
        {
            resume_unwind(panic);
        }
        item
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        // the thread sees that nobody waits
        self.made = None;
        if let Some(maker) = self.maker.take() {
            // a panic about an item that nobody has asked for concerns nobody
            let _ = maker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
            mpsc::channel,
        },
    };

    use super::*;

    #[test]
    fn items_come_in_their_order_and_end() {
        let mut items = Ahead::of(0..100);
        assert!(items.by_ref().eq(0..100));
        assert_eq!((items.next(), items.next()), (None, None));
    }

    #[test]
    fn the_next_item_is_made_before_it_is_asked_for() {
        let (made, seen) = channel();
        let mut items = Ahead::of((0..3).inspect(move |&i| made.send(i).unwrap()));
        assert_eq!(items.next(), Some(0));
        assert_eq!(seen.iter().take(3).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn an_endless_thread_ends_with_its_iterator() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = made.clone();
        let mut items = Ahead::of((0..).inspect(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        assert_eq!((items.next(), items.next()), (Some(0), Some(1)));
        drop(items);
        // two that are used, one that waits, and one that finds nobody
        let made = made.load(Ordering::SeqCst);
        assert!((2..=4).contains(&made), "{made}");
    }

    #[test]
    fn a_panic_of_the_maker_is_that_of_who_asks() {
        let mut items = Ahead::of((0..3).inspect(|&i| assert!(i < 1, "item {i}")));
        assert_eq!(items.next(), Some(0));
        let panic = catch_unwind(AssertUnwindSafe(|| items.next())).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "item 1");
    }
}
