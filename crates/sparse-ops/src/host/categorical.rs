//! The log-likelihood of pixels under categorical variables with logits of low rank, and all that
//! its gradient needs, with one exponential a logit.
//!
//! With `l = f W + b`, `p = softmax(l)` and a target t, the gradient of `l_t − ln Σ e^l` is
//! `W_t − W p` in f, and `[f; 1] (1_t − p)ᵀ` in `[W; b]`. Neither needs to know what the row's
//! log-likelihood is used for but by a factor, so that both are made while the exponentials are at
//! hand: the first for each pixel, the second summed over the pixels of a row.

use std::marker::PhantomData;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::element::Work;
use super::vector::Vector;

/// Pixels that are worked on together: what is read of the head, and of its sums, serves all.
const TILE: usize = 4;
/// Exponentials that are worth a task of their own: about 20 µs of work.
const TASK: usize = 1 << 15;

/// The linear map from features to logits, in base 2, with its rows in whole registers.
pub(super) struct Head<W> {
    rank: usize,
    levels: usize,
    /// Levels with those that fill the last register: they have probability 0.
    stride: usize,
    /// `[rank + 1, stride]`: the weight, then the bias.
    numbers: Vec<W>,
    /// A level may be impossible, by a bias of −∞. With any other number that is not finite there are
    /// no probabilities.
    valid: bool,
}

impl<W: Work> Head<W> {
    /// From the weight `[rank, levels]` and the bias `[levels]`.
    pub(super) fn new(weight: &[W], bias: &[W]) -> Self {
        let levels = bias.len();
        let lanes = Arch::new().dispatch(Lanes(PhantomData::<W>));
        let stride = levels.next_multiple_of(lanes);
        let mut numbers = Vec::with_capacity((weight.len() / levels + 1) * stride);
        let base_2 = |&x: &W| x * W::narrow(std::f64::consts::LOG2_E);
        for row in weight.chunks_exact(levels) {
            numbers.extend(row.iter().map(base_2));
            numbers.resize(numbers.len().next_multiple_of(stride), W::zero());
        }
        numbers.extend(bias.iter().map(base_2));
        numbers.resize(numbers.len().next_multiple_of(stride), W::neg_infinity());
        Self {
            rank: weight.len() / levels,
            levels,
            stride,
            numbers,
            valid: weight.iter().all(|x| x.is_finite()) && bias.iter().all(|&x| x < W::infinity()),
        }
    }
}

/// How many numbers are in a register of this machine.
struct Lanes<W>(PhantomData<W>);

impl<W: Work> WithSimd for Lanes<W> {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        size_of::<W::Register<S>>() / size_of::<W>()
    }
}

/// What is to be explained: `[m, pixels]` levels, and the row of them for each row of features.
#[derive(Clone, Copy)]
pub(super) struct Targets<'a> {
    pub(super) levels: &'a [i64],
    pub(super) rows: &'a [i64],
    pub(super) pixels: usize,
}

impl<'a> Targets<'a> {
    /// The levels for a row of features; `None` if there is no such row.
    fn of(&self, row: usize) -> Option<&'a [i64]> {
        let start = usize::try_from(self.rows[row])
            .ok()?
            .checked_mul(self.pixels)?;
        self.levels.get(start..start.checked_add(self.pixels)?)
    }
}

/// What the gradient of each row's log-likelihood is, but for a factor.
pub(super) struct Residuals<W> {
    /// In the features, `[n, pixels, rank]`.
    pub(super) features: Vec<W>,
    /// In the weight and, last, in the bias: `[n, rank + 1, levels]`.
    pub(super) head: Vec<W>,
}

