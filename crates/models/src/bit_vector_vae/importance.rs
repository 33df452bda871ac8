//! The marginal likelihood of images, by importance sampling.
//!
//! `p(x) = E_r[p(x, z) / r(z)]` for any r that is positive everywhere; the mean over samples of r has
//! no bias, and its logarithm is a lower bound of `log p(x)` in expectation. How good an estimate it is
//! depends on r. The one here is made for each image in three stages, the same for every method:
//!
//! 1. Every bit is flipped in the most probable code under q, which gives the *model's* log-odds of each
//!    bit given the others; then again in the code that these prefer.
//! 2. A few pilots, of an eighth as many codes as samples each, are drawn: the first from a mixture of
//!    independent bits at these log-odds, of codes of q with each bit flipped with a small probability, of
//!    independent bits at softened marginals of q and softened scores, and of the prior; the next ones
//!    also from the best codes found so far, with bits flipped, and from independent bits at the
//!    marginals that the pilot before estimates.
//! 3. The samples come from a mixture of all that, after the last pilot, and of the best codes as the
//!    model weights them, with fewer bits flipped.
//!
//! The best codes are where a posterior of several modes has its mass; the others bound the weights of
//! what was not found. Adapting a proposal to what it has found is population Monte Carlo (Cappé, Guillin,
//! Marin & Robert, [Population Monte Carlo](https://doi.org/10.1198/106186004X12803), 2004).
//! What is decoded before the samples decides about r alone and not about the mean, so that it has no bias.

use std::collections::{BTreeMap, HashSet};

use burn::tensor::{Device, Int, Tensor};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{
    BitVectorVae, BitVectorVaeLearner, GreyBatch, ImportanceSettings,
    belief::{Belief, Code, codes, sigmoid},
    enumerate::{MOST_BITS, enumerate},
    evaluate::{TOGETHER, bits_per_dim},
    proposal::{Component, Mixture, log_sum_exp},
};
use crate::{
    data::ImageSet,
    training::{Draw, Stream},
};

/// Logits that are decoded together, at most: 128 MiB of f32.
pub(super) const LOGITS: usize = 1 << 25;
/// Rounds of trying all flips of one bit.
const ROUNDS: usize = 2;
/// Codes found in the first stages that the last one draws around, at most.
const CENTRES: usize = 128;
/// Rounds of drawing codes before the samples.
const PILOTS: usize = 4;
/// How far independent bits are kept away from certainty.
const EDGE: f64 = 0.01;

/// The figures of the marginal likelihood of test images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarginalLikelihood {
    /// The negative log-likelihood in bits per pixel, an upper bound in expectation: the same protocol
    /// for all methods. Of the first `importance_images` images alone.
    pub nll_bits_per_dim: f64,
    /// The standard error of the mean over images that the samples of codes cause, estimated from their
    /// weights. It knows nothing of the logarithm of an estimate being too small on average, and is too
    /// small itself where effective samples are few. None with a single sample.
    pub nll_bits_per_dim_sampling_error: Option<f64>,
    /// By how much half of the samples would raise `nll_bits_per_dim`: about as much as it is too high
    /// at least. Two methods that differ by less than that are not told apart. None with a single sample.
    pub nll_bits_per_dim_halving_gap: Option<f64>,
    /// The standard error of the mean over images, as a sample of all images there could be. That of the
    /// difference of two methods that are evaluated on the same images is smaller as a rule. None with a
    /// single image.
    pub nll_bits_per_dim_images_error: Option<f64>,
    /// The relative standard error of the estimate of p(x) of an image, the mean over images. None with
    /// a single sample.
    pub relative_error_mean: Option<f64>,
    /// The mean number of samples of the posterior that would be worth as much, `(Σ w)² / Σ w²`.
    pub effective_samples_mean: f64,
    /// The same by the paper's protocol, for comparison only. Of a sparse distribution: the supported
    /// codes, and samples that are uniform over all codes for the rest. Of others: samples of q itself,
    /// which misses whatever q leaves out.
    pub nll_bits_per_dim_paper: f64,
    /// The truth, by trying all codes, where they have 12 bits at most.
    pub nll_bits_per_dim_exact: Option<f64>,
    /// Samples of each image.
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
            let mut image = Image {
                networks: &learner.networks,
                levels: batch.levels.clone().narrow(0, row, 1),
                device,
                known: BTreeMap::new(),
            };
            let mut rng = Draw { step, ..draw }.generator(Stream::Importance);
            ours.push(image.estimate(belief, samples, &mut rng));
            papers.push(image.papers_estimate(belief, samples, &mut rng));
        }
    }
    let exact = (learner.networks.bits() <= MOST_BITS)
        .then(|| enumerate(&learner.networks, set, &indices, device));

    let bits = |log_likelihoods: &[f64]| bits_per_dim(-mean(log_likelihoods), set.pixels());
    let log_likelihoods: Vec<f64> = ours.iter().map(|estimate| estimate.log_mean).collect();
    let errors: Option<Vec<f64>> = ours.iter().map(Weighted::relative_error).collect();
    let sampling_error = errors.as_ref().map(|errors| {
        let squares: f64 = errors.iter().map(|error| error * error).sum();
        bits_per_dim(squares.sqrt() / images as f64, set.pixels())
    });
    let gaps: Option<Vec<f64>> = ours.iter().map(|estimate| estimate.halving_gap).collect();
    let effective: Vec<f64> = ours.iter().map(|estimate| estimate.effective).collect();
    MarginalLikelihood {
        nll_bits_per_dim: bits(&log_likelihoods),
        nll_bits_per_dim_sampling_error: sampling_error,
        nll_bits_per_dim_halving_gap: gaps.map(|gaps| bits_per_dim(mean(&gaps), set.pixels())),
        nll_bits_per_dim_images_error: standard_error(&log_likelihoods)
            .map(|error| bits_per_dim(error, set.pixels())),
        relative_error_mean: errors.map(|errors| mean(&errors)),
        effective_samples_mean: mean(&effective),
        nll_bits_per_dim_paper: bits(&papers),
        nll_bits_per_dim_exact: exact.map(|exact| bits(&exact)),
        importance_samples: samples,
        importance_images: images,
    }
}

