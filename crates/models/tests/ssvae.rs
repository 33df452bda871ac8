//! The semi-supervised VAE: its loss by definition, sparse against dense, and that it learns.
#![allow(clippy::unwrap_used)]

use burn::{
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Distribution, Int, Tensor, TensorData},
};
use sparse_models::{
    data::digits,
    estimators::{
        CategoricalEstimator, EstimatorSettings, Mapping, Marginalize, Method, Query, Setup,
        one_hot,
    },
    ssvae::{Ssvae, SsvaeBatch, SsvaeConfig},
    training::Draw,
};

const DRAW: Draw = Draw {
    seed: 0,
    epoch: 1,
    step: 1,
};

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance)
}

/// A small model, and ten images of which the first two have labels.
fn small(device: &Device) -> (Ssvae, SsvaeBatch) {
    device.seed(7);
    let model = SsvaeConfig::new(6, 2, vec![5], vec![7])
        .with_classes(4)
        .init(device);
    let images = Tensor::<2>::random([10, 6], Distribution::Bernoulli(0.5), device);
    let batch = SsvaeBatch {
        seen: images.clone(),
        images,
        noise: Tensor::random([10, 2], Distribution::Normal(0.0, 1.0), device),
        labels: Tensor::from_ints([3, 1], device),
        draw: DRAW,
    };
    (model, batch)
}

/// The expectation is the sum over all classes, each decoded apart and weighted by its probability;
/// labelled images are decoded with their own class.
#[test]
fn losses_are_sums_over_classes() {
    let device = Device::default().autodiff();
    let (model, batch) = small(&device);
    for mapping in [Mapping::Softmax, Mapping::Sparsemax, Mapping::Entmax15] {
        let losses = model.losses(batch.clone(), &Marginalize::new(mapping));
        let estimate = losses.unlabelled.unwrap();
        let scores = model.classifier.forward(batch.seen.clone());
        let probs = values(mapping.probs(scores.clone().narrow(0, 2, 8)));
        let bounds: Vec<Vec<f64>> = (0..4)
            .map(|class| {
                let codes = one_hot(Tensor::<1, Int>::full([10], class, &device), 4);
                let images = model.see(batch.images.clone(), batch.noise.clone());
                values(model.negative_elbo(images, codes))
            })
            .collect();
        let (mut want, mut entropy) = (vec![0.0; 8], vec![0.0; 8]);
        for i in 0..8 {
            for class in 0..4 {
                let p = probs[i * 4 + class];
                want[i] += p * bounds[class][i + 2];
                entropy[i] -= if p > 0.0 { p * p.ln() } else { 0.0 };
            }
        }
        // sums of a few f32 terms below 10
        assert!(close(&values(estimate.expected_loss), &want, 2e-5));
        assert!(close(&values(estimate.entropy), &entropy, 2e-5));
        let support = probs.iter().filter(|p| **p > 0.0).count();
        assert_eq!(estimate.decoder_calls, support);
        assert!(close(
            &values(losses.bound),
            &[bounds[3][0], bounds[1][1]],
            2e-5
        ));
        let classification = mapping.loss(scores.narrow(0, 0, 2), batch.labels.clone());
        assert!(close(
            &values(losses.classification),
            &values(classification),
            2e-5
        ));
    }
}

/// Whatever the estimator, the expected loss of the unlabelled images trains the classifier and the
/// generator, and a baseline neither.
#[test]
fn every_method_trains_classifier_and_generator() {
    let device = Device::default().autodiff();
    let settings = EstimatorSettings {
        // far enough for the target of i-mle to be another class
        target_step: 1000.0,
        ..EstimatorSettings::default()
    };
    for method in Method::ALL {
        let (model, batch) = small(&device);
        let estimator = method.init(Setup {
            settings: &settings,
            size: 4,
            inputs: 6,
            device: &device,
        });
        let seen = batch.seen.clone();
        let outputs = |model: &Ssvae| {
            let codes = one_hot(Tensor::<1, Int>::zeros([1], &device), 4);
            let style = Tensor::zeros([1, 2], &device);
            (
                values(model.classifier.forward(seen.clone())),
                values(model.generator.forward(style, codes)),
            )
        };
        let estimate = model.losses(batch, &estimator.unwrap()).unlabelled.unwrap();
        assert_eq!(estimate.baseline_loss.is_some(), method == Method::Nvil);
        let step = |loss: Tensor<1>| {
            let grads = GradientsParams::from_grads(loss.sum().backward(), &model);
            outputs(&AdamConfig::new().init().step(0.1, model.clone(), grads))
        };
        let before = outputs(&model);
        if let Some(error) = estimate.baseline_loss {
            assert_eq!(step(error), before, "{method}");
        }
        let after = step(estimate.expected_loss);
        assert!(after.0 != before.0 && after.1 != before.1, "{method}");
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        assert!(finite(&after.0) && finite(&after.1), "{method}");
    }
}

