use burn::{
    data::dataloader::DataLoader,
    tensor::{Device, Int, Tensor},
};
use serde::{Deserialize, Serialize};

use super::{ChosenGames, SignalGameLearner};
use crate::{
    estimators::CategoricalEstimator,
    training::{BatchSource, EpochLoader},
};

/// The figures of games about examples that the agents have not trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalGameTest {
    /// The probability that the receiver picks the target, the sender's symbol being distributed as
    /// the sender says: the exact mean over its distribution.
    pub communication_success: f64,
    /// The same when the sender always sends its most probable symbol.
    pub communication_success_mode: f64,
    /// The success of a receiver that does not listen: one in as many as there are candidates.
    pub chance: f64,
    /// The mean negative log-likelihood of the target, in nats.
    pub loss: f64,
    /// The mean number of symbols of positive probability.
    pub support_mean: f64,
    /// The mean number of symbols that the receiver decoded for the estimator.
    pub decoder_calls_mean: f64,
    /// The number of games.
    pub games: usize,
}

/// Plays `games` on `device`, which needs no autodiff.
pub fn evaluate(
    learner: &SignalGameLearner,
    games: &ChosenGames,
    device: &Device,
) -> SignalGameTest {
    let mut sums = [0.0; 5];
    // every batch is there: none comes from a file
    for batch in EpochLoader::fixed(games.clone(), device.clone())
        .iter()
        .flatten()
    {
        let places = batch.places.clone();
        let losses = learner.agents.losses(batch.clone(), &learner.estimator);
        let outlook = learner.agents.outlook(batch, learner.estimator.mapping());
        let new = [
            total(outlook.success.clone()),
            hits(outlook.picks(), places),
            total(outlook.loss.clone()),
            total(
                outlook
                    .probs
                    .greater_elem(0.0)
                    .float()
                    .sum_dim(1)
                    .squeeze_dim(1),
            ),
            losses.estimate.decoder_calls as f64,
        ];
        for (sum, new) in sums.iter_mut().zip(new) {
            *sum += new;
        }
    }
    let [success, mode, loss, support, calls] = sums.map(|sum| sum / games.items() as f64);
    SignalGameTest {
        communication_success: success,
        communication_success_mode: mode,
        chance: 1.0 / games.candidates() as f64,
        loss,
        support_mean: support,
        decoder_calls_mean: calls,
        games: games.items(),
    }
}

/// In f64, game by game: thousands of them are added.
fn total(values: Tensor<1>) -> f64 {
    values.into_data().iter::<f64>().sum()
}

fn hits(picks: Tensor<2>, places: Tensor<1, Int>) -> f64 {
    let right = picks.argmax(1).squeeze_dim::<1>(1).equal(places);
    right.int().sum().into_scalar::<i64>() as f64
}
