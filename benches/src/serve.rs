//! Requests and answers in lines of JSON: how `benches/peers/run` talks to every library.

use std::{
    error::Error,
    io::{self, BufRead, Write},
};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Greets with a line on standard output, then answers each line on standard input with one, until there
/// is none. What is no request, or cannot be answered, gets `{"error":"…"}`.
///
/// # Errors
///
/// If a line cannot be read or written.
pub fn serve<R: DeserializeOwned>(
    greeting: &Value,
    mut answer: impl FnMut(R) -> Result<Value, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    writeln!(out, "{greeting}")?;
    for line in io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?).map_err(Into::into);
        let answer = request.and_then(&mut answer);
        let answer = answer.unwrap_or_else(|error| json!({ "error": error.to_string() }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
