use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::RunError;

const CONFIG: &str = "config.json";
/// The fingerprint of the data of the run.
const DATA: &str = "data.fingerprint";
/// Locked by the process that trains.
const LOCK: &str = "run.lock";
/// What each epoch measured.
pub(super) const EPOCHS: &str = "epochs.jsonl";
/// The folder of the checkpoints.
pub(super) const CHECKPOINTS: &str = "checkpoints";

/// How the names of files begin that are not whole yet.
pub(super) const TEMPORARY: &str = ".tmp";

/// The folder of a run: settings, checkpoints, logs, pictures and `metrics.json`.
///
/// Every file is written to a temporary name and renamed, so that none is ever half there; but to the
/// log of epochs a line is added, of which a last one without an end does not count.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The file with what the evaluation has found, which may have been before the end of the training.
    pub const METRICS: &str = "metrics.json";

    /// Begins a run in `path` with `settings`, which go to `config.json`.
    ///
    /// # Errors
    ///
    /// If the folder holds a run already, or what is left of one, or cannot be written.
    pub fn begin<S: Serialize>(path: &Path, settings: &S) -> Result<Self, RunError> {
        let folder = Self {
            path: path.to_path_buf(),
        };
        if folder.file(CONFIG).exists() {
            return Err(RunError::Occupied { path: folder.path });
        }
        let mut remains = [DATA, EPOCHS, CHECKPOINTS, Self::METRICS].into_iter();
        if let Some(found) = remains.find(|name| folder.file(name).exists()) {
            return Err(RunError::Remains {
                path: folder.path,
                found,
            });
        }
        fs::create_dir_all(path).map_err(RunError::write(path))?;
        let config = folder.file(CONFIG);
        let written = json(settings).and_then(|text| {
            let temporary = temporary(&config, &text)?;
            temporary.persist_noclobber(&config).map_err(|e| e.error)
        });
        match written {
            Ok(_) => Ok(folder),
            // somebody else has been faster
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(RunError::Occupied { path: folder.path })
            }
            Err(error) => Err(RunError::write(&config)(error)),
        }
    }

    /// The run in `path`.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let folder = Self {
            path: path.to_path_buf(),
        };
        if !folder.file(CONFIG).is_file() {
            return Err(RunError::NoRun {
                path: folder.path,
                expected: CONFIG,
            });
        }
        Ok(folder)
    }

    /// The settings that the run was started with.
    ///
    /// # Errors
    ///
    /// If they cannot be read, or are not settings of this task.
    pub fn settings<S: DeserializeOwned>(&self) -> Result<S, RunError> {
        match self.read_json(CONFIG) {
            Err(RunError::Damaged { path, what }) => Err(RunError::Damaged {
                path,
                what: format!("these are no settings of this task: {what}"),
            }),
            settings => settings,
        }
    }

    /// What only one process has at a time, until it ends, however it does.
    ///
    /// # Errors
    ///
    /// If another one has it, or the folder cannot be written.
    pub(super) fn lock(&self) -> Result<File, RunError> {
        // a file of its own, open for writing: some systems ask for that, and keep others from reading
        let path = self.file(LOCK);
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(RunError::write(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(RunError::InUse {
                path: self.path.clone(),
            }),
            // a file system that knows no locks
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(file)
            }
            Err(TryLockError::Error(error)) => Err(RunError::write(&path)(error)),
        }
    }

    /// Checks that the run was started with the settings that are `given` now.
    ///
    /// # Errors
    ///
    /// If a field differs; the error names each one that does.
    pub fn demand_settings<S: Serialize + DeserializeOwned>(
        &self,
        given: &S,
    ) -> Result<(), RunError> {
        let there = fields(&self.settings::<S>()?);
        let differences: Vec<String> = fields(given)
            .into_iter()
            .filter(|(name, value)| there.get(name) != Some(value))
            .map(|(name, value)| {
                let before = there.get(&name).unwrap_or(&Value::Null);
                format!("{name} is {before} there, but {value} was given")
            })
            .collect();
        if differences.is_empty() {
            return Ok(());
        }
        Err(RunError::OtherSettings {
            path: self.path.clone(),
            differences,
        })
    }

    /// Checks that the run is one of these data, by their
    /// [`fingerprint`](crate::data::Fingerprint::fingerprint). A run that has kept none is one of any.
    ///
    /// # Errors
    ///
    /// If the run is of other data, or the folder cannot be read.
    pub fn demand_data(&self, fingerprint: &str) -> Result<(), RunError> {
        match self.data()? {
            Some(there) if there != fingerprint => Err(RunError::OtherData {
                path: self.path.clone(),
                there,
                given: fingerprint.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// The same; and keeps the fingerprint if nothing has been trained yet.
    pub(super) fn claim_data(&self, fingerprint: &str) -> Result<(), RunError> {
        let path = self.file(DATA);
        if self.data()?.is_none() && !self.file(EPOCHS).exists() {
            let line = format!("{fingerprint}\n");
            let written = temporary(&path, line.as_bytes()).and_then(|temporary| {
                let kept = temporary.persist_noclobber(&path);
                kept.map_err(|e| e.error)
            });
            match written {
                // somebody else has been faster, perhaps with other data
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(RunError::write(&path)(error));
                }
                _ => {}
            }
        }
        self.demand_data(fingerprint)
    }

    fn data(&self) -> Result<Option<String>, RunError> {
        let path = self.file(DATA);
        match fs::read_to_string(&path) {
            Ok(line) => Ok(Some(line.trim_end().to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(RunError::read(&path)(error)),
        }
    }

    /// Removes the figures of an evaluation: training goes on, and they are no longer those of the run.
    pub(super) fn forget_metrics(&self) -> Result<(), RunError> {
        let path = self.file(Self::METRICS);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RunError::write(&path)(error))
            }
            _ => Ok(()),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a JSON file of the folder.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not what it should be.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, RunError> {
        let path = self.file(name);
        let text = fs::read(&path).map_err(RunError::read(&path))?;
        serde_json::from_slice(&text).map_err(|error| RunError::Damaged {
            path,
            what: error.to_string(),
        })
    }

    /// Writes a JSON file of the folder.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), RunError> {
        let path = self.file(name);
        let written = json(value).and_then(|text| write_whole(&path, &text));
        written.map_err(RunError::write(&path))
    }
}

fn json<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Writes a file under a temporary name in the same folder, then renames it.
///
/// # Errors
///
/// If the folder cannot be written; what is at `path` stays as it was.
pub fn write_whole(path: &Path, contents: &[u8]) -> io::Result<()> {
    let temporary = temporary(path, contents)?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A file with these contents beside `path`.
fn temporary(path: &Path, contents: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    // as any other file: temporary ones are the owner's alone
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder)?;
    temporary.write_all(contents)?;
    temporary.as_file().sync_data()?;
    Ok(temporary)
}

fn fields<S: Serialize>(settings: &S) -> serde_json::Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("settings are a struct with named fields"),
    }
}
