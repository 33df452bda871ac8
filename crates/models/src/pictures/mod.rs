//! Pictures of what a run has learned: grids of images, learning curves, figures.

mod curves;
mod entropy;
pub mod figure;
mod grid;

pub use curves::draw_curves;
pub use entropy::entropy;
pub use grid::{Grid, encode_png};
