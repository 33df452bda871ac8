use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::RunError;

const CONFIG: &str = "config.json";
/// What each epoch measured.
pub(super) const EPOCHS: &str = "epochs.jsonl";
/// The folder of the checkpoints.
pub(super) const CHECKPOINTS: &str = "checkpoints";

/// The folder of a run: settings, checkpoints, logs, pictures and `metrics.json`.
///
/// Every file is written to a temporary name and renamed, so that none is ever half there.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The file with what the evaluation has found: a run that has it is finished.
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
        let mut remains = [EPOCHS, CHECKPOINTS, Self::METRICS].into_iter();
        if let Some(found) = remains.find(|name| folder.file(name).exists()) {
            return Err(RunError::Remains {
                path: folder.path,
                found,
            });
        }
        fs::create_dir_all(path).map_err(RunError::write(path))?;
        folder.write_json(CONFIG, settings)?;
        Ok(folder)
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
        self.read_json(CONFIG)
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
        let mut text = serde_json::to_string_pretty(value)
            .map_err(|error| RunError::write(&path)(error.into()))?;
        text.push('\n');
        write_whole(&path, text.as_bytes()).map_err(RunError::write(&path))
    }
}

/// Writes a file under a temporary name in the same folder, then renames it.
pub fn write_whole(path: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // as any other file: temporary ones are the owner's alone
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder)?;
    temporary.write_all(contents)?;
    temporary.as_file().sync_data()?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn fields<S: Serialize>(settings: &S) -> serde_json::Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("settings are a struct with named fields"),
    }
}
