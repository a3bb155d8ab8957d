//! All of the telephone: SIP, SDP, RTP, one state machine per call. The only room that knows SIP.
//!
//! [`Line::start`] opens the sockets; [`Line::route`] asks the gate whether a number may leave; [`Line::reserve`] takes
//! a channel; [`Line::pace`] waits for the trunk's next slot; [`Line::dial`] sends the INVITE and returns a [`Call`]
//! that tells [`Fact`]s until [`FactKind::Ended`].
//!
//! Inside, `core` is the call as a sans-IO state machine, `stack` everything that touches sockets and the SIP library,
//! `media` the sound, `gate` what may be dialled, `trunk` the limits.

mod call;
mod config;
mod core;
mod error;
mod facts;
mod gate;
mod line;
pub(crate) mod media;
mod route;
mod sink;
mod stack;
mod trunk;

#[cfg(fuzzing)]
pub use media::fuzzing;

pub use call::{Call, CallRequest};
pub use config::{
    ConfigError, LineConfig, NumberFormat, Numbering, Prefix, PrefixError, TlsOptions, Transport, TrunkConfig,
};
pub use error::{Barred, Full, LineError, ProbeError, ProbeReport};
pub use facts::{Ended, EndedBy, Fact, FactKind, HangUp};
pub use line::Line;
pub use media::{Codec, MediaHealth, PortRange, PortRangeError};
pub use route::{Reservation, Route};
pub use sink::FrameSink;
pub use trunk::TrunkStatus;
