//! What every epoch measured, a line of `epochs.jsonl` each: for the learning curves, for the
//! choice of the best epoch, and for the timings that `metrics.json` reports.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use burn::train::{
    Interrupter,
    checkpoint::CheckpointerError,
    logger::MetricLogger,
    metric::{
        MetricDefinition, MetricId, NumericEntry,
        store::{Aggregate, EpochSummary, EventStoreClient, MetricsUpdate, Split},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    RunError,
    run_folder::{EPOCHS, write_whole},
};

/// The metric by which epochs are compared where the task has it: the larger the better.
pub const SELECTION: &str = "Accuracy";

/// The metric by which they are compared where it has not: the smaller the better.
pub const LOSS: &str = "Loss";

/// One epoch's figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Training steps.
    pub steps: usize,
    /// Wall time of these steps, without validation.
    pub seconds: f64,
    /// Means over the training steps, by metric.
    pub train: BTreeMap<String, f64>,
    /// Means over the validation set, by metric.
    pub valid: BTreeMap<String, f64>,
}

/// What is done with the figures of each epoch.
pub type OnEpoch = Box<dyn Fn(&EpochRow) + Send>;

/// The rows of a run, in memory and on disk.
#[derive(Debug, Clone)]
pub struct EpochLog {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    file: File,
    rows: Vec<EpochRow>,
    current: EpochRow,
    began: Option<Instant>,
}

impl EpochLog {
    /// The log of a run folder, of which only the first `epochs` epochs count from now on.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or does not have all of these epochs.
    pub fn continued(folder: &Path, epochs: usize) -> Result<Self, RunError> {
        let mut rows = Self::read(folder)?;
        rows.retain(|row| row.epoch <= epochs);
        let path = Self::file(folder);
        if rows.len() != epochs {
            return Err(RunError::Damaged {
                path,
                what: format!("{} of the first {epochs} epochs", rows.len()),
            });
        }
        let mut text = Vec::new();
        for row in &rows {
            serde_json::to_writer(&mut text, row)
                .map_err(|error| RunError::write(&path)(error.into()))?;
            text.push(b'\n');
        }
        write_whole(&path, &text).map_err(RunError::write(&path))?;
        let file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(RunError::write(&path))?;
        Ok(Self {
            shared: Arc::new(Mutex::new(Shared {
                path,
                file,
                rows,
                current: EpochRow::default(),
                began: None,
            })),
        })
    }

    /// The rows of a run folder; none if it has no log yet. A last line that a killed run left
    /// unfinished is passed over.
    ///
    /// # Errors
    ///
    /// If the log cannot be read, or another line is not the row of its epoch.
    pub fn read(folder: &Path) -> Result<Vec<EpochRow>, RunError> {
        let path = Self::file(folder);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text.map_err(RunError::read(&path))?,
        };
        let (whole, _unfinished) = text.rsplit_once('\n').unwrap_or_default();
        let rows = whole.lines().zip(1..).map(|(line, epoch)| {
            let damaged = |what| RunError::Damaged {
                path: path.clone(),
                what: format!("line {epoch}: {what}"),
            };
            let row: EpochRow =
                serde_json::from_str(line).map_err(|error| damaged(error.to_string()))?;
            if row.epoch != epoch {
                return Err(damaged(format!("the row of epoch {}", row.epoch)));
            }
            Ok(row)
        });
        rows.collect()
    }

    /// The log's file in a run folder.
    pub(super) fn file(folder: &Path) -> PathBuf {
        folder.join(EPOCHS)
    }

    /// The rows so far.
    pub(super) fn rows(&self) -> Vec<EpochRow> {
        self.lock().rows.clone()
    }

    /// The rows up to that of `epoch`, which burn-train has just ended; it answers by `store` when it
    /// has handed it to the logger.
    pub(super) fn rows_until(&self, epoch: usize, store: &EventStoreClient) -> Vec<EpochRow> {
        let _ = store.find_metric(SELECTION, epoch, Aggregate::Mean, &Split::Valid);
        self.rows()
    }

    /// A training epoch begins.
    pub fn begin_steps(&self) {
        self.lock().began = Some(Instant::now());
    }

    /// A training epoch of `steps` steps ends.
    pub fn end_steps(&self, steps: usize) {
        let mut shared = self.lock();
        shared.current.steps = steps;
        shared.current.seconds = shared
            .began
            .map_or(0.0, |began| began.elapsed().as_secs_f64());
    }

    /// What burn-train hands its metrics to. `on_epoch` sees each row; `interrupter` stops the
    /// training when a row cannot be written, or a loss is not finite.
    pub(super) fn logger(
        &self,
        interrupter: Interrupter,
        on_epoch: Option<OnEpoch>,
    ) -> EpochLogger {
        EpochLogger {
            log: self.clone(),
            interrupter,
            on_epoch,
            names: HashMap::new(),
            sums: BTreeMap::new(),
            steps: 0,
            failed: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // rows are complete whenever the lock is released, also by a panic
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The best of some rows by validation [`SELECTION`], or by the validation loss of a task that has no
/// such metric; the latest of several equal ones.
pub fn best<'a>(rows: impl IntoIterator<Item = &'a EpochRow>) -> Option<&'a EpochRow> {
    rows.into_iter()
        .filter(|row| value(row).is_some_and(|value| !value.is_nan()))
        .max_by(|a, b| {
            let (a, b) = (value(a).unwrap_or(f64::NAN), value(b).unwrap_or(f64::NAN));
            a.total_cmp(&b)
        })
}