/// One image, and the model that is to explain it.
struct Image<'a> {
    networks: &'a BitVectorVae,
    /// `[1, pixels]`.
    levels: Tensor<2, Int>,
    device: &'a Device,
    /// `log p(x, z)` of the codes that have been decoded: many come again.
    known: BTreeMap<Code, f64>,
}

/// What the weights of samples come to.
struct Weighted {
    /// The logarithm of their mean.
    log_mean: f64,
    /// By how much it is above the mean of what either half of the samples comes to.
    halving_gap: Option<f64>,
    /// The number of samples with equal weights that would vary as much.
    effective: f64,
    samples: usize,
}

impl Weighted {
    fn of(log_weights: &[f64]) -> Self {
        let samples = log_weights.len();
        let log_sum = log_sum_exp(log_weights);
        let squares: Vec<f64> = log_weights.iter().map(|w| 2.0 * w).collect();
        let log_mean =
            |log_weights: &[f64]| log_sum_exp(log_weights) - (log_weights.len() as f64).ln();
        // every second one, so that each component of a mixture is in both halves
        let half = |first: usize| {
            let half: Vec<f64> = log_weights.iter().skip(first).step_by(2).copied().collect();
            log_mean(&half)
        };
        let whole = log_mean(log_weights);
        Self {
            log_mean: whole,
            halving_gap: (samples > 1).then(|| whole - (half(0) + half(1)) / 2.0),
            effective: (2.0 * log_sum - log_sum_exp(&squares)).exp(),
            samples,
        }
    }

    /// The standard error of the mean by the mean, which is that of its logarithm while it is small.
    /// That the components' shares are fixed makes it less, not more.
    fn relative_error(&self) -> Option<f64> {
        let n = self.samples as f64;
        (self.samples > 1).then(|| ((n / self.effective - 1.0).max(0.0) / (n - 1.0)).sqrt())
    }
}

