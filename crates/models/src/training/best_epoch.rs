use burn::{module::Module, store::ModuleRecord};

use super::{Checkpoints, EpochLog, EpochRow, RunError, RunFolder, best, run_folder::CHECKPOINTS};

/// The epoch that a run is judged by: the [`best`] of those whose checkpoint is kept.
#[derive(Debug)]
pub struct BestEpoch {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Its model.
    pub model: ModuleRecord,
    /// What each epoch of the run measured.
    pub rows: Vec<EpochRow>,
}

impl BestEpoch {
    /// The best epoch of the run in `folder`.
    ///
    /// # Errors
    ///
    /// If there is no checkpoint, or a file cannot be read or is damaged; also if the best epoch of all has
    /// none, unless it is one of the last two, which a kill may leave without.
    pub fn of(folder: &RunFolder) -> Result<Self, RunError> {
        let path = folder.path();
        let checkpoints = Checkpoints::of(path);
        let kept = checkpoints.epochs()?;
        let rows = EpochLog::read(path)?;
        let epoch = best(rows.iter().filter(|row| kept.contains(&row.epoch)))
            .map(|row| row.epoch)
            .ok_or_else(|| match kept.last() {
                Some(epoch) => RunError::Damaged {
                    path: EpochLog::file(path),
                    what: format!(
                        "no figures of an epoch whose checkpoint is kept, such as {epoch}"
                    ),
                },
                None => RunError::NoRun {
                    path: path.to_path_buf(),
                    expected: "a checkpoint",
                },
            })?;
        if let Some(better) = best(rows.iter())
            .map(|row| row.epoch)
            .filter(|better| *better != epoch && *better + 1 < rows.len())
        {
            return Err(RunError::Damaged {
                path: checkpoints.file("model", better),
                what: format!(
                    "of epoch {better}, the best of {}, there is no whole checkpoint",
                    rows.len()
                ),
            });
        }
        Ok(Self {
            epoch,
            model: checkpoints.model(epoch)?,
            rows,
        })
    }
}

/// The model of an epoch of the run in `folder`, in the place of a `fresh` one.
///
/// # Errors
///
/// If it is another model: one of other sizes.
pub fn load<M: Module>(
    fresh: M,
    model: ModuleRecord,
    folder: &RunFolder,
    epoch: usize,
) -> Result<M, RunError> {
    fresh
        .try_load_record(model)
        .map_err(|error| RunError::Damaged {
            path: folder.file(CHECKPOINTS),
            what: format!(
                "the model of epoch {epoch} has not the tensors, or not the sizes, that this version makes of config.json: \
                 {error}"
            ),
        })
}
