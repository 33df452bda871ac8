//! Networks that tasks share.

mod mlp;
mod standard;

pub use mlp::{Mlp, see};
pub use standard::{Standard, Standardization};
