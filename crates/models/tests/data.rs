//! The readers on the real files, where they lie beside the checkout, and on broken ones.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use sparse_models::data::{
    DataError, DataSet, ImageSet, fashion_mnist, locate, mnist, read_images, read_indices,
    read_labels,
};

fn shared() -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    if path.is_dir() {
        return Some(path.to_path_buf());
    }
    eprintln!("skipped: no real data at {}", path.display());
    None
}

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

fn idx(magic: u32, sizes: &[u32], body: &[u8]) -> Vec<u8> {
    let words = [&[magic], sizes].concat();
    let mut bytes: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
    bytes.extend(body);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A small data set in the form of MNIST: 12 training and 2 test images of 2 × 2 pixels.
fn small(dir: &Path, last_label: u8) {
    fs::create_dir_all(dir).unwrap();
    for (part, count) in [("train", 12u32), ("t10k", 2)] {
        let images = idx(2051, &[count, 2, 2], &vec![7; 4 * count as usize]);
        let mut labels: Vec<u8> = (0..count as u8).map(|i| i % 10).collect();
        *labels.last_mut().unwrap() = last_label;
        fs::write(dir.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        let labels = idx(2049, &[count], &labels);
        fs::write(dir.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// Copies the real files of one data set into a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in FILES.map(|name| format!("{name}.gz")) {
        fs::copy(from.join(&file), to.join(&file)).unwrap();
    }
}

/// An `.npy` file of the version and with the header that are given.
fn npy_with(path: &Path, version: u8, header: &str, body: &[u8]) {
    let mut header = header.to_string();
    while (10 + header.len()) % 64 != 63 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = vec![0x93, b'N', b'U', b'M', b'P', b'Y', version, 0];
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(body);
    fs::write(path, bytes).unwrap();
}

fn npy(path: &Path, indices: &[i64]) {
    let count = indices.len();
    let header = format!("{{'descr': '<i8', 'fortran_order': False, 'shape': ({count},), }}");
    let body: Vec<u8> = indices.iter().flat_map(|i| i.to_le_bytes()).collect();
    npy_with(path, 1, &header, &body);
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
    let starts = format!("no MNIST in {place}: none of its files, expected train-images");
    assert!(empty.starts_with(&starts), "{empty}");
    assert!(empty.ends_with("--data-dir or SPARSE_DATA_DIR"), "{empty}");
    let nowhere = path.join("no").display().to_string();
    let message_of_nowhere = message(mnist(Path::new(&nowhere)));
    let starts = format!("no MNIST in {nowhere}: ");
    assert!(
        message_of_nowhere.starts_with(&starts),
        "{message_of_nowhere}"
    );
    assert!(
        message_of_nowhere.contains(", expected train-images"),
        "{message_of_nowhere}"
    );

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
fn images_of_another_size_and_empty_parts_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    small(path, 9);
    let place = path.display();
    let size = mnist(path).unwrap().train.size();
    // without lists, twelve images are fewer than the fixed split labels
    let refused = |size| message(mnist(path).unwrap().demand(path, size));
    let (h, w) = size;
    let want = format!("{place}: images of {h} × {w} pixels, expected 28 × 28");
    assert_eq!(refused((28, 28)), want);
    let want = format!("{place}: no unlabelled images, expected at least one");
    assert_eq!(refused(size), want);
    npy(&path.join("labeled_train_indx.npy"), &[0, 1]);
    npy(&path.join("unlabeled_train_indx.npy"), &[2, 3]);
    npy(&path.join("validation_indx.npy"), &[]);
    assert!(refused(size).contains("no validation images"));
    npy(&path.join("validation_indx.npy"), &[4]);
    mnist(path).unwrap().demand(path, size).unwrap();
    npy(&path.join("labeled_train_indx.npy"), &[]);
    assert!(refused(size).contains("no labelled images"));
}

#[test]
fn a_folder_that_is_named_is_neither_checked_nor_filled() {
    let dir = tempfile::tempdir().unwrap();
    let named = dir.path().join("named");
    assert_eq!(locate(DataSet::Mnist, Some(&named)).unwrap(), named);
    assert!(!named.exists());
}

#[test]
fn an_incomplete_folder_says_what_there_is() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path(), 9);
    fs::remove_file(dir.path().join(FILES[1])).unwrap();
    fs::remove_file(dir.path().join(FILES[2])).unwrap();
    let found = message(mnist(dir.path()));
    let place = dir.path().display();
    let only = format!(
        "no MNIST in {place}: only {place}/{}, {place}/{}, expected",
        FILES[0], FILES[3]
    );
    assert!(found.starts_with(&only), "{found}");

    // a file is no folder
    let file = dir.path().join(FILES[0]);
    let found = message(fashion_mnist(&file));
    let starts = format!("no Fashion-MNIST in {}: ", file.display());
    assert!(found.starts_with(&starts), "{found}");
}

#[test]
fn the_folder_of_the_data_set_goes_before_the_folder_above() {
    let dir = tempfile::tempdir().unwrap();
    let label = |data: &ImageSet| data.label(11);
    small(dir.path(), 1);
    assert_eq!(label(&mnist(dir.path()).unwrap().train), 1);
    small(&dir.path().join("mnist"), 2);
    small(&dir.path().join("fashion-mnist"), 3);
    assert_eq!(label(&mnist(dir.path()).unwrap().train), 2);
    assert_eq!(label(&fashion_mnist(dir.path()).unwrap().0), 3);
    // unless it is incomplete
    fs::remove_file(dir.path().join("mnist").join(FILES[0])).unwrap();
    assert_eq!(label(&mnist(dir.path()).unwrap().train), 1);
}

#[test]
fn another_data_set_is_not_taken_for_the_one_asked_for() {
    let Some(shared) = shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    copy(&shared.join("fashion-mnist"), path);
    let labels = path.join("train-labels-idx1-ubyte.gz");
    let expected = format!(
        "{}: the labels of Fashion-MNIST, expected those of MNIST",
        labels.display()
    );
    assert_eq!(message(mnist(path)), expected);
    // in a folder named so, unpacked
    let own = path.join("mnist");
    copy(&shared.join("fashion-mnist"), &own);
    let mut bytes = Vec::new();
    let packed = fs::File::open(own.join("train-labels-idx1-ubyte.gz")).unwrap();
    GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let labels = own.join("train-labels-idx1-ubyte");
    fs::write(&labels, bytes).unwrap();
    let found = message(mnist(path));
    let starts = format!("{}: the labels of Fashion-MNIST", labels.display());
    assert!(found.starts_with(&starts), "{found}");

    copy(&shared.join("mnist"), path);
    let found = message(fashion_mnist(path));
    assert!(
        found.contains("the labels of MNIST, expected those of Fashion-MNIST"),
        "{found}"
    );
    // one file of the other is enough
    let test_labels = "t10k-labels-idx1-ubyte.gz";
    fs::copy(
        shared.join("fashion-mnist").join(test_labels),
        path.join(test_labels),
    )
    .unwrap();
    fs::remove_dir_all(own).unwrap();
    let found = message(mnist(path));
    assert!(
        found.contains("t10k-labels-idx1-ubyte.gz: the labels of Fashion"),
        "{found}"
    );
}

/// Each fault in turn, in a folder that is good without it: one error, with the file's path.
#[test]
fn every_broken_file_is_named_with_what_was_expected() {
    let images = |sizes: &[u32], count| idx(2051, sizes, &vec![7; count]);
    let [train, train_labels, test, test_labels] = FILES;
    let good = images(&[12, 2, 2], 48);
    let packed = gzip(&good);
    let faults: Vec<(&str, Vec<u8>, &str)> = vec![
        (train, vec![], "0 bytes, expected an IDX header of 16 bytes"),
        (
            train_labels,
            vec![0; 7],
            "7 bytes, expected an IDX header of 8 bytes",
        ),
        (
            train,
            good[..63].to_vec(),
            "47 bytes after the header, expected the 12 × 2 × 2 that",
        ),
        (
            train,
            [&good[..], &[0]].concat(),
            "49 bytes after the header, expected the 12 × 2 × 2",
        ),
        (
            train,
            idx(2049, &[12, 2, 2], &[7; 48]),
            "magic number 2049, expected 2051",
        ),
        (
            test_labels,
            idx(2051, &[2], &[7; 2]),
            "magic number 2051, expected 2049",
        ),
        (
            train,
            packed[..packed.len() - 1].to_vec(),
            "breaks off after 64 bytes",
        ),
        (train, packed[..12].to_vec(), "breaks off after 0 bytes"),
        (test, gzip(b"no"), "2 bytes, expected an IDX header"),
        (
            train,
            images(&[u32::MAX; 3], 48),
            "48 bytes after the header, expected the 4294967295 ×",
        ),
        (
            test_labels,
            idx(2049, &[u32::MAX], &[1]),
            "1 bytes after the header, expected the 4294967295",
        ),
        (
            train,
            images(&[0, 2, 2], 0),
            "0 images of 2 × 2 pixels, expected at least one",
        ),
        (
            train,
            images(&[12, 0, u32::MAX], 0),
            "12 images of 0 × 4294967295 pixels",
        ),
        (
            train_labels,
            idx(2049, &[11], &[1; 11]),
            "11 labels, expected one for each of 12 images",
        ),
        (
            train_labels,
            idx(2049, &[0], &[]),
            "0 labels, expected one for each of 12 images",
        ),
        (
            test_labels,
            idx(2049, &[2], &[9, 10]),
            "label 10 at image 1, expected labels from 0 to 9",
        ),
        (
            test_labels,
            idx(2049, &[2], &[255, 0]),
            "label 255 at image 0",
        ),
        (
            test,
            images(&[2, 2, 3], 12),
            "images of 2 × 3 pixels, expected images of 2 × 2 pixels as in",
        ),
    ];
    for (file, bytes, expected) in faults {
        let dir = tempfile::tempdir().unwrap();
        small(dir.path(), 9);
        fs::write(dir.path().join(file), bytes).unwrap();
        for found in [
            message(mnist(dir.path())),
            message(fashion_mnist(dir.path())),
        ] {
            let starts = format!("{}: ", dir.path().join(file).display());
            assert!(found.starts_with(&starts), "{found}");
            assert!(
                found.contains(expected) && found.contains(", expected "),
                "{found}"
            );
        }
    }
}

#[test]
fn files_that_cannot_be_opened_are_named() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("none"), dir.path().to_path_buf()] {
        let starts = format!("cannot read {}: ", path.display());
        for found in [
            message(read_images(&path)),
            message(read_labels(&path)),
            message(read_indices(&path, 5)),
        ] {
            assert!(found.starts_with(&starts), "{found}");
        }
    }
}

