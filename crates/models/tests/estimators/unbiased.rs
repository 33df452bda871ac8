//! Estimators without bias: the mean of 200,000 samples is the enumerated gradient.

use sparse_models::estimators::{BitMethod, EstimatorSettings, Method};

use crate::{
    measure::{Any, Measured, SAMPLES},
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
