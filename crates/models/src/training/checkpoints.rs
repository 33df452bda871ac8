//! Checkpoints that survive a kill at any moment: each file is whole or not there, and an epoch
//! counts only when all of its files are. What a disk has changed since shows by a checksum beside each.

use std::{
    collections::BTreeSet,
    fs,
    marker::PhantomData,
    path::{Path, PathBuf},
};

use burn::{
    store::ModuleRecord,
    tensor::Bytes,
    train::{
        checkpoint::{
            Checkpoint, Checkpointer, CheckpointerError, CheckpointingAction, CheckpointingStrategy,
        },
        metric::store::EventStoreClient,
    },
};

use crate::data::sha256;

use super::{
    EpochLog, RunError,
    epoch_log::best,
    run_folder::{CHECKPOINTS, TEMPORARY, write_whole},
};

/// What an epoch's checkpoint consists of: a file of each, in the order they are written.
pub(super) const PARTS: [&str; 3] = ["model", "optimizer", "schedule"];
/// How the name of the file goes on that has a part's checksum, as `sha256sum -c` reads it.
const CHECKSUM: &str = ".sha256";

/// The checkpoints of a run folder.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Those in the folder `checkpoints` of a run folder.
    pub fn of(run: &Path) -> Self {
        Self {
            folder: run.join(CHECKPOINTS),
        }
    }

    /// The epochs that can be continued from or evaluated, ascending.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read. One that is not there holds none.
    pub fn epochs(&self) -> Result<Vec<usize>, RunError> {
        let mut epochs = BTreeSet::new();
        match fs::read_dir(&self.folder) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.map_err(RunError::read(&self.folder))?;
                    epochs.extend(self.epoch_of(&entry.file_name().to_string_lossy()));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(RunError::read(&self.folder)(error)),
        }
        let whole = |epoch: &usize| PARTS.iter().all(|part| self.file(part, *epoch).is_file());
        Ok(epochs.into_iter().filter(whole).collect())
    }

    /// The file of one part.
    pub fn file(&self, part: &str, epoch: usize) -> PathBuf {
        self.folder.join(format!("{part}-{epoch}.bpk"))
    }

    /// The model of an epoch.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn model(&self, epoch: usize) -> Result<ModuleRecord, RunError> {
        let restored = self.part::<ModuleRecord>("model").restore(epoch);
        restored.map_err(|error| RunError::Damaged {
            path: self.file("model", epoch),
            what: explained(&error),
        })
    }

    /// Makes the folder, and removes what a killed run left unfinished: parts of an epoch that is not
    /// whole, and temporary files. What else is there is not ours.
    pub(super) fn prepare(&self) -> Result<(), RunError> {
        fs::create_dir_all(&self.folder).map_err(RunError::write(&self.folder))?;
        let whole = self.epochs()?;
        for entry in fs::read_dir(&self.folder).map_err(RunError::read(&self.folder))? {
            let path = entry.map_err(RunError::read(&self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let unfinished = match self.epoch_of(&name) {
                Some(epoch) => !whole.contains(&epoch),
                None => name.starts_with(TEMPORARY),
            };
            if unfinished && path.is_file() {
                fs::remove_file(&path).map_err(RunError::write(&path))?;
            }
        }
        Ok(())
    }

    /// Where burn-train writes and reads one part.
    pub(super) fn part<R>(&self, part: &'static str) -> WholeFiles<R> {
        WholeFiles {
            checkpoints: self.clone(),
            part,
            record: PhantomData,
        }
    }

    fn epoch_of(&self, name: &str) -> Option<usize> {
        let name = name.strip_suffix(CHECKSUM).unwrap_or(name);
        let (part, epoch) = name.strip_suffix(".bpk")?.rsplit_once('-')?;
        PARTS.contains(&part).then_some(())?;
        epoch.parse().ok()
    }
}

/// An error of ours, or of burn-train, as it is told: the frame of ours says nothing more.
pub(super) fn explained(error: &CheckpointerError) -> String {
    match error {
        CheckpointerError::Unknown(what) => what.clone(),
        error => error.to_string(),
    }
}

fn checksum_file(part: &Path) -> PathBuf {
    let mut name = part.as_os_str().to_owned();
    name.push(CHECKSUM);
    name.into()
}

fn checksum_line(part: &Path, bytes: &[u8]) -> String {
    let name = part.file_name().unwrap_or_default().to_string_lossy();
    format!("{}  {name}\n", sha256(bytes))
}

/// One part of the checkpoints, for burn-train.
pub(super) struct WholeFiles<R> {
    checkpoints: Checkpoints,
    part: &'static str,
    record: PhantomData<fn(R)>,
}

impl<R: Checkpoint> WholeFiles<R> {
    fn explain(&self, path: &Path, error: impl std::fmt::Display) -> CheckpointerError {
        CheckpointerError::Unknown(format!("cannot write {}: {error}", path.display()))
    }
}

impl<R: Checkpoint> Checkpointer<R> for WholeFiles<R> {
    fn save(&self, epoch: usize, record: R) -> Result<(), CheckpointerError> {
        let path = self.checkpoints.file(self.part, epoch);
        let bytes = record
            .checkpoint_into_bytes()
            .map_err(CheckpointerError::Record)?;
        // an older part would be taken for damaged, were the process killed between these two
        self.delete(epoch)?;
        // before the part, with which the checkpoint counts
        let checksum = checksum_file(&path);
        write_whole(&checksum, checksum_line(&path, &bytes).as_bytes())
            .map_err(|error| self.explain(&checksum, error))?;
        write_whole(&path, &bytes).map_err(|error| self.explain(&path, error))
    }

    fn delete(&self, epoch: usize) -> Result<(), CheckpointerError> {
        let path = self.checkpoints.file(self.part, epoch);
        let checksum = checksum_file(&path);
        // without the part, a checksum is a remnant
        for path in [&path, &checksum] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(self.explain(path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn restore(&self, epoch: usize) -> Result<R, CheckpointerError> {
        let path = self.checkpoints.file(self.part, epoch);
        let bytes = fs::read(&path).map_err(CheckpointerError::IOError)?;
        match fs::read_to_string(checksum_file(&path)) {
            Ok(line) if line != checksum_line(&path, &bytes) => {
                return Err(CheckpointerError::Unknown(format!(
                    "it has not the SHA-256 that the file {CHECKSUM} beside it names"
                )));
            }
            // those of earlier versions have none
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(CheckpointerError::IOError(error));
            }
            _ => {}
        }
        R::checkpoint_from_bytes(Bytes::from_bytes_vec(bytes)).map_err(CheckpointerError::Record)
    }
}

/// Keeps the two newest epochs, to continue from, and the best one, to evaluate.
///
/// Two, because the parts of an epoch are written by a thread each: only when the next epoch is
/// handed to these threads is it certain that all parts of the one before have been written.
pub(super) struct NewestAndBest {
    log: EpochLog,
    kept: BTreeSet<usize>,
}

impl NewestAndBest {
    /// `kept` are the checkpoints that are there already.
    pub(super) fn new(log: EpochLog, kept: impl IntoIterator<Item = usize>) -> Self {
        Self {
            log,
            kept: kept.into_iter().collect(),
        }
    }
}

impl CheckpointingStrategy for NewestAndBest {
    fn checkpointing(
        &mut self,
        epoch: usize,
        store: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        let rows = self.log.rows_until(epoch, store);
        let best = best(&rows).map(|row| row.epoch);
        let previous = self.kept.last().copied();
        let old = |kept: &usize| Some(*kept) != previous && Some(*kept) != best;
        let outdated: Vec<usize> = self.kept.iter().copied().filter(old).collect();
        self.kept.retain(|kept| !outdated.contains(kept));
        self.kept.insert(epoch);
        // in this order: see above
        let deletions = outdated.into_iter().map(CheckpointingAction::Delete);
        std::iter::once(CheckpointingAction::Save)
            .chain(deletions)
            .collect()
    }
}
