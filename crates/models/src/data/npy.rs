//! Index lists in NumPy's `.npy` format.

use std::{collections::HashSet, fs::File, io::BufReader, path::Path};

use npyz::NpyFile;

use super::DataError;

/// Reads a one-dimensional `.npy` of i64 indices, each below `examples` and none twice.
///
/// # Errors
///
/// If the file cannot be read, is no such array, or an index is out of range or repeated.
pub fn read_indices(path: &Path, examples: usize) -> Result<Vec<usize>, DataError> {
    let read = |source| DataError::Read {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(read)?;
    let length = file.metadata().map_err(read)?.len();
    let expected = "a one-dimensional .npy array of int64";
    let broken = |e: std::io::Error| DataError::invalid(path, e.to_string(), expected);
    let npy = NpyFile::new(BufReader::new(file)).map_err(broken)?;
    let claimed = npy.shape().first().copied().unwrap_or_default();
    if npy.shape().len() != 1 || claimed.saturating_mul(8) > length {
        let found = format!("shape {:?} in a file of {length} bytes", npy.shape());
        return Err(DataError::invalid(path, found, expected));
    }
    let indices = npy.into_vec::<i64>().map_err(broken)?;
    let mut seen = HashSet::new();
    indices
        .into_iter()
        .map(|index| match usize::try_from(index) {
            Ok(i) if i < examples && seen.insert(i) => Ok(i),
            Ok(i) if i < examples => Err(DataError::invalid(
                path,
                format!("index {i} twice"),
                "each index once",
            )),
            _ => Err(DataError::invalid(
                path,
                format!("index {index}"),
                format!("0..{examples}"),
            )),
        })
        .collect()
}
