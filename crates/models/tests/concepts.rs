//! Concepts and their examples: splits, Omniglot where it lies beside the checkout, and files of
//! features, good and broken.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use sparse_models::{
    data::{ConceptData, ConceptSet, DataError, omniglot, read_features},
    estimators::Method,
    signal_game::{SignalGameData, SignalGameSettings},
};

fn message<T>(result: Result<T, DataError>) -> String {
    match result {
        Ok(_) => panic!("should have failed"),
        Err(error) => error.to_string(),
    }
}

fn bytes<const N: usize, T: Copy>(values: &[T], le: fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&x| le(x)).collect()
}

fn floats(values: &[f32]) -> Vec<u8> {
    bytes(values, f32::to_le_bytes)
}

/// A `.safetensors` file of arrays: name, number format, shape, contents.
fn safetensors(path: &Path, arrays: &[(&str, &str, &str, Vec<u8>)]) {
    let (mut header, mut body) = (Vec::new(), Vec::new());
    for (name, format, shape, contents) in arrays {
        let end = body.len() + contents.len();
        header.push(format!(
            "\"{name}\":{{\"dtype\":\"{format}\",\"shape\":{shape},\"data_offsets\":[{},{end}]}}",
            body.len()
        ));
        body.extend(contents);
    }
    let header = format!("{{{}}}", header.join(","));
    fs::write(path, with_header(&header, &body)).unwrap();
}

fn with_header(header: &str, body: &[u8]) -> Vec<u8> {
    let size = (header.len() as u64).to_le_bytes();
    [&size[..], header.as_bytes(), body].concat()
}

fn npy(path: &Path, format: &str, order: &str, shape: &str, body: &[u8]) {
    let header = format!("{{'descr': '{format}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let size = (header.len() as u16).to_le_bytes();
    let start = b"\x93NUMPY\x01\x00";
    fs::write(path, [start, &size[..], header.as_bytes(), body].concat()).unwrap();
}

/// Three rows of two features.
const ROWS: [f32; 6] = [1.0, 2.0, -3.0, 4.0, 0.5, 0.0];

fn set(concepts: &[i64]) -> ConceptSet {
    let rows = concepts.len();
    ConceptSet::new(Path::new("x"), vec![1.0; 2 * rows], 2, concepts).unwrap()
}

#[test]
fn features_are_read_from_either_format() {
    let dir = tempfile::tempdir().unwrap();
    let check = |path: &Path| {
        let set = read_features(path).unwrap();
        assert_eq!((set.len(), set.width(), set.image_size()), (3, 2, None));
        assert_eq!(
            (set.features(1), set.features(2)),
            (&ROWS[2..4], &ROWS[4..])
        );
        let concepts = [0, 1, 2].map(|i| set.name(set.concept(i)));
        assert_eq!(concepts, [7, 200, 7]);
        assert_eq!((set.concepts(), set.concept(0), set.concept(1)), (2, 0, 1));
    };
    let path = dir.path().join("a.safetensors");
    let doubles: Vec<f64> = ROWS.iter().map(|&x| x.into()).collect();
    for (format, rows) in [
        ("F32", floats(&ROWS)),
        ("F64", bytes(&doubles, f64::to_le_bytes)),
    ] {
        for (ints, concepts) in [
            ("I32", bytes(&[7, 200, 7], i32::to_le_bytes)),
            ("I64", bytes(&[7, 200, 7], i64::to_le_bytes)),
            ("U8", vec![7, 200, 7]),
        ] {
            let features = ("features", format, "[3,2]", rows.clone());
            safetensors(&path, &[features, ("concepts", ints, "[3]", concepts)]);
            check(&path);
        }
    }
    let path = dir.path().join("features.npy");
    npy(&path, "<f4", "False", "(3, 2)", &floats(&ROWS));
    let concepts = dir.path().join("concepts.npy");
    npy(
        &concepts,
        "<i4",
        "False",
        "(3,)",
        &bytes(&[7, 200, 7], i32::to_le_bytes),
    );
    check(&path);
}

#[test]
fn broken_features_are_named_with_what_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    let read = |arrays: &[(&str, &str, &str, Vec<u8>)]| {
        safetensors(&path, arrays);
        let found = message(read_features(&path));
        assert!(found.starts_with(&path.display().to_string()), "{found}");
        found
    };
    let features = |rows: [f32; 6]| ("features", "F32", "[3,2]", floats(&rows));
    let concepts = ("concepts", "U8", "[3]", vec![1, 1, 2]);

    let found = read(&[features(ROWS)]);
    assert!(
        found.ends_with(": arrays features, expected an array concepts"),
        "{found}"
    );
    let found = read(std::slice::from_ref(&concepts));
    assert!(
        found.ends_with(": arrays concepts, expected an array features"),
        "{found}"
    );
    let found = read(&[]);
    assert!(
        found.ends_with(": no arrays, expected an array features"),
        "{found}"
    );
    let found = read(&[features(ROWS), ("concepts", "U8", "[2]", vec![1, 1])]);
    assert!(
        found.ends_with(": concepts are u8 [2], expected [3], one for each row of features"),
        "{found}"
    );
    let found = read(&[features(ROWS), ("concepts", "F32", "[1]", vec![0; 4])]);
    assert!(
        found.ends_with(": concepts are f32 [1], expected i32, i64 or u8 [N]"),
        "{found}"
    );
    let flat = ("features", "F32", "[6]", floats(&ROWS));
    let found = read(&[flat, concepts.clone()]);
    assert!(
        found.ends_with(": features are f32 [6], expected f32, f64 or u8 [N, F]"),
        "{found}"
    );
    let half = ("features", "F16", "[3,2]", vec![0; 12]);
    let found = read(&[half, concepts.clone()]);
    assert!(
        found.ends_with(": features is F16 [3, 2], expected one of u8, i32, i64, f32, f64"),
        "{found}"
    );
    for bad in [f32::NAN, f32::INFINITY] {
        let mut rows = ROWS;
        rows[3] = bad;
        let found = read(&[features(rows), concepts.clone()]);
        let end = format!(": {bad} in row 1, column 1 of the features, expected finite numbers");
        assert!(found.ends_with(&end), "{found}");
    }
    let found = read(&[features([1.0, 0.0, 0.0, 0.0, 2.0, 0.0]), concepts.clone()]);
    assert!(
        found.ends_with(
            ": row 1 of the features is 0 everywhere, expected rows that can be divided by their norms"
        ),
        "{found}"
    );
    let none = ("features", "F32", "[3,0]", Vec::new());
    let found = read(&[none, concepts]);
    assert!(
        found.contains("0 features in rows of 0 and 3 concepts"),
        "{found}"
    );

    let other = message(read_features(Path::new("a.csv")));
    assert!(
        other.contains("a name that ends in .safetensors or .npy"),
        "{other}"
    );
    let missing = dir.path().join("features.npy");
    let found = message(read_features(&missing));
    assert!(
        found.starts_with(&format!("cannot read {}", missing.display())),
        "{found}"
    );
    npy(&missing, "<f4", "True", "(3, 2)", &floats(&ROWS));
    let found = message(read_features(&missing));
    let place = dir.path().join("concepts.npy");
    assert!(
        found.starts_with(&format!("cannot read {}", place.display())),
        "{found}"
    );
    npy(&place, "<i8", "False", "(0,)", &[]);
    let found = message(read_features(&missing));
    assert!(
        found.contains("'fortran_order':True") && found.contains("a .npy array by rows"),
        "{found}"
    );
}