/// What an epoch is worth: the higher, the better.
pub(super) fn value(row: &EpochRow) -> Option<f64> {
    let accuracy = row.valid.get(SELECTION).copied();
    accuracy.or_else(|| row.valid.get(LOSS).map(|loss| -loss))
}

impl Shared {
    fn finish(&mut self) -> std::io::Result<()> {
        let row = std::mem::take(&mut self.current);
        let mut line = serde_json::to_vec(&row)?;
        line.push(b'\n');
        self.rows.push(row);
        self.file.write_all(&line)?;
        // on disk before the next checkpoint is, of which it must not be more than one epoch behind
        self.file.sync_data()
    }
}

/// burn-train's side of the log.
pub(super) struct EpochLogger {
    log: EpochLog,
    interrupter: Interrupter,
    on_epoch: Option<OnEpoch>,
    names: HashMap<MetricId, String>,
    sums: BTreeMap<String, Mean>,
    /// Training steps of the epoch so far.
    steps: usize,
    /// A figure was not finite: the training ends, and the epoch does not count.
    failed: bool,
}

/// A mean of batches, weighted by their sizes, or the metric's own final value.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    weight: f64,
    last: Option<f64>,
}

impl Mean {
    fn add(&mut self, entry: &NumericEntry) {
        match entry {
            NumericEntry::Value(value) => {
                self.sum += value;
                self.weight += 1.0;
            }
            NumericEntry::Aggregated {
                aggregated_value,
                count,
            } => {
                self.sum += aggregated_value * *count as f64;
                self.weight += *count as f64;
            }
            NumericEntry::Final(value) => self.last = Some(*value),
        }
    }

    fn value(self) -> f64 {
        self.last.unwrap_or(self.sum / self.weight)
    }
}

impl EpochLogger {
    /// Ends the training after the current step. What is said first counts.
    fn fail(&mut self, what: String) {
        if !self.failed {
            self.failed = true;
            self.interrupter.fail(CheckpointerError::Unknown(what));
        }
    }
}

impl MetricLogger for EpochLogger {
    fn log(&mut self, update: MetricsUpdate, epoch: usize, split: &Split) {
        let training = matches!(split, Split::Train);
        self.steps += usize::from(training);
        for update in update.entries_numeric {
            let name = self.names.get(&update.entry.metric_id).cloned();
            if let (Some(name), Some(entry)) = (name, &update.numeric_entry) {
                let sum = self.sums.entry(name.clone()).or_default();
                sum.add(entry);
                let value = sum.value();
                if !value.is_finite() {
                    let place = match training {
                        true => format!("in step {} of epoch {epoch}", self.steps),
                        false => format!("in the validation of epoch {epoch}"),
                    };
                    self.fail(format!("{name} is {value} {place}"));
                }
            }
        }
    }

