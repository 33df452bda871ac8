use std::path::Path;

use super::{DataError, ImageSet};

/// Images to train on, of which few have a label that may be used, and images to test on.
#[derive(Debug, Clone)]
pub struct SemiSupervised {
    /// The images that the index lists below point into.
    pub train: ImageSet,
    /// Images whose labels are known.
    pub labelled: Vec<usize>,
    /// Images without labels.
    pub unlabelled: Vec<usize>,
    /// Images held out to choose the best epoch.
    pub validation: Vec<usize>,
    /// Images held out to report on.
    pub test: ImageSet,
}

impl SemiSupervised {
    /// Refuses images of another size than `height × width` pixels, and a part without images; `path`
    /// is where they come from, for the error.
    ///
    /// # Errors
    ///
    /// If there is either.
    pub fn demand(&self, path: &Path, (height, width): (usize, usize)) -> Result<(), DataError> {
        if self.train.size() != (height, width) {
            let (h, w) = self.train.size();
            let found = format!("images of {h} × {w} pixels");
            return Err(DataError::invalid(
                path,
                found,
                format!("{height} × {width}"),
            ));
        }
        for (part, count) in [
            ("labelled", self.labelled.len()),
            ("unlabelled", self.unlabelled.len()),
            ("validation", self.validation.len()),
            ("test", self.test.len()),
        ] {
            if count == 0 {
                let found = format!("no {part} images");
                return Err(DataError::invalid(path, found, "at least one"));
            }
        }
        Ok(())
    }

    /// The same images with `count` labelled ones of each class: the first of those that have been
    /// labelled so far, then of the others.
    ///
    /// # Errors
    ///
    /// If a class has not as many images, or none would be left without a label.
    pub fn with_labels(self, count: usize) -> Result<Self, DataError> {
        let mut taken = [0; 10];
        let (labelled, unlabelled): (Vec<usize>, Vec<usize>) = self
            .labelled
            .iter()
            .chain(&self.unlabelled)
            .partition(|&&i| {
                let class = &mut taken[usize::from(self.train.label(i))];
                *class += 1;
                *class <= count
            });
        let fewest = taken.into_iter().min().unwrap_or(0);
        if count == 0 || count > fewest || unlabelled.is_empty() {
            return Err(DataError::invalid(
                Path::new("--labels"),
                format!("{count} of each class"),
                match fewest {
                    0 => "data with images of each of the ten classes".to_string(),
                    _ => format!("from 1 to {fewest}, and images left without a label"),
                },
            ));
        }
        Ok(Self {
            labelled,
            unlabelled,
            ..self
        })
    }
}
