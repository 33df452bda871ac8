use std::sync::OnceLock;

use burn::{
    module::Module,
    optim::GradientsAccumulator,
    tensor::{Device, Tensor, kind::Basic},
    train::TrainOutput,
};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::backend::is_host;

/// A batch that can be taken apart.
pub(crate) trait Divisible: Send + Sized {
    /// Where its tensors are.
    fn device(&self) -> Device;

    /// The number of examples; of each kind, where there are two.
    fn examples(&self) -> Vec<usize>;

    /// The `part`-th of `parts` batches of one size, which have these examples in their order.
    fn part(&self, part: usize, parts: usize) -> Self;
}

/// What a step says of its examples.
pub(crate) trait Joinable: Send + Sized {
    /// That of the examples of all parts, which are as many in each.
    fn join(parts: Vec<Self>) -> Self;
}

/// The `part`-th of `parts` of a tensor, along its first dimension.
pub(crate) fn part_of<const D: usize, K: Basic>(
    tensor: &Tensor<D, K>,
    part: usize,
    parts: usize,
) -> Tensor<D, K> {
    let size = tensor.dims()[0] / parts;
    tensor.clone().narrow(0, part * size, size)
}

/// The tensors of all parts, along the first dimension.
pub(crate) fn together<P, const D: usize, K: Basic>(
    parts: &[P],
    of: impl Fn(&P) -> &Tensor<D, K>,
) -> Tensor<D, K> {
    Tensor::cat(parts.iter().map(|part| of(part).clone()).collect(), 0)
}

/// The processor's threads in crews, each of which takes a part of a batch through forward and backward
/// pass by itself.
///
/// A training step is some hundred small operations. A thread that helps with one of them saves less
/// than waking it costs, and most of them are done by one thread alone; half of the examples for each of
/// two threads halves all of them. The gradients of the parts are added, so the step is the same but for
/// rounding, which depends on the number of crews and so of threads.
pub(crate) struct Crews(Vec<ThreadPool>);

/// Crews at most. More of them would read all weights for a handful of examples each.
const MOST: usize = 4;

/// Examples of a part, at least: below it, its products are slower for their size.
const LEAST: usize = 16;

impl Crews {
    /// The crews of all training steps.
    fn all() -> &'static Self {
        static ALL: OnceLock<Crews> = OnceLock::new();
        ALL.get_or_init(|| Self::of(rayon::current_num_threads()))
    }

    /// As many as a power of two, which divides most batches, allows.
    fn of(threads: usize) -> Self {
        let count = 1 << threads.clamp(1, MOST).ilog2();
        let crew = |_| {
            ThreadPoolBuilder::new()
                .num_threads(threads / count)
                .build()
        };
        // without threads of its own, whoever asks does the work
        let crews: Result<Vec<_>, _> = (0..count).map(crew).collect();
        Self(crews.unwrap_or_default())
    }

    /// The parts of a batch that is worth dividing.
    fn parts<B: Divisible>(&self, batch: &B) -> Option<Vec<B>> {
        let count = self.0.len();
        let even = |examples: &usize| examples % count == 0 && examples / count >= LEAST;
        (count > 1 && is_host(&batch.device()) && batch.examples().iter().all(even))
            .then(|| (0..count).map(|part| batch.part(part, count)).collect())
    }

    fn step<M: Module, B: Divisible, O: Joinable>(
        &self,
        learner: &M,
        batch: B,
        objective: &(impl Fn(&M, B) -> (Tensor<1>, O) + Sync),
    ) -> TrainOutput<O> {
        let Some(parts) = self.parts(&batch) else {
            return step(learner, batch, 1.0, objective);
        };
        let (device, share) = (batch.device(), 1.0 / parts.len() as f64);
        // a graph of its own for each: the first has the learner's, which nobody else uses now
        let fork = |part| match part {
            0 => learner.clone(),
            _ => learner.clone().fork(&device),
        };
        let work: Vec<(M, B)> = parts
            .into_iter()
            .enumerate()
            .map(|(i, part)| (fork(i), part))
            .collect();
        let mut sum = GradientsAccumulator::new();
        let mut items = Vec::with_capacity(self.0.len());
        for output in at_once(&self.0, work, &|(learner, part)| {
            step(&learner, part, share, objective)
        }) {
            sum.accumulate(learner, output.grads);
            items.push(output.item);
        }
        TrainOutput {
            grads: sum.grads(),
            item: O::join(items),
        }
    }
}

/// A training step. `objective` is the mean loss of some examples, with what the step says of them.
///
/// Where the loss of an example depends on that example alone, `apart`, the batch is taken in parts if
/// that is faster.
pub(crate) fn training_step<M: Module, B: Divisible, O: Joinable>(
    learner: &M,
    batch: B,
    apart: bool,
    objective: impl Fn(&M, B) -> (Tensor<1>, O) + Sync,
) -> TrainOutput<O> {
    match apart {
        true => Crews::all().step(learner, batch, &objective),
        false => step(learner, batch, 1.0, &objective),
    }
}

/// The gradients of some examples, whose mean loss has this share in that of the batch.
fn step<M: Module, B, O>(
    learner: &M,
    examples: B,
    share: f64,
    objective: &impl Fn(&M, B) -> (Tensor<1>, O),
) -> TrainOutput<O> {
    let (loss, output) = objective(learner, examples);
    TrainOutput::new(learner, loss.mul_scalar(share).backward(), output)
}

