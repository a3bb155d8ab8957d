//! What can be in the way of a nats-server of our own.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::NatsOptions;

/// Why a nats-server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NatsChildError {
    /// No such file.
    #[error(
        "there is no nats-server at {}; run `make setup` to fetch it, or set HARK_NATS_SERVER to one of version 2.12 or newer",
        .binary.display()
    )]
    NoBinary {
        /// Where it was looked for.
        binary: PathBuf,
    },
    /// The file is there and does not run.
    #[error("nats-server at {} cannot be run: {why}; run `make setup` to fetch it anew", .binary.display())]
    CannotRun {
        /// The file.
        binary: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Something else listens there.
    #[error("port {port} on 127.0.0.1 is taken; stop what listens there, or choose another port")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// Another server uses the folder.
    #[error(
        "another nats-server{} uses {}; stop it, or choose another folder",
        .pid.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default(),
        .data_dir.display()
    )]
    FolderInUse {
        /// The folder.
        data_dir: PathBuf,
        /// Its process, if it says so.
        pid: Option<String>,
    },
    /// The folder cannot be written.
    #[error("{}: {why}; nats-server needs to keep its data there, choose a folder that can be written", .path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// It ended by itself.
    #[error("nats-server ended at once ({status}); its last words:\n{log}")]
    Exited {
        /// How.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// It runs but does not serve.
    #[error("nats-server was not ready after {seconds} s; its last words:\n{log}")]
    NotReady {
        /// How long we waited.
        seconds: u64,
        /// The end of its log.
        log: String,
    },
}

pub(super) fn binary(binary: &Path, error: &io::Error) -> NatsChildError {
    let binary = binary.to_owned();
    if error.kind() == io::ErrorKind::NotFound {
        NatsChildError::NoBinary { binary }
    } else {
        NatsChildError::CannotRun {
            binary,
            why: error.to_string(),
        }
    }
}

pub(super) fn folder(path: &Path, error: &io::Error) -> NatsChildError {
    NatsChildError::Folder {
        path: path.to_owned(),
        why: error.to_string(),
    }
}

pub(super) fn exited(options: &NatsOptions, status: ExitStatus, log: &str) -> NatsChildError {
    match options.port {
        Some(port) if log.contains("address already in use") => NatsChildError::PortTaken { port },
        _ => NatsChildError::Exited {
            status: status.to_string(),
            log: log.to_owned(),
        },
    }
}
