//! What two telephones tell each other about their sound (RFC 8866, offer and answer as RFC 3264).
//!
//! We offer one audio stream and accept one; anything else a peer lists is refused with port 0. Reading is lenient: a
//! person may have answered, so only what leaves no stream to talk on is refused, and every refusal names its line. A
//! peer without a readable address is at [unspecified](std::net::IpAddr::is_unspecified), and still may be sent to once
//! it was heard.

mod clean;
mod error;
mod read;
mod write;

use std::net::IpAddr;

pub use error::SdpError;

use super::{Codec, Remote};

/// What our side of a session description says.
#[derive(Debug, Clone, Copy)]
pub struct OfferParams<'a> {
    /// Where the peer shall send its sound: an address it can reach.
    pub address: IpAddr,
    /// Our RTP port; RTCP is the next one.
    pub rtp_port: u16,
    /// What we speak, most wanted first.
    pub codecs: &'a [Codec],
    /// The session, one number for the whole call.
    pub session_id: u64,
    /// Which description of the session this is: one more each time it changes.
    pub version: u64,
}

/// Our answer to a peer's offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text to send.
    pub sdp: String,
    /// What the offer told of the peer, as the answer settles it.
    pub remote: Remote,
}

/// The offer of an INVITE, or of a re-INVITE that came without one.
#[must_use]
pub fn offer(ours: &OfferParams<'_>) -> String {
    write::offer(ours)
}

/// Reads the peer's answer to our offer of these codecs.
///
/// # Errors
/// When it is no SDP, refuses the stream, or shares no codec with us.
pub fn parse_answer(answer: &[u8], offered: &[Codec]) -> Result<Remote, SdpError> {
    let theirs = read::description(answer)?;
    read::audio(&theirs, answer, offered).map(|audio| audio.remote)
}

/// Answers an offer made during the call (re-INVITE, UPDATE): same address and port, hold understood.
///
/// # Errors
/// As [`parse_answer`]; the SIP answer is then 488, and the session goes on as it was.
pub fn answer_to(offer: &[u8], ours: &OfferParams<'_>) -> Result<Answer, SdpError> {
    let theirs = read::description(offer)?;
    let audio = read::audio(&theirs, offer, ours.codecs)?;
    Ok(Answer {
        sdp: write::answer(ours, &theirs, &audio),
        remote: audio.remote,
    })
}

#[cfg(test)]
mod tests;
