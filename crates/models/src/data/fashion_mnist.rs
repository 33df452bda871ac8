//! Fashion-MNIST: articles instead of digits, in the form of MNIST.

use std::path::Path;

use super::{DataError, DataSet, ImageSet, folder};

/// The training and test images of Fashion-MNIST from a folder with its four IDX files, or from the
/// folder `fashion-mnist` in it, which goes first. Without a folder at hand,
/// [`locate`](super::locate()) has one.
///
/// # Errors
///
/// If files are missing or broken, or the labels are those of another data set.
pub fn fashion_mnist(dir: &Path) -> Result<(ImageSet, ImageSet), DataError> {
    let (_, train, test) = folder::idx_sets(DataSet::FashionMnist, dir)?;
    Ok((train, test))
}
