use sha2::{Digest, Sha256};

use super::{ConceptData, ImageSet, SemiSupervised, SplitImages};

/// What tells data from other data, wherever they were read from.
pub trait Fingerprint {
    /// The SHA-256 of all that a run reads of them, in lower-case hexadecimal digits.
    fn fingerprint(&self) -> String;
}

/// The sum of several parts: the length of each goes before it, so that none can be taken for the end of
/// another.
#[derive(Default)]
struct Parts(Sha256);

impl Parts {
    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    fn numbers(self, numbers: impl IntoIterator<Item = usize>) -> Self {
        let bytes = numbers.into_iter().flat_map(|n| (n as u64).to_le_bytes());
        self.bytes(&bytes.collect::<Vec<_>>())
    }

    fn lists<'a>(self, lists: impl IntoIterator<Item = &'a Vec<usize>>) -> Self {
        lists
            .into_iter()
            .fold(self, |parts, list| parts.numbers(list.iter().copied()))
    }

    fn images(self, set: &ImageSet) -> Self {
        let (height, width) = set.size();
        let mut parts = self.numbers([height, width, usize::from(set.max_level()), set.len()]);
        for i in 0..set.len() {
            parts.0.update([set.label(i)]);
            parts.0.update(set.levels(i));
        }
        parts
    }

    fn done(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}

impl Fingerprint for SplitImages {
    fn fingerprint(&self) -> String {
        let sets = Parts::default().images(&self.train).images(&self.test);
        sets.lists([&self.training, &self.validation]).done()
    }
}

impl Fingerprint for SemiSupervised {
    fn fingerprint(&self) -> String {
        let sets = Parts::default().images(&self.train).images(&self.test);
        let lists = [&self.labelled, &self.unlabelled, &self.validation];
        sets.lists(lists).done()
    }
}

impl Fingerprint for ConceptData {
    fn fingerprint(&self) -> String {
        let set = &self.set;
        let mut parts = Parts::default().numbers([set.width(), set.len(), set.concepts()]);
        for i in 0..set.len() {
            let features = set.features(i).iter().flat_map(|x| x.to_le_bytes());
            let row = features.collect::<Vec<_>>();
            parts = parts.numbers([set.concept(i)]).bytes(&row);
        }
        let examples = [&self.train, &self.validation, &self.test];
        parts.lists(examples.into_iter().flatten()).done()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::data::{ConceptSet, digits};

    fn images(pixels: [u8; 4], labels: [u8; 2]) -> ImageSet {
        images_of((1, 2), pixels, labels)
    }

    fn images_of(size: (usize, usize), pixels: [u8; 4], labels: [u8; 2]) -> ImageSet {
        ImageSet::new(Path::new("here"), pixels.into(), size, 3, labels.into()).unwrap()
    }

    fn all_differ(fingerprints: &[String]) {
        for (i, one) in fingerprints.iter().enumerate() {
            assert_eq!(one.len(), 64);
            assert!(!fingerprints[..i].contains(one), "{i}");
        }
    }

    #[test]
    fn whatever_differs_in_images_or_lists_shows() {
        let data = SplitImages {
            train: images([0, 1, 2, 3], [4, 5]),
            training: vec![0],
            validation: vec![1],
            test: images([3, 2, 1, 0], [6, 7]),
        };
        assert_eq!(data.fingerprint(), data.clone().fingerprint());
        let with = |change: fn(&mut SplitImages)| {
            let mut other = data.clone();
            change(&mut other);
            other.fingerprint()
        };
        all_differ(&[
            data.fingerprint(),
            with(|data| data.train = images([0, 1, 2, 2], [4, 5])),
            with(|data| data.train = images([0, 1, 2, 3], [4, 4])),
            with(|data| data.train = images_of((2, 1), [0, 1, 2, 3], [4, 5])),
            with(|data| std::mem::swap(&mut data.train, &mut data.test)),
            with(|data| data.training = vec![0, 1]),
            // the same numbers, shared otherwise
            with(|data| data.validation.insert(0, data.training.pop().unwrap())),
        ]);
    }

    #[test]
    fn labels_that_are_hidden_or_features_that_are_changed_show() {
        let digits = digits().unwrap();
        let fewer = digits.clone().with_labels(5).unwrap();
        all_differ(&[digits.fingerprint(), fewer.fingerprint()]);

        let concepts = |features: [f32; 4], names: [i64; 4]| {
            let here = Path::new("here");
            let set = ConceptSet::new(here, features.into(), 1, &names).unwrap();
            ConceptData::in_order(here, set).unwrap()
        };
        let whole = concepts([1.0, 2.0, 3.0, 4.0], [5, 5, 6, 6]);
        let mut split = whole.clone();
        std::mem::swap(&mut split.train, &mut split.test);
        all_differ(&[
            whole.fingerprint(),
            split.fingerprint(),
            concepts([1.0, 2.0, 3.0, 4.5], [5, 5, 6, 6]).fingerprint(),
            concepts([1.0, 2.0, 3.0, 4.0], [5, 6, 5, 6]).fingerprint(),
        ]);
    }
}
