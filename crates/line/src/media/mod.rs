//! The sound of a call: RTP in and out, paced, counted, and never silent about what it invented.
//!
//! The cores are sans-IO (packets and a clock in, packets, frames and events out); [`engine`] gives them sockets and
//! a few dedicated threads. Nothing here knows SIP: signalling tells a session where the peer is ([`Remote`], read
//! from its SDP by [`sdp`]) and when it answered.

mod alive;
mod codec;
mod comfort;
mod conceal;
mod delay;
mod dtmf;
mod engine;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
mod inbound;
mod jitter;
mod latch;
#[cfg(test)]
mod loopback;
mod outbound;
mod pacer;
mod ports;
mod priority;
mod remote;
mod reports;
mod rtcp;
mod rtp;
pub mod sdp;
mod seat;
mod sequence;
mod session;
mod socket;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use codec::Codec;
pub use engine::{MediaConfig, MediaEngine, MediaError, MediaEvent, MediaHealth, MediaSession};
pub use ports::{PortRange, PortRangeError};
pub use remote::{Direction, Payload, PayloadTypes, Remote};

/// Locks. What a panic left behind is a whole value all the same: none of ours is changed in more than one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
