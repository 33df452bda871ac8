//! Completes a folder with the files of a data set from public mirrors.

mod fetch;
mod store;
#[cfg(test)]
mod tests;

use std::{fs::File, path::Path};

use ureq::Agent;

use super::{Attempt, DataError, DataSet, data_set::Published, folder, unpack::unpack};

/// Files, and where they are served.
pub(super) struct Source {
    data: DataSet,
    files: Vec<Published>,
    /// Each serves `<mirror><file>.gz`; they are tried in this order.
    mirrors: Vec<String>,
    agent: Agent,
}

impl Source {
    /// The published files of a data set on their public mirrors.
    pub(super) fn published(data: DataSet) -> Self {
        Self {
            data,
            files: data.files().into(),
            mirrors: data.mirrors().map(String::from).into(),
            agent: fetch::agent(),
        }
    }

    /// Downloads the files that `folder` lacks or has damaged, plain or with `.gz`.
    ///
    /// Every file is read and its checksum compared each time: 55 MB take a fraction of a second, and
    /// a damaged file is never trained on.
    ///
    /// # Errors
    ///
    /// If no mirror serves one of them as it was published, or the folder cannot be written.
    pub(super) fn complete(mut self, folder: &Path) -> Result<(), DataError> {
        for file in self.files.clone() {
            if !is_whole(folder, &file) {
                store::prepare(folder)?;
                let bytes = self.download(&file, folder)?;
                store::store(&folder.join(file.name), &bytes)?;
            }
        }
        Ok(())
    }

    fn download(&mut self, file: &Published, folder: &Path) -> Result<Vec<u8>, DataError> {
        let mut attempts = Vec::new();
        for i in 0..self.mirrors.len() {
            let url = format!("{}{}.gz", self.mirrors[i], file.name);
            let label = format!("{}: {}", self.data, file.name);
            match fetch::fetch(&self.agent, &url, label, file) {
                Ok(bytes) => {
                    // the next file need not wait again for a mirror that does not answer
                    self.mirrors.swap(0, i);
                    return Ok(bytes);
                }
                Err(reason) => attempts.push(Attempt { url, reason }),
            }
        }
        Err(DataError::Download {
            data: self.data,
            file: file.name,
            attempts,
            folder: folder.to_path_buf(),
        })
    }
}

/// Whether the file that a reader would take is there with its published contents. One that cannot be
/// read counts as missing: it is replaced, or the error of writing says why not.
fn is_whole(folder: &Path, file: &Published) -> bool {
    folder::find(folder, file.name)
        .and_then(|path| File::open(path).ok())
        .and_then(|stream| unpack(stream, file.size).ok())
        .is_some_and(|bytes| file.verify(&bytes).is_ok())
}
