//! A vector picture under construction: text, cells, and lines of a thickness.

use svg::{
    Document, Node,
    node::element::{Circle, Path, Rectangle, Text, path::Data},
};

use super::text::probability;

/// Black on paper, and what stands back behind it.
pub const INK: &str = "#1a1a1a";
pub const PALE: &str = "#6b6b6b";

/// Colours that people with any kind of colour vision tell apart (Okabe & Ito 2008).
const DISTINCT: [&str; 6] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9",
];
/// The colour of all that come after these.
const REST: &str = "#a0a0a0";

/// The colour of a structure by its place in the support.
pub fn colour(index: usize) -> &'static str {
    DISTINCT.get(index).copied().unwrap_or(REST)
}

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Height in pixels.
    pub size: f64,
    pub bold: bool,
    pub fill: &'static str,
    /// Which end of the text is at the given place.
    pub anchor: Anchor,
}

#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Style {
    pub const TITLE: Self = Self::new(21.0, true, INK, Anchor::Start);
    pub const HEADING: Self = Self::new(16.0, true, INK, Anchor::Start);
    pub const NOTE: Self = Self::new(14.0, false, PALE, Anchor::Start);
    pub const WORD: Self = Self::new(15.0, true, INK, Anchor::Middle);
    pub const LABEL: Self = Self::new(14.0, false, INK, Anchor::End);
    pub const CELL: Self = Self::new(14.0, false, INK, Anchor::Middle);

    const fn new(size: f64, bold: bool, fill: &'static str, anchor: Anchor) -> Self {
        Self {
            size,
            bold,
            fill,
            anchor,
        }
    }

    pub const fn filled(self, fill: &'static str) -> Self {
        Self { fill, ..self }
    }

    pub const fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
}

/// A picture on white.
#[derive(Debug)]
pub struct Figure {
    document: Document,
}

impl Figure {
    pub fn new((width, height): (f64, f64)) -> Self {
        let paper = Rectangle::new()
            .set("width", width)
            .set("height", height)
            .set("fill", "white");
        let document = Document::new()
            .set("viewBox", (0.0, 0.0, width, height))
            .set("width", width)
            .set("height", height)
            .set("font-family", "Helvetica, Arial, 'DejaVu Sans', sans-serif");
        Self {
            document: document.add(paper),
        }
    }

    /// Text whose baseline is at `y`.
    pub fn text(&mut self, (x, y): (f64, f64), text: &str, style: Style) {
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let mut element = Text::new(text)
            .set("x", x)
            .set("y", y)
            .set("font-size", style.size)
            .set("text-anchor", anchor)
            .set("fill", style.fill);
        if style.bold {
            element = element.set("font-weight", "bold");
        }
        self.document.append(element);
    }

    /// A cell of a heat map by its upper left corner: darker where `p` is larger.
    pub fn cell(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), p: f64) {
        let cell = Rectangle::new()
            .set("x", x)
            .set("y", y)
            .set("width", width)
            .set("height", height)
            .set("fill", heat(p))
            .set("stroke", "white")
            .set("stroke-width", 2);
        self.document.append(cell);
        let fill = if p > 0.65 { "white" } else { INK };
        let at = (x + width / 2.0, y + height / 2.0 + 5.0);
        self.text(at, &probability(p), Style::CELL.filled(fill));
    }

    /// A place that nothing passes through.
    pub fn dot(&mut self, (x, y): (f64, f64)) {
        let dot = Circle::new().set("cx", x).set("cy", y).set("r", 3);
        self.document.append(dot.set("fill", "#d4d4d4"));
    }

    /// A sample of a colour by its left end, `y` its middle.
    pub fn swatch(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        let swatch = Rectangle::new()
            .set("x", x)
            .set("y", y - height / 2.0)
            .set("width", width)
            .set("height", height)
            .set("rx", (height / 2.0).min(2.0))
            .set("fill", fill);
        self.document.append(swatch);
    }

    /// A line through all points: level for `level` pixels on both sides of each, with bends
    /// between them.
    pub fn ribbon(&mut self, points: &[(f64, f64)], level: f64, thickness: f64, stroke: &str) {
        let mut data = Data::new();
        for (index, &(x, y)) in points.iter().enumerate() {
            data = match index.checked_sub(1).map(|before| points[before]) {
                None => data.move_to((x - level, y)),
                Some((from, before)) => {
                    let middle = (from + x) / 2.0;
                    data.cubic_curve_to((middle, before, middle, y, x - level, y))
                }
            };
            data = data.line_to((x + level, y));
        }
        let path = Path::new().set("d", data).set("fill", "none");
        // a white edge tells lines apart where they cross
        for (stroke, width) in [
            ("white", thickness + thickness.min(2.0)),
            (stroke, thickness),
        ] {
            let path = path.clone();
            self.document
                .append(path.set("stroke", stroke).set("stroke-width", width));
        }
    }

    /// The file's text.
    pub fn into_svg(self) -> String {
        self.document.to_string()
    }
}

/// From white over blue to dark blue: lightness alone tells the order.
fn heat(p: f64) -> String {
    const STOPS: [[f64; 3]; 3] = [
        [246.0, 249.0, 253.0],
        [107.0, 174.0, 214.0],
        [8.0, 48.0, 107.0],
    ];
    let along = 2.0 * p.clamp(0.0, 1.0);
    let (from, to) = if along < 1.0 {
        (STOPS[0], STOPS[1])
    } else {
        (STOPS[1], STOPS[2])
    };
    let share = if along < 1.0 { along } else { along - 1.0 };
    let channel = |c: usize| (from[c] + share * (to[c] - from[c])).round() as u8;
    format!("#{:02x}{:02x}{:02x}", channel(0), channel(1), channel(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_only_darkens() {
        let light = |p: f64| -> u32 {
            let text = heat(p);
            let channels = (0..3).map(|c| u32::from_str_radix(&text[1 + 2 * c..3 + 2 * c], 16));
            channels.map(Result::unwrap_or_default).sum()
        };
        let lights: Vec<u32> = (0..=20).map(|step| light(f64::from(step) / 20.0)).collect();
        assert!(lights.is_sorted_by(|a, b| a > b), "{lights:?}");
    }
}
