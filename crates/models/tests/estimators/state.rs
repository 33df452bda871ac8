//! What an estimator learns is saved with it: reloaded, it goes on as if it had not been stopped.

use burn::{
    module::Module,
    optim::{AdamConfig, GradientsParams},
    store::ModuleRecord,
    tensor::{Bytes, Device, Tensor, TensorData},
    train::checkpoint::Checkpoint,
};
use sparse_models::estimators::{
    BitEstimator, BitMethod, BitVectorEstimator, CategoricalEstimator, Estimate, Estimator,
    EstimatorSettings, Method, Outcomes, Query,
};

use crate::{
    measure::{draw, inputs, seeded, setup, values},
    problem::Polynomial,
};

const ROWS: usize = 8;

fn settings() -> EstimatorSettings {
    EstimatorSettings {
        temperature_rate: 0.1,
        ..EstimatorSettings::default()
    }
}

/// What gives an estimate of a loss.
type Ask<'a> = dyn Fn(Query, &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate + 'a;

/// The estimate of a step, and the gradient of its scores.
fn step(size: usize, at: usize, device: &Device, estimate: &Ask<'_>) -> (Estimate, Tensor<2>) {
    let scores = (0..ROWS * size).map(|i| (i as f32 * 0.71).cos()).collect();
    let scores = Tensor::<2>::from_data(TensorData::new(scores, [ROWS, size]), device);
    let scores = if device.is_autodiff() {
        scores.require_grad()
    } else {
        scores
    };
    let query = Query {
        scores: scores.clone(),
        inputs: inputs(ROWS, device),
        draw: draw(at),
    };
    let decoder = Tensor::<1>::zeros([ROWS], device);
    let estimate = estimate(query, &mut |outcomes| {
        Polynomial::CUBIC.losses(outcomes, &decoder)
    });
    (estimate, scores)
}

