//! The two pictures: softmax marginals beside the structures of SparseMAP.

use super::{
    Dense, Instance, Support,
    figure::{Anchor, Figure, PALE, Style, colour},
    panels::{Grid, ROW, WORDS, heat_map, table, table_height},
    text::{counted, grouped, probability},
};

/// Space around a picture, and between its panels.
const MARGIN: f64 = 28.0;
/// Where the columns start: options are named before them.
const LEFT: f64 = MARGIN + 100.0;
/// Space of a heading and the note below it.
const HEADING: f64 = 52.0;
/// Where the first panel starts, below the title.
const TOP: f64 = 66.0;

/// What a picture compares.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// The question.
    pub instance: &'a Instance,
    /// Softmax over all structures.
    pub dense: &'a Dense,
    /// SparseMAP.
    pub sparse: &'a Support,
    /// The highest-scoring structure.
    pub map: &'a [usize],
}

impl Comparison<'_> {
    fn softmax_heading(&self, figure: &mut Figure, at: (f64, f64), structure: &str) {
        let note = format!(
            "all {} are possible; the best {} hold 99 %",
            counted(self.dense.probs.len(), structure),
            grouped(self.dense.covering(0.99)),
        );
        heading(figure, at, "softmax: marginals", &note);
    }

    fn sparse_heading(&self, figure: &mut Figure, at: (f64, f64), structure: &str) {
        let count = counted(self.sparse.structures.len(), structure);
        let title = format!("SparseMAP: all on {count}");
        heading(
            figure,
            at,
            &title,
            "the thickness of a line is its probability",
        );
    }

    /// The structures that pass through a part, with their places and probabilities.
    fn through(&self, word: usize, option: usize) -> impl Iterator<Item = (usize, f64)> {
        let structures = self.sparse.structures.iter().enumerate();
        structures
            .filter(move |(_, (_, chosen))| chosen[word] == option)
            .map(|(index, (p, _))| (index, *p))
    }
}

fn heading(figure: &mut Figure, (x, y): (f64, f64), title: &str, note: &str) {
    figure.text((x, y + 16.0), title, Style::HEADING);
    figure.text((x, y + 37.0), note, Style::NOTE);
}

/// The offset of each line's middle from the middle of all, side by side.
fn side_by_side(thicknesses: &[f64]) -> Vec<f64> {
    let mut edge = -thicknesses.iter().sum::<f64>() / 2.0;
    let offsets = thicknesses.iter().map(|thickness| {
        edge += thickness;
        edge - thickness / 2.0
    });
    offsets.collect()
}

/// A chain as SVG: the marginals of softmax above SparseMAP's sequences, word by word.
pub fn chain_picture(comparison: &Comparison<'_>) -> String {
    const COLUMN: f64 = 86.0;
    /// The thickness of a line of probability 1.
    const THICKNESS: f64 = 32.0;
    let Comparison {
        instance,
        dense,
        sparse,
        map,
    } = *comparison;

    let grid = |top: f64, height: f64| Grid {
        corner: (LEFT, top),
        cell: (COLUMN, height),
    };
    let heat = grid(TOP + HEADING + WORDS, 36.0);
    let paths_top = heat.bottom(instance) + MARGIN;
    let paths = grid(paths_top + HEADING, 58.0);
    let rows = grid(paths.bottom(instance) + 14.0 + WORDS, ROW);
    let width = LEFT + COLUMN * instance.words.len() as f64 + MARGIN + 34.0;
    let height = rows.corner.1 - WORDS + table_height(sparse) + MARGIN * 0.75;

    let mut figure = Figure::new((width, height));
    let title = format!(
        "Tagging {} words: {} sequences",
        instance.words.len(),
        grouped(dense.probs.len())
    );
    figure.text((MARGIN, 40.0), &title, Style::TITLE);
    comparison.softmax_heading(&mut figure, (MARGIN, TOP), "sequence");
    heat_map(&mut figure, heat, instance, &dense.marginals);

    comparison.sparse_heading(&mut figure, (MARGIN, paths_top), "sequence");
    draw_paths(&mut figure, paths, comparison, THICKNESS);
    table(&mut figure, rows, instance, sparse, map);
    figure.into_svg()
}

