//! The bit-vector VAE: its loss and likelihood by definition, importance sampling against the truth, and
//! that it learns.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use burn::{
    module::Module,
    nn::Linear,
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Int, Tensor, TensorData},
};
use sparse_models::{
    bit_vector_vae::{
        BitVectorVae, BitVectorVaeConfig, BitVectorVaeData, BitVectorVaeLearner,
        BitVectorVaeSettings, GreyBatch, ImportanceSettings, enumerate, evaluate,
        marginal_likelihood,
    },
    data::{ImageSet, SplitImages},
    estimators::{BitMethod, BitVectorEstimator, EstimatorSettings, Query, Setup},
    networks::Standard,
    training::{Draw, fresh_weights},
};

const DRAW: Draw = Draw {
    seed: 0,
    epoch: 1,
    step: 1,
};
const PIXELS: usize = 12;
const LEVELS: usize = 5;
/// Sums of a few dozen f32 terms of size 1.
const ROUNDING: f64 = 5e-5;
const SPARSE: [BitMethod; 5] = [
    BitMethod::TopKSparsemax,
    BitMethod::LocalSparsemax,
    BitMethod::LocalEntmax15,
    BitMethod::SparseMap,
    BitMethod::SparseMapBudget,
];

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance)
}

/// Images of 3 × 4 pixels: stripes of a few kinds.
fn images(count: usize) -> ImageSet {
    let level = |image: usize, pixel: usize| {
        let stripe = match image % 3 {
            0 => pixel % 4,
            1 => pixel / 4,
            _ => pixel % 2 + pixel / 6,
        };
        ((stripe * (1 + image % 5) + image / 7) % LEVELS) as u8
    };
    let pixels = (0..count * PIXELS).map(|i| level(i / PIXELS, i % PIXELS));
    let path = Path::new("stripes");
    let largest = LEVELS as u8 - 1;
    ImageSet::new(path, pixels.collect(), (3, 4), largest, vec![0; count]).unwrap()
}

fn learner(
    method: BitMethod,
    bits: usize,
    settings: &EstimatorSettings,
    seed: u64,
    device: &Device,
) -> BitVectorVaeLearner {
    fresh_weights(device, seed, || {
        let setup = Setup {
            settings,
            size: bits,
            inputs: PIXELS,
            device,
        };
        let estimator = method.init(setup)?;
        let config = BitVectorVaeConfig::new(PIXELS, LEVELS, bits).with_hidden(10);
        Ok::<_, sparse_models::estimators::SettingError>(BitVectorVaeLearner::new(
            config.init(device),
            estimator,
        ))
    })
    .unwrap()
}

/// A learner on a device with autodiff, trained until codes matter.
fn trained(mut learner: BitVectorVaeLearner, set: &ImageSet, steps: usize) -> BitVectorVaeLearner {
    let device = Device::default().autodiff();
    let mut optimizer = AdamConfig::new().init();
    let all: Vec<usize> = (0..set.len()).collect();
    for step in 1..=steps {
        let draw = Draw { step, ..DRAW };
        let batch = GreyBatch::of(set, &all, draw, &device);
        let losses = learner.networks.losses(batch, &learner.estimator);
        let loss = losses.negative_elbo().mean();
        let grads = GradientsParams::from_grads(loss.backward(), &learner);
        learner = optimizer.step(0.02, learner, grads);
    }
    learner
}

/// The model by its definition, in f64, one code and one image at a time.
struct ByDefinition {
    encoder: Vec<(Vec<f64>, Vec<f64>)>,
    generator: Vec<(Vec<f64>, Vec<f64>)>,
    levels: (Vec<f64>, Vec<f64>),
    bits: usize,
}

impl ByDefinition {
    fn of(model: &BitVectorVae) -> Self {
        let layer = |layer: &Linear| {
            let bias = layer.bias.as_ref().unwrap();
            (values(layer.weight.val()), values(bias.val()))
        };
        Self {
            encoder: model.encoder.layers.iter().map(layer).collect(),
            generator: model.generator.network.layers.iter().map(layer).collect(),
            levels: layer(&model.generator.levels),
            bits: model.bits(),
        }
    }

    /// `x W + b` of one row.
    fn linear(x: &[f64], (weight, bias): &(Vec<f64>, Vec<f64>)) -> Vec<f64> {
        let outputs = bias.len();
        let output = |o: usize| {
            let parts = x
                .iter()
                .enumerate()
                .map(|(i, x)| x * weight[i * outputs + o]);
            bias[o] + parts.sum::<f64>()
        };
        (0..outputs).map(output).collect()
    }

