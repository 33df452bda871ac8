//! Pieces of vector pictures.

use base64::{Engine, engine::general_purpose::STANDARD};
use image::ImageError;
use svg::{
    Document,
    node::element::{Image, Rectangle, Text},
};

use super::encode_png;

/// A white page of `width × height` pixels.
pub fn page(width: usize, height: usize) -> Document {
    Document::new()
        .set("viewBox", (0, 0, width, height))
        .set("width", width)
        .set("height", height)
        .set("font-family", "sans-serif")
        .set("font-size", 11)
        .add(
            Rectangle::new()
                .set("width", width)
                .set("height", height)
                .set("fill", "white"),
        )
}

/// Text that begins at x and stands on y.
pub fn text(content: impl Into<String>, x: usize, y: usize) -> Text {
    Text::new(content).set("x", x).set("y", y)
}

/// A bar of `tall` pixels that stands on `floor`.
pub fn bar(x: usize, floor: usize, wide: usize, tall: f32) -> Rectangle {
    Rectangle::new()
        .set("x", x)
        .set("y", floor as f32 - tall)
        .set("width", wide)
        .set("height", tall)
        .set("fill", "#1f77b4")
}

/// An outline at `(x, y)` of `(width, height)`.
pub fn frame((x, y): (usize, usize), (width, height): (usize, usize)) -> Rectangle {
    Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", width)
        .set("height", height)
        .set("fill", "none")
        .set("stroke", "#d62728")
        .set("stroke-width", 2)
}

/// A grey image of intensities from 0 to 1, stretched to a place `(x, y)` and `(width, height)`; ink
/// is dark.
///
/// # Errors
///
/// If the encoder fails.
pub fn embedded(
    intensities: &[f32],
    size: (usize, usize),
    (x, y): (usize, usize),
    (width, height): (usize, usize),
) -> Result<Image, ImageError> {
    let png = STANDARD.encode(encode_png(intensities, size)?);
    Ok(Image::new()
        .set("x", x)
        .set("y", y)
        .set("width", width)
        .set("height", height)
        .set("preserveAspectRatio", "none")
        .set("style", "image-rendering: pixelated")
        .set("href", format!("data:image/png;base64,{png}")))
}