/// No size that a header claims may be allocated, multiplied or relied upon.
#[test]
fn headers_that_lie_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    let array = |shape: &str, offsets: &str| {
        format!(
            "{{\"features\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":{offsets}}}}}"
        )
    };
    let huge = "[18446744073709551615,18446744073709551615]";
    let mut files = vec![
        Vec::new(),
        vec![0; 7],
        u64::MAX.to_le_bytes().to_vec(),
        [&99_000_000u64.to_le_bytes()[..], b"{}"].concat(),
        with_header("", &[]),
        with_header("{", &[]),
        with_header(&"[".repeat(50_000), &[]),
        with_header(&"{\"a\":".repeat(50_000), &[]),
        with_header("\u{fffd}", &[0; 8]),
        with_header(&array(huge, "[0,8]"), &[0; 8]),
        with_header(&array("[4294967296,4294967296]", "[0,0]"), &[]),
        with_header(&array("[1,2]", "[0,16]"), &[0; 8]),
        with_header(&array("[1,2]", "[8,0]"), &[0; 8]),
        with_header(&array("[1,2]", "[0,18446744073709551615]"), &[0; 8]),
        with_header(&array("[-1,2]", "[0,8]"), &[0; 8]),
    ];
    files.push(with_header(&array("[1,2]", "[0,8]"), &[0; 12]));
    for file in files {
        fs::write(&path, &file).unwrap();
        let found = message(read_features(&path));
        assert!(
            found.starts_with(&path.display().to_string())
                && found.ends_with(", expected a whole .safetensors file"),
            "{found}"
        );
    }

    let path = dir.path().join("features.npy");
    npy(
        &dir.path().join("concepts.npy"),
        "|u1",
        "False",
        "(3,)",
        &[1, 1, 2],
    );
    for (format, shape) in [
        ("<f4", "(18446744073709551615, 2)"),
        ("<f4", "(36893488147419103232, 2)"),
        ("<f4", "(9223372036854775808, 2)"),
        ("<f4", "(3, 3)"),
        ("<f4", "(-3, -2)"),
        ("<f4", "(3, 2, )x"),
        (">f4", "(3, 2)"),
        ("<c8", "(3, 1)"),
    ] {
        npy(&path, format, "False", shape, &floats(&ROWS));
        if shape.ends_with('x') {
            assert_eq!(read_features(&path).unwrap().len(), 3);
            continue;
        }
        let found = message(read_features(&path));
        assert!(found.starts_with(&path.display().to_string()), "{found}");
        assert!(found.contains("expected a .npy array by rows"), "{found}");
    }
}

