//! What the agents' language shows: which symbols stand for which concepts, what shares a symbol, and
//! how the receiver's picks depend on the symbol.

mod attention;
mod shared;
mod usage;

use std::collections::BTreeSet;

use burn::tensor::Device;
use svg::Document;

use super::{ChosenGames, SignalGameLearner, games::seen};
use crate::{
    data::ConceptSet,
    estimators::CategoricalEstimator,
    training::{RunError, RunFolder, write_whole},
};

/// Examples whose symbols are computed together.
const TOGETHER: usize = 256;

/// Writes, about the examples of `games`, `usage.svg` (how often each symbol is sent for each concept)
/// and `attention.svg` (the receiver's probabilities in the game whose sender is the least certain);
/// where they are images, also `symbols.svg` (examples for which the same symbol is sent).
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw_pictures(
    folder: &RunFolder,
    learner: &SignalGameLearner,
    games: &ChosenGames,
    device: &Device,
) -> Result<(), RunError> {
    let language = Language::of(learner, games, device);
    let attention = attention::draw(learner, games, device);
    let mut figures = vec![
        ("usage.svg", usage::draw(&language)),
        ("attention.svg", attention),
    ];
    if let Some(size) = language.set.image_size() {
        figures.push(("symbols.svg", shared::draw(&language, size)));
    }
    for (name, figure) in figures {
        let path = folder.file(name);
        let figure: Document =
            figure.map_err(|error| RunError::write(&path)(std::io::Error::other(error)))?;
        write_whole(&path, figure.to_string().as_bytes()).map_err(RunError::write(&path))?;
    }
    Ok(())
}

/// What the sender says about each example.
struct Language<'a> {
    set: &'a ConceptSet,
    examples: Vec<usize>,
    symbols: usize,
    /// `[examples, symbols]`.
    probs: Vec<f32>,
}

impl<'a> Language<'a> {
    fn of(learner: &SignalGameLearner, games: &'a ChosenGames, device: &Device) -> Self {
        let set = &games.data().set;
        let targets = games.games().iter().map(|game| game.candidates[game.place]);
        let examples: Vec<usize> = targets.collect::<BTreeSet<_>>().into_iter().collect();
        let mut probs = Vec::new();
        for examples in examples.chunks(TOGETHER) {
            let scores = learner.agents.send(seen(set, examples, device));
            let sent = learner.estimator.mapping().probs(scores);
            probs.extend(sent.into_data().iter::<f32>());
        }
        Self {
            set,
            symbols: probs.len() / examples.len(),
            examples,
            probs,
        }
    }

    /// Each example with the probabilities of all symbols.
    fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let probs = self.probs.chunks_exact(self.symbols);
        self.examples.iter().copied().zip(probs)
    }
}

/// Places of values, the largest first; the first of equal ones first.
fn descending(values: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order
}
