use burn::{
    module::{Initializer, Module, Param},
    nn::{Linear, LinearConfig},
    tensor::{
        Device, Int, Tensor,
        activation::{log_softmax, sigmoid},
    },
};

use sparse_ops::{entmax_loss, sum_of_sigmoids};

use super::{Agents, GameBatch, SignalGameConfig, slots::Slots};
use crate::{
    estimators::{Codes, Outcomes},
    networks::{Mlp, Standard, Standardization, see},
};

/// Eyes that both agents look through: features are standardized, and embedded through one hidden
/// layer.
///
/// The paper's agents share theirs too, a network that was trained to recognize objects and whose
/// features they are given. Of raw pixels, two agents with eyes of their own agree about the examples
/// they have trained on more than about new ones.
#[derive(Module, Debug)]
pub struct Vision {
    standardization: Standardization,
    /// From standardized features to the embedding.
    pub network: Mlp,
}

impl Vision {
    /// `[n, features]` to `[n, size]`.
    fn look(&self, features: Tensor<2>) -> Tensor<2> {
        self.standardization.before(&self.network, features)
    }
}

/// The paper's sender: features → embedding, whose dimensions all go through the same small network,
/// → logits.
///
/// As convolutions over an image of one column: 512 filters of 1 × 1, a sigmoid, one filter of 512 × 1
/// and a sigmoid, without biases. Each dimension e of the embedding becomes `σ(Σ_f b_f · σ(a_f · e))`.
#[derive(Module, Debug)]
pub struct FilterSender {
    /// From features to the embedding.
    pub embedding: Linear,
    /// The factors `a`, of shape `[1, filters]`.
    pub first: Linear,
    /// The factors `b`, of shape `[filters, 1]`.
    pub second: Linear,
    /// From the collapsed embedding to logits.
    pub logits: Linear,
}

impl FilterSender {
    fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let embedded = see(&self.embedding, features);
        let [batch, size] = embedded.dims();
        let [_, filters] = self.first.weight.dims();
        let sums = sum_of_sigmoids(
            embedded.reshape([batch * size]),
            self.first.weight.val().reshape([filters]),
            self.second.weight.val().reshape([filters]),
        );
        self.logits.forward(sigmoid(sums.reshape([batch, size])))
    }
}

/// Any of the senders.
#[derive(Module, Debug)]
// a run has one, and no module is made of a box
#[allow(clippy::large_enum_variant)]
pub enum Sender {
    /// A layer from what [`Vision`] shows to logits.
    Linear(Linear),
    /// The paper's, from features to logits.
    Filters(FilterSender),
}

/// Embeds candidates and symbols; their inner products are its scores.
#[derive(Module, Debug)]
pub struct Receiver {
    /// From features to embeddings, without a bias, which would shift the scores of all candidates
    /// alike; `None` where [`Vision`] has embedded them.
    pub candidates: Option<Linear>,
    /// The embeddings `[symbols, size]` of the symbols.
    pub symbols: Param<Tensor<2>>,
}

impl Receiver {
    /// The negative log-likelihood `[total]`, in nats, of the candidates at `places`, one for each batch
    /// row, when packed symbols are sent.
    ///
    /// The scores are a product of three matrices for each batch row: codes, symbols' embeddings and
    /// candidates' embeddings. It begins with the smaller side: few symbols are embedded, then
    /// compared with their row's candidates; many of them (all, in dense marginalization) are looked
    /// up among all symbols. So a sparse support costs what its size says, and a dense one a single
    /// product `[symbols, size] × [size, batch · candidates]` and a look-up.
    pub fn negative_log_likelihood(
        &self,
        seen: Tensor<3>,
        places: Tensor<1, Int>,
        outcomes: Outcomes,
    ) -> Tensor<1> {
        let [batch, candidates, _] = seen.dims();
        let Outcomes { rows, codes } = outcomes;
        let many = codes.total() > batch * candidates;
        match codes {
            Codes::Classes { classes, count } if many => {
                let scores = self.all_scores(seen).reshape([count * batch, candidates]);
                let of_all = cross_entropy(scores, places.repeat_dim(0, count));
                of_all.select(0, classes.mul_scalar(batch as i64) + rows)
            }
            codes => {
                let places = places.select(0, rows.clone());
                cross_entropy(self.scores(seen, Outcomes { rows, codes }), places)
            }
        }
    }

    /// The scores `[total, candidates]` of candidates as the receiver [sees](SignalGame::see) them, for
    /// packed symbols: their inner products.
    pub fn scores(&self, seen: Tensor<3>, outcomes: Outcomes) -> Tensor<2> {
        let [batch, candidates, _] = seen.dims();
        let Outcomes { rows, codes } = outcomes;
        let (sent, received) = match codes {
            Codes::Values(values) if values.dims()[0] > batch * candidates => {
                (values, self.all_scores(seen).swap_dims(0, 1))
            }
            few => (few.times(self.symbols.val()), seen.swap_dims(1, 2)),
        };
        let slots = Slots::of(&rows, batch);
        slots.collect(slots.spread(sent).matmul(received))
    }

