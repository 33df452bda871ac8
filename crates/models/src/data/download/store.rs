//! Files that appear whole or not at all.

use std::{fs, io::Write, path::Path};

use tempfile::NamedTempFile;

use crate::data::DataError;

/// Makes the folder if there is none.
pub(super) fn prepare(folder: &Path) -> Result<(), DataError> {
    fs::create_dir_all(folder).map_err(|source| DataError::Write {
        path: folder.to_path_buf(),
        source,
    })
}

/// Writes `bytes` under a temporary name beside `path`, then renames. The temporary file is removed if
/// either fails.
pub(super) fn store(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| DataError::Write {
        path: path.to_path_buf(),
        source,
    })
}
