//! Scores that are no numbers to reckon with: −∞ forbids a class, NaN spoils its own row.

use burn::tensor::{Device, Tensor, TensorData};
use sparse_models::estimators::{CategoricalEstimator, EstimatorSettings, Mapping, Method, Query};

use crate::{
    measure::{draw, inputs, seeded, setup, values},
    problem::Polynomial,
};

const NEVER: f32 = f32::NEG_INFINITY;

/// Each row's `expected_loss − entropy`, and the gradient of its scores.
fn losses(method: Method, rows: &[[f32; 5]]) -> (Vec<f64>, Vec<f64>) {
    let device = Device::default().autodiff();
    let settings = EstimatorSettings::default();
    let estimator = seeded(|| method.init(setup(&settings, 5, &device)).unwrap());
    let scores = TensorData::new(rows.concat(), [rows.len(), 5]);
    let scores = Tensor::<2>::from_data(scores, &device).require_grad();
    let decoder = Tensor::<1>::zeros([rows.len()], &device);
    let query = Query {
        scores: scores.clone(),
        inputs: inputs(rows.len(), &device),
        draw: draw(1),
    };
    let estimate = estimator.estimate(query, &mut |outcomes| {
        Polynomial::CUBIC.losses(outcomes, &decoder)
    });
    let loss = estimate.expected_loss - estimate.entropy;
    let grads = loss.clone().sum().backward();
    (values(loss), values(scores.grad(&grads).unwrap()))
}

#[test]
fn a_forbidden_class_has_no_gradient_and_spoils_nothing() {
    let rows = [
        [0.3, NEVER, 1.0, -0.2, NEVER],
        [NEVER, 2.0, NEVER, NEVER, NEVER],
        [0.3, 0.1, 1.0, -0.2, 0.4],
        // e⁻⁷⁴⁵ is a number in f64, and half of it is none
        [0.0, 0.0, 0.0, -745.0, NEVER],
    ]
    .repeat(20);
    for method in Method::ALL {
        let (losses, gradient) = losses(method, &rows);
        assert!(losses.iter().all(|loss| loss.is_finite()), "{method}");
        for (score, slope) in rows.concat().iter().zip(&gradient) {
            let right = if *score == NEVER {
                *slope == 0.0
            } else {
                slope.is_finite()
            };
            assert!(right, "{method}: {slope} at {score}");
        }
    }
}

/// Of scores nothing but their differences counts, however far from 0 they are. The numbers here are
/// exact in f32 with 20,000 taken away; noise that is added to them is rounded to 1e-3 there.
#[test]
fn a_shift_of_the_scores_changes_nothing() {
    let rows = [[0.25, 0.0, 1.0, -0.25, 0.5], [3.0, 2.5, -1.0, 0.75, NEVER]].repeat(20);
    let shifted: Vec<[f32; 5]> = rows.iter().map(|row| row.map(|s| s - 2e4)).collect();
    for method in Method::ALL {
        let (want, want_gradient) = losses(method, &rows);
        let (got, gradient) = losses(method, &shifted);
        let pairs = want.iter().zip(&got);
        for (want, got) in pairs.chain(want_gradient.iter().zip(&gradient)) {
            assert!((want - got).abs() < 1e-2, "{method}: {got}, not {want}");
        }
    }
}

/// 47 below the greatest is e⁻⁴⁷ = 4 · 10⁻²¹ of its probability, 46 below is more than 10⁻²⁰.
#[test]
fn softmax_leaves_out_what_no_sum_can_hold() {
    let device = Device::default().autodiff();
    let scores = Tensor::<2>::from_floats([[1.0, -45.0, -46.0, 0.5]], &device).require_grad();
    let probs = Mapping::Softmax.probs(scores.clone());
    let [p, almost, nothing, _] = values(probs.clone())[..] else {
        panic!("four classes");
    };
    assert!(almost > 0.0 && (almost / p / (-46.0f64).exp() - 1.0).abs() < 1e-4);
    assert_eq!(nothing, 0.0);
    let weights = Tensor::from_floats([[3.0, 1.0, 2.0, -1.0]], &device);
    let grads = (probs * weights).sum().backward();
    let gradient = values(scores.grad(&grads).unwrap());
    assert_eq!(gradient[2], 0.0);
    // p₀ p₃ (3 + 1), to the rounding of f32
    let want = 4.0 * p * (1.0 - p);
    assert!((gradient[0] - want).abs() < 1e-6 && (gradient[3] + want).abs() < 1e-6);
}

#[test]
fn a_nan_reaches_the_loss_of_its_row_and_no_other() {
    let mut rows = [[0.3, 0.1, 1.0, -0.2, 0.4]; 6];
    for method in Method::ALL {
        rows[2][1] = 0.5;
        let (want, want_gradient) = losses(method, &rows);
        rows[2][1] = f32::NAN;
        let (got, gradient) = losses(method, &rows);
        assert!(got[2].is_nan(), "{method}");
        for row in [0, 1, 3, 4, 5] {
            let at = row * 5..(row + 1) * 5;
            assert_eq!(got[row], want[row], "{method}");
            assert_eq!(gradient[at.clone()], want_gradient[at], "{method}");
        }
    }
}
