//! Estimators without bias: the mean of 200,000 samples is the enumerated gradient.

use burn::{
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Tensor},
};
use sparse_models::estimators::{
    BitMethod, CategoricalEstimator, Estimator, EstimatorSettings, Method, Query,
};

use crate::{
    measure::{Any, Measured, SAMPLES, draw, inputs, seeded, setup, values},
    problem::{Polynomial, Problem},
};

/// A first step on a few rows, so that running means and baselines are not 0, then the measured one.
fn second_step(estimator: &Any, problem: &Problem) -> Measured {
    Measured::of(estimator, problem, 100, 1);
    Measured::of(estimator, problem, SAMPLES, 2)
}

#[test]
fn estimators_for_categories() {
    let problem = Problem::categories(Polynomial::CUBIC);
    let exact = problem.exact();
    let k = |k| EstimatorSettings {
        k: Some(k),
        ..EstimatorSettings::default()
    };
    let cases = [
        (Method::Sfe, k(1), 1.0),
        (Method::SfePlus, k(1), 2.0),
        (Method::Nvil, k(1), 1.0),
        (Method::Vimco, k(1), 4.0),
        (Method::SumAndSample, k(1), 2.0),
        (Method::SumAndSample, k(3), 4.0),
        (Method::UnorderedSet, k(2), 2.0),
        (Method::UnorderedSet, k(4), 4.0),
    ];
    for (method, settings, calls) in cases {
        let estimator = Any::categories(method, &settings);
        let measured = second_step(&estimator, &problem);
        measured.assert_mean(method.name(), &exact, 0..7);
        assert_eq!(measured.decoder_calls, calls, "{method}");
    }
}

#[test]
fn estimators_for_bits() {
    let problem = Problem::bits(Polynomial::CUBIC);
    let exact = problem.exact();
    let settings = EstimatorSettings::default();
    let cases = [
        (BitMethod::Sfe, 1.0),
        (BitMethod::SfePlus, 2.0),
        (BitMethod::Nvil, 1.0),
        (BitMethod::Disarm, 2.0),
        (BitMethod::Vimco, 4.0),
    ];
    for (method, calls) in cases {
        let estimator = Any::bits(method, &settings);
        let measured = second_step(&estimator, &problem);
        measured.assert_mean(method.name(), &exact, 0..6);
        assert_eq!(measured.decoder_calls, calls, "{method}");
    }
}

/// What NVIL's network is for. The losses differ by a multiple of an input, which no mean over rows can
/// know; once the network has learned it, little more than the variance of one loss is left.
#[test]
fn a_learned_baseline_takes_away_what_the_loss_owes_to_the_input() {
    const ROWS: usize = 2000;
    let device = Device::default().autodiff();
    let settings = EstimatorSettings::default();
    let init = |method: Method| seeded(|| method.init(setup(&settings, 5, &device)).unwrap());
    let step = |estimator: &Estimator, at: usize| {
        let scores = Tensor::<2>::zeros([ROWS, 5], &device).require_grad();
        let inputs = inputs(ROWS, &device);
        let of_input: Tensor<1> = inputs
            .clone()
            .narrow(1, 0, 1)
            .squeeze_dim(1)
            .mul_scalar(5.0);
        let query = Query {
            scores: scores.clone(),
            inputs,
            draw: draw(at),
        };
        let decoder = Tensor::<1>::zeros([ROWS], &device);
        let estimate = estimator.estimate(query, &mut |outcomes| {
            Polynomial::CUBIC.losses(outcomes, &decoder) + of_input.clone()
        });
        (estimate, scores)
    };
    let variance = |estimator: &Estimator| {
        let (estimate, scores) = step(estimator, 1000);
        let grads = estimate.expected_loss.sum().backward();
        let gradient = values(scores.grad(&grads).unwrap());
        Measured::moments(
            gradient
                .chunks_exact(5)
                .map(|row| [&[0.0; 2], row].concat()),
        )
        .total_variance()
    };
    // both have seen as many losses, so that the mean is not what tells them apart
    let mean_alone = init(Method::Sfe);
    let mut learned = init(Method::Nvil);
    let mut optimizer = AdamConfig::new().init();
    for at in 1..=200 {
        step(&mean_alone, at);
        let (estimate, _) = step(&learned, at);
        let error = estimate.baseline_loss.unwrap().mean();
        let grads = GradientsParams::from_grads(error.backward(), &learned);
        learned = optimizer.step(0.01, learned, grads);
    }
    let (mean_alone, learned) = (variance(&mean_alone), variance(&learned));
    assert!(learned < 0.3 * mean_alone, "{learned} and {mean_alone}");
}

/// What the baselines are for: each of these has less variance than the one before it.
#[test]
fn baselines_take_variance_away() {
    let problem = Problem::categories(Polynomial::CUBIC);
    let settings = EstimatorSettings::default();
    let variance = |method: Method, step| {
        let estimator = Any::categories(method, &settings);
        for earlier in 1..step {
            Measured::of(&estimator, &problem, 1000, earlier);
        }
        Measured::of(&estimator, &problem, 20_000, step).total_variance()
    };
    let ladder = [
        ("sfe without a mean yet", variance(Method::Sfe, 1)),
        ("sfe", variance(Method::Sfe, 2)),
        ("vimco", variance(Method::Vimco, 1)),
        ("unordered-set", variance(Method::UnorderedSet, 1)),
    ];
    for pair in ladder.windows(2) {
        assert!(pair[1].1 < 0.8 * pair[0].1, "{ladder:?}");
    }
    // two antithetic samples, against two independent ones
    let problem = Problem::bits(Polynomial::CUBIC);
    let two = EstimatorSettings {
        samples: 2,
        ..settings
    };
    let of = |method| Measured::of(&Any::bits(method, &two), &problem, 20_000, 1).total_variance();
    let (disarm, vimco) = (of(BitMethod::Disarm), of(BitMethod::Vimco));
    assert!(disarm < vimco, "{disarm} and {vimco}");
}
