#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
// ndarray is deprecated in Burn, but still one of the backends people run.
#![cfg_attr(feature = "ndarray", allow(deprecated))]

mod backends;
mod compose;
mod distribution;
mod functions;
mod host;
#[cfg(feature = "cubecl-backend")]
mod kernels;
mod ops;

pub use distribution::SparseDistribution;
pub use functions::*;
pub use ops::SparseOps;
