//! Everything that can go wrong on the bus, each saying what, where and how to mend it.

use std::time::Duration;

use hark_outcome::JobError;

use crate::setup::Mismatch;

/// Why the bus could not do it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// A setting is wrong.
    #[error("nats.{field}: {problem}")]
    Config {
        /// The setting's name under `[nats]`.
        field: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// No server answers.
    #[error(
        "NATS at {url} cannot be reached: {why}; start nats-server there, or set nats.url (HARK_NATS__URL) to where it runs"
    )]
    Down {
        /// Where we looked, without any password.
        url: String,
        /// What the network said.
        why: String,
    },
    /// The server does not know us.
    #[error(
        "NATS at {url} refuses our credentials: {why}; check nats.user, the variable named by nats.password_env or nats.token_env, or nats.credentials_file"
    )]
    Unauthorized {
        /// Where.
        url: String,
        /// What the server said.
        why: String,
    },
    /// The connection could not be made safe.
    #[error(
        "TLS with NATS at {url} failed: {why}; check nats.tls_ca_file and that the server's certificate names this host"
    )]
    Tls {
        /// Where.
        url: String,
        /// What failed.
        why: String,
    },
    /// The server is older than what the promises of this crate need.
    #[error(
        "NATS at {url} is version {found}; {needed} or newer is needed, because older servers silently ignore what keeps a number from being dialled twice; upgrade it (`hark doctor` shows the version)"
    )]
    TooOld {
        /// Where.
        url: String,
        /// Its version.
        found: String,
        /// The least version.
        needed: &'static str,
    },
    /// The server runs without JetStream.
    #[error(
        "NATS at {url} has no JetStream: {why}; start it with `-js`, or put a `jetstream {{}}` block into its configuration, and enable it for the account"
    )]
    NoJetStream {
        /// Where.
        url: String,
        /// What the server said.
        why: String,
    },
    /// The user may not do it.
    #[error(
        "NATS forbids {what}: {why}; grant the user publish and subscribe on \"{prefix}.>\", \"$JS.>\", \"$KV.{prefix}_*.>\" and \"_INBOX.>\""
    )]
    Denied {
        /// What we did.
        what: String,
        /// What the server said.
        why: String,
        /// The configured prefix.
        prefix: String,
    },
    /// No answer in time. The request may have been carried out.
    #[error("NATS did not answer within {:.1} s to {what}; it may or may not have been done", .after.as_secs_f64())]
    Timeout {
        /// What we asked.
        what: String,
        /// How long we waited.
        after: Duration,
    },
    /// The server said no.
    #[error("NATS refused {what}: {why}")]
    Refused {
        /// What we asked.
        what: String,
        /// The server's words, and how to mend it where that is known.
        why: String,
    },
    /// A stream, bucket or consumer is not there.
    #[error(
        "{what}: nothing on NATS answers for it; its stream or consumer is missing, start hark again to have it made (or run `hark doctor`)"
    )]
    Missing {
        /// What we asked.
        what: String,
    },
    /// A stream, bucket or consumer is not as we need it.
    #[error("{0}")]
    Setup(Box<Mismatch>),
    /// The job may not be put on the bus.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A message larger than the server takes.
    #[error(
        "{what} is too large for NATS: {why}; shorten it, or raise max_payload in the server's configuration"
    )]
    TooLarge {
        /// Which message.
        what: String,
        /// Sizes.
        why: String,
    },
    /// A message on the bus that this version cannot read.
    #[error("the message on {subject} cannot be read: {why}")]
    Unreadable {
        /// Its subject.
        subject: String,
        /// Why.
        why: String,
    },
}

impl BusError {
    /// Whether the same call may succeed later without anybody mending anything.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Down { .. } | Self::Timeout { .. } | Self::Missing { .. }
        )
    }
}
