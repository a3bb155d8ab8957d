//! The real `hark` program.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use crate::{Child, ConfigFile, Lab};

/// How long a one-shot command may take.
const COMMAND: Duration = Duration::from_secs(60);

/// A one-shot command's end.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// Runs `hark ARGS` to its end.
///
/// # Panics
/// When it does not end within a minute.
pub async fn hark(args: &[&str]) -> Finished {
    hark_with(args, &[]).await
}

/// The same with variables in its environment.
///
/// # Panics
/// When it does not end within a minute.
pub async fn hark_with(args: &[&str], variables: &[(&str, &str)]) -> Finished {
    let run = tokio::process::Command::new(binary())
        .args(args)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .env_remove("RUST_LOG")
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(COMMAND, run)
        .await
        .unwrap_or_else(|_| panic!("hark {args:?} hangs"))
        .expect("hark can be started");
    Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `hark worker`, running.
#[derive(Debug)]
pub struct Worker(Child);

impl Worker {
    /// Starts one.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(lab: &Lab, config: &ConfigFile) -> Self {
        Self::start_with(lab, config, &[])
    }

    /// Starts one with variables in its environment.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_with(lab: &Lab, config: &ConfigFile, variables: &[(&str, &str)]) -> Self {
        let file = config.write();
        Self(Child::start(
            "hark worker",
            &binary(),
            lab.place.file("worker.log"),
            |c| {
                c.arg("--config")
                    .arg(&file)
                    .arg("worker")
                    .envs(variables.iter().copied())
                    .current_dir(lab.place.folder())
                    .env_remove("RUST_LOG");
            },
        ))
    }

    /// Asks it to finish its live calls and go.
    pub fn terminate(&self) {
        self.0.signal("TERM");
    }

    /// The process.
    pub const fn process(&mut self) -> &mut Child {
        &mut self.0
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.0.log()
    }

    /// Asks it to go, and asserts that it goes cleanly and in time.
    ///
    /// # Panics
    /// When it does not, or ends with anything but 0, or a panic stands in its log.
    pub async fn stop(mut self) {
        self.terminate();
        let status = self.0.ended(Duration::from_secs(20)).await;
        let log = self.log();
        assert!(status.success(), "the worker ended with {status}");
        assert!(!log.contains("panicked at"), "the worker's log holds a panic");
    }
}

/// `HARK_BIN`, else `hark` beside the running test (target/debug/deps/test → target/debug/hark).
fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("HARK_BIN") {
        return named.into();
    }
    let test = std::env::current_exe().expect("a test knows its own file");
    let path = test.ancestors().nth(2).unwrap_or(Path::new(".")).join("hark");
    assert!(
        path.is_file(),
        "{} is not built; run `cargo build -p hark` first, or run the tests by `scripts/test`",
        path.display()
    );
    path
}
