use std::path::Path;

use super::{ConceptSet, DataError, SemiSupervised, digits};

/// Examples of concepts, some of each to train on, some to choose the best epoch by, and some that
/// are new to the agents.
#[derive(Debug, Clone, PartialEq)]
pub struct ConceptData {
    /// The examples that the lists below point into.
    pub set: ConceptSet,
    /// The training examples of each concept.
    pub train: Vec<Vec<usize>>,
    /// The examples of each concept that are held out to choose the best epoch.
    pub validation: Vec<Vec<usize>>,
    /// The examples of each concept that are held out to report on.
    pub test: Vec<Vec<usize>>,
}

impl ConceptData {
    /// Splits the examples of each concept in the order in which they stand: of n the last n / 4
    /// test; of the m before them the last m / 10 validate; both are rounded down, but are at least
    /// 1. Of two examples the first one both trains and validates.
    ///
    /// # Errors
    ///
    /// If a concept has a single example; `path` is where it comes from.
    pub fn in_order(path: &Path, set: ConceptSet) -> Result<Self, DataError> {
        let mut examples = vec![Vec::new(); set.concepts()];
        for i in 0..set.len() {
            examples[set.concept(i)].push(i);
        }
        let (mut train, mut validation, mut test) = (Vec::new(), Vec::new(), Vec::new());
        for (concept, mut examples) in examples.into_iter().enumerate() {
            if examples.len() < 2 {
                let found = format!("a single example of concept {}", set.name(concept));
                let expected = "at least 2 of each, one to train and one to test";
                return Err(DataError::invalid(path, found, expected));
            }
            let held = |count: usize, of: usize| count - (count / of).max(1);
            test.push(examples.split_off(held(examples.len(), 4)));
            if let [only] = examples[..] {
                validation.push(vec![only]);
            } else {
                validation.push(examples.split_off(held(examples.len(), 10)));
            }
            train.push(examples);
        }
        Ok(Self {
            set,
            train,
            validation,
            test,
        })
    }

    /// The embedded digits, each digit a concept, with the split of [`digits`]: all images that
    /// neither validate nor test train.
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
        let set = ConceptSet::of_images(Path::new("the embedded digits"), &[&train, &test])?;
        let by_concept = |indices: &mut dyn Iterator<Item = usize>| {
            let mut examples = vec![Vec::new(); set.concepts()];
            indices.for_each(|i| examples[set.concept(i)].push(i));
            examples
        };
        Ok(Self {
            train: by_concept(&mut labelled.into_iter().chain(unlabelled)),
            validation: by_concept(&mut validation.into_iter()),
            test: by_concept(&mut (train.len()..train.len() + test.len())),
            set,
        })
    }
}
