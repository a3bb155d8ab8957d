//! The words of a dial: what was asked, what was tried, how it ended and why we think so.
//!
//! Everything that crosses a wall of the house, or goes out on NATS, is written in these types.
//! They hold no socket, no clock and no policy: time is always an argument.
//!
//! JSON rules, for every message: a `schema` number in the body (and in the header, see the bus), fields are
//! only ever added, unknown fields are ignored, and an unknown enum word reads as `unknown`.

mod attempt;
mod event;
mod evidence;
mod id;
mod job;
mod number;
mod result;
mod schema;
mod taxonomy;
mod time;

pub use attempt::{Attempt, AttemptNo, CallId};
pub use event::{CallEvent, EventKind};
pub use evidence::{Alternative, Confidence, Evidence, Grade, Heard, Phase, Ruling, SignalFact};
pub use id::{CampaignId, IdError, JobId, Priority, TrunkId, WorkerId};
pub use job::{CallerIdChoice, Consent, DialJob, JobError, Script};
pub use number::{MaskedNumber, Number, NumberError};
pub use result::{CallResult, Flag, MediaStats, Persons, SipEnd, Timing};
pub use schema::{SCHEMA_VERSION, SchemaVersion, schemas};
pub use taxonomy::{Cause, Disposition};
pub use time::{Seconds, Timestamp};
