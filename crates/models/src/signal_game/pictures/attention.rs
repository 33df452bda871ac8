use burn::tensor::{Device, Tensor};
use image::ImageError;
use svg::Document;

use super::{ChosenGames, descending};
use crate::{
    data::ConceptSet,
    estimators::CategoricalEstimator,
    pictures::{entropy, figure},
    signal_game::SignalGameLearner,
    training::{BatchSource, Draw},
};

/// Games among which one is chosen, and symbols that are shown of it.
const GAMES: usize = 100;
const SYMBOLS: usize = 6;
const SIDE: usize = 44;
const GAP: usize = 8;
const TOP: usize = 52;
const LEFT: usize = 170;
const WIDTH: usize = 400;

/// The game whose sender is the least certain: its candidates, and below them, for each symbol that
/// the sender may send, the probability that the receiver picks each.
pub(super) fn draw(
    learner: &SignalGameLearner,
    games: &ChosenGames,
    device: &Device,
) -> Result<Document, ImageError> {
    let draw = Draw {
        seed: games.seed(),
        epoch: 0,
        step: 1,
    };
    let count = GAMES.min(games.items());
    let batch = (games.epoch(draw).make)(0..count, draw, device);
    let outlook = learner.agents.outlook(batch, learner.estimator.mapping());
    let [_, symbols, candidates] = outlook.log_probs.dims();
    let probs = numbers(outlook.probs);
    let of = |game: usize| &probs[game * symbols..(game + 1) * symbols];
    let least_certain = (0..count).max_by(|&a, &b| entropy(of(a)).total_cmp(&entropy(of(b))));
    let chosen = least_certain.unwrap_or(0);
    let picks = numbers(outlook.log_probs.narrow(0, chosen, 1).exp());
    let probs = of(chosen);
    let mut shown = descending(probs);
    shown.retain(|&symbol| probs[symbol] > 0.0);
    let supported = shown.len();
    shown.truncate(SYMBOLS);

    let (set, game) = (&games.data().set, &games.games()[chosen]);
    let step = SIDE + GAP;
    let line = SIDE + 24;
    let width = LEFT + candidates * step + GAP;
    let mut page = figure::page(width.max(WIDTH), TOP + (shown.len() + 1) * line + GAP);
    let title = "The receiver's probabilities of the candidates, by symbol";
    let counts = match supported {
        n if n > shown.len() => format!("{} of {n} symbols that may be sent", shown.len()),
        1 => "the one symbol that may be sent".to_string(),
        n => format!("the {n} symbols that may be sent"),
    };
    page = page
        .add(figure::text(title, 10, 16))
        .add(figure::text(counts, 10, 32))
        .add(figure::text("candidates", 10, TOP + SIDE / 2))
        .add(figure::text(
            "(framed: the target)",
            10,
            TOP + SIDE / 2 + 14,
        ));
    for (column, &candidate) in game.candidates.iter().enumerate() {
        let place = (LEFT + column * step, TOP);
        page = example(page, set, candidate, place)?;
        if column == game.place {
            page = page.add(figure::frame(place, (SIDE, SIDE)));
        }
    }
    for (row, &symbol) in shown.iter().enumerate() {
        let floor = TOP + (row + 2) * line - 24;
        let label = format!("symbol {symbol}, sent with {:.2}", probs[symbol]);
        page = page.add(figure::text(label, 10, floor));
        for column in 0..candidates {
            let (x, pick) = (LEFT + column * step, picks[symbol * candidates + column]);
            page = page
                .add(figure::bar(x + 6, floor, SIDE - 12, pick * SIDE as f32))
                .add(figure::text(format!("{pick:.2}"), x + 10, floor + 13));
        }
    }
    Ok(page)
}

/// The image of an example, or its concept where there is none.
fn example(
    page: Document,
    set: &ConceptSet,
    example: usize,
    (x, y): (usize, usize),
) -> Result<Document, ImageError> {
    Ok(match set.image_size() {
        Some(size) => page.add(figure::embedded(
            set.features(example),
            size,
            (x, y),
            (SIDE, SIDE),
        )?),
        None => {
            let name = set.name(set.concept(example)).to_string();
            page.add(figure::text(name, x + 4, y + SIDE / 2))
        }
    })
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
