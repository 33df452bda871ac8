//! The marginal likelihood of images, by importance sampling.
//!
//! `p(x) = Σ_{z ∈ K} p(x, z) + E_r[1{z ∉ K} p(x, z) / r(z)]` for any codes K and any r that is positive
//! everywhere: what the known codes have is summed, and samples of r estimate the rest. That has no bias,
//! and its logarithm is a lower bound of `log p(x)` in expectation. How good an estimate it is depends on
//! K and r, since a posterior over codes has narrow peaks that lie many flips of bits apart, and what is
//! not found is missing. Both are made for each image, in the same way for every method:
//!
//! 1. From the most probable code under q an ascent by flips of bits leads to a peak of the model's
//!    posterior. The flips there give the *model's* log-odds of each bit given the others.
//! 2. In eight rounds, pilots are drawn: from a mixture of independent bits at these log-odds, of codes of
//!    q with each bit flipped with a small probability, of independent bits at softened marginals of q
//!    and softened scores, and of the prior; after the first round also from the best codes found so
//!    far, with few or many bits flipped, and from independent bits at the marginals that the round before
//!    estimates. Each round is followed by an ascent from the best of the codes that are new with it.
//! 3. The samples are drawn in up to four rounds of the same kind. K are the codes that were known before
//!    a round.
//!
//! Adapting a proposal to what it has found is population Monte Carlo (Cappé, Guillin, Marin & Robert,
//! [Population Monte Carlo](https://doi.org/10.1198/106186004X12803), 2004); ascents from what was drawn are
//! an iterated local search. What is known before a round decides about its K and r alone: given it, the
//! mean over the round's samples is p(x) in expectation, and so is the mean over all rounds.
//!
//! Whatever a search has missed, its samples miss together, and their spread says nothing of it. So what
//! is drawn is drawn in two halves, each with half of the samples and knowing nothing of what the other
//! has found. The estimate is the mean of both, and how far they are from each other is an error of it that
//! counts the search. A peak that both miss stays unknown, as does one that no ascent from the most
//! probable code leads to and neither draws.

use std::collections::HashSet;

use burn::tensor::Device;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{
    BitVectorVaeLearner, GreyBatch, ImportanceSettings,
    belief::{Belief, Code, sigmoid},
    decoded::Decoded,
    enumerate::{MOST_BITS, enumerate},
    evaluate::{TOGETHER, bits_per_dim},
    explored::Explored,
    proposal::{Component, Mixture, log_sum_exp},
};
use crate::{
    data::ImageSet,
    training::{Draw, Stream},
};

/// Rounds in which a half draws codes before its samples.
const PILOTS: usize = 8;
/// Rounds in which a half draws its samples, as many in each, at most.
const ROUNDS: usize = 4;
/// Samples of a round at least, unless a half has fewer: most components of a mixture have some.
const ROUND: usize = 32;
/// How far independent bits are kept away from certainty.
const EDGE: f64 = 0.01;

