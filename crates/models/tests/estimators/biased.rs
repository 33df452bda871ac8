//! Estimators with a bias: their mean is what their definition says, by enumeration where it can be
//! enumerated and by noise of another generator where it cannot; and the bias is where theory wants it.
//! The norm of each bias, relative to the gradient, is written down as it was measured.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use sparse_models::estimators::{BitMethod, EstimatorSettings, Method};

use crate::{
    measure::{Any, Measured, SAMPLES},
    problem::{Polynomial, Problem, sigmoid, softmax, softmax_vjp, unit},
};

/// At rest at a temperature from the second step on.
pub fn cold(temperature: f64) -> EstimatorSettings {
    EstimatorSettings {
        temperature,
        temperature_rate: 1e6,
        ..EstimatorSettings::default()
    }
}

pub fn second_step(estimator: &Any, problem: &Problem) -> Measured {
    Measured::of(estimator, problem, 10, 1);
    Measured::of(estimator, problem, SAMPLES, 2)
}

/// The scores' gradients of `sample`s with noise of another generator, in the places of the measured.
fn simulated(problem: &Problem, sample: impl Fn(&[f64]) -> Vec<f64>, bits: bool) -> Measured {
    let mut rng = StdRng::seed_from_u64(5);
    Measured::moments((0..SAMPLES).map(|_| {
        let perturbed: Vec<f64> = problem
            .scores
            .iter()
            .map(|score| {
                let u = rng.random::<f64>().clamp(1e-300, 1.0 - 1e-16);
                let noise = if bits {
                    (u / (1.0 - u)).ln()
                } else {
                    -(-u.ln()).ln()
                };
                score + noise
            })
            .collect();
        [vec![0.0; 2], sample(&perturbed)].concat()
    }))
}

fn mode(scores: &[f64], bits: bool) -> Vec<f64> {
    if bits {
        return scores
            .iter()
            .map(|s| f64::from(u8::from(*s > 0.0)))
            .collect();
    }
    let best = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    unit(scores.len(), best.unwrap())
}

fn divided(values: &[f64], by: f64) -> Vec<f64> {
    values.iter().map(|value| value / by).collect()
}

/// The gradient through the relaxation at `temperature`, of a loss whose gradient is taken at the
/// relaxed code or, straight-through, at the mode.
fn through_relaxation(
    problem: &Problem,
    temperature: f64,
    straight: bool,
    bits: bool,
) -> impl Fn(&[f64]) -> Vec<f64> {
    move |perturbed| {
        let cold = divided(perturbed, temperature);
        let soft: Vec<f64> = if bits {
            cold.iter().map(|score| sigmoid(*score)).collect()
        } else {
            softmax(&cold)
        };
        let at = if straight {
            mode(perturbed, bits)
        } else {
            soft.clone()
        };
        let slope = divided(&problem.loss.gradient(&at), temperature);
        if bits {
            let pairs = soft.iter().zip(slope);
            pairs.map(|(p, g)| p * (1.0 - p) * g).collect()
        } else {
            softmax_vjp(&soft, &slope)
        }
    }
}

fn away_from_target(problem: &Problem, step: f64, bits: bool) -> impl Fn(&[f64]) -> Vec<f64> {
    move |perturbed| {
        let sample = mode(perturbed, bits);
        let slope = problem.loss.gradient(&sample);
        let moved: Vec<f64> = perturbed
            .iter()
            .zip(slope)
            .map(|(s, g)| s - step * g)
            .collect();
        let target = mode(&moved, bits);
        sample
            .iter()
            .zip(target)
            .map(|(z, t)| (z - t) / step)
            .collect()
    }
}