    /// The log-probabilities `[batch, symbols, candidates]` for all symbols.
    pub fn all_log_probs(&self, seen: Tensor<3>) -> Tensor<3> {
        log_softmax(self.all_scores(seen), 2).swap_dims(0, 1)
    }

    /// `[symbols, batch, candidates]`.
    fn all_scores(&self, seen: Tensor<3>) -> Tensor<3> {
        let [batch, candidates, size] = seen.dims();
        let columns = seen.reshape([batch * candidates, size]).transpose();
        let scores = self.symbols.val().matmul(columns);
        let [symbols, _] = scores.dims();
        scores.reshape([symbols, batch, candidates])
    }
}

/// The Fenchel–Young loss of softmax: one pass over the scores, and one for their gradient.
fn cross_entropy(scores: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    entmax_loss(scores, targets, 1.0)
}

/// The two agents.
#[derive(Module, Debug)]
pub struct SignalGame {
    /// What both look through; `None` where features go to the agents as they are.
    pub vision: Option<Vision>,
    /// Who sees the target.
    pub sender: Sender,
    /// Who picks.
    pub receiver: Receiver,
    #[module(skip)]
    temperature: f64,
}

impl SignalGame {
    /// The sender's scores `[batch, symbols]`, and the receiver's embeddings of the candidates as in
    /// [`see`](Self::see). Where both look through the same eyes, the target is looked at once, as one
    /// of the candidates.
    pub fn open(&self, games: &GameBatch) -> (Tensor<2>, Tensor<3>) {
        let seen = self.see(games.candidates.clone());
        let scores = match &self.sender {
            Sender::Linear(layer) => {
                let [batch, count, size] = seen.dims();
                let all = (batch * count) as i64;
                let first = Tensor::arange_step(0..all, count, &seen.device());
                let targets = (seen.clone().reshape([batch * count, size]))
                    .select(0, first + games.places.clone());
                layer.forward(targets).div_scalar(self.temperature)
            }
            Sender::Filters(_) => self.send(games.targets.clone()),
        };
        (scores, seen)
    }

    /// The sender's scores `[batch, symbols]` for targets `[batch, features]`.
    pub fn send(&self, targets: Tensor<2>) -> Tensor<2> {
        let logits = match &self.sender {
            Sender::Linear(layer) => layer.forward(self.look(targets)),
            Sender::Filters(sender) => sender.forward(targets),
        };
        logits.div_scalar(self.temperature)
    }

    /// The receiver's embeddings `[batch, candidates, size]` of candidates
    /// `[batch, candidates, features]`. This is most of the work of a game, and does not depend on the
    /// symbol.
    pub fn see(&self, candidates: Tensor<3>) -> Tensor<3> {
        let [batch, count, features] = candidates.dims();
        let mut seen = self.look(candidates.reshape([batch * count, features]));
        if let Some(layer) = &self.receiver.candidates {
            seen = see(layer, seen);
        }
        let [_, size] = seen.dims();
        seen.reshape([batch, count, size])
    }

    fn look(&self, features: Tensor<2>) -> Tensor<2> {
        match &self.vision {
            Some(vision) => vision.look(features),
            None => features,
        }
    }
}

impl SignalGameConfig {
    /// Agents with fresh weights, random by the device's seed. `standard` is that of the features
    /// that they will see.
    pub fn init(&self, standard: &Standard, device: &Device) -> SignalGame {
        let (features, size, symbols) = (self.features, self.embedding, self.symbols);
        let plain = |inputs, outputs| {
            LinearConfig::new(inputs, outputs)
                .with_bias(false)
                .init(device)
        };
        let normal = |std| Initializer::Normal { mean: 0.0, std }.init([symbols, size], device);
        match self.agents {
            Agents::Best => {
                SignalGame {
                    vision: Some(Vision {
                        standardization: Standardization::new(standard, device),
                        network: Mlp::new(&[features, self.hidden, size], device),
                    }),
                    sender: Sender::Linear(LinearConfig::new(size, symbols).init(device)),
                    receiver: Receiver {
                        candidates: None,
                        // scores of embeddings of size 1 begin at about 1
                        symbols: normal(1.0 / (size as f64).sqrt()),
                    },
                    temperature: self.temperature,
                }
            }
            Agents::Paper => SignalGame {
                vision: None,
                sender: Sender::Filters(FilterSender {
                    embedding: plain(features, size),
                    first: plain(1, self.hidden),
                    second: plain(self.hidden, 1),
                    logits: plain(size, symbols),
                }),
                receiver: Receiver {
                    candidates: Some(plain(features, size)),
                    symbols: normal(1.0),
                },
                temperature: self.temperature,
            },
        }
    }
}
