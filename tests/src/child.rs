//! A program that a test starts, and that ends with the test, however the test ends.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::until;

/// How much of its output a failing test shows.
const SHOWN_LINES: usize = 60;

/// A running program; its output goes to a file.
#[derive(Debug)]
pub struct Child {
    name: String,
    child: tokio::process::Child,
    log: PathBuf,
}

impl Child {
    /// Starts `program`. It is killed when this value is dropped, and by the kernel when the test dies before that.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(name: &str, program: &Path, log: PathBuf, set_up: impl FnOnce(&mut Command)) -> Self {
        let out = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap_or_else(|e| panic!("{}: {e}", log.display()));
        // setpriv (util-linux) sets the parent-death signal and becomes the program: the process id stays.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        set_up(&mut command);
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a second handle on the log"))
            .stderr(out)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|e| panic!("{name}: setpriv {} does not start: {e}", program.display()));
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// Sends a signal by its name, `TERM` or `KILL` say. Nothing happens if the program has ended.
    ///
    /// # Panics
    /// When `kill` cannot be run.
    pub fn signal(&self, signal: &str) {
        if let Some(pid) = self.child.id() {
            let _ = std::process::Command::new("kill")
                .args(["-s", signal, &pid.to_string()])
                .status()
                .expect("kill, of procps or the shell's package");
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn ended(&mut self, deadline: Duration) -> ExitStatus {
        tokio::time::timeout(deadline, self.child.wait())
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "{} still runs after {deadline:?}; its output:\n{}",
                    self.name,
                    self.tail()
                )
            })
            .expect("a child can be waited for")
    }

    /// Whether it has not ended yet.
    #[must_use]
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Everything it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until it has written `text`.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn says(&self, text: &str, deadline: Duration) {
        until(&format!("{} says {text:?}", self.name), deadline, async || {
            self.log().contains(text).then_some(())
        })
        .await;
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        if std::thread::panicking() {
            eprintln!(
                "--- {} wrote ({}):\n{}\n---",
                self.name,
                self.log.display(),
                self.tail()
            );
        }
    }
}
