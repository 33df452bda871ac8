//! The semi-supervised variational autoencoder (model M2 of Kingma, Rezende, Mohamed & Welling,
//! [Semi-supervised Learning with Deep Generative Models](https://arxiv.org/abs/1406.5298), 2014):
//! a class y and a continuous style z generate an image, and the class of most images is unknown.

mod batches;
mod config;
mod evaluate;
mod learner;
mod loss;
mod networks;
mod pictures;
mod run;
mod settings;

pub use batches::{BatchPlan, TrainingImages, ValidationImages};
pub use config::SsvaeConfig;
pub use evaluate::{SsvaeTest, evaluate};
pub use learner::{LossWeights, SsvaeLearner, SsvaeOutput};
pub use loss::{SeenImages, SsvaeBatch, SsvaeLosses};
pub use networks::{Generator, Inference, Posterior, Ssvae};
pub use pictures::draw_pictures;
pub use run::SsvaeRun;
pub use settings::{SsvaeData, SsvaeSettings, UnknownData};
