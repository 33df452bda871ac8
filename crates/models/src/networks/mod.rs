//! Networks that tasks share.

mod mlp;
mod standard;

pub use mlp::Mlp;
pub use standard::{Standard, Standardization};