/// The log-likelihoods `[n]` of `features` `[n, pixels, rank]`, all sizes at least 1.
pub(super) fn log_likelihoods<W: Work>(
    features: &[W],
    head: &Head<W>,
    targets: Targets<'_>,
) -> Vec<f64> {
    let mut log_likelihoods = vec![0.0; targets.rows.len()];
    let rows = Rows {
        features,
        head,
        targets,
    };
    let tasks = log_likelihoods.par_chunks_mut(rows.rows_per_task());
    tasks
        .enumerate()
        .for_each(|(task, log_likelihoods)| rows.run(task, log_likelihoods, None));
    log_likelihoods
}

/// The same, and their residuals.
pub(super) fn log_likelihoods_and_residuals<W: Work>(
    features: &[W],
    head: &Head<W>,
    targets: Targets<'_>,
) -> (Vec<f64>, Residuals<W>) {
    let rows = Rows {
        features,
        head,
        targets,
    };
    let (count, [of_features, of_head]) = (targets.rows.len(), rows.sizes());
    let mut log_likelihoods = vec![0.0; count];
    let mut residuals = Residuals {
        features: vec![W::zero(); count * of_features],
        head: vec![W::zero(); count * of_head],
    };
    let per_task = rows.rows_per_task();
    let tasks = log_likelihoods.par_chunks_mut(per_task);
    tasks
        .zip(residuals.features.par_chunks_mut(per_task * of_features))
        .zip(residuals.head.par_chunks_mut(per_task * of_head))
        .enumerate()
        .for_each(|(task, ((log_likelihoods, features), head))| {
            rows.run(task, log_likelihoods, Some(Slots { features, head }));
        });
    (log_likelihoods, residuals)
}

/// Where residuals go.
struct Slots<'a, W> {
    features: &'a mut [W],
    head: &'a mut [W],
}

struct Rows<'a, W> {
    features: &'a [W],
    head: &'a Head<W>,
    targets: Targets<'a>,
}

impl<W: Work> Rows<'_, W> {
    /// Numbers of a row's residuals, in the features and in the head.
    fn sizes(&self) -> [usize; 2] {
        let Head { rank, levels, .. } = self.head;
        [self.targets.pixels * rank, (rank + 1) * levels]
    }

    fn rows_per_task(&self) -> usize {
        (TASK / (self.targets.pixels * self.head.stride)).max(1)
    }

    fn run(&self, task: usize, log_likelihoods: &mut [f64], slots: Option<Slots<'_, W>>) {
        Arch::new().dispatch(Task {
            rows: self,
            first: task * self.rows_per_task(),
            log_likelihoods,
            slots,
        });
    }
}

struct Task<'a, W> {
    rows: &'a Rows<'a, W>,
    first: usize,
    log_likelihoods: &'a mut [f64],
    slots: Option<Slots<'a, W>>,
}

impl<W: Work> WithSimd for Task<'_, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Rows {
            features,
            head,
            targets,
        } = self.rows;
        let [of_features, of_head] = self.rows.sizes();
        let mut row = Row::new(simd, head);
        let mut slots = self.slots;
        for (index, log_likelihood) in self.log_likelihoods.iter_mut().enumerate() {
            let features = &features[(self.first + index) * of_features..][..of_features];
            let levels = targets.of(self.first + index).filter(|_| head.valid);
            *log_likelihood = match &mut slots {
                Some(slots) => row.explain_and_derive(
                    features,
                    levels,
                    &mut slots.features[index * of_features..][..of_features],
                    &mut slots.head[index * of_head..][..of_head],
                ),
                None => row.explain(features, levels),
            };
        }
    }
}

/// The room for a row.
struct Row<'a, W, S> {
    simd: S,
    head: &'a Head<W>,
    /// `[TILE, stride]`: logits, then their exponentials.
    exps: Vec<W>,
    /// `[rank + 1, TILE]`: features and 1, each by the sum of the pixel's exponentials.
    shares: Vec<W>,
    /// `[rank + 1, stride]`: `−[f; 1] pᵀ`, summed over pixels.
    sums: Vec<W>,
}