/// The figures of the marginal likelihood of test images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarginalLikelihood {
    /// The negative log-likelihood in bits per pixel, an upper bound in expectation: the same protocol
    /// for all methods. Of the first `importance_images` images alone. It may be above
    /// `nll_bits_per_dim_bound`, where one half of the estimate has found what the other has not.
    pub nll_bits_per_dim: f64,
    /// The negative logarithm of the sum of `p(x, z)` over no codes but those that were decoded, of both
    /// halves, samples and all: an upper bound whatever was drawn, up to rounding. None in files of earlier
    /// versions.
    pub nll_bits_per_dim_bound: Option<f64>,
    /// The standard error of the mean over images that chance in drawing codes causes: by how the two
    /// halves of the estimate differ, in what they have found and in what they have sampled, or by the
    /// spread of all samples as if they were independent, whichever is more for all images together. It
    /// knows nothing of peaks of the posterior that neither half has found. None with a single sample.
    pub nll_bits_per_dim_sampling_error: Option<f64>,
    /// By how much either half of the estimate alone is above `nll_bits_per_dim`, on average. Where peaks of
    /// the posterior are missed, more work may win more than that. None with a single sample.
    pub nll_bits_per_dim_halving_gap: Option<f64>,
    /// The standard error of the mean over images, as a sample of all images there could be. That of the
    /// difference of two methods that are evaluated on the same images is smaller as a rule. None with a
    /// single image.
    pub nll_bits_per_dim_images_error: Option<f64>,
    /// The standard error of the logarithm of the estimate of p(x) of an image, which is the relative one of
    /// p(x) while it is small: the larger of both for each image, and the mean over images. None with a
    /// single sample.
    pub relative_error_mean: Option<f64>,
    /// The mean of `(Σ w)² / Σ w²` over the samples' estimates w of p(x), each with what is known: all
    /// samples where they add nothing to it and the same is known in both halves.
    pub effective_samples_mean: f64,
    /// The negative log-likelihood by the paper's protocol, for comparison only. Of a sparse distribution: the supported
    /// codes, and samples that are uniform over all codes for the rest. Of others: samples of q itself,
    /// which misses whatever q leaves out.
    pub nll_bits_per_dim_paper: f64,
    /// The truth, by trying all codes, where they have 12 bits at most.
    pub nll_bits_per_dim_exact: Option<f64>,
    /// The mean number of codes of an image that were decoded for `nll_bits_per_dim`: as pilots, in
    /// ascents and as samples. None in files of earlier versions.
    pub importance_decoded_mean: Option<f64>,
    /// Samples of each image, of both halves together; the pilots are not among them.
    pub importance_samples: usize,
    /// Images that these figures are of, the first of the test set.
    pub importance_images: usize,
}

/// Estimates the marginal likelihood of the first images of a set, on `device`, which needs no autodiff.
/// Samples follow from the seed. An image is decoded on its own, some codes at a time, so that tensors
/// do not grow with the settings.
pub fn marginal_likelihood(
    learner: &BitVectorVaeLearner,
    set: &ImageSet,
    settings: &ImportanceSettings,
    seed: u64,
    device: &Device,
) -> MarginalLikelihood {
    let images = set.len().min(settings.test_images.unwrap_or(set.len()));
    let indices: Vec<usize> = (0..images).collect();
    let samples = settings.importance_samples;
    let (mut ours, mut papers) = (Vec::new(), Vec::new());
    for indices in indices.chunks(TOGETHER) {
        let draw = Draw {
            seed,
            epoch: 0,
            step: 0,
        };
        let batch = GreyBatch::of(set, indices, draw, device);
        let scores = learner.networks.scores(batch.images);
        let beliefs = Belief::of(&learner.estimator, scores);
        for ((row, &step), belief) in indices.iter().enumerate().zip(&beliefs) {
            let levels = batch.levels.clone().narrow(0, row, 1);
            let mut image = Decoded::new(&learner.networks, levels, device);
            let mut rng = Draw { step, ..draw }.generator(Stream::Importance);
            ours.push(estimate(&mut image, belief, samples, &mut rng));
            papers.push(papers_estimate(&mut image, belief, samples, &mut rng));
        }
    }
    let exact = (learner.networks.bits() <= MOST_BITS)
        .then(|| enumerate(&learner.networks, set, &indices, device));

    let bits = |log_likelihoods: &[f64]| bits_per_dim(-mean(log_likelihoods), set.pixels());
    let of_each = |figure: fn(&Estimate) -> f64| ours.iter().map(figure).collect::<Vec<f64>>();
    let log_likelihoods = of_each(|estimate| estimate.sampled.log_mean);
    let errors: Option<Vec<[f64; 2]>> = ours.iter().map(|e| e.sampled.errors).collect();
    // the root of the sum of squares over images, by both kinds of error
    let sampling_error = errors.as_ref().map(|errors| {
        let squares = |kind: usize| errors.iter().map(|error| error[kind].powi(2)).sum::<f64>();
        let error = larger([squares(0), squares(1)]).sqrt();
        bits_per_dim(error / images as f64, set.pixels())
    });
    let gaps: Option<Vec<f64>> = ours.iter().map(|e| e.sampled.halving_gap).collect();
    MarginalLikelihood {
        nll_bits_per_dim: bits(&log_likelihoods),
        nll_bits_per_dim_bound: Some(bits(&of_each(|estimate| estimate.log_mass))),
        nll_bits_per_dim_sampling_error: sampling_error,
        nll_bits_per_dim_halving_gap: gaps.map(|gaps| bits_per_dim(mean(&gaps), set.pixels())),
        nll_bits_per_dim_images_error: standard_error(&log_likelihoods)
            .map(|error| bits_per_dim(error, set.pixels())),
        relative_error_mean: errors
            .map(|errors| mean(&errors.into_iter().map(larger).collect::<Vec<_>>())),
        effective_samples_mean: mean(&of_each(|estimate| estimate.sampled.effective)),
        nll_bits_per_dim_paper: bits(&papers),
        nll_bits_per_dim_exact: exact.map(|exact| bits(&exact)),
        importance_decoded_mean: Some(mean(&of_each(|estimate| estimate.decoded as f64))),
        importance_samples: samples,
        importance_images: images,
    }
}

