//! What the tasks share when they train.

mod randomness;

pub use randomness::generator;