impl<'a, W: Work, S: Simd> Row<'a, W, S> {
    fn new(simd: S, head: &'a Head<W>) -> Self {
        Self {
            simd,
            head,
            exps: vec![W::zero(); TILE * head.stride],
            shares: vec![W::zero(); TILE * (head.rank + 1)],
            sums: vec![W::zero(); head.numbers.len()],
        }
    }

    /// The log-likelihood of a row.
    #[inline(always)]
    fn explain(&mut self, features: &[W], levels: Option<&[i64]>) -> f64 {
        let Some(levels) = levels else {
            return f64::NAN;
        };
        let rank = self.head.rank;
        let (tiles, rest) = levels.as_chunks::<TILE>();
        let mut total = 0.0;
        for (tile, &levels) in tiles.iter().enumerate() {
            total += self.tile(&features[tile * TILE * rank..], levels).total();
        }
        for (pixel, &level) in rest.iter().enumerate() {
            let first = tiles.len() * TILE + pixel;
            total += self.tile(&features[first * rank..], [level]).total();
        }
        total
    }

    /// The log-likelihood of a row, and its residuals.
    #[inline(always)]
    fn explain_and_derive(
        &mut self,
        features: &[W],
        levels: Option<&[i64]>,
        residuals: &mut [W],
        head_residuals: &mut [W],
    ) -> f64 {
        let Some(levels) = levels else {
            residuals.fill(W::nan());
            head_residuals.fill(W::nan());
            return f64::NAN;
        };
        let rank = self.head.rank;
        self.sums.fill(W::zero());
        let (tiles, rest) = levels.as_chunks::<TILE>();
        let mut total = 0.0;
        for (tile, &levels) in tiles.iter().enumerate() {
            let first = tile * TILE * rank;
            let pixels = self.tile(&features[first..], levels);
            self.derive(&features[first..], &pixels, &mut residuals[first..]);
            total += pixels.total();
        }
        for (pixel, &level) in rest.iter().enumerate() {
            let first = (tiles.len() * TILE + pixel) * rank;
            let pixels = self.tile(&features[first..], [level]);
            self.derive(&features[first..], &pixels, &mut residuals[first..]);
            total += pixels.total();
        }
        let Head { levels, stride, .. } = *self.head;
        let rows = self.sums.chunks_exact(stride);
        for (out, sums) in head_residuals.chunks_exact_mut(levels).zip(rows) {
            out.copy_from_slice(&sums[..levels]);
        }
        total
    }

    /// What is known of some pixels, with their exponentials in `exps`.
    #[inline(always)]
    fn tile<const T: usize>(&mut self, features: &[W], levels: [i64; T]) -> Pixels<W, T> {
        let (simd, rank) = (self.simd, self.head.rank);
        let features: [&[W]; T] = std::array::from_fn(|t| &features[t * rank..][..rank]);
        let (head, _) = W::registers::<S>(&self.head.numbers);
        let width = head.len() / (rank + 1);
        let (weight, bias) = head.split_at(rank * width);
        let exps = W::registers_mut::<S>(&mut self.exps);
        let mut exps = exps.chunks_exact_mut(width);
        let mut exps: [_; T] = std::array::from_fn(|_| exps.next().unwrap_or_default());
        let mut largest = [Vector::splat(simd, W::neg_infinity()); T];
        let mut at = 0;
        while at + 2 <= width {
            logits::<W, S, T, 2>(simd, &features, weight, bias, at, &mut exps, &mut largest);
            at += 2;
        }
        if at < width {
            logits::<W, S, T, 1>(simd, &features, weight, bias, at, &mut exps, &mut largest);
        }
        for largest in &mut largest {
            *largest = largest.largest();
        }
        let mut pixels = Pixels {
            levels: levels.map(|level| usize::try_from(level).unwrap_or(usize::MAX)),
            sums: [W::one(); T],
            logits: [0.0; T],
        };
        for t in 0..T {
            let numbers: &[W] = bytemuck::cast_slice(exps[t]);
            let max = largest[t].lanes()[0];
            let level = pixels.levels[t];
            // of a feature that is not finite, finite weights make no finite logit
            pixels.logits[t] = if !max.is_finite() || level >= self.head.levels {
                f64::NAN
            } else {
                (numbers[level] - max).widen()
            };
        }
        let mut sums = [Vector::splat(simd, W::zero()); T];
        for at in 0..width {
            // pixels side by side, so that none waits for itself
            for ((exps, &largest), sum) in exps.iter_mut().zip(&largest).zip(&mut sums) {
                let power = (Vector::of(simd, exps[at]) - largest).exp2();
                exps[at] = power.register();
                *sum = *sum + power;
            }
        }
        for (out, sum) in pixels.sums.iter_mut().zip(sums) {
            *out = W::sum(simd, sum.register());
        }
        pixels
    }

