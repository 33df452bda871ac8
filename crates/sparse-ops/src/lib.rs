#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::unwrap_used))]
// ndarray is deprecated in Burn, but still one of the backends people run.
#![cfg_attr(feature = "ndarray", allow(deprecated))]

mod attach;
mod backends;
mod candidates;
mod compose;
mod distribution;
mod functions;
mod host;
#[cfg(feature = "cubecl-backend")]
mod kernels;
mod mapping;
mod ops;
mod sparsemap;
mod splitmix;
mod structure;

pub use candidates::{
    Candidates, KBestCandidates, MapAndNeighbors, NeighborhoodWorkspace, Omitted,
};
pub use distribution::SparseDistribution;
pub use functions::*;
pub use mapping::{Entmax, Entmax15, Mapping, Softmax, Sparsemax};
pub use ops::SparseOps;
pub use sparsemap::{Certificate, Link, SolveStatus, SparseMapOptions};
pub use structure::*;
