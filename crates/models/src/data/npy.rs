//! Index lists in NumPy's `.npy` format.

use std::{collections::HashSet, fs, path::Path};

use super::DataError;

const MAGIC: &[u8] = b"\x93NUMPY";
const EXPECTED: &str = "a one-dimensional .npy array of int64 ('<i8') in version 1 of the format";

/// Reads a one-dimensional `.npy` of i64 indices, each below `examples` and none twice.
///
/// # Errors
///
/// If the file cannot be read, is no such array, or an index is out of range or repeated.
pub fn read_indices(path: &Path, examples: usize) -> Result<Vec<usize>, DataError> {
    let stored = fs::read(path).map_err(|source| DataError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let entries = entries(&stored).map_err(|found| DataError::invalid(path, found, EXPECTED))?;
    let mut seen = HashSet::new();
    entries
        .iter()
        .map(|&entry| i64::from_le_bytes(entry))
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

/// The array's entries, or what stands in their place. The header is a Python dictionary as text,
/// whose length and shape are compared with the bytes that there are, and are not relied upon.
fn entries(stored: &[u8]) -> Result<&[[u8; 8]], String> {
    let Some([version, _, low, high, rest @ ..]) = stored.strip_prefix(MAGIC) else {
        return Err(format!("{} bytes that begin otherwise", stored.len()));
    };
    if *version != 1 {
        return Err(format!("version {version} of the format"));
    }
    let claimed = usize::from(u16::from_le_bytes([*low, *high]));
    let Some((header, body)) = rest.split_at_checked(claimed) else {
        let given = rest.len();
        return Err(format!("{given} of the {claimed} bytes of a header"));
    };
    let mut header = String::from_utf8_lossy(header).into_owned();
    header.retain(|c| !c.is_whitespace());
    let (entries, rest) = body.as_chunks();
    let shape = format!("'shape':({},)", entries.len());
    if !rest.is_empty() || !header.contains("'descr':'<i8'") || !header.contains(&shape) {
        let shown: String = header.chars().take(100).collect();
        return Err(format!("{shown} before {} bytes", body.len()));
    }
    Ok(entries)
}