/// What the weights of samples come to, which are drawn in two halves that are independent of each other.
struct Weighted {
    /// The logarithm of their mean.
    log_mean: f64,
    /// By how much it is above the mean of what either half comes to.
    halving_gap: Option<f64>,
    /// The number of samples with equal weights that would vary as much.
    effective: f64,
    /// The standard errors of `log_mean` by how the halves differ, and by all samples as if they were
    /// independent.
    errors: Option<[f64; 2]>,
}

impl Weighted {
    /// The logarithms of the weights of each half's samples. The second half is empty where there is a
    /// single sample, which has no error that could be estimated.
    fn of(halves: &[Vec<f64>; 2]) -> Self {
        let log_weights = halves.concat();
        let n = log_weights.len() as f64;
        let log_sum = log_sum_exp(&log_weights);
        let squares: Vec<f64> = log_weights.iter().map(|w| 2.0 * w).collect();
        let effective = (2.0 * log_sum - log_sum_exp(&squares)).exp();
        let log_mean = log_sum - n.ln();
        let single = Self {
            log_mean,
            halving_gap: None,
            effective,
            errors: None,
        };
        if log_weights.len() < 2 {
            return single;
        }
        let means = halves.each_ref().map(|half| log_mean_exp(half));
        let parts = halves.each_ref().map(|half| half.len() as f64 / n);
        // of the logarithms: the means themselves differ by twice their mean at most, however far a peak
        // that one half has missed is above the rest
        let of_halves = (parts[0] * parts[1]).sqrt() * (means[0] - means[1]).abs();
        // rounding may leave less than 0; a NaN stays one
        let off = larger([n / effective - 1.0, 0.0]);
        Self {
            halving_gap: Some(log_mean - parts[0] * means[0] - parts[1] * means[1]),
            errors: Some([of_halves, (off / (n - 1.0)).sqrt()]),
            ..single
        }
    }
}

/// What is estimated of one image.
struct Estimate {
    sampled: Weighted,
    /// `log Σ p(x, z)` over all codes that were decoded, and their number.
    log_mass: f64,
    decoded: usize,
}

/// Estimates `log p(x)` by two halves that know nothing of each other.
fn estimate(image: &mut Decoded, belief: &Belief, samples: usize, rng: &mut impl Rng) -> Estimate {
    let halves = [samples.div_ceil(2), samples / 2];
    let halves = halves.map(|samples| half(&mut Explored::new(image), belief, samples, rng));
    Estimate {
        sampled: Weighted::of(&halves),
        log_mass: image.log_mass(),
        decoded: image.len(),
    }
}

