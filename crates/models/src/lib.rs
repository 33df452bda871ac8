//! Deep generative models with sparse discrete latent variables, on Burn.

pub mod data;
