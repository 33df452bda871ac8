//! Grey images side by side, as PNG.

use std::{io::Cursor, path::Path};

use image::{GrayImage, ImageError, ImageFormat, Luma, imageops};

use crate::training::{RunError, write_whole};

/// Pixels between two images.
const GAP: u32 = 2;
/// Grey of what is between them.
const BACKGROUND: Luma<u8> = Luma([128]);
/// The side that an image is enlarged to, at least.
const SIDE: u32 = 48;

/// A grid of images of one size, row by row.
#[derive(Debug, Clone)]
pub struct Grid {
    height: usize,
    width: usize,
    rows: Vec<Vec<GrayImage>>,
}

impl Grid {
    /// An empty grid for images of `height × width` pixels.
    pub fn new((height, width): (usize, usize)) -> Self {
        Self {
            height,
            width,
            rows: Vec::new(),
        }
    }

    /// Adds a row of images, each of intensities from 0 to 1.
    pub fn row<'a>(&mut self, images: impl IntoIterator<Item = &'a [f32]>) {
        let size = (self.height, self.width);
        self.rows
            .push(images.into_iter().map(|image| grey(image, size)).collect());
    }

    /// Writes the grid.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        let png = self
            .draw()
            .and_then(|picture| png(&picture))
            .map_err(|error| RunError::write(path)(std::io::Error::other(error)))?;
        write_whole(path, &png).map_err(RunError::write(path))
    }

    fn draw(&self) -> Result<GrayImage, ImageError> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
        let scale = SIDE.div_ceil(self.height.max(self.width).max(1) as u32);
        let (height, width) = (self.height as u32 * scale, self.width as u32 * scale);
        let mut picture = GrayImage::from_pixel(
            columns * (width + GAP) + GAP,
            self.rows.len() as u32 * (height + GAP) + GAP,
            BACKGROUND,
        );
        for (i, row) in self.rows.iter().enumerate() {
            for (j, image) in row.iter().enumerate() {
                let enlarged =
                    imageops::resize(image, width, height, imageops::FilterType::Nearest);
                let x = GAP + j as u32 * (width + GAP);
                let y = GAP + i as u32 * (height + GAP);
                imageops::replace(&mut picture, &enlarged, x.into(), y.into());
            }
        }
        Ok(picture)
    }
}

/// One image of `height × width` intensities from 0 to 1, as the bytes of a PNG file.
///
/// # Errors
///
/// If the encoder fails.
pub fn encode_png(intensities: &[f32], size: (usize, usize)) -> Result<Vec<u8>, ImageError> {
    png(&grey(intensities, size))
}

/// Ink is dark on white, as on paper.
fn grey(intensities: &[f32], (height, width): (usize, usize)) -> GrayImage {
    let mut pixels = intensities.iter();
    GrayImage::from_fn(width as u32, height as u32, |_, _| {
        let ink = pixels.next().copied().unwrap_or(0.0).clamp(0.0, 1.0);
        Luma([255 - (ink * 255.0).round() as u8])
    })
}

fn png(picture: &GrayImage) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ink_is_dark_and_in_its_place() {
        let mut grid = Grid::new((2, 3));
        grid.row([&[0.0, 1.0, 0.0, 0.0, 0.0, 0.5][..], &[1.0; 6]]);
        let picture = grid.draw().unwrap();
        let scale = SIDE.div_ceil(3);
        let at = |x: u32, y: u32| picture.get_pixel(GAP + x * scale, GAP + y * scale).0[0];
        assert_eq!([at(0, 0), at(1, 0), at(2, 1)], [255, 0, 127]);
        let second = picture.get_pixel(2 * GAP + 3 * scale, GAP).0[0];
        assert_eq!(second, 0);
    }
}
