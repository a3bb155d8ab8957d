//! RTP as the carrier sends and receives it: its own code from the packet up, paced by a few threads.

mod engine;
mod hearing;
mod impair;
mod packet;
mod session;
mod source;

pub(crate) use engine::{Engine, Line};
pub(crate) use hearing::{Counters, Heard};
pub(crate) use session::Remote;
pub(crate) use source::{Floor, Playlist, Sound, melody};