/// The logarithms of the weights of samples from mixtures that learn from what is known.
fn half(image: &mut Explored, belief: &Belief, samples: usize, rng: &mut impl Rng) -> Vec<f64> {
    if samples == 0 {
        return Vec::new();
    }
    let peak = image.climb(belief.mode());
    let first = components(image, belief, &peak);
    let rounds = (samples / ROUND).clamp(1, ROUNDS);
    let sizes = (0..rounds).map(|round| samples * (round + 1) / rounds - samples * round / rounds);
    let pilots = std::iter::repeat_n(samples.div_ceil(PILOTS), PILOTS);

    let mut components = first.clone();
    let mut log_weights = Vec::with_capacity(samples);
    for (round, size) in pilots.chain(sizes).enumerate() {
        let (known, mixture) = (image.log_mass(), Mixture::new(components, size));
        let drawn = mixture.sample(rng);
        // before they are decoded, which makes them known: K is what was known before the round
        let new: Vec<bool> = drawn.iter().map(|code| !image.knows(code)).collect();
        let weights = weigh(image.log_joint(&drawn), &mixture, &drawn);
        if round >= PILOTS {
            log_weights.extend(weights.iter().zip(&new).map(|(weight, new)| {
                let beside = if *new { *weight } else { f64::NEG_INFINITY };
                log_sum_exp(&[known, beside])
            }));
        }
        let found = drawn.iter().zip(new).filter(|(_, new)| *new);
        let found = found.map(|(code, _)| code.clone()).collect();
        if let Some((best, _)) = image.best_of(found) {
            image.climb(best);
        }
        // of 1.8 in all
        components = scaled(0.4, &first);
        components.extend([
            (0.6, image.around_the_best(4.0, 2.0)),
            (0.6, image.around_the_best(8.0, image.bits() as f64 / 4.0)),
            (0.2, weighted_marginals(&drawn, &weights)),
        ]);
    }
    log_weights
}

/// By the proposal of the paper.
fn papers_estimate(
    image: &mut Decoded,
    belief: &Belief,
    samples: usize,
    rng: &mut impl Rng,
) -> f64 {
    let bits = match &belief.support {
        Some(_) => vec![0.5; belief.scores.len()],
        None => belief.marginals(),
    };
    let mixture = Mixture::new(vec![(1.0, Component::independent(bits))], samples);
    let drawn = mixture.sample(rng);
    let log_weights = weigh(image.log_joint(&drawn), &mixture, &drawn);
    let Some(support) = &belief.support else {
        return log_mean_exp(&log_weights);
    };
    let supported: Vec<Code> = support.iter().map(|(code, _)| code.clone()).collect();
    let mut terms = image.log_joint(&supported);
    let known: HashSet<Code> = supported.into_iter().collect();
    let others = drawn.iter().zip(log_weights);
    let others = others.filter(|(code, _)| !known.contains(*code));
    terms.extend(others.map(|(_, log_weight)| log_weight - (samples as f64).ln()));
    log_sum_exp(&terms)
}

/// The logarithms of the weights `p(x, z) / r(z)` of samples of a mixture, of which `log p(x, z)` is given.
fn weigh(log_joint: Vec<f64>, mixture: &Mixture, drawn: &[Code]) -> Vec<f64> {
    let pairs = log_joint.into_iter().zip(drawn);
    pairs
        .map(|(joint, code)| joint - mixture.log_density(code))
        .collect()
}

/// The components that codes are drawn from in the first round, and part of all later ones, with their weights.
fn components(image: &mut Explored, belief: &Belief, peak: &Code) -> Vec<(f64, Component)> {
    let bits = belief.scores.len();
    let odds = image.log_odds(peak);
    let at = |temperature: f64, scores: &[f64]| {
        let on = scores.iter().map(|score| sigmoid(score / temperature));
        Component::defensive(on, EDGE)
    };
    // at most about one and a half bits in a code
    let soft = (1.5 / bits as f64).min(0.05);
    let flip = (1.0 / bits as f64).min(0.25);
    let marginals = belief.marginals();
    let near = match &belief.support {
        Some(codes) => Component::Flipped {
            codes: codes.clone(),
            flip,
        },
        None => {
            let flipped = |p: &f64| p * (1.0 - flip) + (1.0 - p) * flip;
            Component::independent(marginals.iter().map(flipped).collect())
        }
    };
    vec![
        (0.25, at(1.0, &odds)),
        (0.15, at(2.0, &odds)),
        (0.2, near),
        (0.1, Component::defensive(marginals, soft)),
        (0.1, Component::independent(vec![0.5; bits])),
        (0.1, at(1.0, &belief.scores)),
        (0.05, at(0.5, &belief.scores)),
        (0.05, at(2.0, &belief.scores)),
    ]
}

/// The components with weights that are scaled.
fn scaled(scale: f64, components: &[(f64, Component)]) -> Vec<(f64, Component)> {
    let components = components.iter();
    components
        .map(|(weight, component)| (scale * weight, component.clone()))
        .collect()
}

