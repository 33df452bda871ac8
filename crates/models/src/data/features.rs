//! Features of a user's own, or of Omniglot, from a file of named arrays.

use std::{
    fs,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors};

use super::{
    ConceptSet, DataError,
    array::{Array, Format},
    npy,
};

/// Reads features of examples and the concept of each: `features [N, F]`, f32, f64 or u8, and
/// `concepts [N]`, i32, i64 or u8.
///
/// A file that ends in `.safetensors` holds both; one that ends in `.npy` holds the features, and
/// `concepts.npy` in the same folder the concepts.
///
/// # Errors
///
/// If a file cannot be read or is of another kind, an array is missing or has another shape or
/// another number format, or [`ConceptSet::new`] refuses what they hold.
pub fn read_features(path: &Path) -> Result<ConceptSet, DataError> {
    match path.extension().and_then(|end| end.to_str()) {
        Some("safetensors") => {
            let stored = read(path)?;
            let arrays = Named::of(path, &stored)?;
            let [features, concepts] = [arrays.get("features")?, arrays.get("concepts")?];
            concept_set(path, &features, path, &concepts)
        }
        Some("npy") => {
            let other = path.with_file_name("concepts.npy");
            let (stored, stored_concepts) = (read(path)?, read(&other)?);
            let features = parse_npy(path, &stored)?;
            let concepts = parse_npy(&other, &stored_concepts)?;
            concept_set(path, &features, &other, &concepts)
        }
        _ => Err(DataError::invalid(
            path,
            "a file of another kind",
            "a name that ends in .safetensors or .npy",
        )),
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    fs::read(path).map_err(|source| DataError::Read {
        path: path.to_path_buf(),
        source,
    })
}

fn parse_npy<'b>(path: &Path, stored: &'b [u8]) -> Result<Array<'b>, DataError> {
    npy::parse(stored).map_err(|found| {
        let known =
            "a .npy array by rows, of |u1, <i4, <i8, <f4 or <f8, in version 1 of the format";
        DataError::invalid(path, found, known)
    })
}

fn concept_set(
    path: &Path,
    features: &Array,
    concepts_path: &Path,
    concepts: &Array,
) -> Result<ConceptSet, DataError> {
    let (Some(values), &[rows, width]) = (features.floats(), features.shape()) else {
        let found = format!("features are {}", features.description());
        return Err(DataError::invalid(path, found, "f32, f64 or u8 [N, F]"));
    };
    let numbers = concepts_of(concepts_path, concepts)?;
    if numbers.len() != rows {
        let found = format!("concepts are {}", concepts.description());
        let expected = format!("[{rows}], one for each row of features");
        return Err(DataError::invalid(concepts_path, found, expected));
    }
    ConceptSet::new(path, values, width, &numbers)
}

/// The numbers of an array `concepts [N]`.
pub(super) fn concepts_of(path: &Path, concepts: &Array) -> Result<Vec<i64>, DataError> {
    match (concepts.integers(), concepts.shape()) {
        (Some(numbers), [_]) => Ok(numbers),
        _ => {
            let found = format!("concepts are {}", concepts.description());
            Err(DataError::invalid(path, found, "i32, i64 or u8 [N]"))
        }
    }
}

/// The arrays of a `.safetensors` file, by name.
pub(super) struct Named<'b> {
    path: PathBuf,
    arrays: SafeTensors<'b>,
}

impl<'b> Named<'b> {
    pub(super) fn of(path: &Path, stored: &'b [u8]) -> Result<Self, DataError> {
        let arrays = SafeTensors::deserialize(stored).map_err(|error| {
            let found = format!("{} bytes with this fault: {error}", stored.len());
            DataError::invalid(path, found, "a whole .safetensors file")
        })?;
        Ok(Self {
            path: path.to_path_buf(),
            arrays,
        })
    }

    pub(super) fn get(&self, name: &str) -> Result<Array<'b>, DataError> {
        let Ok(view) = self.arrays.tensor(name) else {
            let mut names = self.arrays.names();
            names.sort_unstable();
            let found = match names[..] {
                [] => "no arrays".to_string(),
                _ => format!("arrays {}", names.join(", ")),
            };
            return Err(DataError::invalid(
                &self.path,
                found,
                format!("an array {name}"),
            ));
        };
        let format = match view.dtype() {
            Dtype::U8 => Some(Format::U8),
            Dtype::I32 => Some(Format::I32),
            Dtype::I64 => Some(Format::I64),
            Dtype::F32 => Some(Format::F32),
            Dtype::F64 => Some(Format::F64),
            _ => None,
        };
        format
            .and_then(|format| Array::new(format, view.shape().to_vec(), view.data()))
            .ok_or_else(|| {
                let found = format!("{name} is {} {:?}", view.dtype(), view.shape());
                let known = Format::ALL.map(Format::name).join(", ");
                DataError::invalid(&self.path, found, format!("one of {known}"))
            })
    }
}
