//! Which games are played: what is in one follows from seed, epoch and step.

use std::{ops::Range, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData};
use pulp::{Arch, NullaryFnOnce};
use rand::{Rng, RngExt, seq::index};

use super::GameBatch;
use crate::{
    data::{ConceptData, ConceptSet},
    networks::Standard,
    training::{BatchSource, Draw, EpochBatches, Stream},
};

/// A game: candidates of distinct concepts, in the receiver's order, and the place of the one that the
/// sender sees.
///
/// Both agents see the same example of the target's concept, as in the paper; in a training game about
/// images all of them are [shifted](GamePlan::shift), and both agents see the target at the same
/// place. So they learn to agree on what they see, and not on where it was in the training examples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Game {
    /// The examples.
    pub candidates: Vec<usize>,
    /// The place of the target among them.
    pub place: usize,
}

/// How games are drawn.
#[derive(Debug, Clone)]
pub struct GamePlan {
    /// The run's seed.
    pub seed: u64,
    /// Games in a batch.
    pub batch_size: usize,
    /// Batches in a training epoch.
    pub batches: usize,
    /// Candidates in a game.
    pub candidates: usize,
    /// In training, how far an image is moved at most, in pixels, up or down and left or right.
    pub shift: usize,
}

impl GamePlan {
    /// A game about `target`, which is any of `examples`; of other concepts, and of their examples,
    /// each is as likely as any other.
    fn game(
        &self,
        set: &ConceptSet,
        examples: &[Vec<usize>],
        target: usize,
        rng: &mut impl Rng,
    ) -> Game {
        let concept = set.concept(target);
        let others = index::sample(rng, examples.len() - 1, self.candidates - 1);
        let mut candidates: Vec<usize> = others
            .into_iter()
            .map(|other| any(&examples[other + usize::from(other >= concept)], rng))
            .collect();
        let place = rng.random_range(0..self.candidates);
        candidates.insert(place, target);
        Game { candidates, place }
    }

    /// Games about the given examples as batches see them: rows of norm 1.
    fn batch(
        &self,
        set: &ConceptSet,
        games: &[Game],
        draw: Draw,
        mut see: impl FnMut(&[f32], &mut Vec<f32>),
        device: &Device,
    ) -> GameBatch {
        let (count, width) = (games.len(), set.width());
        let mut targets = Vec::with_capacity(count * width);
        let mut candidates = Vec::with_capacity(count * self.candidates * width);
        for game in games {
            let start = candidates.len() + game.place * width;
            for &candidate in &game.candidates {
                see(set.features(candidate), &mut candidates);
            }
            targets.extend_from_slice(&candidates[start..start + width]);
        }
        let places: Vec<i64> = games.iter().map(|game| game.place as i64).collect();
        let shape = [count, self.candidates, width];
        GameBatch {
            targets: Tensor::from_data(TensorData::new(targets, [count, width]), device),
            candidates: Tensor::from_data(TensorData::new(candidates, shape), device),
            places: Tensor::from_data(TensorData::new(places, [count]), device),
            draw,
        }
    }
}

/// One of some examples.
fn any(examples: &[usize], rng: &mut impl Rng) -> usize {
    examples[rng.random_range(0..examples.len())]
}

/// Games about training examples, other ones in each epoch: the target's concept is as likely to be
/// any of them.
#[derive(Debug, Clone)]
pub struct TrainingGames {
    /// The concepts.
    pub data: Arc<ConceptData>,
    /// How games are drawn.
    pub plan: GamePlan,
}

impl BatchSource for TrainingGames {
    type Batch = GameBatch;
    const UNIT: &'static str = "games";

    fn seed(&self) -> u64 {
        self.plan.seed
    }

    fn items(&self) -> usize {
        self.plan.batches * self.plan.batch_size
    }

