//! What the `structures` command shows: a sentence to tag and a pair of sentences to align, softmax
//! over all their structures beside the few of SparseMAP, as text and as pictures.

mod alignment;
mod dense;
mod figure;
mod instance;
mod panels;
mod pictures;
mod support;
mod tagging;
pub mod text;

pub use alignment::alignment;
pub use dense::Dense;
pub use instance::Instance;
pub use pictures::{Comparison, alignment_picture, chain_picture};
pub use support::Support;
pub use tagging::tagging;