    /// The residuals of some pixels, from their exponentials.
    #[inline(always)]
    fn derive<const T: usize>(
        &mut self,
        features: &[W],
        pixels: &Pixels<W, T>,
        residuals: &mut [W],
    ) {
        let (simd, rank, stride) = (self.simd, self.head.rank, self.head.stride);
        let shares = &mut self.shares[..(rank + 1) * T];
        for t in 0..T {
            let by = W::one() / pixels.sums[t];
            for k in 0..rank {
                shares[k * T + t] = features[t * rank + k] * by;
            }
            shares[rank * T + t] = by;
        }
        let (head, _) = W::registers::<S>(&self.head.numbers);
        let width = head.len() / (rank + 1);
        let (exps, _) = W::registers::<S>(&self.exps);
        let exps: [_; T] = std::array::from_fn(|t| &exps[t * width..][..width]);
        let sums = W::registers_mut::<S>(&mut self.sums);
        let mut k = 0;
        while k + 2 <= rank + 1 {
            add_shares::<W, S, T, 2>(simd, &shares[k * T..], &exps, &mut sums[k * width..]);
            k += 2;
        }
        if k < rank + 1 {
            add_shares::<W, S, T, 1>(simd, &shares[k * T..], &exps, &mut sums[k * width..]);
        }
        let mut means = [[W::zero(); T]; 2];
        let mut k = 0;
        while k < rank {
            let count = if k + 2 <= rank {
                means = mean_weights::<W, S, T, 2>(simd, &head[k * width..], &exps);
                2
            } else {
                [means[0]] = mean_weights::<W, S, T, 1>(simd, &head[k * width..], &exps);
                1
            };
            for (k, means) in (k..).zip(&means[..count]) {
                for t in 0..T {
                    let own = self.head.numbers[k * stride..][..stride].get(pixels.levels[t]);
                    let own = own.copied().unwrap_or(W::nan());
                    let residual = own - means[t] * shares[rank * T + t];
                    residuals[t * rank + k] = residual * W::narrow(std::f64::consts::LN_2);
                }
            }
            k += count;
        }
        for t in 0..T {
            if pixels.logits[t].is_nan() {
                residuals[t * rank..][..rank].fill(W::nan());
                self.sums.fill(W::nan());
                continue;
            }
            let level = pixels.levels[t];
            for k in 0..rank {
                let sum = &mut self.sums[k * stride + level];
                *sum = *sum + features[t * rank + k];
            }
            let sum = &mut self.sums[rank * stride + level];
            *sum = *sum + W::one();
        }
    }
}

