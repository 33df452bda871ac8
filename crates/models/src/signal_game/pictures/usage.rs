use std::{cmp::Reverse, ops::RangeInclusive};

use image::ImageError;
use svg::Document;

use super::{Language, descending};
use crate::pictures::figure;

/// About the sides of the matrix, in pixels.
const SIDE: usize = 720;
/// Lines of text that fit into a cell label its row or column.
const LABELLED: usize = 12;
const TOP: usize = 60;
const LEFT: usize = 56;
const WIDTH: usize = 560;

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
        (concept, Reverse(of(symbol)[concept].to_bits()))
    });

    let (wide, tall) = (cell(concepts, 3..=48), cell(used.len(), 3..=20));
    let (width, height) = (concepts * wide, used.len() * tall);
    let rows: Vec<f32> = used
        .iter()
        .flat_map(|&symbol| of(symbol))
        .copied()
        .collect();
    let most = rows.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    // a pixel for each pixel of the page: some viewers blur an image that they enlarge
    let at = |place: usize| {
        let (row, column) = (place / width / tall, place % width / wide);
        rows[row * concepts + column] / most
    };
    let pixels: Vec<f32> = (0..width * height).map(at).collect();
    let title = "How often each symbol (row) is sent for each concept (column)";
    let counts = format!(
        "{} of {} symbols are used; black is {most:.2}",
        used.len(),
        language.symbols
    );
    let mut page = figure::page((LEFT + width + 14).max(WIDTH), TOP + height + 14)
        .add(figure::text(title, 10, 16))
        .add(figure::text(counts, 10, 32));
    if !used.is_empty() {
        let size = (height, width);
        let matrix = figure::embedded(&pixels, size, (LEFT, TOP), (width, height))?;
        page = page.add(matrix);
    }
    page = page.add(figure::frame((LEFT, TOP), (width, height)));
    if wide >= LABELLED {
        for concept in 0..concepts {
            let name = language.set.name(concept).to_string();
            let x = LEFT + concept * wide + wide / 2 - 4;
            page = page.add(figure::text(name, x, TOP - 6));
        }
    }
    if tall >= LABELLED {
        for (row, symbol) in used.iter().enumerate() {
            let y = TOP + row * tall + (tall + 8) / 2;
            page = page.add(figure::text(symbol.to_string(), LEFT - 30, y));
        }
    }
    Ok(page)
}

/// The side of a cell of `count` side by side.
fn cell(count: usize, range: RangeInclusive<usize>) -> usize {
    (SIDE / count.max(1)).clamp(*range.start(), *range.end())
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
