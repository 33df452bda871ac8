use std::path::PathBuf;

use sparse_models::training::RunError;

/// Why methods cannot be compared as asked.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// A name that the task does not have, of data or of a method.
    #[error("{0}")]
    Unknown(String),
    /// Nothing to train.
    #[error("no {what} given: at least one is needed")]
    None {
        /// What is missing.
        what: &'static str,
    },
    /// The same twice.
    #[error("{what} {given} is given twice")]
    Repeated {
        /// What is repeated.
        what: &'static str,
        /// Which one.
        given: String,
    },
    /// A file of settings that is none.
    #[error(
        "{} is no file of settings: {what}; expected an object of methods, and for each an object of \
         settings, such as {{\"sparsemax\": {{\"lr\": 0.001}}}}",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A setting that the task does not have.
    #[error("{task} has no setting {given}; there are {}", known.join(", "))]
    UnknownSetting {
        /// The task.
        task: &'static str,
        /// What was given.
        given: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A setting that has a flag of its own.
    #[error("{name} is given by --{flag}")]
    OwnFlag {
        /// The setting.
        name: String,
        /// The flag.
        flag: &'static str,
    },
    /// A setting of a kind that it cannot have.
    #[error("{name} cannot be {given}: {what}")]
    Kind {
        /// The setting.
        name: String,
        /// What was given.
        given: String,
        /// What is wrong with it.
        what: String,
    },
    /// Settings of a method that no run can have.
    #[error("{method}: {source}")]
    Method {
        /// The method.
        method: String,
        /// Why not.
        source: RunError,
    },
    /// A file or folder that cannot be read or written, or is damaged.
    #[error(transparent)]
    Run(#[from] RunError),
}