/// Three steps of training, a checkpoint as bytes, and a fourth step of the same, the reloaded and a
/// fresh estimator. Gives whether the fresh one differs.
fn check<E: Module>(
    name: &str,
    size: usize,
    fresh: impl Fn(&Device) -> E,
    estimate: impl Fn(&E, Query, &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate,
) -> bool {
    let device = Device::default().autodiff();
    let fresh = || seeded(|| fresh(&device));
    let mut estimator = fresh();
    let mut optimizer = AdamConfig::new().init();
    for at in 1..=3 {
        let (estimate, _) = step(size, at, &device, &|query, loss| {
            estimate(&estimator, query, loss)
        });
        let mut loss = estimate.expected_loss.mean();
        if let Some(error) = estimate.baseline_loss {
            loss = loss + error.mean();
        }
        let grads = GradientsParams::from_grads(loss.backward(), &estimator);
        estimator = optimizer.step(0.05, estimator, grads);
    }
    let bytes = estimator
        .clone()
        .into_record()
        .checkpoint_into_bytes()
        .unwrap();
    let bytes = Bytes::from_bytes_vec(bytes.to_vec());
    let record = ModuleRecord::checkpoint_from_bytes(bytes).unwrap();
    let reloaded = fresh().load_record(record);

    let fourth = |estimator: &E| {
        let (estimate, scores) = step(size, 4, &device, &|query, loss| {
            estimate(estimator, query, loss)
        });
        let value = values(estimate.expected_loss.clone());
        let error = estimate.baseline_loss.map(values);
        let grads = estimate.expected_loss.sum().backward();
        (value, error, values(scores.grad(&grads).unwrap()))
    };
    let want = fourth(&estimator);
    assert_eq!(fourth(&reloaded), want, "{name}");
    fourth(&fresh()) != want
}

#[test]
fn reloaded_estimators_go_on_identically() {
    let mut stateful = Vec::new();
    for method in Method::ALL {
        let fresh = |device: &Device| method.init(setup(&settings(), 5, device)).unwrap();
        if check(method.name(), 5, fresh, |e: &Estimator, query, loss| {
            e.estimate(query, loss)
        }) {
            stateful.push(method.name());
        }
    }
    assert_eq!(
        stateful,
        ["sfe", "nvil", "gumbel", "st-gumbel", "gapped-st"]
    );

    let mut stateful = Vec::new();
    for method in BitMethod::ALL {
        let fresh = |device: &Device| method.init(setup(&settings(), 4, device)).unwrap();
        if check(method.name(), 4, fresh, |e: &BitEstimator, query, loss| {
            e.estimate(query, loss)
        }) {
            stateful.push(method.name());
        }
    }
    assert_eq!(stateful, ["sfe", "nvil", "gumbel", "st-gumbel"]);
}

/// The first step has no baseline and temperature 1; an evaluation moves neither.
#[test]
fn running_means_and_temperatures_move_in_training_alone() {
    let (plain, training) = (Device::default(), Device::default().autodiff());
    let gradient = |estimator: &Estimator, at, device: &Device| {
        let (estimate, scores) = step(5, at, device, &|query, loss| {
            CategoricalEstimator::estimate(estimator, query, loss)
        });
        let losses = values(estimate.expected_loss.clone());
        let grads = device
            .is_autodiff()
            .then(|| estimate.expected_loss.sum().backward());
        (
            losses,
            grads.map(|grads| values(scores.grad(&grads).unwrap())),
        )
    };
    let sfe = || Method::Sfe.init(setup(&settings(), 5, &training)).unwrap();
    let (one, other) = (sfe(), sfe());
    let (losses, first) = gradient(&one, 1, &training);
    gradient(&other, 1, &training);
    for at in 2..5 {
        gradient(&other.clone().valid(), at, &plain);
    }
    let second = gradient(&one, 2, &training);
    assert_eq!(second, gradient(&other, 2, &training));

    // With baseline b a gradient is (loss − b)(z − p): the same draw again has another b by what
    // the gradients are less by, the mean of the losses before.
    let again = sfe();
    gradient(&again, 1, &training);
    let (_, with_mean) = gradient(&again, 1, &training);
    let mean = losses.iter().sum::<f64>() / ROWS as f64;
    let (first, with_mean) = (first.unwrap(), with_mean.unwrap());
    for (i, (first, with_mean)) in first.iter().zip(&with_mean).enumerate() {
        let loss = losses[i / 5];
        // f32 products of a few units
        let want = first * (loss - mean) / loss;
        assert!((with_mean - want).abs() < 1e-5, "{with_mean}, {want}");
    }
}

/// Evaluation decodes outcomes, none of them relaxed.
#[test]
fn evaluation_decodes_what_is_sampled() {
    let device = Device::default();
    let hard = |outcomes: Outcomes| {
        let codes = outcomes.codes.values();
        assert!(
            values(codes.clone())
                .iter()
                .all(|part| *part == 0.0 || *part == 1.0)
        );
        codes.sum_dim(1).squeeze_dim(1)
    };
    let query = |size: usize| {
        let scores = (0..ROWS * size).map(|i| (i as f32 * 0.71).cos()).collect();
        Query {
            scores: Tensor::from_data(TensorData::new(scores, [ROWS, size]), &device),
            inputs: inputs(ROWS, &device),
            draw: draw(1),
        }
    };
    for method in Method::ALL {
        let estimator = method.init(setup(&settings(), 5, &device)).unwrap();
        let estimate = estimator.estimate(query(5), &mut |outcomes| hard(outcomes));
        // every code has one 1
        let value = values(estimate.expected_loss);
        assert!(
            value.iter().all(|v| (v - 1.0).abs() < 1e-6),
            "{method}: {value:?}"
        );
    }
    for method in BitMethod::ALL {
        let estimator = method.init(setup(&settings(), 4, &device)).unwrap();
        estimator.estimate(query(4), &mut |outcomes| hard(outcomes));
    }
}