    fn network(mut x: Vec<f64>, layers: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
        for (i, layer) in layers.iter().enumerate() {
            if i > 0 {
                x = x.into_iter().map(|x| x.max(0.0)).collect();
            }
            x = Self::linear(&x, layer);
        }
        x
    }

    fn scores(&self, levels: &[u8]) -> Vec<f64> {
        let largest = (LEVELS - 1) as f64;
        let image = levels.iter().map(|&level| f64::from(level) / largest);
        Self::network(image.collect(), &self.encoder)
    }

    /// `log p(x | z)`
    fn log_likelihood(&self, levels: &[u8], code: &[f64]) -> f64 {
        let features = Self::network(code.to_vec(), &self.generator);
        let rank = features.len() / PIXELS;
        let pixels = features.chunks_exact(rank).zip(levels);
        pixels
            .map(|(features, &level)| {
                let logits = Self::linear(features, &self.levels);
                let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
                logits[usize::from(level)] - total.ln()
            })
            .sum()
    }

    fn codes(&self) -> Vec<Vec<f64>> {
        let bit = |number: usize, bit: usize| (number >> bit & 1) as f64;
        (0..1 << self.bits)
            .map(|number| (0..self.bits).map(|i| bit(number, i)).collect())
            .collect()
    }

    /// `log p(x)`, over all codes.
    fn marginal(&self, levels: &[u8]) -> f64 {
        let codes = self.codes();
        let terms = codes
            .iter()
            .map(|code| self.log_likelihood(levels, code).exp());
        (terms.sum::<f64>() / codes.len() as f64).ln()
    }
}

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

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// With k as the number of all codes, top-k sparsemax is sparsemax over all codes.
#[test]
fn all_codes_at_once_are_the_analytic_expectation() {
    let settings = EstimatorSettings {
        k: Some(256),
        ..EstimatorSettings::default()
    };
    let supported =
        is_the_analytic_expectation(BitMethod::TopKSparsemax, &settings, |codes, row| {
            sparsemax(&codes.iter().map(|code| dot(code, row)).collect::<Vec<_>>())
        });
    // of 1792: more than the most probable code, fewer than all
    assert!((8..1000).contains(&supported), "{supported}");
}

/// SparseMAP's marginals are clips of the scores, and a code has the probability that a uniform number lies
/// below the marginals of its bits that are on, and above those that are off.
#[test]
fn sparsemap_is_the_analytic_expectation() {
    let settings = EstimatorSettings::default();
    let supported = is_the_analytic_expectation(BitMethod::SparseMap, &settings, |codes, row| {
        let clip = |score: &f64| ((score + 1.0) / 2.0).clamp(0.0, 1.0);
        let marginals: Vec<f64> = row.iter().map(clip).collect();
        let prob = |code: &Vec<f64>| {
            let (mut low, mut high) = (0.0f64, 1.0f64);
            for (bit, mean) in code.iter().zip(&marginals) {
                match *bit > 0.5 {
                    true => high = high.min(*mean),
                    false => low = low.max(*mean),
                }
            }
            (high - low).max(0.0)
        };
        codes.iter().map(prob).collect()
    });
    // nine codes at most for each of seven images
    assert!((14..=63).contains(&supported), "{supported}");
}

