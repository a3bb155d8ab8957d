//! A nats-server as a child process: for `hark up` and for tests. It listens on loopback only, keeps its data in one
//! folder, and goes when its owner goes.
//!
//! `start` → ready → `stop` (asked politely, then killed). A folder serves one server at a time: a lock, which the
//! server inherits, holds even if the process that started it was killed and the server lives on.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

mod config;
mod error;

pub use error::NatsChildError;

/// How long a server may take to be ready: it may have to read a large folder.
const READY: Duration = Duration::from_secs(20);

/// How long a server may take to go after it was asked.
const POLITE: Duration = Duration::from_secs(5);

const POLL: Duration = Duration::from_millis(10);

/// How to start a nats-server.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// The binary.
    pub binary: PathBuf,
    /// The folder it keeps everything in; made if missing.
    pub data_dir: PathBuf,
    /// The port on 127.0.0.1; any free one if `None`.
    pub port: Option<u16>,
    /// Whether JetStream is on.
    pub jetstream: bool,
    /// More lines for its configuration file.
    pub extra: String,
}

impl NatsOptions {
    /// JetStream on, any free port, nothing extra.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            data_dir: data_dir.into(),
            port: None,
            jetstream: true,
            extra: String::new(),
        }
    }
}

/// A running nats-server. Dropped, it is asked to stop and, after five seconds, killed.
#[derive(Debug)]
pub struct NatsChild {
    child: Child,
    url: String,
    port: u16,
    gone: bool,
}

impl NatsChild {
    /// Starts `binary` with its data in `data_dir`, on `port` or any free one, and waits until it is ready.
    ///
    /// # Errors
    /// [`NatsChildError`] says what is in the way: no binary, the port or the folder in use, or the server's own last
    /// words.
    pub async fn start(binary: &Path, data_dir: &Path, port: Option<u16>) -> Result<Self, NatsChildError> {
        Self::start_with(&NatsOptions {
            port,
            ..NatsOptions::new(binary, data_dir)
        })
        .await
    }

    /// The same with all options.
    ///
    /// # Errors
    /// As [`NatsChild::start`].
    pub async fn start_with(options: &NatsOptions) -> Result<Self, NatsChildError> {
        let files = config::Files::make(options)?;
        let lock = files.lock()?;
        let log = File::create(&files.log).map_err(|e| error::folder(&files.log, &e))?;
        let mut child = Command::new(&options.binary)
            .arg("--config")
            .arg(&files.config)
            // The lock lives as long as the server does, not only as long as we do.
            .stdin(Stdio::from(lock))
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn()
            .map_err(|e| error::binary(&options.binary, &e))?;
        match ready(&mut child, &files, options).await {
            Ok(port) => {
                let url = format!("nats://127.0.0.1:{port}");
                tracing::debug!(%url, pid = child.id(), "nats-server is ready");
                Ok(Self {
                    child,
                    url,
                    port,
                    gone: false,
                })
            }
            Err(e) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(e)
            }
        }
    }

    /// Where to connect to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops it: asked, and killed if it has not gone after five seconds.
    pub async fn stop(mut self) {
        self.ask_to_stop();
        let deadline = Instant::now() + POLITE;
        while self.exited().is_none() && Instant::now() < deadline {
            tokio::time::sleep(POLL).await;
        }
        self.kill();
    }

    /// Kills it at once, as a crash would.
    pub fn kill(&mut self) {
        if !self.gone {
            let _ = self.child.kill();
            let _ = self.child.wait();
            self.gone = true;
        }
    }

    fn ask_to_stop(&self) {
        if let Some(pid) = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            // It may be gone already; then there is nobody to ask.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }

    fn exited(&mut self) -> Option<ExitStatus> {
        let exited = self.child.try_wait().ok().flatten();
        self.gone = self.gone || exited.is_some();
        exited
    }
}

impl Drop for NatsChild {
    fn drop(&mut self) {
        if self.gone || self.exited().is_some() {
            return;
        }
        self.ask_to_stop();
        let deadline = Instant::now() + POLITE;
        while self.exited().is_none() && Instant::now() < deadline {
            #[expect(
                clippy::disallowed_methods,
                reason = "drop cannot await; bounded by POLITE, and only at the end"
            )]
            std::thread::sleep(POLL);
        }
        self.kill();
    }
}

/// Waits until the server has written which port it listens on, which is the last thing it does before it serves.
async fn ready(
    child: &mut Child,
    files: &config::Files,
    options: &NatsOptions,
) -> Result<u16, NatsChildError> {
    let deadline = Instant::now() + READY;
    loop {
        if let Some(port) = files.port(child.id()) {
            return Ok(port);
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(error::exited(options, status, &files.last_words()));
        }
        if Instant::now() >= deadline {
            return Err(NatsChildError::NotReady {
                seconds: READY.as_secs(),
                log: files.last_words(),
            });
        }
        tokio::time::sleep(POLL).await;
    }
}