/// A line for each sequence, side by side where they agree.
fn draw_paths(figure: &mut Figure, grid: Grid, comparison: &Comparison<'_>, thickness: f64) {
    let Comparison {
        instance, sparse, ..
    } = *comparison;
    let words = 0..instance.words.len();
    let mut courses = vec![Vec::new(); sparse.structures.len()];
    for (option, label) in instance.options.iter().enumerate() {
        let at = (grid.corner.0 - 12.0, grid.y(option) + 5.0);
        figure.text(at, label, Style::LABEL);
    }
    for word in words.clone() {
        for option in 0..instance.options.len() {
            figure.dot((grid.x(word), grid.y(option)));
            let through: Vec<(usize, f64)> = comparison.through(word, option).collect();
            let widths: Vec<f64> = through.iter().map(|(_, p)| thickness * p).collect();
            for ((index, _), offset) in through.iter().zip(side_by_side(&widths)) {
                courses[*index].push((grid.x(word), grid.y(option) + offset));
            }
        }
    }
    for (index, (course, (p, _))) in courses.iter().zip(&sparse.structures).enumerate() {
        figure.ribbon(course, 16.0, thickness * p, colour(index));
    }
    for word in words {
        for option in 0..instance.options.len() {
            let p: f64 = comparison.through(word, option).map(|(_, p)| p).sum();
            // those that all agree on need no number
            if p > 0.0 && p < 1.0 - 1e-6 {
                let at = (grid.x(word), grid.y(option) - thickness * p / 2.0 - 5.0);
                let style = Style {
                    size: 12.0,
                    ..Style::CELL
                };
                figure.text(at, &probability(p), style.filled(PALE));
            }
        }
    }
}

/// An alignment as SVG: the marginals of softmax beside SparseMAP's links.
pub fn alignment_picture(comparison: &Comparison<'_>) -> String {
    const CELL: (f64, f64) = (74.0, 40.0);
    const LINKS: f64 = 260.0;
    let Comparison {
        instance,
        dense,
        sparse,
        map,
    } = *comparison;

    let columns = CELL.0 * instance.words.len() as f64;
    let heat = Grid {
        corner: (LEFT, TOP + HEADING + WORDS),
        cell: CELL,
    };
    let from = LEFT + columns + 3.0 * MARGIN + 56.0;
    let rows = Grid {
        corner: (LEFT, heat.bottom(instance) + MARGIN + WORDS),
        cell: (CELL.0, ROW),
    };
    let width = from + LINKS + 76.0 + MARGIN;
    // beside the heat map and the table
    let top = heat.corner.1 - WORDS;
    let tall = rows.corner.1 - WORDS + table_height(sparse) - top;
    let sides = Sides {
        x: (from, from + LINKS),
        top,
        tall,
    };
    let height = rows.corner.1 - WORDS + table_height(sparse) + MARGIN * 0.75;

    let mut figure = Figure::new((width, height));
    let title = format!(
        "Aligning {} words with {}: {} matchings",
        instance.words.len(),
        instance.options.len(),
        grouped(dense.probs.len())
    );
    figure.text((MARGIN, 40.0), &title, Style::TITLE);
    comparison.softmax_heading(&mut figure, (MARGIN, TOP), "matching");
    heat_map(&mut figure, heat, instance, &dense.marginals);

    let at = (from - 56.0, TOP);
    comparison.sparse_heading(&mut figure, at, "matching");
    sides.draw(&mut figure, comparison);
    table(&mut figure, rows, instance, sparse, map);
    figure.into_svg()
}

/// Two columns of words, with links between them.
struct Sides {
    x: (f64, f64),
    top: f64,
    tall: f64,
}

