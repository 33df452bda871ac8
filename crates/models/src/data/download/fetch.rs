//! One file from one mirror.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ureq::Agent;

use crate::data::{data_set::Published, unpack::unpack};

/// Every wait has an end: a mirror that does not answer, or only drips, gives way to the next one.
pub(super) fn agent() -> Agent {
    Agent::config_builder()
        .timeout_resolve(Some(Duration::from_secs(10)))
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_per_read(Some(Duration::from_secs(30)))
        .timeout_global(Some(Duration::from_secs(30 * 60)))
        .build()
        .into()
}

/// The contents of `file` from `url`, unpacked, or why they cannot be had. Only the published bytes
/// are returned, and no more than their number is ever kept.
pub(super) fn fetch(
    agent: &Agent,
    url: &str,
    label: String,
    file: &Published,
) -> Result<Vec<u8>, String> {
    let response = agent.get(url).call().map_err(|e| e.to_string())?;
    let body = response.into_body();
    let bar = bar(body.content_length(), label);
    let bytes = unpack(bar.wrap_read(body.into_reader()), file.size);
    bar.finish_and_clear();
    let bytes = bytes.map_err(|e| format!("{e}, expected {} bytes", file.size))?;
    file.verify(&bytes)?;
    Ok(bytes)
}

/// A bar on standard error, which shows nothing where that is no terminal.
fn bar(length: Option<u64>, label: String) -> ProgressBar {
    let template = "{msg} [{bar:30}] {bytes}/{total_bytes}, {eta} left";
    let style = ProgressStyle::with_template(template).expect("a template of known keys");
    let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.with_style(style).with_message(label)
}
