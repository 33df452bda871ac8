//! The readers on the real files, where they lie beside the checkout, and on broken ones.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use sparse_models::data::{DataError, fashion_mnist, mnist, read_indices};

fn shared() -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    if path.is_dir() {
        return Some(path.to_path_buf());
    }
    eprintln!("skipped: no real data at {}", path.display());
    None
}

/// A small data set in the form of MNIST: 12 training and 2 test images of 2 × 2 pixels.
fn small(dir: &Path, last_label: u8) {
    let idx = |magic: u32, sizes: &[u32], body: Vec<u8>| {
        let words = [&[magic], sizes].concat();
        [words.iter().flat_map(|w| w.to_be_bytes()).collect(), body].concat()
    };
    for (part, count) in [("train", 12u32), ("t10k", 2)] {
        let images = idx(2051, &[count, 2, 2], vec![7; 4 * count as usize]);
        let mut labels: Vec<u8> = (0..count as u8).map(|i| i % 10).collect();
        *labels.last_mut().unwrap() = last_label;
        fs::write(dir.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(
            dir.join(format!("{part}-labels-idx1-ubyte")),
            idx(2049, &[count], labels),
        )
        .unwrap();
    }
}

fn npy(path: &Path, indices: &[i64]) {
    let mut header = format!(
        "{{'descr': '<i8', 'fortran_order': False, 'shape': ({},), }}",
        indices.len()
    );
    while (10 + header.len()) % 64 != 63 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(indices.iter().flat_map(|i| i.to_le_bytes()));
    fs::write(path, bytes).unwrap();
}

fn message<T>(result: Result<T, DataError>) -> String {
    match result {
        Ok(_) => panic!("should have failed"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_real_files() {
    let Some(dir) = shared() else { return };
    let data = mnist(&dir).unwrap();
    assert_eq!(
        (data.train.len(), data.test.len(), data.train.size()),
        (60_000, 10_000, (28, 28))
    );
    assert_eq!(data.labelled.len(), 5_000);
    assert_eq!(data.unlabelled.len(), 45_000);
    assert_eq!(data.validation.len(), 10_000);
    // the folder itself does as well
    assert_eq!(mnist(&dir.join("mnist")).unwrap().test.label(0), 7);
    let (train, test) = fashion_mnist(&dir).unwrap();
    assert_eq!((train.len(), test.len()), (60_000, 10_000));
}

#[test]
fn a_split_is_made_where_none_is_given() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path(), 9);
    let data = mnist(dir.path()).unwrap();
    assert_eq!((data.labelled.len(), data.train.len()), (12, 12));
}

#[test]
fn bad_folders_and_splits_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let place = path.display().to_string();
    let empty = message(mnist(path));
    assert!(
        empty.starts_with(&format!("no MNIST in {place}: expected train-images")),
        "{empty}"
    );
    assert!(message(mnist(&path.join("no"))).starts_with(&format!("cannot read {place}/no: ")));

    small(path, 10);
    assert!(message(mnist(path)).contains("label 10 at image 11, expected labels from 0 to 9"));
    small(path, 9);
    npy(&path.join("labeled_train_indx.npy"), &[0, 1]);
    assert!(message(mnist(path)).contains("1 of labeled_train_indx.npy"));
    npy(&path.join("unlabeled_train_indx.npy"), &[2, 3]);
    npy(&path.join("validation_indx.npy"), &[4, 12]);
    assert!(message(mnist(path)).contains("validation_indx.npy: index 12, expected 0..12"));
    npy(&path.join("validation_indx.npy"), &[4, 2]);
    assert!(message(mnist(path)).contains("index 2 in two of"));
    npy(&path.join("validation_indx.npy"), &[4, 5]);
    assert_eq!(mnist(path).unwrap().validation, [4, 5]);
}

#[test]
fn bad_index_lists_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    for (indices, expected) in [
        (vec![3i64, -1], "index -1, expected 0..5"),
        (vec![1, 1], "index 1 twice"),
    ] {
        npy(&path, &indices);
        assert!(message(read_indices(&path, 5)).contains(expected));
    }
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 4]).unwrap();
    assert!(message(read_indices(&path, 5)).contains("expected a one-dimensional .npy"));
    fs::write(&path, b"no").unwrap();
    assert!(message(read_indices(&path, 5)).contains("expected a one-dimensional .npy"));
}