impl Sides {
    /// The thickness of a link of probability 1.
    const THICKNESS: f64 = 36.0;

    /// The middle of a word among `count` of a side.
    fn y(&self, index: usize, count: usize) -> f64 {
        self.top + self.tall * (index as f64 + 0.5) / count as f64
    }

    fn draw(&self, figure: &mut Figure, comparison: &Comparison<'_>) {
        let instance = comparison.instance;
        let (words, options) = (instance.words.len(), instance.options.len());
        for (word, label) in instance.words.iter().enumerate() {
            let at = (self.x.0 - 12.0, self.y(word, words) + 5.0);
            figure.text(at, label, Style::WORD.anchored(Anchor::End));
        }
        for (option, label) in instance.options.iter().enumerate() {
            let at = (self.x.1 + 12.0, self.y(option, options) + 5.0);
            figure.text(at, label, Style::LABEL.anchored(Anchor::Start));
            figure.dot((self.x.1, self.y(option, options)));
        }
        // at both ends, links lie in the order of the words that they come from or go to
        let all = |word: usize, option: usize| {
            let links = comparison.through(word, option);
            links.map(move |(index, p)| ((word, option, index), Self::THICKNESS * p))
        };
        let starts = (0..words).flat_map(|word| {
            let links: Vec<_> = (0..options).flat_map(|option| all(word, option)).collect();
            self.ends(self.y(word, words), links)
        });
        let ends = (0..options).flat_map(|option| {
            let links: Vec<_> = (0..words).flat_map(|word| all(word, option)).collect();
            self.ends(self.y(option, options), links)
        });
        let ends: std::collections::BTreeMap<_, _> = ends.collect();
        let starts: std::collections::BTreeMap<_, _> = starts.collect();
        // the most probable structure is drawn last, over the others
        for (index, (p, chosen)) in comparison.sparse.structures.iter().enumerate().rev() {
            for (word, &option) in chosen.iter().enumerate() {
                let link = (word, option, index);
                let course = [
                    (self.x.0 + 8.0, starts[&link]),
                    (self.x.1 - 8.0, ends[&link]),
                ];
                figure.ribbon(&course, 8.0, Self::THICKNESS * p, colour(index));
            }
        }
    }

    /// Where links end that meet in one word.
    fn ends(&self, y: f64, links: Vec<(Link, f64)>) -> impl Iterator<Item = (Link, f64)> {
        let widths: Vec<f64> = links.iter().map(|(_, width)| *width).collect();
        let offsets = side_by_side(&widths);
        let links = links.into_iter().map(|(link, _)| link);
        links
            .zip(offsets)
            .map(move |(link, offset)| (link, y + offset))
    }
}

/// A word, its option, and the structure that has both.
type Link = (usize, usize, usize);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structures::alignment;

    #[test]
    fn lines_lie_side_by_side_around_the_middle() {
        assert_eq!(side_by_side(&[2.0, 6.0]), [-3.0, 1.0]);
        assert_eq!(side_by_side(&[4.0]), [0.0]);
        assert!(side_by_side(&[]).is_empty());
    }

    #[test]
    fn a_large_support_is_drawn_and_its_table_cut_short() {
        let instance = alignment();
        let structures: Vec<(f64, Vec<usize>)> = (0..12)
            .map(|first| (1.0 / 12.0, vec![first % 6, 1, 2, 3, 4]))
            .collect();
        let sparse = Support {
            structures,
            marginals: vec![0.0; 30],
        };
        let dense = Dense::matchings(&instance);
        let comparison = Comparison {
            instance: &instance,
            dense: &dense,
            sparse: &sparse,
            map: &[0, 1, 2, 3, 4],
        };
        for picture in [chain_picture(&comparison), alignment_picture(&comparison)] {
            assert!(picture.contains("SparseMAP: all on 12"));
            assert!(picture.contains("and 6 more"));
            assert_eq!(picture.matches("MAP\n</text>").count(), 1);
            assert!(!picture.contains("NaN"));
        }
    }
}