/// The loss of a method on 8 bits and its gradient in the encoder's scores are those of `probs` of all codes,
/// given the scores, each code decoded apart: by sums and central differences in f64. Returns how many
/// codes of seven images have a positive one.
fn is_the_analytic_expectation(
    method: BitMethod,
    settings: &EstimatorSettings,
    probs: impl Fn(&[Vec<f64>], &[f64]) -> Vec<f64>,
) -> usize {
    const BITS: usize = 8;
    let device = Device::default().autodiff();
    let set = images(7);
    let all: Vec<usize> = (0..7).collect();
    let learner = learner(method, BITS, settings, 5, &device);
    let learner = trained(learner, &set, 5);
    let oracle = ByDefinition::of(&learner.networks);
    let codes = oracle.codes();
    let prior = BITS as f64 * 2f64.ln();

    let batch = GreyBatch::of(&set, &all, DRAW, &device);
    let got = values(
        learner
            .networks
            .losses(batch.clone(), &learner.estimator)
            .negative_elbo(),
    );
    let scores = learner
        .networks
        .scores(batch.images.clone())
        .detach()
        .require_grad();
    let query = Query {
        scores: scores.clone(),
        inputs: batch.images,
        draw: DRAW,
    };
    let estimate = learner.estimator.estimate(query, &mut |outcomes| {
        let levels = batch.levels.clone();
        let generator = &learner.networks.generator;
        generator
            .log_likelihood(outcomes.codes.values(), levels, outcomes.rows)
            .neg()
    });
    let loss = estimate.expected_loss - estimate.entropy;
    let gradient = values(scores.grad(&loss.sum().backward()).unwrap());
    let scores = values(scores);

    let mut supported = 0;
    for image in 0..7 {
        let levels = set.levels(image);
        let distortions: Vec<f64> = codes
            .iter()
            .map(|code| -oracle.log_likelihood(levels, code))
            .collect();
        let value = |scores: &[f64]| -> f64 {
            let probs = probs(&codes, scores);
            let positive = probs.iter().filter(|p| **p > 0.0);
            let entropy: f64 = positive.map(|p| -p * p.ln()).sum();
            dot(&probs, &distortions) - entropy + prior
        };
        let row = &scores[image * BITS..(image + 1) * BITS];
        assert!(close(row, &oracle.scores(levels), ROUNDING));
        // f32 sums of twelve log-probabilities of a few nats
        assert!((got[image] - value(row)).abs() < ROUNDING, "{image}");
        supported += probs(&codes, row).iter().filter(|p| **p > 0.0).count();
        for bit in 0..BITS {
            let moved = |by: f64| {
                let mut row = row.to_vec();
                row[bit] += by;
                value(&row)
            };
            // the loss is smooth in between changes of the support, which these scores are not near to:
            // what is left is 1e-5 of curvature, and f32 rounding
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            let got = gradient[image * BITS + bit];
            assert!((got - slope).abs() < 1e-3, "{image} {bit}: {got}, {slope}");
        }
    }
    supported
}

/// Distortion and rate of the exact methods are sums over their own supports.
#[test]
fn distortion_and_rate_are_sums_over_the_support() {
    const BITS: usize = 6;
    let device = Device::default();
    let set = images(9);
    let all: Vec<usize> = (0..9).collect();
    for method in SPARSE {
        let learner = learner(method, BITS, &EstimatorSettings::default(), 3, &device);
        let oracle = ByDefinition::of(&learner.networks);
        let batch = GreyBatch::of(&set, &all, DRAW, &device);
        let scores = learner.networks.scores(batch.images.clone());
        let q = learner.estimator.distribution().unwrap().of(scores);
        let (mut distortion, mut entropy) = (vec![0.0; 9], vec![0.0; 9]);
        let rows = q.rows().into_data();
        let codes = values(q.outcomes().clone());
        for ((row, p), code) in rows
            .iter::<i64>()
            .zip(values(q.probs()))
            .zip(codes.chunks_exact(BITS))
        {
            let row = row as usize;
            distortion[row] -= p * oracle.log_likelihood(set.levels(row), code);
            entropy[row] -= p * p.ln();
        }
        let rate: Vec<f64> = entropy
            .iter()
            .map(|h| BITS as f64 * 2f64.ln() - h)
            .collect();
        let losses = learner.networks.losses(batch, &learner.estimator);
        let bound: Vec<f64> = distortion.iter().zip(&rate).map(|(d, r)| d + r).collect();
        assert!(
            close(&values(losses.negative_elbo()), &bound, ROUNDING),
            "{method}"
        );
        assert!(close(&values(losses.rate), &rate, ROUNDING), "{method}");
        let distortions = values(losses.estimate.expected_loss);
        assert!(close(&distortions, &distortion, ROUNDING), "{method}");

        let few = ImportanceSettings {
            importance_samples: 4,
            test_images: Some(2),
        };
        let test = evaluate(&learner, &set, &few, 1, &device);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / 9.0;
        assert!((test.rate - mean(&rate)).abs() < ROUNDING);
        assert!((test.distortion - mean(&distortion)).abs() < ROUNDING);
        assert!((test.elbo + test.rate + test.distortion).abs() < 1e-12);
        let calls = losses.estimate.decoder_calls as f64 / 9.0;
        assert_eq!(
            (test.support_mean, test.decoder_calls_mean),
            (Some(calls), calls)
        );
        assert_eq!(test.marginal.importance_images, 2);
    }
}

