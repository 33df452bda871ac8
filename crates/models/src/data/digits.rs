//! The embedded 8×8 digits, so that everything runs on a machine that has nothing.

use std::{io::Read, path::Path};

use chacha20::ChaCha8Rng;
use flate2::read::GzDecoder;
use rand::{SeedableRng, seq::SliceRandom};

use super::{DataError, ImageSet, SemiSupervised};

static EMBEDDED: &[u8] = include_bytes!("../../assets/digits.csv.gz");
const PIXELS: usize = 64;
/// Of the split, which is the same for every run.
const SPLIT_SEED: u64 = 2020;
const TEST: usize = 450;
const VALIDATION: usize = 100;
const LABELLED_PER_CLASS: usize = 10;

/// The 1,797 digits with a fixed split: 450 to test, 100 to validate, 10 labelled of each class, and
/// the rest unlabelled.
///
/// # Errors
///
/// Only if the embedded file is broken.
pub fn digits() -> Result<SemiSupervised, DataError> {
    let (pixels, labels) = parse()?;
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SPLIT_SEED));
    let (test, train) = order.split_at(TEST);

    let mut taken = [0; 10];
    let (mut labelled, mut rest) = (Vec::new(), Vec::new());
    for (i, &digit) in train.iter().enumerate() {
        let class = usize::from(labels[digit]);
        taken[class] += 1;
        if taken[class] <= LABELLED_PER_CLASS {
            labelled.push(i)
        } else {
            rest.push(i)
        }
    }
    let unlabelled = rest.split_off(VALIDATION);
    let set = |indices: &[usize]| {
        let images = indices
            .iter()
            .flat_map(|&i| &pixels[i * PIXELS..(i + 1) * PIXELS]);
        let labels = indices.iter().map(|&i| labels[i]).collect();
        ImageSet::new(
            Path::new("digits"),
            images.copied().collect(),
            (8, 8),
            16,
            labels,
        )
    };
    Ok(SemiSupervised {
        train: set(train)?,
        labelled,
        unlabelled,
        validation: rest,
        test: set(test)?,
    })
}

/// Pixels and labels, from lines of 64 levels and a label.
fn parse() -> Result<(Vec<u8>, Vec<u8>), DataError> {
    let path = Path::new("the embedded digits");
    let mut text = String::new();
    GzDecoder::new(EMBEDDED)
        .read_to_string(&mut text)
        .map_err(|source| DataError::Read {
            path: path.to_path_buf(),
            source,
        })?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let broken = |_| {
            DataError::invalid(
                path,
                format!("line {}: {line}", number + 1),
                "65 small numbers",
            )
        };
        let mut values: Vec<u8> = line
            .split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(broken)?;
        labels.extend(values.pop());
        pixels.append(&mut values);
    }
    Ok((pixels, labels))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_split_is_complete_disjoint_and_fixed() {
        let data = digits().unwrap();
        assert_eq!((data.train.len(), data.test.len()), (1347, 450));
        assert_eq!((data.labelled.len(), data.validation.len()), (100, 100));
        let mut all = [&data.labelled[..], &data.validation, &data.unlabelled].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1347).collect::<Vec<_>>());
        for class in 0..10 {
            let of_class = |&&i: &&usize| data.train.label(i) == class;
            assert_eq!(
                data.labelled.iter().filter(of_class).count(),
                LABELLED_PER_CLASS
            );
        }
        // a checksum of the order: the split may never change, or figures are not comparable
        let pixels = (0..450).flat_map(|i| data.test.levels(i).to_vec());
        let labelled = data.labelled.iter().map(|&i| (i % 251) as u8);
        let sum = pixels.chain(labelled).fold(0u32, |sum, x| {
            sum.wrapping_mul(31).wrapping_add(u32::from(x))
        });
        assert_eq!(sum, 1_027_307_033);
    }
}