    fn read_numeric(
        &mut self,
        name: &str,
        epoch: usize,
        split: &Split,
    ) -> Result<Vec<NumericEntry>, String> {
        let shared = self.log.lock();
        let row = shared.rows.iter().find(|row| row.epoch == epoch);
        let values = row.map(|row| match split {
            Split::Train => &row.train,
            _ => &row.valid,
        });
        let value = values.and_then(|values| values.get(name)).copied();
        Ok(value.map(NumericEntry::Final).into_iter().collect())
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        self.names
            .insert(definition.metric_id, definition.name.to_string());
    }

    fn log_epoch_summary(&mut self, summary: EpochSummary) {
        let epoch = summary.epoch_number;
        let sums = std::mem::take(&mut self.sums);
        let means: BTreeMap<String, f64> = sums
            .into_iter()
            .map(|(name, mean)| (name, mean.value()))
            .collect();
        self.steps = 0;
        if let Some((name, value)) = means.iter().find(|(_, value)| !value.is_finite()) {
            self.fail(format!("{name} is {value} in epoch {epoch}"));
        }
        if self.failed {
            return;
        }
        let mut shared = self.log.lock();
        match summary.split {
            Split::Train => shared.current.train = means,
            _ => {
                shared.current.epoch = epoch;
                shared.current.valid = means;
                if let Err(error) = shared.finish() {
                    let what = format!("cannot write {}: {error}", shared.path.display());
                    self.interrupter.fail(CheckpointerError::Unknown(what));
                }
                if let (Some(on_epoch), Some(row)) = (&self.on_epoch, shared.rows.last()) {
                    on_epoch(row);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(epoch: usize, accuracy: f64) -> EpochRow {
        EpochRow {
            epoch,
            valid: [(SELECTION.to_string(), accuracy)].into(),
            ..EpochRow::default()
        }
    }

    #[test]
    fn the_latest_of_the_best_is_chosen() {
        let rows = [
            row(1, 0.5),
            row(2, 0.9),
            row(3, f64::NAN),
            row(4, 0.9),
            row(5, 0.1),
        ];
        assert_eq!(best(&rows).unwrap().epoch, 4);
        assert_eq!(best(&[]), None);
        assert_eq!(best(&rows[2..3]), None);
    }

    #[test]
    fn without_an_accuracy_the_least_loss_is_chosen() {
        let mut rows = [3.0, 2.0, 2.0, 2.5, f64::NAN].map(|loss| EpochRow {
            valid: [(LOSS.to_string(), loss)].into(),
            ..EpochRow::default()
        });
        for (row, epoch) in rows.iter_mut().zip(1..) {
            row.epoch = epoch;
        }
        assert_eq!(best(&rows).unwrap().epoch, 3);
    }

    #[test]
    fn an_unfinished_line_is_passed_over_and_later_epochs_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<String> = (1..=3)
            .map(|epoch| serde_json::to_string(&row(epoch, 0.5)).unwrap())
            .collect();
        let text = format!(
            "{}\n{}\n{}\n{{\"epoch\":4,\"st",
            lines[0], lines[1], lines[2]
        );
        std::fs::write(folder.path().join(EPOCHS), text).unwrap();
        assert_eq!(EpochLog::read(folder.path()).unwrap().len(), 3);

        let log = EpochLog::continued(folder.path(), 2).unwrap();
        log.lock().current = row(3, 0.25);
        log.lock().finish().unwrap();
        let rows = EpochLog::read(folder.path()).unwrap();
        assert_eq!(rows, [row(1, 0.5), row(2, 0.5), row(3, 0.25)]);
        assert!(EpochLog::continued(folder.path(), 4).is_err());
    }
}