/// The truth by trying all codes, one after the other; and the estimates within three standard errors of
/// it, for every method.
#[test]
fn importance_sampling_finds_the_truth() {
    const BITS: usize = 10;
    let device = Device::default();
    let set = images(20);
    let all: Vec<usize> = (0..20).collect();
    let settings = ImportanceSettings {
        importance_samples: 1024,
        test_images: None,
    };
    for (seed, method) in BitMethod::ALL.into_iter().enumerate() {
        let seed = seed as u64;
        let fresh =
            |device: &Device| learner(method, BITS, &EstimatorSettings::default(), seed, device);
        let trained = trained(fresh(&Device::default().autodiff()), &set, 60);
        let learner = fresh(&device).load_record(trained.into_record());
        let oracle = ByDefinition::of(&learner.networks);
        let truth: Vec<f64> = all
            .iter()
            .map(|&i| oracle.marginal(set.levels(i)))
            .collect();
        let got = enumerate(&learner.networks, &set, &all, &device);
        assert!(close(&got, &truth, ROUNDING), "{method}");

        let got = marginal_likelihood(&learner, &set, &settings, seed, &device);
        let nats: f64 = truth.iter().sum::<f64>() / 20.0;
        let exact = -nats / (PIXELS as f64 * 2f64.ln());
        assert!((got.nll_bits_per_dim_exact.unwrap() - exact).abs() < ROUNDING);
        let error = got.nll_bits_per_dim_sampling_error.unwrap();
        let off = got.nll_bits_per_dim - exact;
        assert!(off.abs() < 3.0 * error + 1e-6, "{method}: {off}, {error}");
        // what has been found is nearly all of it, so that most samples are alike
        assert!(got.effective_samples_mean > 512.0, "{method}");
        assert!(error < 0.001, "{method}: {error}");
        // decoded codes are no more than all; those that were not are of little weight
        let bound = got.nll_bits_per_dim_bound.unwrap() - exact;
        assert!((-1e-6..0.05).contains(&bound), "{method}: {bound}");
        // one sample for each of the 1,024 codes
        if SPARSE.contains(&method) {
            let off = got.nll_bits_per_dim_paper - exact;
            assert!(off.abs() < 0.05, "{method}: {off}");
        }
        let again = marginal_likelihood(&learner, &set, &settings, seed, &device);
        assert_eq!(got, again);
    }
}

/// The mean of estimates of p(x) is p(x), with so few samples that half of the codes and more are neither
/// known before nor drawn, in halves of unequal lengths, and enough of them for several rounds. The model is
/// not trained, so that codes which are found have no more than their part of p(x).
#[test]
fn importance_sampling_has_no_bias() {
    const BITS: usize = 12;
    const ESTIMATES: u64 = 200;
    let device = Device::default();
    let set = images(3);
    let settings = ImportanceSettings {
        importance_samples: 255,
        test_images: Some(1),
    };
    for method in [BitMethod::LocalEntmax15, BitMethod::Sfe] {
        let learner = learner(method, BITS, &EstimatorSettings::default(), 5, &device);
        let ratios: Vec<f64> = (0..ESTIMATES)
            .map(|seed| {
                let got = marginal_likelihood(&learner, &set, &settings, seed, &device);
                assert!(got.importance_decoded_mean.unwrap() < 2048.0);
                let off = got.nll_bits_per_dim - got.nll_bits_per_dim_exact.unwrap();
                (-off * PIXELS as f64 * 2f64.ln()).exp()
            })
            .collect();
        let n = ESTIMATES as f64;
        let mean = ratios.iter().sum::<f64>() / n;
        let variance = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let error = (variance / n).sqrt();
        // counting twice what is known and drawn again would be off by 0.1
        assert!(error < 0.01, "{method}: {error}");
        assert!(
            (mean - 1.0).abs() < 4.0 * error,
            "{method}: {mean}, {error}"
        );
    }
}

#[test]
fn a_single_sample_is_an_estimate_without_an_error() {
    let device = Device::default();
    let settings = ImportanceSettings {
        importance_samples: 1,
        test_images: Some(1),
    };
    for method in [BitMethod::LocalEntmax15, BitMethod::Sfe] {
        // no more than 12 bits are enumerated
        for (bits, known) in [(1, true), (13, false)] {
            let learner = learner(method, bits, &EstimatorSettings::default(), 1, &device);
            let got = marginal_likelihood(&learner, &images(3), &settings, 1, &device);
            assert!(got.nll_bits_per_dim.is_finite() && got.nll_bits_per_dim_paper.is_finite());
            assert_eq!(got.nll_bits_per_dim_sampling_error, None);
            assert_eq!(got.nll_bits_per_dim_images_error, None);
            assert_eq!(got.nll_bits_per_dim_exact.is_some(), known);
        }
    }
}

