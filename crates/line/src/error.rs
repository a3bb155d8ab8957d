//! Why the telephone does not start, does not dial, or cannot be asked.

use std::net::SocketAddr;
use std::time::Duration;

use hark_outcome::{Number, TrunkId};

use crate::config::ConfigError;

/// Why the line does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// A setting cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The SIP port is taken, or the address is not ours.
    #[error(
        "cannot listen for SIP on {addr}: {source}; choose another line.bind or line.sip_port (0 takes any free port)"
    )]
    Bind {
        /// Where.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The media threads or their ports cannot be had.
    #[error("cannot set up media: {0}")]
    Media(String),
    /// Anything else below.
    #[error("cannot start SIP: {0}")]
    Stack(String),
}

/// Why a number may not be dialled. No number stands in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Barred {
    /// An emergency number, or one so short that it may be one.
    #[error("an emergency or short service number is never dialled")]
    Emergency,
    /// A number that charges the caller.
    #[error("a premium-rate number is never dialled (+{range}, {what})")]
    Premium {
        /// The range it falls in, E.164 digits.
        range: &'static str,
        /// Country and kind.
        what: &'static str,
    },
    /// Outside what the trunk may dial.
    #[error("trunk {trunk} may not dial this number: {why}")]
    NotAllowed {
        /// Which trunk.
        trunk: TrunkId,
        /// Why, and how to mend it.
        why: String,
    },
    /// A caller ID the trunk does not own.
    #[error(
        "trunk {trunk} does not own the caller ID {caller_id}; add it to trunk.{trunk}.caller_ids if it is yours"
    )]
    CallerId {
        /// Which trunk.
        trunk: TrunkId,
        /// The caller ID, masked.
        caller_id: String,
    },
    /// No trunk of that name.
    #[error("there is no trunk {trunk}; known: {known}")]
    UnknownTrunk {
        /// The name asked for.
        trunk: TrunkId,
        /// The names there are.
        known: String,
    },
    /// No trunk at all.
    #[error("no trunk is configured; add a [trunk.NAME] section")]
    NoTrunk,
}

impl Barred {
    pub(crate) fn caller_id(trunk: &TrunkId, caller_id: &Number) -> Self {
        Self::CallerId {
            trunk: trunk.clone(),
            caller_id: caller_id.masked().to_string(),
        }
    }
}

/// Why no channel can be had now. Passes with time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Full {
    /// Every channel is in use.
    #[error("trunk {trunk}: all {limit} channels are in use")]
    Channels {
        /// Which trunk.
        trunk: TrunkId,
        /// Its limit.
        limit: u32,
    },
    /// The day's calls are used up.
    #[error("trunk {trunk}: the daily ceiling of {limit} calls is reached; it opens again at 00:00 UTC")]
    DailyCeiling {
        /// Which trunk.
        trunk: TrunkId,
        /// Its ceiling.
        limit: u64,
    },
    /// The trunk does not answer OPTIONS.
    #[error("trunk {trunk} does not answer: {why}")]
    Unhealthy {
        /// Which trunk.
        trunk: TrunkId,
        /// What was seen last.
        why: String,
    },
    /// The next slot of its calls per second lies beyond the deadline.
    #[error("trunk {trunk}: the next call may start in {wait:?}, after the deadline")]
    Pace {
        /// Which trunk.
        trunk: TrunkId,
        /// How long.
        wait: Duration,
    },
    /// The line is shutting down.
    #[error("the line is shutting down")]
    ShuttingDown,
}

/// What one OPTIONS found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// Where it went.
    pub target: SocketAddr,
    /// The answer's code.
    pub code: u16,
    /// Its phrase.
    pub phrase: String,
    /// How long it took.
    pub took: Duration,
    /// The Server or User-Agent header.
    pub server: Option<String>,
    /// The Allow header.
    pub allow: Option<String>,
}

/// Why a probe found nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// No trunk of that name.
    #[error("there is no trunk {0}")]
    UnknownTrunk(TrunkId),
    /// The name has no address.
    #[error("cannot find {host}: {why}; check trunk.*.address and the resolver")]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        why: String,
    },
    /// No connection.
    #[error("cannot connect to {target}: {why}")]
    Connect {
        /// Where.
        target: String,
        /// Why, and for certificates how to mend it.
        why: String,
    },
    /// No answer in time.
    #[error(
        "{target} did not answer OPTIONS within {waited:?}; check the address, the transport and firewalls"
    )]
    Silent {
        /// Where.
        target: String,
        /// How long we waited.
        waited: Duration,
    },
}