    fn epoch(&self, _draw: Draw) -> EpochBatches<GameBatch> {
        let Self { data, plan } = self.clone();
        EpochBatches {
            items: self.items(),
            batch_size: plan.batch_size,
            make: Box::new(move |items, draw, device| {
                let ConceptData { set, train, .. } = &*data;
                let mut rng = draw.generator(Stream::Data);
                let games: Vec<Game> = items
                    .map(|_| {
                        let concept = rng.random_range(0..train.len());
                        let target = any(&train[concept], &mut rng);
                        plan.game(set, train, target, &mut rng)
                    })
                    .collect();
                let see = |features: &[f32], seen: &mut Vec<f32>| match set.image_size() {
                    Some(size) if plan.shift > 0 => {
                        let moved = shifted(features, size, plan.shift, &mut rng);
                        // all of the ink can leave the image
                        let usable = moved.iter().any(|&x| x != 0.0);
                        push_normalized(if usable { &moved } else { features }, seen);
                    }
                    _ => push_normalized(features, seen),
                };
                plan.batch(set, &games, draw, see, device)
            }),
        }
    }

    fn slice(&self, items: Range<usize>) -> Self {
        let mut part = self.clone();
        part.plan.batches = items.len().div_ceil(self.plan.batch_size);
        part
    }
}

/// A list of games: to validate, to test, to look at.
#[derive(Debug, Clone)]
pub struct ChosenGames {
    data: Arc<ConceptData>,
    plan: GamePlan,
    games: Arc<[Game]>,
}

/// Games that are played together where no gradient is taken.
const TOGETHER: usize = 128;
/// Test games, at least.
const TEST_GAMES: usize = 4096;
/// Validation games, at least.
const VALIDATION_GAMES: usize = 1024;
/// Of the games below, so that all runs and methods play the same ones.
const GAMES_SEED: u64 = 2017;

impl ChosenGames {
    /// About the test examples: each is the target equally often, once at least, and in at least 4096
    /// games altogether. The games are the same for every run.
    pub fn test(data: Arc<ConceptData>, plan: &GamePlan) -> Self {
        let games = every(&data.set, &data.test, plan, TEST_GAMES, 0);
        Self::new(data, plan, games)
    }

    /// About the validation examples, as [`test`](Self::test), and in at least 1024 games.
    pub fn validation(data: Arc<ConceptData>, plan: &GamePlan) -> Self {
        let games = every(&data.set, &data.validation, plan, VALIDATION_GAMES, 1);
        Self::new(data, plan, games)
    }

    fn new(data: Arc<ConceptData>, plan: &GamePlan, games: Vec<Game>) -> Self {
        Self {
            data,
            plan: plan.clone(),
            games: games.into(),
        }
    }

    /// The games.
    pub fn games(&self) -> &[Game] {
        &self.games
    }

    /// The number of candidates in a game.
    pub fn candidates(&self) -> usize {
        self.plan.candidates
    }

    /// Where the examples come from.
    pub fn data(&self) -> &ConceptData {
        &self.data
    }
}

/// Games that have every example as the target equally often, in `least` games or more.
fn every(
    set: &ConceptSet,
    examples: &[Vec<usize>],
    plan: &GamePlan,
    least: usize,
    step: usize,
) -> Vec<Game> {
    let draw = Draw {
        seed: GAMES_SEED,
        epoch: 0,
        step,
    };
    let mut rng = draw.generator(Stream::Data);
    let targets: Vec<usize> = examples.concat();
    (0..least.div_ceil(targets.len()))
        .flat_map(|_| &targets)
        .map(|&target| plan.game(set, examples, target, &mut rng))
        .collect()
}

impl BatchSource for ChosenGames {
    type Batch = GameBatch;
    const UNIT: &'static str = "games";

    fn seed(&self) -> u64 {
        self.plan.seed
    }

    fn items(&self) -> usize {
        self.games.len()
    }

    fn epoch(&self, _draw: Draw) -> EpochBatches<GameBatch> {
        let Self { data, plan, games } = self.clone();
        EpochBatches {
            items: games.len(),
            batch_size: TOGETHER,
            make: Box::new(move |items, draw, device| {
                plan.batch(&data.set, &games[items], draw, push_normalized, device)
            }),
        }
    }

    fn slice(&self, items: Range<usize>) -> Self {
        Self {
            games: self.games[items].into(),
            ..self.clone()
        }
    }
}

impl Standard {
    /// That of the training examples, as agents see them.
    pub fn of_examples(data: &ConceptData) -> Self {
        let examples = data.train.concat();
        Self::of(data.set.width(), examples.len(), |i, row| {
            push_normalized(data.set.features(examples[i]), row);
        })
    }
}

