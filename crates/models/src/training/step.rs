use burn::{module::Module, optim::GradientsAccumulator, tensor::Tensor, train::TrainOutput};

use super::{Divisible, Joinable, backend::backend_name, crews::Crews};

/// Examples of a kind in a part, at least. What smaller parts are worth has not been measured.
const LEAST: usize = 16;

/// A training step. `objective` is the mean loss of some examples, with what the step says of them.
///
/// Where the loss of an example depends on that example alone, `apart`, a large batch on flex is taken in
/// parts, each of which goes through forward and backward pass on a crew of threads by itself. A step is
/// some hundred small operations, most of which one thread does alone, since to wake another one costs
/// more than its help saves. The gradients of the parts are added, so the step is the same but for
/// rounding.
pub(crate) fn training_step<M: Module, B: Divisible, O: Joinable>(
    learner: &M,
    batch: B,
    apart: bool,
    objective: impl Fn(&M, B) -> (Tensor<1>, O) + Sync,
) -> TrainOutput<O> {
    let crews = Crews::all();
    let parts = apart.then(|| divide(&batch, crews.count())).flatten();
    match parts {
        Some(parts) => sum_of_parts(learner, parts, crews, objective),
        None => gradients(learner, batch, objective),
    }
}

/// A batch in `count` parts, where that pays.
fn divide<B: Divisible>(batch: &B, count: usize) -> Option<Vec<B>> {
    let even = |examples: usize| examples.is_multiple_of(count) && examples / count >= LEAST;
    let pays = count > 1
        && backend_name(&batch.device()) == "flex"
        && batch.examples().into_iter().all(even);
    pays.then(|| (0..count).map(|part| batch.part(part, count)).collect())
}

/// The gradients of the mean loss of all parts, which have as many examples.
fn sum_of_parts<M: Module, B: Divisible, O: Joinable>(
    learner: &M,
    parts: Vec<B>,
    crews: &Crews,
    objective: impl Fn(&M, B) -> (Tensor<1>, O) + Sync,
) -> TrainOutput<O> {
    let share = 1.0 / parts.len() as f64;
    // a graph of its own for each: that of the first begins at the learner's parameters
    let learners = parts.iter().enumerate().map(|(i, part)| match i {
        0 => learner.clone(),
        _ => learner.clone().fork(&part.device()),
    });
    let work = learners
        .collect::<Vec<_>>()
        .into_iter()
        .zip(parts)
        .collect();
    let outputs = crews.at_once(work, &|(learner, part): (M, B)| {
        gradients(&learner, part, |learner, part| {
            let (loss, output) = objective(learner, part);
            (loss.mul_scalar(share), output)
        })
    });
    let mut sum = GradientsAccumulator::new();
    let mut items = Vec::with_capacity(outputs.len());
    for output in outputs {
        sum.accumulate(learner, output.grads);
        items.push(output.item);
    }
    TrainOutput {
        grads: sum.grads(),
        item: O::join(items),
    }
}

fn gradients<M: Module, B, O>(
    learner: &M,
    examples: B,
    objective: impl Fn(&M, B) -> (Tensor<1>, O),
) -> TrainOutput<O> {
    let (loss, output) = objective(learner, examples);
    TrainOutput::new(learner, loss.backward(), output)
}

#[cfg(test)]
pub(crate) mod tests {
    use burn::{
        module::{ModuleVisitor, Param},
        optim::GradientsParams,
        tensor::{Device, TensorData},
        train::TrainStep,
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
            if let Some(gradient) = self.of.get::<D>(param.id) {
                self.found.push(gradient.into_data().iter().collect());
            }
        }
    }

    /// The gradients of a step, with the figures of what it says, as numbers.
    fn numbers<M: Module, O>(
        learner: &M,
        output: &TrainOutput<O>,
        figures: impl Fn(&O) -> Vec<TensorData>,
    ) -> Vec<Vec<f64>> {
        let mut numbers = Numbers {
            of: &output.grads,
            found: Vec::new(),
        };
        learner.visit(&mut numbers);
        assert!(numbers.found.len() > 1);
        let figures = figures(&output.item).into_iter();
        numbers
            .found
            .extend(figures.map(|data| data.iter().collect()));
        numbers.found
    }

    /// A step in two parts is one of the whole batch.
    pub(crate) fn assert_that_parts_are_a_whole<M: Module, B: Divisible + Clone, O: Joinable>(
        learner: &M,
        batch: B,
        objective: impl Fn(&M, B) -> (Tensor<1>, O) + Sync,
        figures: impl Fn(&O) -> Vec<TensorData>,
    ) {
        let crews = Crews::of(2).expect("threads");
        let parts = (0..2).map(|part| batch.part(part, 2)).collect();
        let whole = gradients(learner, batch, &objective);
        let parts = sum_of_parts(learner, parts, &crews, &objective);
        let [whole, parts] = [whole, parts].map(|output| numbers(learner, &output, &figures));
        assert_eq!(whole.len(), parts.len());
        for (a, b) in whole.iter().zip(&parts) {
            let scale = a.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            assert!(scale > 0.0 && a.len() == b.len());
            for (a, b) in a.iter().zip(b) {
                // f32 sums of some hundred terms, in another order
                assert!((a - b).abs() <= 2e-5 * scale, "{a} {b}, of {scale}");
            }
        }
    }

    /// The step of a learner is that of its objective for the whole batch, to the last bit. `fresh` makes
    /// the same learner, in whatever state it begins, and the same batch each time.
    pub(crate) fn assert_that_a_step_is_whole<M: Module + TrainStep>(
        fresh: impl Fn() -> (M, M::Input),
        objective: impl Fn(&M, M::Input) -> (Tensor<1>, M::Output),
        figures: impl Fn(&M::Output) -> Vec<TensorData>,
    ) {
        let (one, batch) = fresh();
        let step = one.step(batch);
        let (other, batch) = fresh();
        let whole = gradients(&other, batch, objective);
        assert_eq!(
            numbers(&one, &step, &figures),
            numbers(&other, &whole, &figures)
        );
    }

    #[derive(Debug)]
    struct Counted(usize);

    impl Divisible for Counted {
        fn device(&self) -> Device {
            Device::default()
        }

        fn examples(&self) -> Vec<usize> {
            vec![4 * LEAST, self.0]
        }

        fn part(&self, _part: usize, parts: usize) -> Self {
            Self(self.0 / parts)
        }
    }

    #[test]
    fn a_batch_that_does_not_divide_or_is_small_stays_whole() {
        let divided = |examples, count| {
            let parts = divide(&Counted(examples), count)?;
            Some(parts.into_iter().map(|part| part.0).collect::<Vec<_>>())
        };
        let on_flex = |parts| (backend_name(&Device::default()) == "flex").then_some(parts);
        assert_eq!(divided(2 * LEAST, 2), on_flex(vec![LEAST; 2]));
        assert_eq!(divided(2 * LEAST + 1, 2), None);
        assert_eq!(divided(2 * LEAST - 2, 2), None);
        assert_eq!(divided(2 * LEAST, 1), None);
        assert_eq!(divided(2 * LEAST, 0), None);
    }
}
