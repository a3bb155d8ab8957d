//! What is printed. A reader that went away (`| head`) is no fault: printing stops, and what runs goes on to its end.

use std::fmt;
use std::io::Write;

/// Prints a line; `false` when nobody reads any more.
pub fn line(text: impl fmt::Display) -> bool {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).is_ok()
}

/// Prints without an end of line; `false` when nobody reads any more.
pub fn text(text: impl fmt::Display) -> bool {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush()).is_ok()
}
