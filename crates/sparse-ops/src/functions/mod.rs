//! The public functions: documentation, checks, dispatch; nothing numeric.

mod bernoulli_log_likelihood;
mod categorical_log_likelihood;
pub(crate) mod check;
mod distribution_over_candidates;
mod entmax;
mod entmax15;
mod entmax_loss;
mod implicit_mle;
mod local;
mod sparse_matmul;
mod sparsemap;
mod sparsemap_from;
mod sparsemap_loss;
mod sparsemax;
mod structure_scores;
mod structure_targets;
mod sum_of_sigmoids;
mod topk_sparsemax;

pub use bernoulli_log_likelihood::bernoulli_log_likelihood;
pub use categorical_log_likelihood::categorical_log_likelihood;
pub use distribution_over_candidates::distribution_over_candidates;
pub use entmax::{entmax, entmax_with_alpha};
pub use entmax_loss::{entmax_loss, entmax15_loss, sparsemax_loss};
pub use entmax15::entmax15;
pub use implicit_mle::{ImplicitSample, implicit_mle};
pub use local::{local_entmax15, local_sparsemax};
pub use sparse_matmul::sparse_matmul;
pub use sparsemap::sparsemap;
pub use sparsemap_from::sparsemap_from;
pub use sparsemap_loss::sparsemap_loss;
pub use sparsemax::sparsemax;
pub use structure_scores::StructureScores;
pub use structure_targets::StructureTargets;
pub use sum_of_sigmoids::sum_of_sigmoids;
pub use topk_sparsemax::topk_sparsemax;
