//! Which folder a data set lies in.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::{DataError, ImageSet};

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The folder that was asked for, or the one that the environment variable `SPARSE_DATA_DIR` names.
///
/// # Errors
///
/// If neither is given.
pub fn find_folder(given: Option<&Path>, name: &'static str) -> Result<PathBuf, DataError> {
    given
        .map(Path::to_path_buf)
        .or_else(|| env::var_os("SPARSE_DATA_DIR").map(PathBuf::from))
        .ok_or_else(|| DataError::NoFolder {
            name,
            files: FILES.join(", "),
        })
}

/// The training and test images of a data set in the form of MNIST, and the folder they lie in:
/// `dir` itself, or `dir/folder`.
pub(super) fn idx_sets(
    name: &'static str,
    folder: &'static str,
    dir: &Path,
) -> Result<(PathBuf, ImageSet, ImageSet), DataError> {
    std::fs::read_dir(dir).map_err(|source| DataError::Read {
        path: dir.to_path_buf(),
        source,
    })?;
    for place in [dir.to_path_buf(), dir.join(folder)] {
        let files = FILES.map(|file| {
            let plain = place.join(file);
            let packed = place.join(format!("{file}.gz"));
            [plain, packed].into_iter().find(|path| path.is_file())
        });
        if let [
            Some(images),
            Some(labels),
            Some(test_images),
            Some(test_labels),
        ] = files
        {
            let train = ImageSet::from_idx(&images, &labels)?;
            let test = ImageSet::from_idx(&test_images, &test_labels)?;
            return Ok((place, train, test));
        }
    }
    Err(DataError::Missing {
        name,
        path: dir.to_path_buf(),
        folder,
        files: FILES.join(", "),
    })
}