/// Logits of `V` registers of levels, and the largest so far.
#[inline(always)]
fn logits<W: Work, S: Simd, const T: usize, const V: usize>(
    simd: S,
    features: &[&[W]; T],
    weight: &[W::Register<S>],
    bias: &[W::Register<S>],
    at: usize,
    out: &mut [&mut [W::Register<S>]; T],
    largest: &mut [Vector<W, S>; T],
) {
    let width = bias.len();
    let mut sums = [[Vector::splat(simd, W::zero()); V]; T];
    for sums in &mut sums {
        for (sum, &bias) in sums.iter_mut().zip(&bias[at..at + V]) {
            *sum = Vector::of(simd, bias);
        }
    }
    for (k, weight) in weight.chunks_exact(width).enumerate() {
        let weight = &weight[at..at + V];
        for t in 0..T {
            let feature = Vector::splat(simd, features[t][k]);
            for v in 0..V {
                sums[t][v] = feature.mul_add(Vector::of(simd, weight[v]), sums[t][v]);
            }
        }
    }
    for t in 0..T {
        for v in 0..V {
            out[t][at + v] = sums[t][v].register();
            largest[t] = largest[t].max(sums[t][v]);
        }
    }
}

/// Takes `shares` `[K, T]` times the exponentials from `K` rows of `sums`.
#[inline(always)]
fn add_shares<W: Work, S: Simd, const T: usize, const K: usize>(
    simd: S,
    shares: &[W],
    exps: &[&[W::Register<S>]; T],
    sums: &mut [W::Register<S>],
) {
    let width = exps[0].len();
    let mut factors = [[Vector::splat(simd, W::zero()); T]; K];
    for (factors, shares) in factors.iter_mut().zip(shares.chunks_exact(T)) {
        for (factor, &share) in factors.iter_mut().zip(shares) {
            *factor = Vector::splat(simd, W::zero() - share);
        }
    }
    let mut rows = sums.chunks_exact_mut(width);
    let rows: [_; K] = std::array::from_fn(|_| rows.next().unwrap_or_default());
    let mut powers = [Vector::splat(simd, W::zero()); T];
    for at in 0..width {
        for t in 0..T {
            powers[t] = Vector::of(simd, exps[t][at]);
        }
        for k in 0..K {
            let mut sum = Vector::of(simd, rows[k][at]);
            for t in 0..T {
                sum = powers[t].mul_add(factors[k][t], sum);
            }
            rows[k][at] = sum.register();
        }
    }
}

/// The sums of `K` rows of the weight times the exponentials of each pixel.
#[inline(always)]
fn mean_weights<W: Work, S: Simd, const T: usize, const K: usize>(
    simd: S,
    weight: &[W::Register<S>],
    exps: &[&[W::Register<S>]; T],
) -> [[W; T]; K] {
    let width = exps[0].len();
    let mut rows = weight.chunks_exact(width);
    let rows: [_; K] = std::array::from_fn(|_| rows.next().unwrap_or_default());
    let mut sums = [[Vector::splat(simd, W::zero()); T]; K];
    for at in 0..width {
        for k in 0..K {
            let weight = Vector::of(simd, rows[k][at]);
            for t in 0..T {
                sums[k][t] = Vector::of(simd, exps[t][at]).mul_add(weight, sums[k][t]);
            }
        }
    }
    let mut numbers = [[W::zero(); T]; K];
    for k in 0..K {
        for t in 0..T {
            numbers[k][t] = W::sum(simd, sums[k][t].register());
        }
    }
    numbers
}

/// Of each pixel in a tile: the target, the sum of the exponentials by the largest, and the
/// logarithm of the target's in base 2; NaN if the pixel cannot be explained.
struct Pixels<W, const T: usize> {
    levels: [usize; T],
    sums: [W; T],
    logits: [f64; T],
}

impl<W: Work, const T: usize> Pixels<W, T> {
    /// The log-likelihood of all of them.
    #[inline(always)]
    fn total(&self) -> f64 {
        let logits: f64 = self.logits.iter().sum();
        // no sum is above the number of levels: their product stays far from the largest number
        let sums: f64 = self.sums.iter().map(|sum| sum.widen()).product();
        logits * std::f64::consts::LN_2 - sums.ln()
    }
}
