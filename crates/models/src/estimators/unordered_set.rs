//! The unordered-set estimator: k classes sampled without replacement, averaged over the orders in
//! which they could have come.
//!
//! `Σ_s p(s) R(S, s) ∇ log p(s) (ℓ(s) − b(S, s))` over the sampled set S, with leave-one-out ratios R,
//! and a baseline b from the other members, whose weights are ratios of second order. The samples are
//! the k largest scores with Gumbel noise; the ratios are exact, by a recursion over subsets.
//!
//! Bias: none. Variance: less than that of k samples with replacement, and none where k classes have
//! all the mass. Decoder calls: k, or as many as have a positive probability. Scores are read back once
//! a step. Source: Kool, van Hoof & Welling, [Estimating Gradients for Discrete Random Variables by
//! Sampling without Replacement](https://arxiv.org/abs/2002.06043), 2020.

use burn::{
    module::Module,
    tensor::{IndexingUpdateOp, Int, Tensor, TensorData},
};
use rand::Rng;

use super::{
    CategoricalEstimator, Categories, Codes, Estimate, EstimatorSettings, LatentFamily, Mapping,
    Outcomes, Query, SettingError, score_function::score_function, without_replacement::SetWeights,
};
use crate::training::Stream;

/// The recursion has `2^k` subsets.
const MOST: usize = 10;

/// Samples without replacement.
#[derive(Module, Debug)]
pub struct UnorderedSet {
    #[module(skip)]
    k: usize,
}

impl UnorderedSet {
    /// Sets of `settings.k` of `classes`; by default 4, or as many as there are.
    ///
    /// # Errors
    ///
    /// If k is less than 2, which leaves nothing for a baseline, more than 10, or more than there
    /// are classes.
    pub fn new(settings: &EstimatorSettings, classes: usize) -> Result<Self, SettingError> {
        let k = settings.k.unwrap_or(4.min(classes));
        let most = MOST.min(classes);
        if !(2..=most).contains(&k) {
            let allowed = format!("in 2..={most} for unordered-set over {classes} categories");
            return Err(SettingError::new("k", k, allowed));
        }
        Ok(Self { k })
    }
}

/// The sets of a batch, packed: member `i` belongs to row `rows[i]`.
#[derive(Default)]
struct Sets {
    rows: Vec<i64>,
    classes: Vec<i64>,
    weights: Vec<f64>,
    /// Pairs of members of one set, and what the second one weighs in the baseline of the first.
    firsts: Vec<i64>,
    seconds: Vec<i64>,
    baselines: Vec<f64>,
}

impl Sets {
    fn push(&mut self, row: usize, scores: &[f64], k: usize, rng: &mut impl Rng) {
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let masses: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
        let total: f64 = masses.iter().sum();
        let all: Vec<f64> = masses.iter().map(|mass| mass / total).collect();
        let keys: Vec<f64> = scores
            .iter()
            .map(|score| score + Categories::noise(rng))
            .collect();
        // A NaN makes all probabilities NaN: one member then, so that it reaches the loss.
        let mut order: Vec<usize> = (0..scores.len()).filter(|&i| all[i] != 0.0).collect();
        order.sort_by(|&a, &b| keys[b].total_cmp(&keys[a]));
        let (set, others) = order.split_at(if total.is_nan() {
            1
        } else {
            k.min(order.len())
        });
        let probs: Vec<f64> = set.iter().map(|&i| all[i]).collect();
        let rest: f64 = others.iter().map(|&i| all[i]).sum();
        let SetWeights { weights, baselines } = SetWeights::new(&probs, rest);

        let start = self.rows.len();
        let members = start as i64..(start + set.len()) as i64;
        for first in members.clone() {
            self.firsts.extend(members.clone().map(|_| first));
            self.seconds.extend(members.clone());
        }
        self.rows.extend(set.iter().map(|_| row as i64));
        self.classes.extend(set.iter().map(|&class| class as i64));
        self.weights.extend(weights);
        self.baselines.extend(baselines);
    }
}

impl CategoricalEstimator for UnorderedSet {
    fn mapping(&self) -> Mapping {
        Mapping::Softmax
    }

    fn estimate(&self, query: Query, loss: &mut dyn FnMut(Outcomes) -> Tensor<1>) -> Estimate {
        let scores = query.scores;
        let ([batch, classes], device, dtype) = (scores.dims(), scores.device(), scores.dtype());
        let mut rng = query.draw.generator(Stream::Estimator);
        let mut sets = Sets::default();
        let values: Vec<f64> = scores.clone().detach().into_data().iter().collect();
        for (row, scores) in values.chunks_exact(classes).enumerate() {
            sets.push(row, scores, self.k, &mut rng);
        }
        let decoder_calls = sets.rows.len();
        let ints = |values: Vec<i64>| {
            let shape = [values.len()];
            Tensor::<1, Int>::from_data(TensorData::new(values, shape), &device)
        };
        let floats = |values: Vec<f64>| {
            let shape = [values.len()];
            let data = TensorData::new(values, shape).convert_dtype(dtype);
            Tensor::<1>::from_data(data, (&device, dtype))
        };
        let zeros = |size: usize| Tensor::<1>::zeros([size], (&device, dtype));

        let rows = ints(sets.rows);
        let codes = Codes::Classes {
            classes: ints(sets.classes),
            count: classes,
        };
        let losses = loss(Outcomes {
            rows: rows.clone(),
            codes: codes.clone(),
        });
        let terms = losses.clone().detach().select(0, ints(sets.seconds)) * floats(sets.baselines);
        let baseline =
            zeros(decoder_calls).select_assign(0, ints(sets.firsts), terms, IndexingUpdateOp::Add);
        let of_rows = scores.clone().select(0, rows.clone());
        let log_prob = Categories::log_prob(of_rows, codes.values());
        let terms = score_function(losses, baseline, log_prob) * floats(sets.weights);
        let expected_loss = zeros(batch).select_assign(0, rows, terms, IndexingUpdateOp::Add);
        Estimate::new(expected_loss, Categories::entropy(scores), decoder_calls)
    }
}
