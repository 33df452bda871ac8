//! SparseMAP: exact sparse distributions over structures.
//!
//! `μ = argmax over the marginal polytope of ⟨η, μ⟩ − ½‖μ_U‖²`, and a sparse p with E_p[a] = μ.
//! Numbers only; no tensors.

mod active_set;
mod batch;
mod bipartite;
mod birkhoff;
mod cardinality;
mod chain;
mod corral;
mod face;
mod factor;
mod gradient;
mod implicit;
mod link;
mod loss;
mod nested;
mod options;
mod permutations;
mod solution;
mod status;
mod systematic;
#[cfg(test)]
mod tests;
mod total_variation;
mod vector;
mod warm_start;

pub(crate) use batch::{solve, solve_from};
pub(crate) use implicit::Implicit;
pub use link::Link;
pub(crate) use loss::Losses;
pub use options::SparseMapOptions;
pub(crate) use solution::Solution;
pub use status::{Certificate, SolveStatus};
pub(crate) use warm_start::WarmStart;
