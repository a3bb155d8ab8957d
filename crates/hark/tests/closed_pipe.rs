//! A reader that goes away, as in `hark schema | head -1`, is no fault.

use std::process::{Command, Stdio};

#[test]
fn printing_into_a_closed_pipe_ends_without_a_panic() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hark"))
        .arg("schema")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("hark starts");
    // All schemas together are more than a pipe holds, so some of it must find the pipe closed.
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("hark ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !said.contains("panicked"),
        "{:?}: {said}",
        output.status
    );
}
