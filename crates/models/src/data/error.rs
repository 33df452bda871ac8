use std::{io, path::PathBuf};

/// Why data could not be read. Every message names the path, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A folder without the files of a data set.
    #[error(
        "no {name} in {}: expected {files}, each also with .gz, there or in its folder {folder}; \
         give the folder with --data-dir or SPARSE_DATA_DIR",
        path.display()
    )]
    Missing {
        /// The data set.
        name: &'static str,
        /// The folder that was searched.
        path: PathBuf,
        /// The name of the data set's own folder.
        folder: &'static str,
        /// The files that were looked for.
        files: String,
    },
    /// A data set that is not embedded, and no folder was named.
    #[error(
        "{name} is not embedded: put its files ({files}, each also with .gz) into a folder and give \
         it with --data-dir or SPARSE_DATA_DIR"
    )]
    NoFolder {
        /// The data set.
        name: &'static str,
        /// The files that are needed.
        files: String,
    },
    /// A file or folder that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file whose contents are not what they should be.
    #[error("{}: {found}, expected {expected}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What stands there.
        found: String,
        /// What is allowed.
        expected: String,
    },
}

impl DataError {
    pub(super) fn invalid(
        path: impl Into<PathBuf>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            path: path.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }
}