/// Independent bits at the marginals of weighted samples.
fn weighted_marginals(drawn: &[Code], log_weights: &[f64]) -> Component {
    let total = log_sum_exp(log_weights);
    let mut on = vec![0.0; drawn.first().map_or(0, Vec::len)];
    for (code, log_weight) in drawn.iter().zip(log_weights) {
        let weight = (log_weight - total).exp();
        for (on, _) in on.iter_mut().zip(code).filter(|(_, bit)| **bit) {
            *on += weight;
        }
    }
    Component::defensive(on, EDGE)
}

/// `log Σ exp(x) / n`.
fn log_mean_exp(values: &[f64]) -> f64 {
    log_sum_exp(values) - (values.len() as f64).ln()
}

/// The larger of two numbers, NaN if one of them is: `f64::max` would drop it.
fn larger([a, b]: [f64; 2]) -> f64 {
    if a.is_nan() || a >= b { a } else { b }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Of the mean; none with less than two values.
fn standard_error(values: &[f64]) -> Option<f64> {
    let (n, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(first: &[f64], second: &[f64]) -> Weighted {
        let logs = |weights: &[f64]| weights.iter().map(|w| w.ln()).collect();
        Weighted::of(&[logs(first), logs(second)])
    }

    /// Means of 2 and of 6, though no sample differs from another of its half: half of the difference of
    /// their logarithms is the error.
    #[test]
    fn halves_that_differ_are_the_error() {
        let got = of(&[2.0; 500], &[6.0; 500]);
        assert!((got.log_mean - 4f64.ln()).abs() < 1e-12);
        assert!((got.errors.unwrap()[0] - 3f64.ln() / 2.0).abs() < 1e-12);
        let gap = 4f64.ln() - (2f64.ln() + 6f64.ln()) / 2.0;
        assert!((got.halving_gap.unwrap() - gap).abs() < 1e-12);
        // (500 · 2 + 500 · 6)² / (500 · 2² + 500 · 6²)
        assert!((got.effective - 800.0).abs() < 1e-9);
    }

    /// The error of a peak that one half has missed grows with its height.
    #[test]
    fn a_peak_that_one_half_has_missed_is_as_large_an_error_as_it_is_high() {
        let got = Weighted::of(&[vec![0.0; 8], vec![30.0; 8]]);
        assert!((got.errors.unwrap()[0] - 15.0).abs() < 1e-12);
    }

    /// With two samples and one, a mean of 5 / 3: each half weighs as many as it has.
    #[test]
    fn halves_weigh_as_many_samples_as_they_have() {
        let got = of(&[1.0, 1.0], &[3.0]);
        assert!((got.log_mean - (5.0 / 3.0f64).ln()).abs() < 1e-12);
        let error = 2f64.sqrt() / 3.0 * 3f64.ln();
        assert!((got.errors.unwrap()[0] - error).abs() < 1e-12);
        let gap = (5.0 / 3.0f64).ln() - 3f64.ln() / 3.0;
        assert!((got.halving_gap.unwrap() - gap).abs() < 1e-12);
    }

    /// Halves of the same mean, whose samples are 1 and 3: with the variance 8 / 7 of eight samples, the
    /// error of their mean is √(1 / 7), by the mean of 2.
    #[test]
    fn halves_that_are_level_have_the_error_of_their_samples() {
        let half = [1.0, 3.0, 1.0, 3.0];
        let [of_halves, of_samples] = of(&half, &half).errors.unwrap();
        assert!(of_halves.abs() < 1e-12);
        assert!((of_samples - (1.0 / 7f64).sqrt() / 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_single_sample_has_no_error() {
        let got = of(&[2.0], &[]);
        assert!((got.log_mean - 2f64.ln()).abs() < 1e-12);
        assert!(got.errors.is_none() && got.halving_gap.is_none());
    }

    #[test]
    fn a_weight_that_is_not_a_number_reaches_the_errors() {
        let got = of(&[f64::NAN, 1.0], &[1.0, 1.0]);
        assert!(got.log_mean.is_nan());
        assert!(got.errors.unwrap().iter().all(|error| error.is_nan()));
        assert!(larger([1.0, f64::NAN]).is_nan() && larger([f64::NAN, 1.0]).is_nan());
        assert_eq!([larger([1.0, 2.0]), larger([2.0, 1.0])], [2.0; 2]);
    }
}
