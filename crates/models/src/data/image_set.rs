use std::path::Path;

use super::{DataError, read_images, read_labels};

/// Grey images of one size with their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSet {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    height: usize,
    width: usize,
    max_level: u8,
}

impl ImageSet {
    /// Images of `height × width` pixels, one after the other, of levels `0..=max_level`, and a
    /// label below 10 for each. `path` is where they come from, for the error.
    ///
    /// # Errors
    ///
    /// If an image has no pixels, the counts do not agree, or a level or a label is too large.
    pub fn new(
        path: &Path,
        pixels: Vec<u8>,
        (height, width): (usize, usize),
        max_level: u8,
        labels: Vec<u8>,
    ) -> Result<Self, DataError> {
        let size = height.checked_mul(width).filter(|&size| size > 0);
        let images = size.and_then(|size| {
            pixels
                .len()
                .is_multiple_of(size)
                .then(|| pixels.len() / size)
        });
        let Some(images) = images else {
            let found = format!("{} pixels", pixels.len());
            let expected =
                format!("images of {height} × {width} pixels, and at least one pixel each");
            return Err(DataError::invalid(path, found, expected));
        };
        if images != labels.len() {
            let found = format!("{} labels", labels.len());
            let expected = format!("one for each of {images} images");
            return Err(DataError::invalid(path, found, expected));
        }
        if let Some(i) = labels.iter().position(|&label| label > 9) {
            let found = format!("label {} at image {i}", labels[i]);
            return Err(DataError::invalid(path, found, "labels from 0 to 9"));
        }
        if let Some(i) = pixels.iter().position(|&level| level > max_level) {
            let found = format!("level {} at pixel {i}", pixels[i]);
            return Err(DataError::invalid(
                path,
                found,
                format!("levels from 0 to {max_level}"),
            ));
        }
        Ok(Self {
            pixels,
            labels,
            height,
            width,
            max_level,
        })
    }

    /// The images and labels of two IDX files.
    pub(super) fn from_idx(images: &Path, labels: &Path) -> Result<Self, DataError> {
        let (pixels, height, width) = read_images(images)?;
        Self::new(labels, pixels, (height, width), 255, read_labels(labels)?)
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Height and width in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// The number of pixels of an image.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// The level of full intensity.
    pub fn max_level(&self) -> u8 {
        self.max_level
    }

    /// The label of image `i`, below 10.
    pub fn label(&self, i: usize) -> u8 {
        self.labels[i]
    }

    /// The grey levels of image `i`, row by row.
    pub fn levels(&self, i: usize) -> &[u8] {
        &self.pixels[i * self.pixels()..(i + 1) * self.pixels()]
    }

    /// The pixels of image `i` as intensities from 0 to 1.
    pub fn intensities(&self, i: usize) -> impl Iterator<Item = f32> {
        let scale = f32::from(self.max_level);
        self.levels(i)
            .iter()
            .map(move |&level| f32::from(level) / scale)
    }

    /// The intensities of several images, one after the other.
    pub fn all_intensities(&self, images: &[usize]) -> Vec<f32> {
        let mut all = Vec::with_capacity(images.len() * self.pixels());
        // an image at a time: one iterator over all would look for the end of an image at every pixel
        for &i in images {
            all.extend(self.intensities(i));
        }
        all
    }
}
