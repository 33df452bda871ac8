//! Where images come from: the embedded digits, or the files of MNIST and Fashion-MNIST, which a folder
//! holds or a mirror serves.
//!
//! Nothing here knows tensors: a reader yields pixels, labels and indices.

mod checksum;
mod data_set;
mod digits;
mod download;
mod error;
mod fashion_mnist;
mod folder;
mod idx;
mod image_set;
mod locate;
mod mnist;
mod npy;
mod semi_supervised;
mod unpack;

pub use data_set::DataSet;
pub use digits::digits;
pub use error::{Attempt, DataError};
pub use fashion_mnist::fashion_mnist;
pub use idx::{read_images, read_labels};
pub use image_set::ImageSet;
pub use locate::locate;
pub use mnist::mnist;
pub use npy::read_indices;
pub use semi_supervised::SemiSupervised;
