//! Omniglot: handwritten characters of many alphabets, a few drawings of each.

use std::path::{Path, PathBuf};

use super::{
    ConceptData, ConceptSet, DataError,
    array::Format,
    features::{Named, concepts_of, read},
    locate::named_folder,
};

const FILE: &str = "omniglot-small.safetensors";
const FOLDER: &str = "omniglot";

/// Omniglot's small background sets (Lake, Salakhutdinov & Tenenbaum, [Human-level concept learning
/// through probabilistic program
/// induction](https://www.science.org/doi/10.1126/science.aab3050), 2015) from the file
/// `omniglot-small.safetensors` of a folder, or of the folder `omniglot` in it, which goes first. The
/// folder is the one `given`, else the one that the environment variable `SPARSE_DATA_DIR` names;
/// nothing is downloaded.
///
/// The file holds `images`, u8 `[N, height, width]` with ink as 255, and `concepts`, i32 `[N]`, the
/// character of each drawing. With 20 drawings of each character, drawings 0 to 13 train, 14
/// validates and 15 to 19 test; see [`ConceptData::in_order`].
///
/// # Errors
///
/// If the file is missing, broken, or holds other arrays.
pub fn omniglot(given: Option<&Path>) -> Result<ConceptData, DataError> {
    let folder = named_folder(given);
    let places = folder
        .as_ref()
        .map(|folder| [folder.join(FOLDER).join(FILE), folder.join(FILE)]);
    let found = places.into_iter().flatten().find(|path| path.is_file());
    let path: PathBuf = found.ok_or(DataError::NoOmniglot {
        file: FILE,
        subfolder: FOLDER,
        searched: folder,
    })?;
    let stored = read(&path)?;
    let arrays = Named::of(&path, &stored)?;
    let [images, concepts] = [arrays.get("images")?, arrays.get("concepts")?];
    let (Format::U8, &[count, height, width]) = (images.format(), images.shape()) else {
        let found = format!("images are {}", images.description());
        return Err(DataError::invalid(path, found, "u8 [N, height, width]"));
    };
    let concepts = concepts_of(&path, &concepts)?;
    if concepts.len() != count {
        let found = format!("{} concepts", concepts.len());
        let expected = format!("one for each of {count} images");
        return Err(DataError::invalid(path, found, expected));
    }
    let levels = images.floats().unwrap_or_default();
    let intensities = levels.into_iter().map(|level| level / 255.0).collect();
    let set = ConceptSet::new(&path, intensities, height.saturating_mul(width), &concepts)?;
    ConceptData::in_order(&path, set.with_image_size((height, width)))
}
