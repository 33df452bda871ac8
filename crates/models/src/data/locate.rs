//! Which folder a data set is read from.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{DataError, DataSet, download::Source};

const VARIABLE: &str = "SPARSE_DATA_DIR";

/// The folder to read `data` from: the one `given`, else the one that the environment variable
/// `SPARSE_DATA_DIR` names, else the user's cache folder, to which missing files are downloaded.
///
/// A folder that is named is returned as it is: nothing is ever downloaded to it, and the reader says
/// what it lacks. A variable without a value names no folder.
///
/// The cache is `sparse-marginalization/data/mnist` (or `fashion-mnist`) in `$XDG_CACHE_HOME` or
/// `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows. Its files, plain or
/// with `.gz`, are used only if the SHA-256 of their contents is the published one; those that
/// are missing or damaged are downloaded from public mirrors (about 12 MB for MNIST, 31 MB for
/// Fashion-MNIST) and kept unpacked (55 MB). Nothing is written to disk before it has passed the checksum.
///
/// # Errors
///
/// If no folder is named and the system has no cache folder, no mirror serves a file that is needed,
/// or the cache cannot be written. The message names the URLs that were tried, why each failed, and
/// where to put which files by hand.
pub fn locate(data: DataSet, given: Option<&Path>) -> Result<PathBuf, DataError> {
    if let Some(folder) = named_folder(given) {
        return Ok(folder);
    }
    let folder = cache(data, dirs::cache_dir())?;
    Source::published(data).complete(&folder)?;
    Ok(folder)
}

/// The folder `given`, else the one that the environment variable names, if it has a value.
pub(super) fn named_folder(given: Option<&Path>) -> Option<PathBuf> {
    named(given, env::var_os(VARIABLE))
}

fn named(given: Option<&Path>, variable: Option<OsString>) -> Option<PathBuf> {
    let variable = variable.filter(|value| !value.is_empty());
    given
        .map(Path::to_path_buf)
        .or_else(|| variable.map(PathBuf::from))
}

fn cache(data: DataSet, root: Option<PathBuf>) -> Result<PathBuf, DataError> {
    let root = root.ok_or(DataError::NoCache { data })?;
    Ok(root
        .join("sparse-marginalization")
        .join("data")
        .join(data.folder()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_folder_given_goes_first_then_the_variable_then_the_cache() {
        let given = Path::new("given");
        let variable = Some(OsString::from("variable"));
        assert_eq!(named(Some(given), variable.clone()).unwrap(), given);
        assert_eq!(named(None, variable).unwrap(), Path::new("variable"));
        assert_eq!(named(None, Some(OsString::new())), None);
        assert_eq!(named(None, None), None);
        // a folder that is named is returned even where there is none
        assert_eq!(locate(DataSet::Mnist, Some(given)).unwrap(), given);

        let cached = cache(DataSet::FashionMnist, Some("root".into())).unwrap();
        let expected = ["root", "sparse-marginalization", "data", "fashion-mnist"];
        assert_eq!(cached, expected.iter().collect::<PathBuf>());
    }

    #[test]
    fn no_cache_folder_is_an_error_that_says_what_to_do() {
        let message = cache(DataSet::Mnist, None).unwrap_err().to_string();
        assert!(
            message.starts_with("no folder for MNIST: the system names no cache folder"),
            "{message}"
        );
        assert!(
            message.contains("train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images"),
            "{message}"
        );
        assert!(
            message.ends_with("--data-dir or SPARSE_DATA_DIR"),
            "{message}"
        );
    }
}
