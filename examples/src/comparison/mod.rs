//! Methods beside each other: every method is trained with every seed, each run in a folder of its own,
//! and what they come to is one table and four pictures.
//!
//! A task is compared by what it says of itself as an [`Experiment`](sparse_models::training::Experiment).

mod command;
mod date;
mod error;
mod overrides;
mod plan;
mod progress;
mod report;
mod stop;
mod table;

pub use command::without_folders;
pub use date::today;
pub use error::ComparisonError;
pub use overrides::{Overrides, assignment};
pub use plan::{Comparison, PlannedRun, Request, State};
pub use progress::Progress;
pub use report::Report;
pub use stop::Stop;
