//! Arrays in NumPy's `.npy` format.

use std::{collections::HashSet, fs, path::Path};

use super::{
    DataError,
    array::{Array, Format},
};

const MAGIC: &[u8] = b"\x93NUMPY";
const INDICES: &str = "a one-dimensional .npy array of int64 ('<i8') in version 1 of the format";

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
    let array = parse(&stored).map_err(|found| DataError::invalid(path, found, INDICES))?;
    let entries = match (array.format(), array.shape()) {
        (Format::I64, [_]) => array.integers(),
        _ => None,
    };
    let Some(entries) = entries else {
        return Err(DataError::invalid(path, array.description(), INDICES));
    };
    let mut seen = HashSet::new();
    entries
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

/// The array of a file in version 1 of the format, or what stands in its place. The header is a
/// Python dictionary as text, whose length and shape are compared with the bytes that there are, and
/// are not relied upon.
pub(super) fn parse(stored: &[u8]) -> Result<Array<'_>, String> {
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
    described(&header, body).ok_or_else(|| {
        let shown: String = header.chars().take(100).collect();
        format!("{shown} before {} bytes", body.len())
    })
}

/// The array that a header without spaces describes, if it describes these bytes.
fn described<'b>(header: &str, body: &'b [u8]) -> Option<Array<'b>> {
    let value = |name: &str, close: char| {
        let (_, after) = header.split_once(name)?;
        after.split_once(close).map(|(value, _)| value)
    };
    let format = match value("'descr':'", '\'')? {
        "|u1" => Format::U8,
        "<i4" => Format::I32,
        "<i8" => Format::I64,
        "<f4" => Format::F32,
        "<f8" => Format::F64,
        _ => return None,
    };
    let shape = value("'shape':(", ')')?;
    let sizes = shape.split_terminator(',').map(str::parse);
    let shape: Vec<usize> = sizes.collect::<Result<_, _>>().ok()?;
    // in one dimension both orders are the same, but NumPy writes C's
    let by_rows = value("'fortran_order':", ',')? == "False";
    by_rows.then_some(())?;
    Array::new(format, shape, body)
}
