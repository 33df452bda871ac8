//! Sparse and dense marginalization are one thing where the support is everything.

use burn::tensor::{Device, Tensor};
use sparse_models::estimators::{
    CategoricalEstimator, Codes, Mapping, Marginalize, Outcomes, Query,
};

use crate::{
    measure::{draw, values},
    problem::{Polynomial, unit},
};

/// Scores so close to each other that every class is supported; the dense sum takes every class of
/// every row apart.
#[test]
fn full_support_gives_the_dense_loss_and_gradients() {
    let device = Device::default().autodiff();
    let close = [[0.1, 0.2, 0.05, 0.15, 0.12], [0.0, 0.1, 0.1, -0.05, 0.02]];
    for mapping in [Mapping::Sparsemax, Mapping::Entmax15, Mapping::Softmax] {
        let leaves = || {
            let scores = Tensor::<2>::from_floats(close, &device).require_grad();
            (
                scores,
                Tensor::<1>::from_floats([0.3, -0.2], &device).require_grad(),
            )
        };
        let (scores, decoder) = leaves();
        let query = Query {
            scores: scores.clone(),
            inputs: scores.clone(),
            draw: draw(1),
        };
        let estimate = Marginalize::new(mapping).estimate(query, &mut |outcomes| {
            Polynomial::CUBIC.losses(outcomes, &decoder)
        });
        assert_eq!(estimate.decoder_calls, 10);
        let loss = estimate.expected_loss;
        let grads = loss.clone().sum().backward();
        let got = [
            values(loss),
            values(scores.grad(&grads).unwrap()),
            values(decoder.grad(&grads).unwrap()),
        ];

        let (scores, decoder) = leaves();
        let probs = mapping.probs(scores.clone());
        let losses = (0..5).map(|class| {
            let code: Vec<f32> = unit(5, class).iter().map(|part| *part as f32).collect();
            let code = Tensor::<1>::from_floats(code.as_slice(), &device);
            let outcomes = Outcomes {
                rows: Tensor::from_ints([0, 1], &device),
                codes: Codes::Values(code.unsqueeze_dim::<2>(0).repeat_dim(0, 2)),
            };
            Polynomial::CUBIC
                .losses(outcomes, &decoder)
                .unsqueeze_dim::<2>(1)
        });
        let losses = Tensor::cat(losses.collect(), 1);
        let loss: Tensor<1> = (probs * losses).sum_dim(1).squeeze_dim(1);
        let grads = loss.clone().sum().backward();
        let want = [
            values(loss),
            values(scores.grad(&grads).unwrap()),
            values(decoder.grad(&grads).unwrap()),
        ];
        for (got, want) in got.iter().zip(&want) {
            for (got, want) in got.iter().zip(want) {
                // the same f32 terms, summed in another order
                assert!((got - want).abs() < 1e-6, "{mapping:?}: {got}, {want}");
            }
        }
    }
}