/// The bound by its definition: −log of Bernoulli probabilities, and the divergence of Gaussians.
#[test]
fn the_bound_is_likelihood_and_divergence() {
    let device = Device::default();
    let (model, batch) = small(&device);
    let codes = one_hot(
        Tensor::from_ints([0, 1, 2, 3, 0, 1, 2, 3, 0, 1], &device),
        4,
    );
    let hidden = model.inference.see(batch.images.clone());
    let posterior = model.inference.forward(hidden, codes.clone());
    let style = posterior.sample(batch.noise.clone());
    let logits = values(model.generator.forward(style, codes.clone()));
    let (mean, log_sd) = (values(posterior.mean), values(posterior.log_sd));
    let pixels = values(batch.images.clone());
    let want: Vec<f64> = (0..10)
        .map(|i| {
            let likelihood: f64 = (0..6)
                .map(|j| {
                    let on = 1.0 / (1.0 + (-logits[i * 6 + j]).exp());
                    (if pixels[i * 6 + j] > 0.5 {
                        on
                    } else {
                        1.0 - on
                    })
                    .ln()
                })
                .sum();
            let divergence: f64 = (0..2)
                .map(|k| {
                    let (m, s) = (mean[i * 2 + k], log_sd[i * 2 + k]);
                    (m * m + (2.0 * s).exp() - 1.0 - 2.0 * s) / 2.0
                })
                .sum();
            divergence - likelihood
        })
        .collect();
    let images = model.see(batch.images, batch.noise);
    assert!(close(
        &values(model.negative_elbo(images, codes)),
        &want,
        2e-5
    ));
}

/// One supported class an image: one decoder call for each image.
#[test]
fn a_certain_class_is_decoded_alone() {
    let device = Device::default();
    let scores = Tensor::<2>::from_floats([[9.0, 0.0, 0.0], [0.0, 0.0, 9.0]], &device);
    let query = Query {
        inputs: scores.clone(),
        scores,
        draw: DRAW,
    };
    let estimate = Marginalize::new(Mapping::Sparsemax).estimate(query, &mut |outcomes| {
        let codes = outcomes.codes.values();
        assert_eq!(values(codes.clone()), [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        codes.sum_dim(1).squeeze_dim(1) * 3.0
    });
    assert_eq!(
        (estimate.decoder_calls, values(estimate.expected_loss)),
        (2, vec![3.0, 3.0])
    );
}

#[test]
fn huge_logits_leave_the_bound_finite() {
    let device = Device::default();
    let (model, batch) = small(&device);
    let codes = one_hot(Tensor::zeros([10], &device), 4);
    let images = model.see(batch.images, batch.noise.mul_scalar(1e4));
    let loss = model.negative_elbo(images, codes);
    assert!(values(loss).iter().all(|loss| loss.is_finite()));
}

/// A few steps on the hundred labelled digits classify most of the test digits.
#[test]
fn learns_digits() {
    let device = Device::default().autodiff();
    device.seed(1);
    let data = digits().unwrap();
    let mut model = SsvaeConfig::digits().init(&device);
    let mut optimizer = AdamConfig::new().init();
    let images = |set: &sparse_models::data::ImageSet, indices: &[usize]| {
        let pixels: Vec<f32> = indices.iter().flat_map(|&i| set.intensities(i)).collect();
        Tensor::<2>::from_data(TensorData::new(pixels, [indices.len(), 64]), &device)
    };
    let label = |i: &usize| i64::from(data.train.label(*i));
    let labels: Vec<i64> = data.labelled.iter().map(label).collect();
    let seen = images(&data.train, &data.labelled);
    let unknown = images(&data.train, &data.unlabelled[..200]);
    let estimator = Marginalize::new(Mapping::Sparsemax);
    let all = Tensor::cat(vec![seen, unknown], 0);
    let mut bounds = Vec::new();
    for _ in 0..150 {
        let batch = SsvaeBatch {
            images: all.clone(),
            seen: all.clone(),
            noise: Tensor::random([all.dims()[0], 4], Distribution::Normal(0.0, 1.0), &device),
            labels: Tensor::from_data(TensorData::new(labels.clone(), [labels.len()]), &device),
            draw: DRAW,
        };
        let losses = model.losses(batch, &estimator);
        let estimate = losses.unlabelled.unwrap();
        bounds.push(values(losses.bound.clone().mean())[0]);
        let loss = (losses.bound + losses.classification * 10.0).mean()
            + (estimate.expected_loss - estimate.entropy).mean();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(3e-3, model, grads);
    }
    let all: Vec<usize> = (0..data.test.len()).collect();
    let scores = model.classifier.forward(images(&data.test, &all));
    let guesses = values(scores.argmax(1).float());
    let right = (0..all.len())
        .filter(|&i| guesses[i] == f64::from(data.test.label(i)))
        .count();
    // chance is 45 of 450; a trained model gets about 420 right
    assert!(right > 360, "{right} of 450");
    assert!(
        bounds[149] < 0.8 * bounds[0],
        "{} to {}",
        bounds[0],
        bounds[149]
    );
}
