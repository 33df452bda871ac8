//! Every operation on the device named by `BURN_DEVICE`: plain, with autodiff, and with gradient
//! checkpointing.
#![allow(clippy::unwrap_used)]

#[path = "backend/candidates.rs"]
mod candidates;
#[path = "backend/categorical.rs"]
mod categorical;
#[path = "backend/device.rs"]
mod device;
#[path = "backend/distribution.rs"]
mod distribution;
#[path = "backend/golden.rs"]
mod golden;
#[path = "backend/likelihoods.rs"]
mod likelihoods;
#[path = "backend/losses.rs"]
mod losses;
#[path = "backend/mappings.rs"]
mod mappings;
#[path = "backend/oracle.rs"]
mod oracle;
#[path = "backend/rows.rs"]
mod rows;
#[path = "backend/sigmoids.rs"]
mod sigmoids;
#[path = "backend/sparse_matmul.rs"]
mod sparse_matmul;
#[path = "backend/sparsemap_from.rs"]
mod sparsemap_from;
#[path = "backend/sparsemap_loss.rs"]
mod sparsemap_loss;
#[path = "backend/structured_attention.rs"]
mod structured_attention;
#[path = "backend/structures.rs"]
mod structures;
