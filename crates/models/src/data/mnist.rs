//! MNIST, with the semi-supervised split of the paper's experiment.

use std::{collections::HashSet, path::Path};

use chacha20::ChaCha8Rng;
use rand::{SeedableRng, seq::SliceRandom};

use super::{DataError, DataSet, SemiSupervised, folder, read_indices};

const SPLIT: [&str; 3] = [
    "labeled_train_indx.npy",
    "unlabeled_train_indx.npy",
    "validation_indx.npy",
];
/// Of the split that is made where none is given.
const SPLIT_SEED: u64 = 2020;

/// MNIST from a folder with its four IDX files, or from the folder `mnist` in it, which goes first.
/// Without a folder at hand, [`locate`](super::locate()) has one.
///
/// The split is that of the three index lists `labeled_train_indx.npy`, `unlabeled_train_indx.npy`
/// and `validation_indx.npy` where they lie beside the images; else a fixed one of 500 labelled
/// images of each class, 10,000 to validate, and the rest unlabelled. The lists are no part of MNIST, so
/// that a downloaded one has the fixed split.
///
/// # Errors
///
/// If files are missing or broken, the labels are those of another data set, or only some of the index
/// lists are there or they overlap.
pub fn mnist(dir: &Path) -> Result<SemiSupervised, DataError> {
    let (folder, train, test) = folder::idx_sets(DataSet::Mnist, dir)?;
    let present = SPLIT
        .iter()
        .filter(|name| folder.join(name).is_file())
        .count();
    let [labelled, unlabelled, validation] = match present {
        3 => {
            let read = |name: &str| read_indices(&folder.join(name), train.len());
            let lists = [read(SPLIT[0])?, read(SPLIT[1])?, read(SPLIT[2])?];
            let mut seen = HashSet::new();
            if let Some(i) = lists.iter().flatten().find(|i| !seen.insert(**i)) {
                let found = format!("index {i} in two of {}", SPLIT.join(", "));
                return Err(DataError::invalid(folder, found, "disjoint lists"));
            }
            lists
        }
        0 => fixed_split(train.len(), |i| usize::from(train.label(i))),
        _ => {
            let found = format!("{present} of {}", SPLIT.join(", "));
            return Err(DataError::invalid(folder, found, "all three or none"));
        }
    };
    Ok(SemiSupervised {
        train,
        labelled,
        unlabelled,
        validation,
        test,
    })
}

fn fixed_split(count: usize, label: impl Fn(usize) -> usize) -> [Vec<usize>; 3] {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SPLIT_SEED));
    let mut taken = [0; 10];
    let (labelled, mut rest): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|&i| {
        taken[label(i)] += 1;
        taken[label(i)] <= 500
    });
    let unlabelled = rest.split_off(rest.len().min(10_000));
    [labelled, unlabelled, rest]
}
