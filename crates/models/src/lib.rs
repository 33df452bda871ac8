//! Deep generative models with sparse discrete latent variables, on Burn.
//!
//! A task ([`ssvae`]) is trained with any estimator ([`estimators`]) on any data set ([`data`]); none
//! of the three knows the others' members.

pub mod data;
pub mod estimators;
pub mod pictures;
pub mod ssvae;
pub mod training;
