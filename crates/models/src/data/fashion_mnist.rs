//! Fashion-MNIST: articles instead of digits, in the form of MNIST.

use std::path::Path;

use super::{DataError, ImageSet, folder};

/// The training and test images of Fashion-MNIST from a folder with its four IDX files (or the
/// folder above, where they lie in `fashion-mnist`).
///
/// # Errors
///
/// If files are missing or broken.
pub fn fashion_mnist(dir: &Path) -> Result<(ImageSet, ImageSet), DataError> {
    let (_, train, test) = folder::idx_sets("Fashion-MNIST", "fashion-mnist", dir)?;
    Ok((train, test))
}
