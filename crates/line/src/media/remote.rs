//! What signalling tells a media session about the peer: where it is and what its packets mean.

use std::net::SocketAddr;

use super::Codec;

/// The peer, as its SDP describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Where it wants its RTP. Unspecified (`0.0.0.0`) or port 0: nowhere, until it is heard.
    pub rtp: SocketAddr,
    /// Where it wants its RTCP, if not at the next port (`a=rtcp`, RFC 3605).
    pub rtcp: Option<SocketAddr>,
    /// The codec we send.
    pub codec: Codec,
    /// What the numbers in RTP headers mean.
    pub payload_types: PayloadTypes,
    /// How many milliseconds a packet it would like to get. We send 20 whatever it likes, which every G.711
    /// receiver must accept (RFC 3551 §4.2); kept for the record.
    pub ptime: Option<u8>,
    /// Which ways sound may flow, seen from us.
    pub direction: Direction,
}

/// Which ways sound may flow, seen from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// Only from us.
    SendOnly,
    /// Only to us.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether we may send.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the peer may.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same, seen from the other end.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            both_or_none => both_or_none,
        }
    }

    /// As an SDP attribute.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// What one payload type carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// Sound.
    Audio(Codec),
    /// Comfort noise, RFC 3389.
    Comfort,
    /// Telephone events (DTMF), RFC 4733.
    Event,
}

/// What the numbers in RTP headers mean in one call. The static ones (0, 8, 13) always mean what RFC 3551 says, so
/// that early media is understood before, or in spite of, the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadTypes {
    send: u8,
    dynamic: Vec<(u8, Payload)>,
}

/// Comfort noise has a static payload type.
pub(super) const COMFORT_PT: u8 = 13;

/// The payload type we offer for telephone events.
pub(super) const EVENT_PT: u8 = 101;

impl PayloadTypes {
    /// Sound is sent as `send`; all else as RFC 3551 has it.
    #[must_use]
    pub const fn new(send: u8) -> Self {
        Self {
            send,
            dynamic: Vec::new(),
        }
    }

    /// Gives a number of the dynamic range (96 to 127) its meaning; others have theirs, and a second meaning for
    /// the same number is ignored.
    pub fn learn(&mut self, number: u8, payload: Payload) {
        if (96..128).contains(&number) && self.meaning(number).is_none() {
            self.dynamic.push((number, payload));
        }
    }

    /// What packets of this number carry; `None` for what nobody announced.
    #[must_use]
    pub fn meaning(&self, number: u8) -> Option<Payload> {
        match number {
            0 => Some(Payload::Audio(Codec::Pcmu)),
            8 => Some(Payload::Audio(Codec::Pcma)),
            COMFORT_PT => Some(Payload::Comfort),
            _ => self
                .dynamic
                .iter()
                .find(|(known, _)| *known == number)
                .map(|(_, payload)| *payload),
        }
    }

    /// The number we put on the sound we send.
    #[must_use]
    pub const fn send(&self) -> u8 {
        self.send
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_numbers_cannot_be_redefined() {
        let mut types = PayloadTypes::new(0);
        types.learn(8, Payload::Event);
        types.learn(101, Payload::Event);
        types.learn(101, Payload::Comfort);
        assert_eq!(types.meaning(8), Some(Payload::Audio(Codec::Pcma)));
        assert_eq!(types.meaning(101), Some(Payload::Event));
        assert_eq!(types.meaning(96), None);
    }
}
