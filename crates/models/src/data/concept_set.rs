use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{DataError, ImageSet};

/// Examples of concepts: a row of features each, which are the pixels of an image or whatever a
/// network makes of one.
#[derive(Debug, Clone, PartialEq)]
pub struct ConceptSet {
    features: Vec<f32>,
    width: usize,
    image_size: Option<(usize, usize)>,
    concepts: Vec<usize>,
    names: Vec<i64>,
}

impl ConceptSet {
    /// Rows of `width` features, one after the other, and the concept of each: any number, the same
    /// for all examples of a concept. `path` is where they come from, for the error.
    ///
    /// # Errors
    ///
    /// If there are no features, there are not as many concepts as rows, a feature is NaN or
    /// infinite, or a row is all 0: agents see rows divided by their norms.
    pub fn new(
        path: &Path,
        features: Vec<f32>,
        width: usize,
        concepts: &[i64],
    ) -> Result<Self, DataError> {
        let count = concepts.len();
        if count == 0 || width == 0 || count.checked_mul(width) != Some(features.len()) {
            let found = format!(
                "{} features in rows of {width} and {count} concepts",
                features.len()
            );
            let expected = "at least one row of features, and a concept for each row";
            return Err(DataError::invalid(path, found, expected));
        }
        if let Some(i) = features.iter().position(|x| !x.is_finite()) {
            let found = format!(
                "{} in row {}, column {} of the features",
                features[i],
                i / width,
                i % width
            );
            return Err(DataError::invalid(path, found, "finite numbers"));
        }
        let is_zero = |row: &[f32]| row.iter().all(|&x| x == 0.0);
        if let Some(i) = features.chunks_exact(width).position(is_zero) {
            let found = format!("row {i} of the features is 0 everywhere");
            let expected = "rows that can be divided by their norms";
            return Err(DataError::invalid(path, found, expected));
        }
        let names: BTreeSet<i64> = concepts.iter().copied().collect();
        let places: BTreeMap<i64, usize> = names.iter().copied().zip(0..).collect();
        Ok(Self {
            features,
            width,
            image_size: None,
            concepts: concepts.iter().map(|name| places[name]).collect(),
            names: names.into_iter().collect(),
        })
    }

    /// Grey images, whose labels are the concepts and whose intensities the features.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn of_images(path: &Path, sets: &[&ImageSet]) -> Result<Self, DataError> {
        let (mut features, mut concepts) = (Vec::new(), Vec::new());
        for set in sets {
            features.extend((0..set.len()).flat_map(|i| set.intensities(i)));
            concepts.extend((0..set.len()).map(|i| i64::from(set.label(i))));
        }
        let (width, size) = sets.first().map_or((0, (0, 0)), |s| (s.pixels(), s.size()));
        Ok(Self::new(path, features, width, &concepts)?.with_image_size(size))
    }

    /// The same examples, as the pixels of images of `height × width`.
    pub(super) fn with_image_size(mut self, (height, width): (usize, usize)) -> Self {
        debug_assert_eq!(height * width, self.width);
        self.image_size = Some((height, width));
        self
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.concepts.len()
    }

    /// Whether there is no example, which no set allows.
    pub fn is_empty(&self) -> bool {
        self.concepts.is_empty()
    }

    /// The number of features of an example.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height and width in pixels, where the features are intensities from 0 to 1 of an image.
    pub fn image_size(&self) -> Option<(usize, usize)> {
        self.image_size
    }

    /// The number of concepts.
    pub fn concepts(&self) -> usize {
        self.names.len()
    }

    /// The concept of example `i`, below [`concepts`](Self::concepts).
    pub fn concept(&self, i: usize) -> usize {
        self.concepts[i]
    }

    /// The number that stands for a concept in the data.
    pub fn name(&self, concept: usize) -> i64 {
        self.names[concept]
    }

    /// The features of example `i`.
    pub fn features(&self, i: usize) -> &[f32] {
        &self.features[i * self.width..(i + 1) * self.width]
    }
}
