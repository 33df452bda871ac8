//! Exact estimators agree with sums over every outcome.

use burn::tensor::{Device, Tensor};
use sparse_models::estimators::{BitMethod, BitVectorEstimator, EstimatorSettings, Method, Query};

use crate::{
    measure::{Any, Measured, draw, inputs, setup, values},
    problem::{Polynomial, Problem},
};

/// Sparsemax by bisection of its threshold, in f64.
fn sparsemax(scores: &[f64]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f64::MIN, f64::max);
    let (mut low, mut high) = (most - 1.0, most);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        let total: f64 = scores.iter().map(|s| (s - middle).max(0.0)).sum();
        if total > 1.0 {
            low = middle
        } else {
            high = middle
        }
    }
    scores.iter().map(|s| (s - low).max(0.0)).collect()
}

/// 1.5-entmax in the same way: `p = [s/2 − τ]₊²`.
fn entmax15(scores: &[f64]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f64::MIN, f64::max) / 2.0;
    let (mut low, mut high) = (most - 1.0, most);
    let probs = |threshold: f64| -> Vec<f64> {
        let power = |s: &f64| (s / 2.0 - threshold).max(0.0).powi(2);
        scores.iter().map(power).collect()
    };
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if probs(middle).iter().sum::<f64>() > 1.0 {
            low = middle
        } else {
            high = middle
        }
    }
    probs(low)
}

/// The expected loss over some of the outcomes, and its derivatives in the scores by central
/// differences.
fn over(problem: &Problem, codes: &[Vec<f64>], mapping: fn(&[f64]) -> Vec<f64>) -> (f64, Vec<f64>) {
    let value = |scores: &[f64]| -> f64 {
        let totals: Vec<f64> = codes
            .iter()
            .map(|code| {
                code.iter()
                    .zip(scores)
                    .map(|(part, score)| part * score)
                    .sum()
            })
            .collect();
        let probs = mapping(&totals);
        probs
            .iter()
            .zip(codes)
            .map(|(p, code)| p * problem.loss.value(code))
            .sum()
    };
    let slopes = (0..problem.scores.len()).map(|i| {
        let moved = |by: f64| {
            let mut scores = problem.scores.clone();
            scores[i] += by;
            value(&scores)
        };
        // rounding 1e-16 / 1e-5, curvature 1e-10: both far below the tolerance
        (moved(1e-5) - moved(-1e-5)) / 2e-5
    });
    (value(&problem.scores), slopes.collect())
}

#[track_caller]
fn assert_exact(name: &str, got: &Measured, (value, slopes): (f64, Vec<f64>)) {
    // f32 sums of up to sixteen losses of a few units
    let tolerance = 1e-6 * (1.0 + value.abs());
    assert!(
        (got.mean[0] - value).abs() < tolerance,
        "{name}: {}, {value}",
        got.mean[0]
    );
    for (got, want) in got.mean[2..].iter().zip(slopes) {
        assert!((got - want).abs() < tolerance, "{name}: {got}, {want}");
    }
    assert!(
        got.variance.iter().all(|variance| *variance < 1e-10),
        "{name}"
    );
}

#[test]
fn estimators_for_categories() {
    let problem = Problem::categories(Polynomial::CUBIC);
    let codes: Vec<Vec<f64>> = problem
        .outcomes
        .iter()
        .map(|(code, _)| code.clone())
        .collect();
    let settings = EstimatorSettings::default();
    let measured = |method| Measured::of(&Any::categories(method, &settings), &problem, 3, 1);
    let exact = problem.exact();
    let got = measured(Method::Softmax);
    assert_exact("softmax", &got, (exact[0], exact[2..].to_vec()));
    assert!((got.mean[1] - exact[1]).abs() < 1e-6);
    let got = measured(Method::Sparsemax);
    assert_exact("sparsemax", &got, over(&problem, &codes, sparsemax));
    let got = measured(Method::Entmax15);
    assert_exact("entmax15", &got, over(&problem, &codes, entmax15));
}

/// With k as the number of categories the set is everything, and nothing is sampled.
#[test]
fn a_set_of_all_categories_is_exact() {
    let problem = Problem::categories(Polynomial::CUBIC);
    let exact = problem.exact();
    let settings = EstimatorSettings {
        k: Some(5),
        ..EstimatorSettings::default()
    };
    let got = Measured::of(
        &Any::categories(Method::UnorderedSet, &settings),
        &problem,
        20,
        1,
    );
    assert_exact("unordered-set", &got, (exact[0], exact[2..].to_vec()));
}