#[test]
fn relaxations_estimate_the_relaxed_gradient() {
    for temperature in [1.0, 0.5] {
        let problem = Problem::categories(Polynomial::CUBIC);
        let bits = Problem::bits(Polynomial::CUBIC);
        for straight in [false, true] {
            let method = if straight {
                Method::StGumbel
            } else {
                Method::Gumbel
            };
            let got = second_step(&Any::categories(method, &cold(temperature)), &problem);
            let through = through_relaxation(&problem, temperature, straight, false);
            let want = simulated(&problem, through, false);
            got.assert_same(method.name(), &want, 2..7);
            if temperature == 0.5 {
                let bias = if straight { 0.420 } else { 0.294 };
                got.assert_bias(method.name(), &problem.exact(), bias);
            }

            let method = if straight {
                BitMethod::StGumbel
            } else {
                BitMethod::Gumbel
            };
            let got = second_step(&Any::bits(method, &cold(temperature)), &bits);
            let through = through_relaxation(&bits, temperature, straight, true);
            let want = simulated(&bits, through, true);
            got.assert_same(method.name(), &want, 2..6);
            if temperature == 0.5 {
                let bias = if straight { 0.192 } else { 0.276 };
                got.assert_bias(method.name(), &bits.exact(), bias);
            }
        }
    }
}

/// A straight-through estimator differentiates at the sample, which for a linear loss makes no
/// difference: the very same gradient as the relaxation's, sample by sample.
#[test]
fn straight_through_is_the_relaxation_for_a_linear_loss() {
    let problem = Problem::categories(Polynomial::LINEAR);
    let of = |method| second_step(&Any::categories(method, &cold(0.5)), &problem);
    let (soft, hard) = (of(Method::Gumbel), of(Method::StGumbel));
    for at in 2..7 {
        // f32 sums of 200,000 equal gradients
        assert!((soft.mean[at] - hard.mean[at]).abs() < 1e-6);
        assert!((soft.variance[at] - hard.variance[at]).abs() < 1e-6);
    }
    // and their values are not the same: one is that of a sample
    let exact = problem.exact();
    hard.assert_mean("st-gumbel", &exact, 0..2);
    assert!(hard.variance[0] > 1.5 * soft.variance[0]);
}

#[test]
fn the_bias_of_a_relaxation_shrinks_with_its_temperature() {
    let problem = Problem::categories(Polynomial::CUBIC);
    let exact = problem.exact();
    let bits = Problem::bits(Polynomial::CUBIC);
    let bits_exact = bits.exact();
    for temperatures in [[1.0, 0.5], [0.5, 0.2]] {
        let [warm, cold] = temperatures.map(|temperature| {
            let settings = cold(temperature);
            let categories = second_step(&Any::categories(Method::Gumbel, &settings), &problem);
            let bits = second_step(&Any::bits(BitMethod::Gumbel, &settings), &bits);
            [categories.bias(&exact), bits.bias(&bits_exact)]
        });
        assert!(
            cold[0] < 0.7 * warm[0],
            "{temperatures:?}: {warm:?} to {cold:?}"
        );
        assert!(
            cold[1] < 0.7 * warm[1],
            "{temperatures:?}: {warm:?} to {cold:?}"
        );
    }
}