/// Equal, saturated and huge scores: losses, their gradients and the likelihood stay finite.
#[test]
fn hard_scores_are_finite() {
    const BITS: usize = 6;
    let device = Device::default().autodiff();
    let rows: [[f32; BITS]; 5] = [
        [0.0; BITS],
        [1e4; BITS],
        [-1e4; BITS],
        [1e4, -1e4, 0.0, 1e4, 30.0, -30.0],
        [1.0; BITS],
    ];
    let set = images(5);
    let all: Vec<usize> = (0..5).collect();
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    for method in BitMethod::ALL {
        let learner = learner(method, BITS, &EstimatorSettings::default(), 2, &device);
        let batch = GreyBatch::of(&set, &all, DRAW, &device);
        let scores = Tensor::<2>::from_data(TensorData::new(rows.concat(), [5, BITS]), &device);
        let scores = scores.require_grad();
        let query = Query {
            scores: scores.clone(),
            inputs: batch.images,
            draw: DRAW,
        };
        let estimate = learner.estimator.estimate(query, &mut |outcomes| {
            let levels = batch.levels.clone();
            let generator = &learner.networks.generator;
            generator
                .log_likelihood(outcomes.codes.values(), levels, outcomes.rows)
                .neg()
        });
        let loss = estimate.expected_loss - estimate.entropy;
        assert!(finite(&values(loss.clone())), "{method}");
        let gradient = values(scores.grad(&loss.sum().backward()).unwrap());
        assert!(finite(&gradient), "{method}: {gradient:?}");
    }
    let device = Device::default();
    for (method, scale) in [(BitMethod::LocalEntmax15, 1e6), (BitMethod::Sfe, 1e6)] {
        let learner = learner(method, BITS, &EstimatorSettings::default(), 2, &device);
        let networks = BitVectorVaeConfig::new(PIXELS, LEVELS, BITS)
            .with_score_scale(scale)
            .init(&device);
        let learner = BitVectorVaeLearner::new(networks, learner.estimator);
        let settings = ImportanceSettings {
            importance_samples: 64,
            test_images: None,
        };
        let got = marginal_likelihood(&learner, &set, &settings, 1, &device);
        assert!(got.nll_bits_per_dim.is_finite(), "{method}");
    }
}

