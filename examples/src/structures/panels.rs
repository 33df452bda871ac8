//! The panels that both pictures have: a heat map of marginals, and a table of structures.

use super::{
    Instance, Support,
    figure::{Anchor, Figure, PALE, Style, colour},
    text::probability,
};

/// Structures that are listed, at most.
const LISTED: usize = 6;
/// Height of a row of the table.
pub const ROW: f64 = 28.0;
/// Height of the words above a panel.
pub const WORDS: f64 = 24.0;

/// A grid of places: a column for each word, a row for each option.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    /// The upper left corner.
    pub corner: (f64, f64),
    /// Width and height of a place.
    pub cell: (f64, f64),
}

impl Grid {
    /// The middle of a column.
    pub fn x(&self, word: usize) -> f64 {
        self.corner.0 + self.cell.0 * (word as f64 + 0.5)
    }

    /// The middle of a row.
    pub fn y(&self, option: usize) -> f64 {
        self.corner.1 + self.cell.1 * (option as f64 + 0.5)
    }

    /// Below the last row.
    pub fn bottom(&self, instance: &Instance) -> f64 {
        self.corner.1 + self.cell.1 * instance.options.len() as f64
    }

    /// The words above the columns, and the options before the rows.
    pub fn draw_labels(&self, figure: &mut Figure, instance: &Instance) {
        self.draw_words(figure, instance);
        for (option, label) in instance.options.iter().enumerate() {
            let at = (self.corner.0 - 12.0, self.y(option) + 5.0);
            figure.text(at, label, Style::LABEL);
        }
    }

    fn draw_words(&self, figure: &mut Figure, instance: &Instance) {
        for (word, label) in instance.words.iter().enumerate() {
            figure.text((self.x(word), self.corner.1 - 9.0), label, Style::WORD);
        }
    }
}

/// Marginals `[words · options]` as a heat map.
pub fn heat_map(figure: &mut Figure, grid: Grid, instance: &Instance, marginals: &[f64]) {
    grid.draw_labels(figure, instance);
    for (part, p) in marginals.iter().enumerate() {
        let (word, option) = (part / instance.options.len(), part % instance.options.len());
        let corner = (
            grid.corner.0 + grid.cell.0 * word as f64,
            grid.corner.1 + grid.cell.1 * option as f64,
        );
        figure.cell(corner, grid.cell, *p);
    }
}

/// The height of the table of a support, with the words above it.
pub fn table_height(support: &Support) -> f64 {
    let count = support.structures.len();
    WORDS + ROW * (count.min(LISTED) + usize::from(count > LISTED)) as f64
}

/// The structures of a support: colour, probability, and the option of each word in the word's
/// column of a grid whose rows are [`ROW`] high.
///
/// Options are in bold where the structures differ.
pub fn table(
    figure: &mut Figure,
    grid: Grid,
    instance: &Instance,
    support: &Support,
    map: &[usize],
) {
    grid.draw_words(figure, instance);
    let structures = &support.structures;
    let differ = |word: usize| {
        let mut options = structures.iter().map(|(_, chosen)| chosen[word]);
        let first = options.next();
        options.any(|option| Some(option) != first)
    };
    for (row, (p, chosen)) in structures.iter().take(LISTED).enumerate() {
        let (left, y) = (grid.corner.0, grid.y(row));
        figure.swatch((left - 92.0, y), (34.0, 12.0), colour(row));
        let base = y + 5.0;
        figure.text((left - 12.0, base), &probability(*p), Style::LABEL);
        for (word, &option) in chosen.iter().enumerate() {
            let style = if differ(word) {
                Style {
                    bold: true,
                    ..Style::CELL
                }
            } else {
                Style::CELL.filled(PALE)
            };
            figure.text((grid.x(word), base), instance.options[option], style);
        }
        if chosen == map {
            let right = grid.corner.0 + grid.cell.0 * instance.words.len() as f64;
            figure.text((right + 8.0, base), "MAP", Style::NOTE);
        }
    }
    if structures.len() > LISTED {
        let at = (grid.x(0), grid.y(LISTED) + 5.0);
        let text = format!("and {} more", structures.len() - LISTED);
        figure.text(at, &text, Style::NOTE.anchored(Anchor::Middle));
    }
}
