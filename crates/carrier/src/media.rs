//! RTP as the carrier sends and receives it: its own code from the packet up, paced by a few threads.

mod source;

pub(crate) use source::{Floor, Playlist, Sound, melody};
