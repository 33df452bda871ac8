//! The public functions: documentation, checks, dispatch; nothing numeric.

mod check;
mod entmax;
mod entmax15;
mod entmax_loss;
mod sparsemax;

pub use entmax::{entmax, entmax_with_alpha};
pub use entmax_loss::{entmax_loss, entmax15_loss, sparsemax_loss};
pub use entmax15::entmax15;
pub use sparsemax::sparsemax;
