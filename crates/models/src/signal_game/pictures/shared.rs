use std::collections::{BTreeMap, BTreeSet};

use image::ImageError;
use svg::Document;

use super::{Language, descending};
use crate::pictures::figure;

const SYMBOLS: usize = 14;
const EXAMPLES: usize = 14;
const SIDE: usize = 48;
const GAP: usize = 6;
const TOP: usize = 30;
const LEFT: usize = 190;

/// For the symbols that are sent for most examples, a row of what they are sent for: one example of
/// each concept first.
pub(super) fn draw(language: &Language, size: (usize, usize)) -> Result<Document, ImageError> {
    let mut sent = vec![Vec::new(); language.symbols];
    for (example, probs) in language.iter() {
        sent[descending(probs)[0]].push(example);
    }
    let mut symbols: Vec<usize> = (0..language.symbols).collect();
    symbols.sort_by_key(|&symbol| std::cmp::Reverse(sent[symbol].len()));
    symbols.retain(|&symbol| !sent[symbol].is_empty());
    symbols.truncate(SYMBOLS);

    let step = SIDE + GAP;
    let height = TOP + symbols.len() * step + GAP;
    let mut page = figure::page(LEFT + EXAMPLES * step + GAP, height);
    let title = "New examples for which the same symbol is the most probable";
    page = page.add(figure::text(title, 10, 18));
    for (row, symbol) in symbols.into_iter().enumerate() {
        let examples = &sent[symbol];
        let of = |&example: &usize| language.set.concept(example);
        let concepts: BTreeSet<usize> = examples.iter().map(of).collect();
        let y = TOP + row * step;
        let counts = format!(
            "{} of {}",
            plural(examples.len(), "example"),
            plural(concepts.len(), "concept")
        );
        page = page
            .add(figure::text(
                format!("symbol {symbol}"),
                10,
                y + SIDE / 2 - 4,
            ))
            .add(figure::text(counts, 10, y + SIDE / 2 + 10));
        for (column, example) in by_turns(examples, of)
            .into_iter()
            .take(EXAMPLES)
            .enumerate()
        {
            let place = (LEFT + column * step, y);
            let image = language.set.features(example);
            page = page.add(figure::embedded(image, size, place, (SIDE, SIDE))?);
        }
    }
    Ok(page)
}

/// The first example of each concept, then the second ones, and so on.
fn by_turns(examples: &[usize], concept: impl Fn(&usize) -> usize) -> Vec<usize> {
    let mut seen = BTreeMap::new();
    let mut turns: Vec<(usize, usize)> = examples
        .iter()
        .map(|example| {
            let count = seen.entry(concept(example)).or_insert(0);
            *count += 1;
            (*count, *example)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, example)| example).collect()
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
