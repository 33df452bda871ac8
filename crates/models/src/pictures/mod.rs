//! Pictures of what runs have learned: grids of images, learning curves, what quality costs, figures.

mod axis;
mod courses;
mod curves;
mod entropy;
pub mod figure;
mod grid;
mod labels;
mod palette;
mod save;
mod ticks;
mod trade_off;

pub use courses::{Course, draw_courses};
pub use curves::{Caption, draw_curves};
pub use entropy::entropy;
pub use grid::{Grid, encode_png};
pub use trade_off::{Cost, MethodPoint, draw_trade_off};
