//! SIP as the carrier reads and writes it: small, tolerant of what it reads, its own from the first byte.

pub(crate) mod digest;
mod framing;
mod header;
mod message;
mod sdp;

pub(crate) use framing::Framer;
pub(crate) use header::{NameAddr, param, user_of};
pub(crate) use message::{Message, Start, Text};
pub(crate) use sdp::{Direction, Offer, answer, direction_answer, read_offer};
