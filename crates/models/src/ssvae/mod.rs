//! The semi-supervised variational autoencoder (model M2 of Kingma, Rezende, Mohamed & Welling,
//! [Semi-supervised Learning with Deep Generative Models](https://arxiv.org/abs/1406.5298), 2014):
//! a class y and a continuous style z generate an image, and the class of most images is unknown.

mod batches;
mod config;
mod loss;
mod networks;

pub use batches::{BatchPlan, EpochLoader, SsvaeBatch};
pub use config::SsvaeConfig;
pub use loss::{Labelled, Unlabelled};
pub use networks::{Generator, Inference, Mlp, Posterior, Ssvae};
