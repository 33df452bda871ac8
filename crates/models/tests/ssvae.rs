//! The semi-supervised VAE: its loss by definition, sparse against dense, and that it learns.
#![allow(clippy::unwrap_used)]

use burn::{
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Distribution, Int, Tensor, TensorData},
};
use sparse_models::{
    data::digits,
    estimators::{CategoricalEstimator, Mapping, Marginalize},
    ssvae::{Labelled, Ssvae, SsvaeConfig, Unlabelled},
};

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn small(device: &Device) -> (Ssvae, Unlabelled) {
    device.seed(7);
    let model = SsvaeConfig::new(6, 2, vec![5], vec![7])
        .with_classes(4)
        .init(device);
    let images = Tensor::<2>::random([8, 6], Distribution::Bernoulli(0.5), device);
    let noise = Tensor::random([8, 2], Distribution::Normal(0.0, 1.0), device);
    (
        model,
        Unlabelled {
            seen: images.clone(),
            images,
            noise,
        },
    )
}

/// The expectation is the sum over all classes, each decoded apart and weighted by its probability.
#[test]
fn marginalization_is_the_sum_over_classes() {
    let device = Device::default().autodiff();
    let (model, batch) = small(&device);
    for mapping in [Mapping::Softmax, Mapping::Sparsemax, Mapping::Entmax15] {
        let estimate = model.unlabelled(batch.clone(), &Marginalize { mapping });
        let probs = values(mapping.probs(model.classifier.forward(batch.seen.clone())));
        let mut want = vec![0.0; 8];
        let mut entropy = vec![0.0; 8];
        for class in 0..4 {
            let codes = Tensor::<1, Int>::full([8], class, &device)
                .one_hot::<2>(4)
                .float();
            let loss = model.negative_elbo(batch.images.clone(), codes, batch.noise.clone());
            for (i, loss) in values(loss).into_iter().enumerate() {
                let p = probs[i * 4 + class as usize];
                want[i] += p * loss;
                entropy[i] -= if p > 0.0 { p * p.ln() } else { 0.0 };
            }
        }
        // sums of a few f32 terms below 10
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-5);
        assert!(close(&values(estimate.expected_loss), &want));
        assert!(close(&values(estimate.entropy), &entropy));
        assert_eq!(
            estimate.decoder_calls,
            probs.iter().filter(|p| **p > 0.0).count()
        );
    }
}

/// One supported class an image: one decoder call for each image.
#[test]
fn a_certain_class_is_decoded_alone() {
    let device = Device::default();
    let scores = Tensor::<2>::from_floats([[9.0, 0.0, 0.0], [0.0, 0.0, 9.0]], &device);
    let estimator = Marginalize {
        mapping: Mapping::Sparsemax,
    };
    let estimate = estimator.estimate(scores, &mut |outcomes| {
        assert_eq!(
            values(outcomes.codes.clone()),
            [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
        );
        outcomes.codes.sum_dim(1).squeeze_dim(1) * 3.0
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
    let codes = Tensor::<1, Int>::zeros([8], &device)
        .one_hot::<2>(4)
        .float();
    let loss = model.negative_elbo(batch.images, codes, batch.noise.mul_scalar(1e4));
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
    let estimator = Marginalize {
        mapping: Mapping::Sparsemax,
    };
    let mut bounds = Vec::new();
    for _ in 0..150 {
        let noise = |n: usize| Tensor::random([n, 4], Distribution::Normal(0.0, 1.0), &device);
        let batch = Labelled {
            images: seen.clone(),
            seen: seen.clone(),
            labels: Tensor::from_data(TensorData::new(labels.clone(), [labels.len()]), &device),
            noise: noise(labels.len()),
        };
        let (bound, classification) = model.labelled(batch, estimator.mapping);
        let batch = Unlabelled {
            images: unknown.clone(),
            seen: unknown.clone(),
            noise: noise(200),
        };
        let estimate = model.unlabelled(batch, &estimator);
        bounds.push(values(bound.clone().mean())[0]);
        let loss = (bound + classification * 10.0).mean()
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
    // chance is 45 of 450; labels alone reach about 400
    assert!(right > 360, "{right} of 450");
    assert!(
        bounds[149] < 0.8 * bounds[0],
        "{} to {}",
        bounds[0],
        bounds[149]
    );
}
