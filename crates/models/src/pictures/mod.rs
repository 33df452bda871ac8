//! Pictures of what a run has learned: grids of images, learning curves.

mod curves;
mod grid;

pub use curves::draw_curves;
pub use grid::{Grid, encode_png};
