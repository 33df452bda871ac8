use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
    process::exit,
};

/// What a shell says of a command that wrote to a pipe that nobody reads: 128 + SIGPIPE.
const NOBODY_READS: i32 = 141;

/// Prints a line to the standard output.
///
/// Where that cannot be written, the command ends: in silence if its reader has gone, as `head` does
/// after some lines, and with exit code 2 for other reasons. Files of a run are whole at any time, so
/// that nothing is lost but what `--resume` makes anew.
pub fn say(line: impl Display) {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => exit(NOBODY_READS),
        Err(error) => {
            complain(format_args!("cannot print: {error}"));
            exit(2);
        }
    }
}

/// Prints an error, if anybody reads it.
pub fn complain(error: impl Display) {
    let _ = writeln!(io::stderr(), "error: {error}");
}
