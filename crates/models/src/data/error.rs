use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::DataSet;

/// Why data could not be read. Every message names the path, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A folder without the files of a data set.
    #[error(
        "no {data} in {}: {found}, expected {} (each plain or with .gz), there or in its folder {}; \
         give the folder with --data-dir or SPARSE_DATA_DIR",
        path.display(), data.file_names(), data.folder()
    )]
    Missing {
        /// The data set.
        data: DataSet,
        /// The folder that was searched.
        path: PathBuf,
        /// What there is of it.
        found: String,
    },
    /// A folder with the files of a data set other than the one that was asked for.
    #[error("{}: the labels of {held}, expected those of {asked}", path.display())]
    OtherDataSet {
        /// The file of labels.
        path: PathBuf,
        /// The data set that they belong to.
        held: DataSet,
        /// The data set that was asked for.
        asked: DataSet,
    },
    /// No folder was named, and the system has none to download to.
    #[error(
        "no folder for {data}: the system names no cache folder; put {} (each plain or with .gz) \
         into a folder and give it with --data-dir or SPARSE_DATA_DIR",
        data.file_names()
    )]
    NoCache {
        /// The data set.
        data: DataSet,
    },
    /// No file of Omniglot, which is neither embedded nor downloaded.
    #[error(
        "no Omniglot: {}; put {file} into a folder and give it with --data-dir or SPARSE_DATA_DIR",
        unsuccessful(file, subfolder, searched.as_deref())
    )]
    NoOmniglot {
        /// The file.
        file: &'static str,
        /// The folder, within the one that was searched, where it was looked for first.
        subfolder: &'static str,
        /// The folder that was searched, if one was named.
        searched: Option<PathBuf>,
    },
    /// A file that no mirror served as it was published.
    #[error(
        "cannot download {file} of {data}: {}; put {} (each plain or with .gz) into {}, or into a \
         folder that you give with --data-dir or SPARSE_DATA_DIR",
        listed(attempts), data.file_names(), folder.display()
    )]
    Download {
        /// The data set.
        data: DataSet,
        /// The file.
        file: &'static str,
        /// What was tried, in order.
        attempts: Vec<Attempt>,
        /// The cache folder that the file was meant for.
        folder: PathBuf,
    },
    /// A downloaded file that cannot be kept.
    #[error(
        "cannot write {}: {source}; another folder of data is given with --data-dir or SPARSE_DATA_DIR",
        path.display()
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
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

/// A download that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was asked for.
    pub url: String,
    /// Why it is of no use.
    pub reason: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.url, self.reason)
    }
}

fn listed(attempts: &[Attempt]) -> String {
    let attempts: Vec<String> = attempts.iter().map(Attempt::to_string).collect();
    attempts.join(", ")
}

fn unsuccessful(file: &str, subfolder: &str, searched: Option<&Path>) -> String {
    match searched {
        None => "no folder is named".to_string(),
        Some(folder) => format!(
            "no {file} in {} or {}",
            folder.join(subfolder).display(),
            folder.display()
        ),
    }
}

impl DataError {
    pub(crate) fn invalid(
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
