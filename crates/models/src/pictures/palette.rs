use plotters::prelude::{Color, RGBColor, ShapeStyle};

/// Colours that people with any kind of colour vision tell apart (Okabe & Ito 2008), without the
/// yellow, which is pale on white.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
];

/// How one of many methods is drawn, by its place among all of them: the first seven by colours, solid;
/// the next by the same colours, dashed or hollow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    pub colour: RGBColor,
    pub solid: bool,
}

impl Pen {
    pub fn of(place: usize) -> Self {
        Self {
            colour: COLOURS[place % COLOURS.len()],
            solid: (place / COLOURS.len()).is_multiple_of(2),
        }
    }

    pub fn line(self) -> ShapeStyle {
        self.colour.stroke_width(2)
    }
}
