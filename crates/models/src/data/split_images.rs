use std::path::Path;

use super::{DataError, ImageSet, SemiSupervised, digits, fashion_mnist};

/// Images to train on, and others that are held out, to choose the best epoch and to report on.
#[derive(Debug, Clone)]
pub struct SplitImages {
    /// The images that the index lists below point into.
    pub train: ImageSet,
    /// Images to train on.
    pub training: Vec<usize>,
    /// Images held out to choose the best epoch.
    pub validation: Vec<usize>,
    /// Images held out to report on.
    pub test: ImageSet,
}

impl SplitImages {
    /// The embedded digits: 1,247 to train on, 100 to validate, 450 to test.
    ///
    /// # Errors
    ///
    /// Only if the embedded file is broken.
    pub fn digits() -> Result<Self, DataError> {
        let SemiSupervised {
            train,
            labelled,
            unlabelled,
            validation,
            test,
        } = digits()?;
        let mut training = [labelled, unlabelled].concat();
        training.sort_unstable();
        Ok(Self {
            train,
            training,
            validation,
            test,
        })
    }

    /// Fashion-MNIST from a folder: the last twelfth of its training images are to validate, which
    /// leaves 55,000 of the 60,000 to train on; and 10,000 to test.
    ///
    /// # Errors
    ///
    /// If files are missing or broken, as [`fashion_mnist`] says; or if there are fewer than 12
    /// training images, or no test image.
    pub fn fashion_mnist(dir: &Path) -> Result<Self, DataError> {
        let (train, test) = fashion_mnist(dir)?;
        if train.len() < 12 || test.is_empty() {
            let found = format!("{} images to train on, {} to test", train.len(), test.len());
            return Err(DataError::invalid(dir, found, "at least 12 and at least 1"));
        }
        let first = train.len() - train.len() / 12;
        Ok(Self {
            training: (0..first).collect(),
            validation: (first..train.len()).collect(),
            train,
            test,
        })
    }

    /// Refuses images that have a grey level which is not below `levels`; `path` is where they come
    /// from, for the error.
    ///
    /// # Errors
    ///
    /// If there is one; the error names the first.
    pub fn demand_levels(&self, path: &Path, levels: usize) -> Result<(), DataError> {
        for (part, set) in [("training", &self.train), ("test", &self.test)] {
            for i in 0..set.len() {
                let found = set.levels(i).iter().enumerate();
                let too_large = |(_, level): &(usize, &u8)| usize::from(**level) >= levels;
                if let Some((pixel, level)) = found.into_iter().find(too_large) {
                    let found = format!("level {level} at pixel {pixel} of {part} image {i}");
                    let expected =
                        format!("levels below {levels}, which is how many the model has");
                    return Err(DataError::invalid(path, found, expected));
                }
            }
        }
        Ok(())
    }

    /// How often each of `levels` grey levels occurs in the images to train on; those above are not
    /// counted.
    pub fn level_counts(&self, levels: usize) -> Vec<u64> {
        let mut counts = vec![0; levels];
        for &i in &self.training {
            for &level in self.train.levels(i) {
                if let Some(count) = counts.get_mut(usize::from(level)) {
                    *count += 1;
                }
            }
        }
        counts
    }
}
