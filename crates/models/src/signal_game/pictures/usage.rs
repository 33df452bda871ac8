use image::ImageError;
use svg::Document;

use super::{Language, descending};
use crate::pictures::figure;

/// The sides of the matrix, about, in pixels, and of its cells.
const SIDE: usize = 720;
const CELL: std::ops::RangeInclusive<usize> = 3..=28;
/// Cells from which on they have labels.
const LABELLED: usize = 14;
const TOP: usize = 44;
const LEFT: usize = 56;

/// How often each symbol is sent for each concept. Symbols stand in the order of the concept that they
/// are sent for most, so that a language with a symbol for each concept is a diagonal.
pub(super) fn draw(language: &Language) -> Result<Document, ImageError> {
    let concepts = language.set.concepts();
    let usage = usage(language);
    let of = |symbol: usize| &usage[symbol * concepts..(symbol + 1) * concepts];
    // one example for which it is as likely as not
    let least = 0.5 * concepts as f32 / language.examples.len() as f32;
    let mut used: Vec<usize> = (0..language.symbols)
        .filter(|&symbol| of(symbol).iter().sum::<f32>() >= least)
        .collect();
    let main = |symbol: usize| descending(of(symbol))[0];
    used.sort_by_cached_key(|&symbol| {
        let concept = main(symbol);
        // positive floats are ordered as their bits are
        (concept, std::cmp::Reverse(of(symbol)[concept].to_bits()))
    });

    let cell = (SIDE / concepts.max(used.len())).clamp(*CELL.start(), *CELL.end());
    let (width, height) = (concepts * cell, used.len() * cell);
    let mut page = figure::page((LEFT + width + 14).max(520), TOP + height + 14);
    let title = format!(
        "How often each symbol (row) is sent for each concept (column); {} of {} symbols are used",
        used.len(),
        language.symbols
    );
    page = page.add(figure::text(title, 10, 16));
    let rows: Vec<f32> = used
        .iter()
        .flat_map(|&symbol| of(symbol))
        .copied()
        .collect();
    if !rows.is_empty() {
        let matrix = figure::embedded(&rows, (used.len(), concepts), (LEFT, TOP), (width, height))?;
        page = page.add(matrix);
    }
    page = page.add(figure::frame((LEFT, TOP), (width, height)));
    if cell >= LABELLED {
        for concept in 0..concepts {
            let name = language.set.name(concept).to_string();
            let x = LEFT + concept * cell + cell / 4;
            page = page.add(figure::text(name, x, TOP - 6));
        }
        for (row, symbol) in used.iter().enumerate() {
            let y = TOP + row * cell + (cell + 8) / 2;
            page = page.add(figure::text(format!("{symbol}"), LEFT - 30, y));
        }
    }
    Ok(page)
}

/// The mean probabilities `[symbols, concepts]` over the examples of each concept.
fn usage(language: &Language) -> Vec<f32> {
    let concepts = language.set.concepts();
    let mut sums = vec![0.0; language.symbols * concepts];
    let mut counts = vec![0.0_f32; concepts];
    for (example, probs) in language.iter() {
        let concept = language.set.concept(example);
        counts[concept] += 1.0;
        for (symbol, prob) in probs.iter().enumerate() {
            sums[symbol * concepts + concept] += prob;
        }
    }
    for row in sums.chunks_exact_mut(concepts) {
        for (sum, count) in row.iter_mut().zip(&counts) {
            *sum /= count.max(1.0);
        }
    }
    sums
}
