//! IDX files, plain or gzipped: a magic number, big-endian sizes, then bytes.

use std::{fs::File, path::Path};

use super::{
    DataError,
    unpack::{UnpackError, unpack},
};

const IMAGES: u32 = 2051;
const LABELS: u32 = 2049;
/// No file of the kind is larger; a longer one is refused before it fills the memory.
const LARGEST: u64 = 1 << 30;

/// Reads an IDX file of images: their pixels, one image after the other, height and width.
///
/// # Errors
///
/// If the file cannot be read, its gzip stream ends early, its magic number is another, or its
/// sizes are not those of the bytes that follow.
pub fn read_images(path: &Path) -> Result<(Vec<u8>, usize, usize), DataError> {
    let bytes = contents(path)?;
    let ([count, height, width], pixels) = parse::<3>(path, &bytes, IMAGES)?;
    if count == 0 || height == 0 || width == 0 {
        let found = format!("{count} images of {height} × {width} pixels");
        return Err(DataError::invalid(
            path,
            found,
            "at least one image and one pixel",
        ));
    }
    Ok((pixels.to_vec(), height, width))
}

/// Reads an IDX file of labels.
///
/// # Errors
///
/// As [`read_images`].
pub fn read_labels(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = contents(path)?;
    let (_, labels) = parse::<1>(path, &bytes, LABELS)?;
    Ok(labels.to_vec())
}

/// The file's bytes, unpacked; whether it is gzipped is told by its contents, not by its name.
pub(super) fn contents(path: &Path) -> Result<Vec<u8>, DataError> {
    let read = |source| DataError::Read {
        path: path.to_path_buf(),
        source,
    };
    unpack(File::open(path).map_err(read)?, LARGEST).map_err(|error| match error {
        UnpackError::Read(source) => read(source),
        UnpackError::Gzip { .. } => {
            DataError::invalid(path, error.to_string(), "a whole gzip stream")
        }
        UnpackError::TooLong { .. } => {
            DataError::invalid(path, error.to_string(), "an IDX file, which is shorter")
        }
    })
}

fn parse<'b, const RANK: usize>(
    path: &Path,
    bytes: &'b [u8],
    magic: u32,
) -> Result<([usize; RANK], &'b [u8]), DataError> {
    let word = |i: usize| {
        let word = bytes.get(4 * i..4 * i + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(word))
    };
    let header = 4 * (RANK + 1);
    if bytes.len() < header {
        let found = format!("{} bytes", bytes.len());
        return Err(DataError::invalid(
            path,
            found,
            format!("an IDX header of {header} bytes"),
        ));
    }
    match word(0) {
        Some(given) if given == magic => {}
        given => {
            let found = format!("magic number {}", given.unwrap_or_default());
            return Err(DataError::invalid(path, found, magic.to_string()));
        }
    }
    let sizes: [usize; RANK] = std::array::from_fn(|i| word(i + 1).unwrap_or_default() as usize);
    let claimed = sizes
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size));
    let body = &bytes[header..];
    if claimed != Some(body.len()) {
        let sizes = sizes.map(|size| size.to_string()).join(" × ");
        let found = format!("{} bytes after the header", body.len());
        return Err(DataError::invalid(
            path,
            found,
            format!("the {sizes} that the header claims"),
        ));
    }
    Ok((sizes, body))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn idx(magic: u32, sizes: &[u32], body: &[u8]) -> Vec<u8> {
        let words = [&[magic], sizes].concat();
        [
            words.iter().flat_map(|w| w.to_be_bytes()).collect(),
            body.to_vec(),
        ]
        .concat()
    }

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn message(bytes: &[u8]) -> String {
        let file = file(bytes);
        let error = read_images(file.path()).unwrap_err().to_string();
        assert!(error.contains(&*file.path().to_string_lossy()), "{error}");
        error
    }

    #[test]
    fn plain_and_gzipped_are_the_same() {
        let bytes = idx(IMAGES, &[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        for bytes in [bytes.clone(), gzip(&bytes)] {
            assert_eq!(
                read_images(file(&bytes).path()).unwrap(),
                (vec![1, 2, 3, 4, 5, 6], 1, 3)
            );
        }
        let labels = idx(LABELS, &[2], &[7, 9]);
        assert_eq!(read_labels(file(&labels).path()).unwrap(), [7, 9]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(message(&[0, 0]).contains("2 bytes, expected an IDX header of 16 bytes"));
        assert!(
            message(&idx(LABELS, &[0, 0, 0], &[])).contains("magic number 2049, expected 2051")
        );
        let claims = "10 bytes after the header, expected the 2 × 2 × 3 that the header claims";
        assert!(message(&idx(IMAGES, &[2, 2, 3], &[0; 10])).contains(claims));
        let absurd = idx(IMAGES, &[u32::MAX; 3], &[0; 10]);
        assert!(message(&absurd).contains("4294967295 × 4294967295 × 4294967295"));
        assert!(message(&idx(IMAGES, &[0, 28, 28], &[])).contains("at least one image"));
        let whole = gzip(&idx(IMAGES, &[1, 1, 3], &[1, 2, 3]));
        assert!(message(&whole[..whole.len() - 5]).contains("expected a whole gzip stream"));
        let missing = read_images(Path::new("nowhere/images"))
            .unwrap_err()
            .to_string();
        assert!(missing.starts_with("cannot read nowhere/images: "));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_an_error_or_images(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse::<3>(Path::new("x"), &bytes, IMAGES);
            let with_magic = idx(IMAGES, &[], &bytes);
            if let Ok((sizes, body)) = parse::<3>(Path::new("x"), &with_magic, IMAGES) {
                prop_assert_eq!(sizes.iter().product::<usize>(), body.len());
            }
        }
    }
}
