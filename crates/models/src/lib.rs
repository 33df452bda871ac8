//! Deep generative models with sparse discrete latent variables, on Burn.
//!
//! A task ([`ssvae`], [`signal_game`], [`bit_vector_vae`]) is trained with any estimator ([`estimators`]) on any data set
//! ([`data`]); none of the three knows the others' members.

pub mod bit_vector_vae;
pub mod data;
pub mod estimators;
pub mod networks;
pub mod pictures;
pub mod signal_game;
pub mod ssvae;
pub mod training;
