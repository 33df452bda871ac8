//! The signal game: its loss by definition, packed against enumerated, the games, and that agents
//! learn to understand each other.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, sync::Arc};

use burn::{
    data::dataloader::DataLoader,
    nn::Linear,
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Distribution, Int, Tensor, TensorData, activation::log_softmax},
};
use sparse_models::{
    data::ConceptData,
    estimators::{Codes, Mapping, Marginalize, Outcomes},
    networks::Standard,
    signal_game::{
        Agents, ChosenGames, GameBatch, GamePlan, Sender, SignalGame, SignalGameConfig,
        TrainingGames,
    },
    training::{Draw, EpochLoader},
};

const DRAW: Draw = Draw {
    seed: 0,
    epoch: 1,
    step: 1,
};
const FEATURES: usize = 5;
const SYMBOLS: usize = 40;
const SIZE: usize = 6;
const GAMES: usize = 7;
const CANDIDATES: usize = 4;
/// What the small senders' logits are divided by, so that sparsemax supports few symbols.
const SHARP: f64 = 0.02;
/// Sums of a few dozen f32 terms of size 1.
const ROUNDING: f64 = 2e-5;

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance)
}

fn integers(values: &[i64], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

fn standard() -> Standard {
    Standard {
        mean: vec![0.5, -0.5, 0.0, 1.0, 0.25],
        scale: 2.0,
    }
}

/// Small agents, and seven games.
fn small(agents: Agents, temperature: f64, device: &Device) -> (SignalGame, GameBatch) {
    device.seed(5);
    let game = SignalGameConfig::new(agents, FEATURES)
        .with_symbols(SYMBOLS)
        .with_embedding(SIZE)
        .with_hidden(3)
        .with_temperature(temperature)
        .init(&standard(), device);
    let normal = Distribution::Normal(0.0, 1.0);
    let candidates = Tensor::<3>::random([GAMES, CANDIDATES, FEATURES], normal, device);
    let places = [0, 1, 2, 3, 3, 0, 2];
    let targets = (0..).zip(places).map(|(game, place)| {
        let candidates = candidates.clone().narrow(0, game, 1);
        candidates.narrow(1, place, 1).reshape([1, FEATURES])
    });
    let batch = GameBatch {
        targets: Tensor::cat(targets.collect(), 0),
        places: integers(&places.map(|place| place as i64), device),
        candidates,
        draw: DRAW,
    };
    (game, batch)
}

/// The receiver by its definition, in f64: which log-probability it gives to each candidate of a game
/// when it hears an embedded message.
struct ByDefinition {
    /// `[games · candidates, size]`.
    embedded: Vec<f64>,
}

/// `x W + b`, row by row.
fn linear(rows: &[f64], layer: &Linear) -> Vec<f64> {
    let [inputs, outputs] = layer.weight.dims();
    let weight = values(layer.weight.val());
    let bias = layer.bias.as_ref().map(|bias| values(bias.val()));
    rows.chunks_exact(inputs)
        .flat_map(|row| {
            let output = |o: usize| -> f64 {
                let parts = (0..inputs).map(|i| row[i] * weight[i * outputs + o]);
                parts.sum::<f64>() + bias.as_ref().map_or(0.0, |bias| bias[o])
            };
            (0..outputs).map(output).collect::<Vec<_>>()
        })
        .collect()
}

/// What both agents see: of the best agents, standardized features through a hidden layer.
fn look(game: &SignalGame, rows: Vec<f64>) -> Vec<f64> {
    let Some(vision) = &game.vision else {
        return rows;
    };
    let standard = standard();
    let standardized: Vec<f64> = rows
        .iter()
        .zip(standard.mean.iter().cycle())
        .map(|(x, &mean)| (x - f64::from(mean)) / f64::from(standard.scale))
        .collect();
    let hidden = linear(&standardized, &vision.network.layers[0]);
    let active: Vec<f64> = hidden.into_iter().map(|x| x.max(0.0)).collect();
    linear(&active, &vision.network.layers[1])
}

impl ByDefinition {
    fn of(game: &SignalGame, batch: &GameBatch) -> Self {
        let seen = look(game, values(batch.candidates.clone()));
        Self {
            embedded: match &game.receiver.candidates {
                Some(layer) => linear(&seen, layer),
                None => seen,
            },
        }
    }

    fn log_probs(&self, game: usize, message: &[f64]) -> Vec<f64> {
        let score = |candidate: usize| -> f64 {
            let start = (game * CANDIDATES + candidate) * SIZE;
            let embedded = &self.embedded[start..start + SIZE];
            embedded.iter().zip(message).map(|(a, b)| a * b).sum()
        };
        let scores: Vec<f64> = (0..CANDIDATES).map(score).collect();
        let sum: f64 = scores.iter().map(|s| s.exp()).sum();
        scores.iter().map(|s| s - sum.ln()).collect()
    }

    /// `Σ_v q(v) · (−log p(target | v))` of each game.
    fn expected_loss(&self, probs: &[f64], symbols: &[f64], places: &[f64]) -> Vec<f64> {
        let of_game = |game: usize| -> f64 {
            (0..SYMBOLS)
                .map(|v| {
                    let message = &symbols[v * SIZE..(v + 1) * SIZE];
                    let log_probs = self.log_probs(game, message);
                    -probs[game * SYMBOLS + v] * log_probs[places[game] as usize]
                })
                .sum()
        };
        (0..GAMES).map(of_game).collect()
    }
}

/// Packed, sparse or dense, the loss is the sum over all symbols, each decoded apart; so is its
/// gradient in the symbols' embeddings, by central differences of that sum in f64.
#[test]
fn the_packed_loss_is_the_sum_over_all_symbols() {
    let device = Device::default().autodiff();
    for (agents, mapping) in [
        (Agents::Best, Mapping::Softmax),
        (Agents::Best, Mapping::Sparsemax),
        (Agents::Best, Mapping::Entmax15),
        (Agents::Paper, Mapping::Sparsemax),
    ] {
        let (game, batch) = small(agents, SHARP, &device);
        let places = values(batch.places.clone().float());
        let losses = game.losses(batch.clone(), &Marginalize::new(mapping));
        let probs = values(mapping.probs(game.send(batch.targets.clone())));
        let support = probs.iter().filter(|p| **p > 0.0).count();
        // dense is more than there are candidates, sparse is less: both orders of the product
        match mapping {
            Mapping::Softmax => assert!(support > GAMES * CANDIDATES),
            Mapping::Sparsemax => assert!(support <= GAMES * CANDIDATES),
            Mapping::Entmax15 => {}
        }
        assert_eq!(losses.estimate.decoder_calls, support);

        let oracle = ByDefinition::of(&game, &batch);
        let symbols = values(game.receiver.symbols.val());
        let loss = losses.estimate.expected_loss;
        let want = oracle.expected_loss(&probs, &symbols, &places);
        assert!(close(&values(loss.clone()), &want, ROUNDING));

        let grads = loss.sum().backward();
        let got = values(game.receiver.symbols.val().grad(&grads).unwrap());
        let step = 1e-5;
        for i in 0..symbols.len() {
            let at = |moved: f64| -> f64 {
                let mut symbols = symbols.clone();
                symbols[i] += moved;
                oracle.expected_loss(&probs, &symbols, &places).iter().sum()
            };
            let want = (at(step) - at(-step)) / (2.0 * step);
            // the differences themselves are good to 1e-9
            assert!((got[i] - want).abs() < ROUNDING, "{i}: {} {want}", got[i]);
        }

        // and what comes of each game, over all symbols
        let outlook = game.outlook(batch.clone(), mapping);
        let want = oracle.expected_loss(&probs, &symbols, &places);
        assert!(close(&values(outlook.loss.clone()), &want, ROUNDING));
        let best = |row: &[f64]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
        let (mut success, mut picks) = (vec![0.0; GAMES], Vec::new());
        for g in 0..GAMES {
            let probs = &probs[g * SYMBOLS..(g + 1) * SYMBOLS];
            let told = |v: usize| oracle.log_probs(g, &symbols[v * SIZE..(v + 1) * SIZE]);
            for (v, prob) in probs.iter().enumerate() {
                let hit = best(&told(v)) == Some(places[g] as usize);
                success[g] += prob * f64::from(u8::from(hit));
            }
            picks.extend(told(best(probs).unwrap()));
        }
        assert!(close(&values(outlook.success.clone()), &success, ROUNDING));
        assert!(close(&values(outlook.picks()), &picks, ROUNDING));
        assert!(close(&values(losses.picks), &picks, ROUNDING));
    }
}

/// Gradients of the packed loss in all weights, sender and receiver, are those of the enumerated one.
#[test]
fn packed_and_enumerated_gradients_agree() {
    let device = Device::default().autodiff();
    let (game, batch) = small(Agents::Best, SHARP, &device);
    let layers = &game.vision.as_ref().unwrap().network.layers;
    let Sender::Linear(sender) = &game.sender else {
        panic!("not the paper's");
    };
    for mapping in [Mapping::Softmax, Mapping::Sparsemax, Mapping::Entmax15] {
        let packed = game.losses(batch.clone(), &Marginalize::new(mapping));
        let packed = packed.estimate.expected_loss.sum().backward();
        let all = game.outlook(batch.clone(), mapping).loss.sum().backward();
        for weight in [
            layers[0].weight.val(),
            layers[1].weight.val(),
            sender.weight.val(),
            game.receiver.symbols.val(),
        ] {
            let gradients = [&packed, &all].map(|g| values(weight.grad(g).unwrap()));
            assert!(gradients[0].iter().any(|g| g.abs() > 1e-3));
            assert!(close(&gradients[0], &gradients[1], ROUNDING), "{mapping:?}");
        }
    }
}

/// Codes that mix symbols are heard as the mixture of their embeddings; entries may stand in any
/// order, and more or less of them than candidates.
#[test]
fn mixed_symbols_are_mixed_embeddings() {
    let device = Device::default();
    let (game, batch) = small(Agents::Best, 1.0, &device);
    let oracle = ByDefinition::of(&game, &batch);
    let symbols = values(game.receiver.symbols.val());
    let some = vec![3i64, 0, 6, 3, 5, 3];
    let many: Vec<i64> = (0..60).map(|i| (i * i) % GAMES as i64).collect();
    for rows in [some, many] {
        let codes = Tensor::<2>::random([rows.len(), SYMBOLS], Distribution::Default, &device);
        let codes = codes.clone() / codes.sum_dim(1);
        let outcomes = Outcomes {
            rows: integers(&rows, &device),
            codes: Codes::Values(codes.clone()),
        };
        let seen = game.see(batch.candidates.clone());
        let got = values(log_softmax(game.receiver.scores(seen, outcomes), 1));
        let codes = values(codes);
        let want: Vec<f64> = rows
            .iter()
            .enumerate()
            .flat_map(|(i, &row)| {
                let message: Vec<f64> = (0..SIZE)
                    .map(|e| {
                        let parts =
                            (0..SYMBOLS).map(|v| codes[i * SYMBOLS + v] * symbols[v * SIZE + e]);
                        parts.sum()
                    })
                    .collect();
                oracle.log_probs(row as usize, &message)
            })
            .collect();
        assert!(close(&got, &want, ROUNDING));
    }
}

/// A sender that is certain: one decoder call for each game.
#[test]
fn a_certain_symbol_is_decoded_alone() {
    let device = Device::default();
    let (game, batch) = small(Agents::Best, 1e-5, &device);
    let losses = game.losses(batch.clone(), &Marginalize::new(Mapping::Sparsemax));
    assert_eq!(losses.estimate.decoder_calls, GAMES);
    let (game, batch) = small(Agents::Best, 1.0, &device);
    let dense = game.losses(batch, &Marginalize::new(Mapping::Softmax));
    assert_eq!(dense.estimate.decoder_calls, GAMES * SYMBOLS);
}

/// The paper's sender as what it is said to be: convolutions over the embedding, one dimension after
/// the other.
#[test]
fn the_papers_sender_filters_each_dimension() {
    let device = Device::default();
    let (game, batch) = small(Agents::Paper, 10.0, &device);
    let Sender::Filters(sender) = &game.sender else {
        panic!("the paper's");
    };
    let layers = [
        &sender.embedding,
        &sender.first,
        &sender.second,
        &sender.logits,
    ];
    assert!(layers.iter().all(|layer| layer.bias.is_none()));
    let (first, second) = (
        values(sender.first.weight.val()),
        values(sender.second.weight.val()),
    );
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let filtered = |e: f64| {
        let filters = first.iter().zip(&second);
        sigmoid(filters.map(|(a, b)| b * sigmoid(a * e)).sum())
    };
    let embedded = linear(&values(batch.targets.clone()), &sender.embedding);
    let collapsed: Vec<f64> = embedded.into_iter().map(filtered).collect();
    let logits = linear(&collapsed, &sender.logits);
    let want: Vec<f64> = logits.into_iter().map(|logit| logit / 10.0).collect();
    assert!(close(&values(game.send(batch.targets)), &want, ROUNDING));
}

/// The best sender as what it is said to be.
#[test]
fn the_sender_reads_what_both_agents_see() {
    let device = Device::default();
    let (game, batch) = small(Agents::Best, 4.0, &device);
    let Sender::Linear(sender) = &game.sender else {
        panic!("not the paper's");
    };
    let logits = linear(&look(&game, values(batch.targets.clone())), sender);
    let want: Vec<f64> = logits.into_iter().map(|logit| logit / 4.0).collect();
    assert!(close(&values(game.send(batch.targets)), &want, ROUNDING));
}

/// A target that is looked at among the candidates is what the sender would see alone: scores,
/// embeddings, and gradients in the eyes that look at both.
#[test]
fn a_target_among_candidates_is_the_target() {
    let device = Device::default().autodiff();
    for agents in [Agents::Best, Agents::Paper] {
        let (game, batch) = small(agents, 4.0, &device);
        let apart = (
            game.send(batch.targets.clone()),
            game.see(batch.candidates.clone()),
        );
        let together = game.open(&batch);
        let eyes = game.vision.as_ref().map(|vision| &vision.network.layers[0]);
        let [apart, together] = [apart, together].map(|(scores, seen)| {
            let all = [values(scores.clone()), values(seen.clone())].concat();
            // of squares, so that the gradient depends on the values
            let squares = scores.powi_scalar(2).sum() + seen.powi_scalar(2).sum();
            let grads = squares.backward();
            let gradient = eyes.map(|layer| values(layer.weight.val().grad(&grads).unwrap()));
            (all, gradient.unwrap_or_default())
        });
        assert!(close(&together.0, &apart.0, ROUNDING));
        assert!(close(&together.1, &apart.1, ROUNDING));
        assert_eq!(together.1.is_empty(), agents == Agents::Paper);
    }
}

fn plan(shift: usize) -> GamePlan {
    GamePlan {
        seed: 1,
        batch_size: 64,
        batches: 5,
        candidates: 4,
        shift,
    }
}

fn batches(loader: &dyn DataLoader<GameBatch>) -> Vec<GameBatch> {
    loader.iter().map(Result::unwrap).collect()
}

/// The sender's example is the one at its place, of norm 1, also where images are shifted; the games
/// are the same with a shift and without. Epochs differ, and the same epoch is the same again.
#[test]
fn training_games_show_the_target_to_both() {
    let device = Device::default();
    let data = Arc::new(ConceptData::digits().unwrap());
    let loader = |shift, done| {
        let games = TrainingGames {
            data: data.clone(),
            plan: plan(shift),
        };
        EpochLoader::training(games, device.clone(), done)
    };
    let of = |batch: &GameBatch| {
        let places: Vec<usize> = batch
            .places
            .to_data()
            .iter::<i64>()
            .map(|p| p as usize)
            .collect();
        (
            values(batch.targets.clone()),
            values(batch.candidates.clone()),
            places,
        )
    };
    let mut places = [0; 4];
    let plain = of(&batches(&loader(0, 2))[3]);
    let moved = of(&batches(&loader(1, 2))[3]);
    assert_eq!(plain.2, moved.2);
    // one in nine is not moved
    let rows = plain.0.chunks(64).zip(moved.0.chunks(64));
    let unmoved = rows.filter(|(a, b)| a == b).count();
    assert!(unmoved < 25, "{unmoved} of 64");
    for shift in [0, 1] {
        let epoch = batches(&loader(shift, 2));
        assert_eq!(epoch.len(), 5);
        for batch in &epoch {
            let (targets, candidates, at) = of(batch);
            for (g, &place) in at.iter().enumerate() {
                places[place] += 1;
                let target = &targets[g * 64..(g + 1) * 64];
                let norm: f64 = target.iter().map(|x| x * x).sum();
                assert!((norm - 1.0).abs() < 1e-5);
                let start = (g * 4 + place) * 64;
                assert_eq!(target, &candidates[start..start + 64]);
            }
        }
        let again = batches(&loader(shift, 2));
        assert_eq!(of(&epoch[3]), of(&again[3]));
        assert_ne!(of(&epoch[3]), of(&batches(&loader(shift, 3))[3]));
    }
    // 640 places, each of four with probability 1/4: standard deviation 11
    assert!(
        places.iter().all(|&n| (105..215).contains(&n)),
        "{places:?}"
    );
}

/// Candidates are of distinct concepts, of the right part of the data; every test example is the
/// target equally often.
#[test]
fn chosen_games_are_about_every_held_out_example() {
    let data = Arc::new(ConceptData::digits().unwrap());
    let parts = [&data.train, &data.validation, &data.test].map(|part| part.concat());
    let all: BTreeSet<usize> = parts.concat().into_iter().collect();
    assert_eq!((all.len(), parts.concat().len()), (1797, 1797));
    let test = ChosenGames::test(data.clone(), &plan(1));
    let validation = ChosenGames::validation(data.clone(), &plan(1));
    for (games, examples) in [(test, &parts[2]), (validation, &parts[1])] {
        let allowed: BTreeSet<&usize> = examples.iter().collect();
        let mut counts = vec![0; data.set.len()];
        for game in games.games() {
            let concepts = game.candidates.iter().map(|&i| data.set.concept(i));
            assert_eq!(concepts.collect::<BTreeSet<_>>().len(), 4);
            assert!(game.candidates.iter().all(|i| allowed.contains(i)));
            counts[game.candidates[game.place]] += 1;
        }
        let times = games.games().len() / examples.len();
        assert!(times >= 1 && games.games().len() >= 1024);
        assert!(examples.iter().all(|&i| counts[i] == times));
    }
    let again = ChosenGames::test(data.clone(), &GamePlan { seed: 9, ..plan(0) });
    let test = ChosenGames::test(data, &plan(1));
    assert_eq!(test.games(), again.games());
}

/// A hundred and fifty steps on digits, four candidates: far above chance on digits that are new.
#[test]
fn learns_to_talk_about_digits() {
    let device = Device::default().autodiff();
    device.seed(1);
    let data = Arc::new(ConceptData::digits().unwrap());
    let mut game = SignalGameConfig::new(Agents::Best, 64)
        .with_symbols(32)
        .init(&Standard::of_examples(&data), &device);
    let mut optimizer = AdamConfig::new().init();
    let estimator = Marginalize::new(Mapping::Sparsemax);
    let plan = GamePlan {
        batches: 150,
        ..plan(0)
    };
    let games = TrainingGames {
        data: data.clone(),
        plan: plan.clone(),
    };
    for batch in batches(&EpochLoader::training(games, device.clone(), 0)) {
        let losses = game.losses(batch, &estimator);
        let loss = losses.estimate.expected_loss - losses.estimate.entropy.mul_scalar(0.1);
        let grads = GradientsParams::from_grads(loss.mean().backward(), &game);
        game = optimizer.step(3e-3, game, grads);
    }
    let (mut success, mut count) = (0.0, 0);
    for batch in batches(&EpochLoader::fixed(ChosenGames::test(data, &plan), device)) {
        let outlook = game.outlook(batch, Mapping::Sparsemax);
        let new = values(outlook.success);
        count += new.len();
        success += new.iter().sum::<f64>();
    }
    let success = success / count as f64;
    // chance is 0.25
    assert!(success > 0.7, "{success}");
}