#[test]
fn each_concept_is_split_in_order() {
    let twenty: Vec<i64> = (0..40).map(|i| i % 2).collect();
    let data = ConceptData::in_order(Path::new("x"), set(&twenty)).unwrap();
    let of = |range: std::ops::Range<usize>| range.map(|i| 2 * i + 1).collect::<Vec<_>>();
    assert_eq!(data.train[1], of(0..14));
    assert_eq!(data.validation[1], of(14..15));
    assert_eq!(data.test[1], of(15..20));

    let data = ConceptData::in_order(Path::new("x"), set(&[5, 5, -1, -1, -1])).unwrap();
    assert_eq!(data.train, [vec![2], vec![0]]);
    assert_eq!(data.validation, [vec![3], vec![0]]);
    assert_eq!(data.test, [vec![4], vec![1]]);

    let found = message(ConceptData::in_order(Path::new("x"), set(&[5, 6, 5])));
    let want = "x: a single example of concept 6, expected at least 2 of each, one to train and one to test";
    assert_eq!(found, want);
}

#[test]
fn more_candidates_than_concepts_are_refused() {
    let settings = SignalGameSettings {
        candidates: 11,
        ..SignalGameSettings::new(SignalGameData::Digits, Method::Sparsemax)
    };
    let found = message(settings.read_data(None));
    let want = "--candidates: 11 of distinct concepts, expected from 2 to 10, which is how many concepts digits has";
    assert_eq!(found, want);
}

fn shared() -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    if path.is_dir() {
        return Some(path.to_path_buf());
    }
    eprintln!("skipped: no real data at {}", path.display());
    None
}

#[test]
fn omniglot_has_twenty_drawings_of_each_character() {
    let Some(folder) = shared() else { return };
    let data = omniglot(Some(&folder)).unwrap();
    assert_eq!((data.set.len(), data.set.concepts()), (4840, 242));
    assert_eq!(data.set.image_size(), Some((28, 28)));
    let counts = |part: &[Vec<usize>]| part.iter().map(Vec::len).collect::<BTreeSet<_>>();
    assert_eq!(counts(&data.train), [14].into());
    assert_eq!(counts(&data.validation), [1].into());
    assert_eq!(counts(&data.test), [5].into());
    assert_eq!(data.test[3], [75, 76, 77, 78, 79]);
    let intensities = (0..4840).flat_map(|i| data.set.features(i));
    let largest = intensities.fold(0.0_f32, |a, &b| a.max(b));
    assert_eq!(largest, 1.0);
}

#[test]
fn a_folder_without_omniglot_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let found = message(omniglot(Some(dir.path())));
    let path = dir.path().display();
    let want = format!(
        "no Omniglot: no omniglot-small.safetensors in {path}/omniglot or {path}; put \
         omniglot-small.safetensors into a folder and give it with --data-dir or SPARSE_DATA_DIR"
    );
    assert_eq!(found, want);

    let file = dir.path().join("omniglot-small.safetensors");
    let images = |count: u8| ("images", "U8", "[2,1,2]", vec![count, 0, 255, 0]);
    let concepts = |n: &'static str, c| ("concepts", "U8", n, c);
    safetensors(&file, &[images(1), concepts("[3]", vec![0, 0, 0])]);
    let found = message(omniglot(Some(dir.path())));
    assert!(
        found.ends_with("3 concepts, expected one for each of 2 images"),
        "{found}"
    );
    safetensors(&file, &[images(0), concepts("[2]", vec![0, 0])]);
    let found = message(omniglot(Some(dir.path())));
    assert!(
        found.contains("row 0 of the features is 0 everywhere"),
        "{found}"
    );
    safetensors(&file, &[images(51), concepts("[2]", vec![0, 0])]);
    let data = omniglot(Some(dir.path())).unwrap();
    assert_eq!(data.set.features(0), [0.2, 0.0]);
}
