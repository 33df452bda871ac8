//! Where images come from: the embedded digits, or the files of MNIST and Fashion-MNIST, which a folder
//! holds or a mirror serves. Concepts and their examples come from the digits too, from Omniglot, or from
//! a file of features.
//!
//! Nothing here knows tensors: a reader yields pixels or features, labels and indices.

mod array;
mod checksum;
mod concept_data;
mod concept_set;
mod data_set;
mod digits;
mod download;
mod error;
mod fashion_mnist;
mod features;
mod fingerprint;
mod folder;
mod idx;
mod image_set;
mod locate;
mod mnist;
mod npy;
mod omniglot;
mod semi_supervised;
mod split_images;
mod unknown;
mod unpack;

pub(crate) use checksum::sha256;
pub use concept_data::ConceptData;
pub use concept_set::ConceptSet;
pub use data_set::DataSet;
pub use digits::digits;
pub use error::{Attempt, DataError};
pub use fashion_mnist::fashion_mnist;
pub use features::read_features;
pub use fingerprint::Fingerprint;
pub use idx::{read_images, read_labels};
pub use image_set::ImageSet;
pub use locate::locate;
pub use mnist::mnist;
pub use npy::read_indices;
pub use omniglot::omniglot;
pub use semi_supervised::SemiSupervised;
pub use split_images::SplitImages;
pub use unknown::UnknownData;