impl Image<'_> {
    /// By the mixture.
    fn estimate(&mut self, belief: &Belief, samples: usize, rng: &mut impl Rng) -> Weighted {
        let first = self.components(belief);
        let mut components = first.clone();
        for _ in 0..PILOTS {
            let pilot = Mixture::new(components, samples.div_ceil(8));
            let (drawn, log_weights) = self.draw(&pilot, rng);
            let explore = (0.6, self.around_the_best(4.0, 2.0));
            components = share(0.4, &first);
            components.extend([explore, (0.2, weighted_marginals(&drawn, &log_weights))]);
        }
        let exploit = (1.0, self.around_the_best(1.0, 0.7));
        components.push(exploit);
        let (_, log_weights) = self.draw(&Mixture::new(components, samples), rng);
        Weighted::of(&log_weights)
    }

    /// By the proposal of the paper.
    fn papers_estimate(&mut self, belief: &Belief, samples: usize, rng: &mut impl Rng) -> f64 {
        let Some(support) = &belief.support else {
            let q = Component::independent(belief.marginals());
            let (_, log_weights) = self.draw(&Mixture::new(vec![(1.0, q)], samples), rng);
            return Weighted::of(&log_weights).log_mean;
        };
        let supported: Vec<Code> = support.iter().map(|(code, _)| code.clone()).collect();
        let uniform = Component::independent(vec![0.5; belief.scores.len()]);
        let (drawn, log_weights) = self.draw(&Mixture::new(vec![(1.0, uniform)], samples), rng);
        let mut terms = self.log_joint(&supported);
        let known: HashSet<Code> = supported.into_iter().collect();
        let others = drawn.iter().zip(log_weights);
        let others = others.filter(|(code, _)| !known.contains(*code));
        terms.extend(others.map(|(_, log_weight)| log_weight - (samples as f64).ln()));
        log_sum_exp(&terms)
    }

    /// The samples of a mixture, and the logarithms of their weights `p(x, z) / r(z)`.
    fn draw(&mut self, mixture: &Mixture, rng: &mut impl Rng) -> (Vec<Code>, Vec<f64>) {
        let drawn = mixture.sample(rng);
        let joint = self.log_joint(&drawn).into_iter().zip(&drawn);
        let weights = joint.map(|(joint, code)| joint - mixture.log_density(code));
        let weights = weights.collect();
        (drawn, weights)
    }

    /// The components of stage 2, with their weights.
    fn components(&mut self, belief: &Belief) -> Vec<(f64, Component)> {
        let bits = belief.scores.len();
        let odds = self.log_odds(belief.mode());
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

    /// The log-odds of each bit under the model, given all other bits of a code that flips of single
    /// bits lead to from `code`, in a few rounds.
    fn log_odds(&mut self, mut code: Code) -> Vec<f64> {
        let mut odds = Vec::new();
        for _ in 0..ROUNDS {
            let flips = (0..code.len()).map(|bit| {
                let mut flipped = code.clone();
                flipped[bit] = !flipped[bit];
                flipped
            });
            let tried: Vec<Code> = std::iter::once(code.clone()).chain(flips).collect();
            let joint = self.log_joint(&tried);
            let gains = joint[1..].iter().map(|flipped| flipped - joint[0]);
            odds = (code.iter().zip(gains))
                .map(|(on, gain)| if *on { -gain } else { gain })
                .collect();
            code = odds.iter().map(|odds| *odds > 0.0).collect();
        }
        odds
    }

    /// The best codes that are known, weighted by the model's likelihood at a temperature, with about
    /// `flips` bits flipped.
    fn around_the_best(&self, temperature: f64, flips: f64) -> Component {
        let mut best: Vec<(&Code, &f64)> = self.known.iter().collect();
        best.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        best.truncate(CENTRES);
        let joint = best.iter().map(|(_, joint)| **joint / temperature);
        let joint: Vec<f64> = joint.collect();
        let total = log_sum_exp(&joint);
        let codes = best.into_iter().zip(&joint);
        let codes = codes.map(|((code, _), joint)| (code.clone(), (joint - total).exp()));
        Component::Flipped {
            // those of less would never be drawn; a NaN stays, and reaches the figures
            codes: codes.filter(|(_, prob)| !(*prob < 1e-12)).collect(),
            flip: (flips / self.networks.bits() as f64).min(0.25),
        }
    }

    /// `log p(x, z)` of each code.
    fn log_joint(&mut self, wanted: &[Code]) -> Vec<f64> {
        let new: HashSet<&Code> = wanted
            .iter()
            .filter(|z| !self.known.contains_key(*z))
            .collect();
        let mut new: Vec<Code> = new.into_iter().cloned().collect();
        new.sort_unstable();
        let [_, pixels] = self.levels.dims();
        let together = (LOGITS / (pixels * self.networks.levels())).max(1);
        for some in new.chunks(together) {
            let likelihood = self.networks.generator.log_likelihood(
                codes(some, self.device),
                self.levels.clone(),
                Tensor::zeros([some.len()], self.device),
            );
            let likelihood = likelihood.into_data();
            let joint = likelihood.iter::<f64>().map(|l| l - self.networks.prior());
            self.known.extend(some.iter().cloned().zip(joint));
        }
        wanted.iter().map(|code| self.known[code]).collect()
    }
}

/// The components with the part `share` of their weights.
fn share(share: f64, components: &[(f64, Component)]) -> Vec<(f64, Component)> {
    let parts = components.iter();
    parts
        .map(|(weight, component)| (share * weight, component.clone()))
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

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Of the mean; none with less than two values.
fn standard_error(values: &[f64]) -> Option<f64> {
    let (n, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt())
}