#[test]
fn estimators_for_bits() {
    let problem = Problem::bits(Polynomial::CUBIC);
    let all: Vec<Vec<f64>> = problem
        .outcomes
        .iter()
        .map(|(code, _)| code.clone())
        .collect();
    let measured = |method, settings: &EstimatorSettings| {
        Measured::of(&Any::bits(method, settings), &problem, 3, 1)
    };
    let k = |k| EstimatorSettings {
        k: Some(k),
        ..EstimatorSettings::default()
    };
    let got = measured(BitMethod::TopKSparsemax, &k(16));
    assert_exact("topk-sparsemax", &got, over(&problem, &all, sparsemax));
    // two codes: a support cut short
    let total = |code: &Vec<f64>| -> f64 {
        code.iter()
            .zip(&problem.scores)
            .map(|(part, score)| part * score)
            .sum()
    };
    let mut best = all.clone();
    best.sort_by(|a, b| total(b).total_cmp(&total(a)));
    let got = measured(BitMethod::TopKSparsemax, &k(2));
    assert_exact(
        "topk-sparsemax",
        &got,
        over(&problem, &best[..2], sparsemax),
    );

    let flips = |code: &Vec<f64>| code.iter().zip(&best[0]).filter(|(a, b)| a != b).count();
    let near: Vec<Vec<f64>> = all
        .iter()
        .filter(|code| flips(code) <= 1)
        .cloned()
        .collect();
    let settings = EstimatorSettings::default();
    let got = measured(BitMethod::LocalSparsemax, &settings);
    assert_exact("local-sparsemax", &got, over(&problem, &near, sparsemax));
    let got = measured(BitMethod::LocalEntmax15, &settings);
    assert_exact("local-entmax15", &got, over(&problem, &near, entmax15));
}

/// SparseMAP's marginals are unique, its distribution is not: the expectation of a linear loss is
/// ⟨a, μ⟩, with μ a clip of the scores, less a threshold where the budget binds.
#[test]
fn sparsemap_by_its_marginals() {
    let problem = Problem::bits(Polynomial::LINEAR);
    let slope = problem.loss.gradient(&[0.0; 4]);
    let common = problem.loss.value(&[0.0; 4]);
    let clip = |score: f64| ((score + 1.0) / 2.0).clamp(0.0, 1.0);
    let marginals = |scores: &[f64], budget: f64| -> Vec<f64> {
        let at = |threshold: f64| -> Vec<f64> {
            scores.iter().map(|score| clip(score - threshold)).collect()
        };
        let (mut low, mut high) = (0.0, 10.0);
        if at(0.0).iter().sum::<f64>() <= budget {
            return at(0.0);
        }
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            if at(middle).iter().sum::<f64>() > budget {
                low = middle
            } else {
                high = middle
            }
        }
        at(low)
    };
    for (method, budget) in [(BitMethod::SparseMap, 4), (BitMethod::SparseMapBudget, 1)] {
        let value = |scores: &[f64]| -> f64 {
            let means = marginals(scores, budget as f64);
            common + means.iter().zip(&slope).map(|(m, a)| m * a).sum::<f64>()
        };
        let slopes = (0..4).map(|i| {
            let moved = |by: f64| {
                let mut scores = problem.scores.clone();
                scores[i] += by;
                value(&scores)
            };
            (moved(1e-5) - moved(-1e-5)) / 2e-5
        });
        let settings = EstimatorSettings {
            budget: Some(budget),
            ..EstimatorSettings::default()
        };
        let got = Measured::of(&Any::bits(method, &settings), &problem, 3, 1);
        assert_exact(
            method.name(),
            &got,
            (value(&problem.scores), slopes.collect()),
        );
        assert!(got.decoder_calls <= 5.0);
    }
}

/// The entropy of sampled bits and of exact codes, by definition.
#[test]
fn entropies_are_those_of_the_distribution() {
    let device = Device::default();
    let problem = Problem::bits(Polynomial::CUBIC);
    let scores: Vec<f32> = problem.scores.iter().map(|score| *score as f32).collect();
    let scores = Tensor::<1>::from_floats(scores.as_slice(), &device).unsqueeze_dim::<2>(0);
    let entropy = |method: BitMethod| {
        let settings = EstimatorSettings::default();
        let estimator = method.init(setup(&settings, 4, &device)).unwrap();
        let query = Query {
            scores: scores.clone(),
            inputs: inputs(1, &device),
            draw: draw(1),
        };
        let estimate = estimator.estimate(query, &mut |outcomes| {
            outcomes.codes.values().sum_dim(1).squeeze_dim(1)
        });
        values(estimate.entropy)[0]
    };
    let want = -problem
        .outcomes
        .iter()
        .map(|(_, p)| p * p.ln())
        .sum::<f64>();
    for method in [
        BitMethod::Sfe,
        BitMethod::Gumbel,
        BitMethod::Disarm,
        BitMethod::ImplicitMle,
    ] {
        assert!((entropy(method) - want).abs() < 1e-6, "{method}");
    }
}
