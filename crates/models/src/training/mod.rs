//! What the tasks share when they train: random numbers by step, the run folder, checkpoints that
//! survive a kill, batches by epoch, steps on parts of a batch side by side, the log of epochs, and the
//! set-up of burn-train.

mod adam;
mod ahead;
mod backend;
mod batches;
mod best_epoch;
mod checkpoints;
mod crews;
mod dashboard;
mod epoch_log;
mod error;
mod experiment;
mod fresh_weights;
mod metrics;
mod parts;
mod patience;
mod quiet;
mod randomness;
mod run_folder;
mod session;
mod spread;
mod step;
mod timed;
mod two_phases;

pub(crate) use adam::adam;
pub use backend::{backend_name, chosen_device};
pub use batches::{BatchSource, EpochBatches, EpochLoader, MakeBatch};
pub use best_epoch::{BestEpoch, load};
pub use checkpoints::Checkpoints;
pub use epoch_log::{EpochLog, EpochRow, LOSS, OnEpoch, SELECTION, best};
pub use error::RunError;
pub use experiment::{Experiment, Figure, Selection};
pub use fresh_weights::fresh_weights;
pub use metrics::{Metrics, Timings};
pub(crate) use parts::{Divisible, Joinable, part_of, together};
pub use patience::Patience;
pub use randomness::{Draw, Stream};
pub use run_folder::{RunFolder, write_whole};
pub use session::{Display, MOST_EPOCHS, Session};
pub use spread::Spread;
#[cfg(test)]
pub(crate) use step::tests;
pub(crate) use step::training_step;
pub use two_phases::TwoPhases;