#[test]
fn images_of_impossible_sizes_are_refused() {
    let new = |pixels: usize, size, labels| {
        let set = ImageSet::new(Path::new("x"), vec![0; pixels], size, 255, vec![0; labels]);
        message(set)
    };
    let huge = new(6, (usize::MAX, 2), 3);
    let starts = format!("x: 6 pixels, expected images of {} × 2", usize::MAX);
    assert!(huge.starts_with(&starts), "{huge}");
    assert!(new(0, (0, 3), 0).contains("at least one pixel each"));
    assert!(new(7, (2, 1), 3).contains("x: 7 pixels, expected images of 2 × 1 pixels"));
    assert!(new(6, (2, 1), 2).contains("x: 2 labels, expected one for each of 3 images"));
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

/// Each header in turn, over four indices; no size that it claims may be allocated or multiplied.
#[test]
fn index_lists_of_other_types_and_shapes_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let header = |descr: &str, shape: &str| {
        format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}")
    };
    let int64 = "'<i8'";
    for bad in [
        header("'<f8'", "(4,)"),
        header("'<i4'", "(8,)"),
        header("'<u8'", "(4,)"),
        header("'|b1'", "(32,)"),
        header("'|O'", "(4,)"),
        header("[('a', '<i8')]", "(4,)"),
        header(int64, "(2, 2)"),
        header(int64, "(1, 4)"),
        header(int64, "()"),
        header(int64, "(5,)"),
        header(int64, "(18446744073709551615,)"),
        header(int64, "(36893488147419103232,)"),
        header(int64, "(9223372036854775808, 4)"),
        header(int64, "(-4,)"),
        header(int64, "4"),
        "{'descr': '<i8'}".to_string(),
        String::new(),
        "(".repeat(60_000),
    ] {
        npy_with(&path, 1, &bad, &[0; 32]);
        let found = message(read_indices(&path, 5));
        let starts = format!("{}: ", path.display());
        assert!(found.starts_with(&starts), "{found}");
        assert!(
            found.contains("expected a one-dimensional .npy array of int64"),
            "{found}"
        );
    }
    // whose header may claim 4 GiB
    npy_with(&path, 2, &"\u{7f}".repeat(1000), &[]);
    assert!(message(read_indices(&path, 5)).contains("version 2"));
    // and what it does read
    npy_with(
        &path,
        1,
        &header(int64, "(2,)"),
        &[[1u8, 0, 0, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0, 0, 0]].concat(),
    );
    assert_eq!(read_indices(&path, 5).unwrap(), [1, 3]);
}
