//! The estimators on problems that are small enough to be enumerated.
#![allow(clippy::unwrap_used)]

mod biased;
mod equality;
mod exact;
mod hard_scores;
mod measure;
mod problem;
mod settings;
mod state;
mod table;
mod unbiased;
