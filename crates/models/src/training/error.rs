use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    data::DataError,
    estimators::{SettingError, UnreadSetting},
};

/// Why a run could not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The folder holds another run.
    #[error(
        "{} already holds a run: continue it with --resume, or give another folder with --out",
        path.display()
    )]
    Occupied {
        /// The run folder.
        path: PathBuf,
    },
    /// The run is being trained.
    #[error("another process is training in {}", path.display())]
    InUse {
        /// The run folder.
        path: PathBuf,
    },
    /// The folder holds something that a run would write over, but no run.
    #[error(
        "{} holds {found}, but no config.json of a run that it is of: give another folder",
        path.display()
    )]
    Remains {
        /// The folder.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// There is nothing to continue or to evaluate.
    #[error("{} holds no run: expected {expected} there", path.display())]
    NoRun {
        /// The run folder.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
    /// The run was started with other settings.
    #[error(
        "{} was started with other settings: {}; leave these flags out, or give another folder \
         with --out",
        path.display(),
        differences.join(", ")
    )]
    OtherSettings {
        /// The run folder.
        path: PathBuf,
        /// `name is a there, but b was given` of each one that differs.
        differences: Vec<String>,
    },
    /// The run is one of other data.
    #[error(
        "{} is a run of other data: the fingerprint of their examples, labels and split is {there}, that of \
         what was given {given}; give the data of the run (--data, --data-dir), or another folder with --out",
        path.display()
    )]
    OtherData {
        /// The run folder.
        path: PathBuf,
        /// The fingerprint of the run's data.
        there: String,
        /// That of those that were given.
        given: String,
    },
    /// A backend that is not compiled in.
    #[error(
        "BURN_DEVICE must be a backend that is compiled in ({}), got {given:?}",
        compiled.join(", ")
    )]
    Device {
        /// What the variable says.
        given: String,
        /// The backends that are there.
        compiled: Vec<&'static str>,
    },
    /// A setting that the method cannot have.
    #[error(transparent)]
    Method(#[from] SettingError),
    /// A setting that the method does not read.
    #[error(transparent)]
    Unread(#[from] UnreadSetting),
    /// A setting that no run can have.
    #[error("{name} must be {allowed}, got {given}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What was given.
        given: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A file of the run folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the run folder whose contents are not what they should be.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Training stopped by an error.
    #[error("training stopped: {what}; {}", kept(path, *checkpoint))]
    Training {
        /// What went wrong.
        what: String,
        /// The run folder.
        path: PathBuf,
        /// The epoch of the last good checkpoint.
        checkpoint: Option<usize>,
    },
    /// The user stopped it.
    #[error("interrupted; {}", kept(path, *checkpoint))]
    Interrupted {
        /// The run folder.
        path: PathBuf,
        /// The epoch of the last good checkpoint.
        checkpoint: Option<usize>,
    },
}

impl RunError {
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Write { path, source }
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Read { path, source }
    }
}

fn kept(path: &Path, checkpoint: Option<usize>) -> String {
    match checkpoint {
        Some(epoch) => format!(
            "epoch {epoch} is kept: continue with --resume --out {}",
            path.display()
        ),
        None => format!("no epoch was finished in {}", path.display()),
    }
}
