use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// The processor's threads in crews that work side by side, each of which is a pool of its own: what one
/// of them does uses its threads alone.
#[derive(Default)]
pub(super) struct Crews(Vec<ThreadPool>);

/// Crews at most. What more of them are worth has not been measured.
const MOST: usize = 2;

impl Crews {
    /// The crews of this process; none where the caller may use one thread alone, or no more can be had.
    pub(super) fn all() -> &'static Self {
        static ALL: OnceLock<Crews> = OnceLock::new();
        static NONE: Crews = Crews(Vec::new());
        match rayon::current_num_threads() {
            1 => &NONE,
            threads => ALL.get_or_init(|| Self::of(threads).unwrap_or_default()),
        }
    }

    /// Those of a number of threads; an error where they cannot be had.
    pub(super) fn of(threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let count = threads.min(MOST);
        let crew = |i| {
            ThreadPoolBuilder::new()
                .num_threads((threads + i) / count)
                .thread_name(move |_| format!("crew {i}"))
                .build()
        };
        Ok(Self((0..count).map(crew).collect::<Result<_, _>>()?))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// What becomes of each piece of work, one for each crew, in their order.
    ///
    /// # Panics
    ///
    /// If a piece does, or if there are not as many pieces as crews.
    pub(super) fn at_once<W: Send, T: Send>(
        &self,
        work: Vec<W>,
        done_by: &(impl Fn(W) -> T + Sync),
    ) -> Vec<T> {
        assert_eq!(work.len(), self.count(), "a piece of work for each crew");
        let mut results: Vec<Option<T>> = work.iter().map(|_| None).collect();
        start(&self.0, &mut work.into_iter(), &mut results, done_by);
        let done = results.into_iter();
        done.map(|result| result.expect("a crew ends with its result"))
            .collect()
    }
}

/// Starts the first crew, and the others while it works: what they borrow is there until a scope ends, and
/// a scope waits for one pool.
fn start<W: Send, T: Send>(
    crews: &[ThreadPool],
    work: &mut dyn Iterator<Item = W>,
    results: &mut [Option<T>],
    done_by: &(dyn Fn(W) -> T + Sync),
) {
    if let ([crew, crews @ ..], [result, results @ ..]) = (crews, results)
        && let Some(piece) = work.next()
    {
        crew.in_place_scope(|scope| {
            scope.spawn(move |_| *result = Some(done_by(piece)));
            start(crews, work, results, done_by);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn crews(threads: usize) -> Crews {
        Crews::of(threads).expect("threads")
    }

    #[test]
    fn crews_share_all_threads() {
        for threads in [1, 2, 3, 8, 9] {
            let crews = crews(threads);
            assert_eq!(crews.count(), threads.min(MOST));
            let sizes = crews.0.iter().map(ThreadPool::current_num_threads);
            assert_eq!(sizes.sum::<usize>(), threads);
        }
    }

    #[test]
    fn who_may_use_one_thread_has_no_crews() {
        let pool = ThreadPoolBuilder::new().num_threads(1).build();
        let alone = pool.expect("a thread").install(|| Crews::all().count());
        assert_eq!(alone, 0);
    }

    #[test]
    fn work_comes_back_in_its_order_and_a_panic_is_that_of_who_asks() {
        let crews = crews(2);
        assert_eq!(crews.at_once(vec![3, 4], &|x: i32| x * x), [9, 16]);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            crews.at_once(vec![1, 2], &|x: i32| assert!(x != 2, "part {x}"))
        }));
        let message = panic.expect_err("one part fails");
        assert_eq!(message.downcast_ref::<String>().expect("text"), "part 2");
        // they work on
        assert_eq!(crews.at_once(vec![5, 6], &|x: i32| x), [5, 6]);
    }

    #[test]
    fn work_is_done_side_by_side() {
        // each waits for the other
        let barrier = std::sync::Barrier::new(2);
        crews(2).at_once(vec![(), ()], &|()| {
            barrier.wait();
        });
    }
}