/// Examples as agents see them where nothing is shifted: rows `[n, features]` of norm 1.
pub(super) fn seen(set: &ConceptSet, examples: &[usize], device: &Device) -> Tensor<2> {
    let mut rows = Vec::with_capacity(examples.len() * set.width());
    for &example in examples {
        push_normalized(set.features(example), &mut rows);
    }
    Tensor::from_data(TensorData::new(rows, [examples.len(), set.width()]), device)
}

/// Adds a row divided by its norm, which is not 0.
fn push_normalized(row: &[f32], rows: &mut Vec<f32>) {
    let start = rows.len();
    rows.resize(start + row.len(), 0.0);
    Arch::new().dispatch(Normalize {
        row,
        to: &mut rows[start..],
    });
}

/// A row to divide by its norm, compiled for each instruction set.
struct Normalize<'a> {
    row: &'a [f32],
    to: &'a mut [f32],
}

impl NullaryFnOnce for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        // in f64: squares of f32 neither overflow nor vanish; in sums that are kept side by side
        let mut squares = [0.0; 16];
        let (parts, rest) = self.row.as_chunks::<16>();
        let add = |sums: &mut [f64; 16], part: &[f32]| {
            for (sum, &x) in sums.iter_mut().zip(part) {
                *sum += f64::from(x) * f64::from(x);
            }
        };
        parts.iter().for_each(|part| add(&mut squares, part));
        add(&mut squares, rest);
        let scale = squares.iter().sum::<f64>().sqrt().recip();
        for (to, &x) in self.to.iter_mut().zip(self.row) {
            *to = (f64::from(x) * scale) as f32;
        }
    }
}

/// An image moved by up to `most` pixels in each direction; what enters is empty.
fn shifted(
    image: &[f32],
    (height, width): (usize, usize),
    most: usize,
    rng: &mut impl Rng,
) -> Vec<f32> {
    let [down, right] = [(); 2].map(|()| rng.random_range(0..=2 * most));
    let mut moved = vec![0.0; image.len()];
    for to in 0..height {
        // the row that moves here, with `most` added to stay above 0
        let Some(from) = (to + most).checked_sub(down).filter(|&from| from < height) else {
            continue;
        };
        let start = right.saturating_sub(most).min(width);
        let skipped = most.saturating_sub(right).min(width);
        let kept = width - start.max(skipped);
        let (to, from) = (to * width + start, from * width + skipped);
        moved[to..to + kept].copy_from_slice(&image[from..from + kept]);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_moves_every_pixel_by_the_same_steps() {
        let size = (4, 5);
        let image: Vec<f32> = (1..=20).map(|x| x as f32).collect();
        let draw = Draw {
            seed: 0,
            epoch: 1,
            step: 1,
        };
        let mut rng = draw.generator(Stream::Data);
        let at = |image: &[f32], y: i64, x: i64| {
            let inside = (0..4).contains(&y) && (0..5).contains(&x);
            if inside {
                image[(y * 5 + x) as usize]
            } else {
                0.0
            }
        };
        let moves = || (-2..=2).flat_map(|down| (-2..=2).map(move |right| (down, right)));
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let moved = shifted(&image, size, 2, &mut rng);
            let is = |&(down, right): &(i64, i64)| {
                (0..4).all(|y| (0..5).all(|x| at(&moved, y, x) == at(&image, y - down, x - right)))
            };
            let found: Vec<_> = moves().filter(is).collect();
            assert_eq!(found.len(), 1, "{moved:?}");
            seen.extend(found);
        }
        // 25 moves, each missed by 500 draws with probability (24/25)^500 < 2e-9
        assert_eq!(seen.len(), 25);
        // further than the image is large
        shifted(&image, size, 9, &mut rng);
    }

    #[test]
    fn rows_have_norm_one_at_any_scale() {
        for scale in [1e-38, 1.0, 1e38] {
            let mut row = Vec::new();
            push_normalized(&[3.0 * scale, 0.0, -2.0 * scale, 2.0 * scale], &mut row);
            let want = [3.0, 0.0, -2.0, 2.0].map(|x: f64| x / 17f64.sqrt());
            for (x, want) in row.into_iter().zip(want) {
                assert!((f64::from(x) - want).abs() < 1e-6);
            }
        }
    }
}
