//! SparseMAP: exact sparse distributions over structures.
//!
//! `μ = argmax over the marginal polytope of ⟨η, μ⟩ − ½‖μ_U‖²`, and a sparse p with E_p[a] = μ.
//! Numbers only; no tensors.

mod active_set;
mod batch;
mod candidates;
mod cardinality;
mod chain;
mod corral;
mod face;
mod factor;
mod gradient;
mod implicit;
mod link;
mod nested;
mod options;
mod solution;
mod status;
mod systematic;
#[cfg(test)]
mod tests;
mod total_variation;
mod vector;

pub(crate) use batch::solve;
pub(crate) use candidates::{Candidates, neighborhood};
pub(crate) use implicit::Implicit;
pub use link::Link;
pub use options::SparseMapOptions;
pub(crate) use solution::Solution;
pub use status::{Certificate, SolveStatus};
