use std::path::Path;

use crate::training::{RunError, write_whole};

/// A chart as SVG, or why it could not be drawn.
pub(super) type Drawn = Result<String, Box<dyn std::error::Error + Send + Sync>>;

/// Writes a chart.
pub(super) fn save(path: &Path, drawn: Drawn) -> Result<(), RunError> {
    let svg = drawn.map_err(|error| RunError::Damaged {
        path: path.to_path_buf(),
        what: error.to_string(),
    })?;
    write_whole(path, svg.as_bytes()).map_err(RunError::write(path))
}