/// What becomes of each piece of work, one for each crew.
fn at_once<W: Send, T: Send>(
    crews: &[ThreadPool],
    work: Vec<W>,
    done_by: &(dyn Fn(W) -> T + Sync),
) -> Vec<T> {
    fn start<W: Send, T: Send>(
        crews: &[ThreadPool],
        work: &mut dyn Iterator<Item = W>,
        results: &mut [Option<T>],
        done_by: &(dyn Fn(W) -> T + Sync),
    ) {
        let ([crew, crews @ ..], [result, results @ ..]) = (crews, results) else {
            return;
        };
        let Some(piece) = work.next() else { return };
        crew.in_place_scope(|scope| {
            scope.spawn(move |_| *result = Some(done_by(piece)));
            start(crews, work, results, done_by);
        });
    }
    let mut results: Vec<Option<T>> = work.iter().map(|_| None).collect();
    start(crews, &mut work.into_iter(), &mut results, done_by);
    results.into_iter().flatten().collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use burn::{
        module::{ModuleVisitor, Param},
        optim::GradientsParams,
        tensor::TensorData,
    };

    use super::*;

    /// The gradients of parameters, as numbers.
    struct Numbers<'a> {
        of: &'a GradientsParams,
        found: Vec<Vec<f64>>,
    }

    impl ModuleVisitor for Numbers<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            // what is not trained has none
            let gradient = self.of.get::<D>(param.id);
            self.found
                .extend(gradient.map(|gradient| gradient.into_data().iter().collect::<Vec<f64>>()));
        }
    }

    fn numbers<M: Module>(learner: &M, gradients: &GradientsParams) -> Vec<Vec<f64>> {
        let mut numbers = Numbers {
            of: gradients,
            found: Vec::new(),
        };
        learner.visit(&mut numbers);
        numbers.found
    }

    /// A step of two crews and of four is one of the whole batch, in each of `figures` too.
    pub(crate) fn assert_that_parts_are_a_whole<M: Module, B: Divisible + Clone, O: Joinable>(
        learner: &M,
        batch: B,
        objective: impl Fn(&M, B) -> (Tensor<1>, O) + Sync,
        figures: impl Fn(&O) -> [TensorData; 3],
    ) {
        let whole = step(learner, batch.clone(), 1.0, &objective);
        let gradients = numbers(learner, &whole.grads);
        assert!(gradients.len() > 1);
        for threads in [2, 4] {
            let crews = Crews::of(threads);
            let parts = crews.parts(&batch).map(|parts| parts.len());
            assert_eq!(parts, is_host(&batch.device()).then_some(threads));
            let sum = crews.step(learner, batch.clone(), &objective);
            let sums = numbers(learner, &sum.grads);
            assert_eq!(gradients.len(), sums.len());
            for (a, b) in gradients.iter().zip(sums) {
                let scale = a.iter().fold(0.0f64, |most, x| most.max(x.abs()));
                assert!(scale > 0.0 && a.len() == b.len());
                for (a, b) in a.iter().zip(b) {
                    // f32 sums of some hundred terms, in another order
                    assert!((a - b).abs() <= 2e-5 * scale, "{a} {b}, of {scale}");
                }
            }
            let [a, b] = [&whole.item, &sum.item].map(|item| {
                let figures = figures(item).into_iter();
                figures
                    .flat_map(|data| data.iter::<f64>().collect::<Vec<_>>())
                    .collect::<Vec<_>>()
            });
            assert_eq!(a.len(), b.len());
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() <= 2e-5 * a.abs().max(1.0), "{a} {b}");
            }
        }
    }

    #[derive(Debug, Clone)]
    struct Counted(usize);

    impl Divisible for Counted {
        fn device(&self) -> Device {
            Device::default()
        }

        fn examples(&self) -> Vec<usize> {
            vec![64, self.0]
        }

        fn part(&self, _part: usize, parts: usize) -> Self {
            Self(self.0 / parts)
        }
    }

    #[test]
    fn a_batch_that_does_not_divide_or_is_small_stays_whole() {
        let parts = |threads, examples| {
            let parts = Crews::of(threads).parts(&Counted(examples));
            parts.map(|parts| parts.into_iter().map(|part| part.0).collect::<Vec<_>>())
        };
        if !is_host(&Device::default()) {
            assert_eq!(parts(2, 64), None);
            return;
        }
        assert_eq!(parts(2, 2 * LEAST), Some(vec![LEAST; 2]));
        assert_eq!(parts(2, 2 * LEAST + 1), None);
        assert_eq!(parts(2, 2 * LEAST - 2), None);
        assert_eq!(parts(3, 64), Some(vec![32; 2]));
        assert_eq!(parts(7, 64), Some(vec![16; 4]));
        assert_eq!(parts(64, 64), Some(vec![16; 4]));
        assert_eq!(parts(1, 64), None);
    }

    #[test]
    fn crews_share_the_threads() {
        for (threads, crews) in [(1, 1), (2, 2), (3, 2), (4, 4), (9, 4), (64, 4)] {
            let Crews(pools) = Crews::of(threads);
            assert_eq!(pools.len(), crews);
            for pool in pools {
                assert_eq!(pool.current_num_threads(), threads / crews);
            }
        }
    }

    #[test]
    fn work_comes_back_in_its_order_and_a_panic_is_that_of_who_asks() {
        let Crews(pools) = Crews::of(4);
        let squares = at_once(&pools, vec![1, 2, 3, 4], &|x: i32| x * x);
        assert_eq!(squares, [1, 4, 9, 16]);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            at_once(&pools, vec![1, 2, 3, 4], &|x: i32| {
                assert!(x != 3, "part {x}")
            })
        }));
        let message = panic.expect_err("one part fails");
        assert_eq!(message.downcast_ref::<String>().expect("text"), "part 3");
        // they work on
        assert_eq!(at_once(&pools, vec![5], &|x: i32| x), [5]);
    }
}
