//! The public functions: documentation, checks, dispatch; nothing numeric.

mod check;
mod entmax;
mod entmax15;
mod entmax_loss;
mod implicit_mle;
mod local;
mod sparsemap;
mod sparsemax;
mod structure_scores;
mod topk_sparsemax;

pub use entmax::{entmax, entmax_with_alpha};
pub use entmax_loss::{entmax_loss, entmax15_loss, sparsemax_loss};
pub use entmax15::entmax15;
pub use implicit_mle::{ImplicitSample, implicit_mle};
pub use local::{local_entmax15, local_sparsemax};
pub use sparsemap::sparsemap;
pub use sparsemax::sparsemax;
pub use structure_scores::StructureScores;
pub use topk_sparsemax::topk_sparsemax;