/// The mean over the sampled class can be enumerated.
#[test]
fn reinmax_and_gapped_straight_through_by_enumeration() {
    let problem = Problem::categories(Polynomial::CUBIC);
    let exact = problem.exact();
    let probs = softmax(&problem.scores);
    let mean_over_classes = |gradient: &dyn Fn(&[f64]) -> Vec<f64>| -> Vec<f64> {
        let parts = (0..5).map(|i| problem.expect(|z| gradient(z)[i]));
        [0.0, 0.0].into_iter().chain(parts).collect()
    };
    let want = mean_over_classes(&|z| {
        let slope = problem.loss.gradient(z);
        let halfway: Vec<f64> = z.iter().zip(&probs).map(|(z, p)| (z + p) / 2.0).collect();
        let (second, first) = (softmax_vjp(&halfway, &slope), softmax_vjp(&probs, &slope));
        second
            .iter()
            .zip(first)
            .map(|(b, a)| 2.0 * b - a / 2.0)
            .collect()
    });
    let settings = EstimatorSettings::default();
    let got = second_step(&Any::categories(Method::ReinMax, &settings), &problem);
    got.assert_mean("reinmax", &want, 2..7);
    got.assert_mean("reinmax", &exact, 0..2);
    got.assert_bias("reinmax", &exact, 0.564);

    let most = problem.scores.iter().copied().fold(f64::MIN, f64::max);
    let (gap, temperature) = (0.7, 0.5);
    let want = mean_over_classes(&|z| {
        let moved: Vec<f64> = (0..5)
            .map(|i| {
                let score = problem.scores[i];
                if z[i] > 0.5 {
                    most
                } else {
                    score.min(most - gap)
                }
            })
            .collect();
        let soft = softmax(&divided(&moved, temperature));
        softmax_vjp(&soft, &divided(&problem.loss.gradient(z), temperature))
    });
    let settings = EstimatorSettings {
        gap,
        ..cold(temperature)
    };
    let got = second_step(&Any::categories(Method::GappedSt, &settings), &problem);
    got.assert_mean("gapped-st", &want, 2..7);
    got.assert_mean("gapped-st", &exact, 0..2);
    got.assert_bias("gapped-st", &exact, 1.139);
}

/// The trapezoid rule is exact for quadratic functions, and not for cubic ones.
#[test]
fn reinmax_has_no_bias_for_quadratic_losses() {
    let estimator = Any::categories(Method::ReinMax, &EstimatorSettings::default());
    for loss in [Polynomial::LINEAR, Polynomial::QUADRATIC] {
        let problem = Problem::categories(loss);
        let got = second_step(&estimator, &problem);
        got.assert_mean("reinmax", &problem.exact(), 0..7);
    }
    let problem = Problem::categories(Polynomial::CUBIC);
    second_step(&estimator, &problem).assert_bias("reinmax", &problem.exact(), 0.564);
}

#[test]
fn implicit_mle_moves_towards_the_target() {
    let settings = |target_step| EstimatorSettings {
        target_step,
        ..EstimatorSettings::default()
    };
    let (problem, bits) = (
        Problem::categories(Polynomial::CUBIC),
        Problem::bits(Polynomial::CUBIC),
    );
    let estimator = Any::categories(Method::ImplicitMle, &settings(0.7));
    let got = second_step(&estimator, &problem);
    got.assert_mean("i-mle", &problem.exact(), 0..2);
    let want = simulated(&problem, away_from_target(&problem, 0.7, false), false);
    got.assert_same("i-mle", &want, 2..7);
    got.assert_bias("i-mle", &problem.exact(), 0.372);
    let got = second_step(&Any::bits(BitMethod::ImplicitMle, &settings(0.7)), &bits);
    got.assert_mean("i-mle", &bits.exact(), 0..2);
    let want = simulated(&bits, away_from_target(&bits, 0.7, true), true);
    got.assert_same("i-mle", &want, 2..6);
    got.assert_bias("i-mle", &bits.exact(), 0.453);

    // For a linear loss ⟨a, z⟩ the mean is the finite difference (softmax(s) − softmax(s − λa)) / λ,
    // in closed form.
    let linear = Problem::categories(Polynomial::LINEAR);
    let slope = linear.loss.gradient(&[0.0; 5]);
    let mut biases = Vec::new();
    for step in [2.0, 0.2] {
        let moved: Vec<f64> = linear
            .scores
            .iter()
            .zip(&slope)
            .map(|(s, a)| s - step * a)
            .collect();
        let pairs = softmax(&linear.scores).into_iter().zip(softmax(&moved));
        let difference = pairs.map(|(p, q)| (p - q) / step);
        let want: Vec<f64> = [0.0, 0.0].into_iter().chain(difference).collect();
        let estimator = Any::categories(Method::ImplicitMle, &settings(step));
        let got = second_step(&estimator, &linear);
        got.assert_mean("i-mle", &want, 2..7);
        biases.push(got.bias(&linear.exact()));
    }
    assert!(biases[1] < 0.5 * biases[0], "{biases:?}");
}
