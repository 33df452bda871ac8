//! The bit-vector variational autoencoder of Correia, Niculae, Aziz & Martins, [Efficient
//! Marginalization of Discrete and Structured Latent Variables via
//! Sparsity](https://arxiv.org/abs/2007.01919), 2020: a code of D independent bits generates an image
//! of grey pixels.
//!
//! With 2^D codes, 2^32 or 2^128 of them, an expectation over all is out of question. A sparse
//! distribution has a few codes in its support, and its expectation is exact.

mod batches;
mod belief;
mod config;
mod decoded;
mod enumerate;
mod evaluate;
mod explored;
mod importance;
mod learner;
mod loss;
mod networks;
mod pictures;
mod proposal;
mod rate_weight;
mod run;
mod settings;

pub use batches::GreyImages;
pub use config::BitVectorVaeConfig;
pub use enumerate::enumerate;
pub use evaluate::{BitVectorVaeTest, evaluate};
pub use importance::{MarginalLikelihood, marginal_likelihood};
pub use learner::{BitVectorVaeLearner, BitVectorVaeOutput};
pub use loss::{BitVectorVaeLosses, GreyBatch};
pub use networks::{BitVectorVae, Generator};
pub use pictures::draw_pictures;
pub use rate_weight::RateWeight;
pub use run::BitVectorVaeRun;
pub use settings::{BitVectorVaeData, BitVectorVaeSettings, ImportanceSettings};
