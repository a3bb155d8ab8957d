//! The files of a nats-server of our own: its configuration, its lock, its log, and the port it tells.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::NatsOptions;
use super::error::{NatsChildError, folder};

/// How much of the log's end is shown.
const LAST_LINES: usize = 12;

pub(super) struct Files {
    data_dir: PathBuf,
    pub config: PathBuf,
    pub log: PathBuf,
    lock: PathBuf,
    pid: PathBuf,
    ports: PathBuf,
}

impl Files {
    /// Makes the folder and writes the configuration.
    pub fn make(options: &NatsOptions) -> Result<Self, NatsChildError> {
        fs::create_dir_all(&options.data_dir).map_err(|e| folder(&options.data_dir, &e))?;
        let data_dir = options
            .data_dir
            .canonicalize()
            .map_err(|e| folder(&options.data_dir, &e))?;
        let files = Self {
            config: data_dir.join("nats-server.conf"),
            log: data_dir.join("nats-server.log"),
            lock: data_dir.join("lock"),
            pid: data_dir.join("nats-server.pid"),
            ports: data_dir.join("ports"),
            data_dir,
        };
        let text = files.text(options)?;
        fs::create_dir_all(&files.ports).map_err(|e| folder(&files.ports, &e))?;
        fs::write(&files.config, text).map_err(|e| folder(&files.config, &e))?;
        Ok(files)
    }

    fn text(&self, options: &NatsOptions) -> Result<String, NatsChildError> {
        let port = options
            .port
            .map_or_else(|| "-1".to_owned(), |port| port.to_string());
        let jetstream = if options.jetstream {
            format!("jetstream {{ store_dir: {} }}\n", quoted(&self.data_dir)?)
        } else {
            String::new()
        };
        Ok(format!(
            "# Written by hark at each start.\nhost: 127.0.0.1\nport: {port}\nserver_name: hark\npid_file: {}\nports_file_dir: {}\n{jetstream}{}\n",
            quoted(&self.pid)?,
            quoted(&self.ports)?,
            options.extra,
        ))
    }

    /// Takes the folder for one server.
    pub fn lock(&self) -> Result<File, NatsChildError> {
        let lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&self.lock)
            .map_err(|e| folder(&self.lock, &e))?;
        match lock.try_lock() {
            Ok(()) => {
                // What an earlier server told is no longer true.
                let _ = fs::remove_dir_all(&self.ports);
                fs::create_dir_all(&self.ports).map_err(|e| folder(&self.ports, &e))?;
                Ok(lock)
            }
            Err(TryLockError::WouldBlock) => Err(NatsChildError::FolderInUse {
                data_dir: self.data_dir.clone(),
                pid: fs::read_to_string(&self.pid)
                    .ok()
                    .map(|pid| pid.trim().to_owned()),
            }),
            Err(TryLockError::Error(e)) => Err(folder(&self.lock, &e)),
        }
    }

    /// The port that the server with this process id says it listens on.
    pub fn port(&self, pid: u32) -> Option<u16> {
        let suffix = format!("_{pid}.ports");
        let file = fs::read_dir(&self.ports)
            .ok()?
            .flatten()
            .find(|f| f.file_name().to_string_lossy().ends_with(&suffix))?;
        let ports: serde_json::Value = serde_json::from_slice(&fs::read(file.path()).ok()?).ok()?;
        ports["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()
    }

    /// The end of the log.
    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}

/// A path as a string of the configuration file.
fn quoted(path: &Path) -> Result<String, NatsChildError> {
    match path.to_str() {
        Some(text) if !text.contains(['"', '\\', '\n']) => Ok(format!("\"{text}\"")),
        _ => Err(NatsChildError::Folder {
            path: path.to_owned(),
            why: "its name holds a quote, a backslash or something that is no UTF-8".to_owned(),
        }),
    }
}
