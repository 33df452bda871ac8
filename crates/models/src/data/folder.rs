//! Where the files of a data set lie below a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{DataError, DataSet, ImageSet, checksum::sha256, idx};

/// The file `name` of a folder, plain or else with `.gz`.
pub(super) fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))]
        .into_iter()
        .find(|path| path.is_file())
}

/// The training and test images of a data set, and the folder they lie in: the data set's own folder
/// in `dir` if all of its files lie there, else `dir` itself. The own folder goes first because its
/// name says what it holds, while the files of `dir` may be those of another data set.
pub(super) fn idx_sets(
    data: DataSet,
    dir: &Path,
) -> Result<(PathBuf, ImageSet, ImageSet), DataError> {
    let (place, [images, labels, test_images, test_labels]) = place(data, dir)?;
    refuse_others(data, [&labels, &test_labels])?;
    let train = ImageSet::from_idx(&images, &labels)?;
    let test = ImageSet::from_idx(&test_images, &test_labels)?;
    if test.size() != train.size() {
        let of = |set: &ImageSet| format!("images of {} × {} pixels", set.size().0, set.size().1);
        let expected = format!("{} as in {}", of(&train), images.display());
        return Err(DataError::invalid(test_images, of(&test), expected));
    }
    Ok((place, train, test))
}

fn place(data: DataSet, dir: &Path) -> Result<(PathBuf, [PathBuf; 4]), DataError> {
    let missing = |found| DataError::Missing {
        data,
        path: dir.to_path_buf(),
        found,
    };
    fs::read_dir(dir).map_err(|error| missing(error.to_string()))?;
    let mut partial = None;
    for place in [dir.join(data.folder()), dir.to_path_buf()] {
        let files = data.files().map(|file| find(&place, file.name));
        match files {
            [Some(a), Some(b), Some(c), Some(d)] => return Ok((place, [a, b, c, d])),
            files if files.iter().any(Option::is_some) => {
                let files = files
                    .iter()
                    .flatten()
                    .map(|path| path.display().to_string());
                partial.get_or_insert_with(|| files.collect::<Vec<_>>());
            }
            _ => {}
        }
    }
    let found = match partial {
        Some(files) => format!("only {}", files.join(", ")),
        None => "none of its files".to_string(),
    };
    Err(missing(found))
}

/// The data sets have the same names of files and sizes of images. Their labels, which are small,
/// tell them apart.
fn refuse_others(asked: DataSet, labels: [&Path; 2]) -> Result<(), DataError> {
    for path in labels {
        let sum = sha256(&idx::contents(path)?);
        let holds = |other: &DataSet| other.files().iter().any(|file| file.sha256 == sum);
        if let Some(held) = DataSet::ALL.into_iter().find(holds)
            && held != asked
        {
            let path = path.to_path_buf();
            return Err(DataError::OtherDataSet { path, held, asked });
        }
    }
    Ok(())
}