/// A score scale multiplies the scores, and the biases of the levels are the logarithms of frequencies.
#[test]
fn settings_of_the_networks_do_what_they_say() {
    let device = Device::default();
    let batch = GreyBatch::of(&images(3), &[0, 1, 2], DRAW, &device);
    let config = BitVectorVaeConfig::new(PIXELS, LEVELS, 4);
    let model = config.clone().with_score_scale(0.5).init(&device);
    let scores = values(model.scores(batch.images.clone()));
    let plain = values(model.encoder.forward(batch.images.clone()) * 0.5);
    assert!(close(&scores, &plain, 1e-6));

    let standard = Standard::of_images(&images(3), &[0, 2]);
    let mean = Tensor::<1>::from_data(standard.mean.as_slice(), &device);
    let seen = (batch.images.clone() - mean.unsqueeze_dim(0)) / f64::from(standard.scale);
    let plain = values(model.encoder.forward(seen) * 0.5);
    let model = model.with_standard(&standard);
    let scores = values(model.scores(batch.images));
    // sums of some ten terms up to 3
    assert!(close(&scores, &plain, 1e-5), "{scores:?} {plain:?}");

    let codes = Tensor::<2>::from_data([[0.0f32, 1.0, 1.0, 0.0]], &device);
    let signs = Tensor::<2>::from_data([[-1.0f32, 1.0, 1.0, -1.0]], &device);
    let plain = values(model.generator.log_probs(signs));
    let mut signed = config.with_signed_codes(true).init(&device);
    signed.generator.network = model.generator.network.clone();
    signed.generator.levels = model.generator.levels.clone();
    assert_eq!(values(signed.generator.log_probs(codes)), plain);

    let model = model.with_level_counts(&[0, 9, 4, 1, 1]);
    let bias = values(model.generator.levels.bias.as_ref().unwrap().val());
    let probs: Vec<f64> = bias.into_iter().map(f64::exp).collect();
    assert!(close(&probs, &[0.05, 0.5, 0.25, 0.1, 0.1], 1e-6));
    // each mean is between 0 and 1, of the probabilities of the levels
    let codes = Tensor::<2>::ones([2, 4], &device);
    let mean = values(model.generator.mean(codes.clone()));
    let probs = values(model.generator.log_probs(codes).exp());
    for (mean, probs) in mean.iter().zip(probs.chunks_exact(LEVELS)) {
        assert!((probs.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        assert!((dot(probs, &[0.0, 0.25, 0.5, 0.75, 1.0]) - mean).abs() < 1e-5);
    }
}

#[test]
fn levels_that_the_model_has_not_are_named() {
    let settings = BitVectorVaeSettings {
        levels: 16,
        ..BitVectorVaeSettings::new(BitVectorVaeData::Digits, BitMethod::LocalEntmax15, 12)
    };
    let message = settings.read_data(None).unwrap_err().to_string();
    assert!(message.contains("level 16 at pixel"), "{message}");
    assert!(message.contains("below 16"), "{message}");
    let data = SplitImages::digits().unwrap();
    let counts = [&data.training, &data.validation].map(Vec::len);
    assert_eq!((counts, data.test.len()), ([1247, 100], 450));
    let pixels: u64 = data.level_counts(17).iter().sum();
    assert_eq!(pixels, 1247 * 64);
}

/// What images cost, in nats, whose pixels are drawn each by the frequencies of its own place: all that a
/// model comes to whose codes say nothing.
fn entropy_by_place(set: &ImageSet, indices: &[usize], levels: usize) -> f64 {
    let of_place = |place: usize| -> f64 {
        let mut counts = vec![0.0; levels];
        for &i in indices {
            counts[usize::from(set.levels(i)[place])] += 1.0;
        }
        let total = indices.len() as f64;
        let seen = counts.iter().filter(|count| **count > 0.0);
        seen.map(|count| -count / total * (count / total).ln())
            .sum()
    };
    (0..set.pixels()).map(of_place).sum()
}

/// After 300 steps on digits, codes say more of the images than they cost.
#[test]
fn learns_digits() {
    let device = Device::default().autodiff();
    let data = SplitImages::digits().unwrap();
    let settings =
        BitVectorVaeSettings::new(BitVectorVaeData::Digits, BitMethod::LocalEntmax15, 12);
    let mut learner = fresh_weights(&device, 1, || {
        let networks = settings.config(64).init(&device);
        let networks = networks.with_level_counts(&data.level_counts(17));
        let estimator = settings.init_estimator(64, &device)?;
        Ok::<_, sparse_models::estimators::SettingError>(BitVectorVaeLearner::new(
            networks, estimator,
        ))
    })
    .unwrap();
    let mut optimizer = AdamConfig::new().init();
    let mut bounds = Vec::new();
    for step in 0..300 {
        let start = step * 64 % 1152;
        let indices = &data.training[start..start + 64];
        let batch = GreyBatch::of(&data.train, indices, DRAW, &device);
        let losses = learner.networks.losses(batch, &learner.estimator);
        let loss = losses.negative_elbo().mean();
        bounds.push(values(loss.clone())[0]);
        let grads = GradientsParams::from_grads(loss.backward(), &learner);
        learner = optimizer.step(5e-3, learner, grads);
    }
    let mean = |bounds: &[f64]| bounds.iter().sum::<f64>() / bounds.len() as f64;
    let last = mean(&bounds[282..]);
    let blind = entropy_by_place(&data.train, &data.training, 17);
    assert!(last < blind - 4.0, "{last} of {blind}");
}

/// The order of pixels, images and rows: each entry is the likelihood of its own image under its own code.
#[test]
fn rows_pick_the_image_of_each_code() {
    let device = Device::default();
    let model = BitVectorVaeConfig::new(PIXELS, LEVELS, 4).init(&device);
    let oracle = ByDefinition::of(&model);
    let set = images(4);
    let batch = GreyBatch::of(&set, &[0, 1, 2, 3], DRAW, &device);
    let rows = [3i64, 0, 0, 2, 1];
    let codes = oracle.codes();
    let some: Vec<f64> = codes[5..10].concat();
    let got = model.generator.log_likelihood(
        Tensor::from_data(TensorData::new(some, [5, 4]), &device),
        batch.levels,
        Tensor::<1, Int>::from_data(TensorData::new(rows.to_vec(), [5]), &device),
    );
    let want: Vec<f64> = rows
        .iter()
        .zip(&codes[5..10])
        .map(|(&row, code)| oracle.log_likelihood(set.levels(row as usize), code))
        .collect();
    assert!(close(&values(got), &want, ROUNDING));
}
