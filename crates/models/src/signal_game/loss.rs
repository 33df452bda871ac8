//! The objective: the negative log-probability that the receiver picks the target, in expectation
//! over the sender's symbol.

use burn::tensor::{Int, Tensor, activation::log_softmax};

use super::SignalGame;
use crate::{
    estimators::{CategoricalEstimator, Codes, Estimate, Mapping, Outcomes, Query},
    training::Draw,
};

/// The games of a step.
#[derive(Debug, Clone)]
pub struct GameBatch {
    /// The examples that the senders see, `[batch, features]`: the candidates at `places`.
    pub targets: Tensor<2>,
    /// The candidates that the receivers see, in their own order: `[batch, candidates, features]`.
    pub candidates: Tensor<3>,
    /// Where the target is among the candidates, `[batch]`.
    pub places: Tensor<1, Int>,
    /// The step.
    pub draw: Draw,
}

/// The losses of a step.
#[derive(Debug, Clone)]
pub struct GameLosses {
    /// The estimate of the expected negative log-likelihood of the target, with the entropy of the
    /// sender's distribution beside it.
    pub estimate: Estimate,
    /// The log-probabilities `[batch, candidates]` of the receiver's picks when the sender sends its
    /// most probable symbol; without gradient.
    pub picks: Tensor<2>,
}

/// What comes of each game, exactly: over all symbols, as the sender's distribution weights them.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// The sender's probabilities `[batch, symbols]`.
    pub probs: Tensor<2>,
    /// The log-probabilities `[batch, symbols, candidates]` of the receiver's picks.
    pub log_probs: Tensor<3>,
    /// The expected negative log-likelihood `[batch]` of the target.
    pub loss: Tensor<1>,
    /// The probability `[batch]` of a symbol for which the target is the receiver's first choice.
    pub success: Tensor<1>,
}

impl SignalGame {
    /// The losses of a batch. The sender runs once; the receiver embeds each candidate once, and
    /// compares it with all the symbols that the estimator asks for.
    pub fn losses(&self, batch: GameBatch, estimator: &impl CategoricalEstimator) -> GameLosses {
        let (scores, seen) = self.open(&batch);
        let [games, symbols] = scores.dims();
        let best = scores.clone().detach().argmax(1).squeeze_dim(1);
        let best = Outcomes {
            rows: Tensor::arange(0..games as i64, &scores.device()),
            codes: Codes::Classes {
                classes: best,
                count: symbols,
            },
        };
        let picks = self.receiver.scores(seen.clone().detach(), best).detach();
        let picks = log_softmax(picks, 1);
        let query = Query {
            scores,
            inputs: batch.targets,
            draw: batch.draw,
        };
        let estimate = estimator.estimate(query, &mut |outcomes| {
            let (seen, places) = (seen.clone(), batch.places.clone());
            self.receiver
                .negative_log_likelihood(seen, places, outcomes)
        });
        GameLosses { estimate, picks }
    }

    /// What comes of each game of a batch, when the sender's scores become probabilities by
    /// `mapping`.
    pub fn outlook(&self, batch: GameBatch, mapping: Mapping) -> Outlook {
        let (scores, seen) = self.open(&batch);
        let probs = mapping.probs(scores);
        let log_probs = self.receiver.all_log_probs(seen);
        let [games, symbols, _] = log_probs.dims();
        let places: Tensor<3, Int> = batch
            .places
            .reshape([games, 1, 1])
            .expand([games, symbols, 1]);
        let of_target = log_probs.clone().gather(2, places.clone());
        let hits = log_probs.clone().argmax(2).equal(places).float();
        let expect = |values: Tensor<3>| {
            let weighted = probs.clone() * values.squeeze_dim::<2>(2);
            weighted.sum_dim(1).squeeze_dim::<1>(1)
        };
        Outlook {
            loss: expect(of_target).neg(),
            success: expect(hits),
            probs,
            log_probs,
        }
    }
}

impl Outlook {
    /// The log-probabilities `[batch, candidates]` of the receiver's picks for the sender's most
    /// probable symbol.
    pub fn picks(&self) -> Tensor<2> {
        let [games, _, candidates] = self.log_probs.dims();
        let best = self.probs.clone().argmax(1).reshape([games, 1, 1]);
        let best = best.expand([games, 1, candidates]);
        self.log_probs.clone().gather(1, best).squeeze_dim(1)
    }
}
