//! The sound of a call: RTP in and out, paced, counted, and never silent about what it invented.
//!
//! The cores are sans-IO (packets and a clock in, packets, frames and events out); [`engine`] gives them sockets and
//! a few dedicated threads. Nothing here knows SIP: signalling tells a session where the peer is ([`Remote`], read
//! from its SDP by [`sdp`]) and when it answered.

mod codec;
mod engine;
mod ports;
mod remote;
pub mod sdp;

pub use codec::Codec;
pub use engine::{MediaConfig, MediaEngine, MediaError, MediaEvent, MediaHealth, MediaSession};
pub use ports::{PortRange, PortRangeError};
pub use remote::{Direction, Payload, PayloadTypes, Remote};
