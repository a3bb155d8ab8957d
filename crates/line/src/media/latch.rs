//! Where to send: symmetric RTP. Signalling says where the peer wants its sound; behind an address translator, the
//! truth is where its packets come from.
//!
//! - *Signalled*: nothing heard yet; we send where the SDP said.
//! - *Latched*: packets came from somewhere; we send there and listen to nobody else.
//!
//! Signalled => Latched: at once from the signalled host (any port), after two packets in a row from a stranger: the
//! port may still be known to an earlier call's peer. A packet from exactly where signalling said always wins. From
//! one stranger to another only when the first has been silent for two seconds.

use std::net::SocketAddr;
use std::time::Duration;

/// A source may be replaced by a stranger after so much silence.
const SILENT: Duration = Duration::from_secs(2);

/// One socket's idea of its peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Latch {
    signalled: Option<SocketAddr>,
    latched: Option<Heard>,
    stranger: Option<(SocketAddr, u32, u16)>,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    source: SocketAddr,
    last: Duration,
}

impl Latch {
    /// Signalling says where the peer is. A new place forgets what was heard from the old one.
    pub(super) fn signal(&mut self, address: SocketAddr) {
        if self.signalled != Some(address) {
            *self = Self {
                signalled: Some(address),
                ..Self::default()
            };
        }
    }

    /// Whether to listen to this valid packet.
    pub(super) fn hear(&mut self, now: Duration, source: SocketAddr, ssrc: u32, sequence: u16) -> bool {
        let Some(signalled) = self.signalled else {
            return false;
        };
        let heard = Heard { source, last: now };
        if let Some(latched) = &mut self.latched {
            if latched.source == source {
                latched.last = now;
                return true;
            }
            if source != signalled && now.saturating_sub(latched.last) < SILENT {
                return false;
            }
        }
        let known = source == signalled || (source.ip() == signalled.ip() && self.latched.is_none());
        let repeated = self.stranger == Some((source, ssrc, sequence));
        if known || repeated {
            self.latched = Some(heard);
            self.stranger = None;
            return true;
        }
        self.stranger = Some((source, ssrc, sequence.wrapping_add(1)));
        false
    }

    /// Where to send, if anywhere yet.
    pub(super) fn target(&self) -> Option<SocketAddr> {
        let target = self.latched.map(|heard| heard.source).or(self.signalled);
        target.filter(|address| address.port() != 0 && !address.ip().is_unspecified())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNALLED: &str = "192.0.2.1:4000";

    fn at(address: &str) -> SocketAddr {
        address.parse().expect("a test's address")
    }

    fn latch() -> Latch {
        let mut latch = Latch::default();
        latch.signal(at(SIGNALLED));
        latch
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn before_anything_is_heard_we_send_where_signalling_said() {
        assert_eq!(latch().target(), Some(at(SIGNALLED)));
        assert_eq!(Latch::default().target(), None);
    }

    #[test]
    fn another_port_of_the_same_host_is_believed_at_once() {
        let mut latch = latch();
        assert!(latch.hear(seconds(0), at("192.0.2.1:61000"), 1, 1));
        assert_eq!(latch.target(), Some(at("192.0.2.1:61000")));
    }

    #[test]
    fn a_stranger_is_believed_after_two_packets_in_a_row() {
        let mut latch = latch();
        assert!(!latch.hear(seconds(0), at("198.51.100.9:5000"), 1, 65_535));
        assert_eq!(latch.target(), Some(at(SIGNALLED)));
        assert!(latch.hear(seconds(0), at("198.51.100.9:5000"), 1, 0));
        assert_eq!(latch.target(), Some(at("198.51.100.9:5000")));
    }

    #[test]
    fn the_signalled_source_takes_over_from_a_stranger() {
        let mut latch = latch();
        latch.hear(seconds(0), at("198.51.100.9:5000"), 1, 1);
        latch.hear(seconds(0), at("198.51.100.9:5000"), 1, 2);
        assert!(latch.hear(seconds(0), at(SIGNALLED), 2, 900));
        assert!(
            !latch.hear(seconds(0), at("198.51.100.9:5000"), 1, 3),
            "not back again"
        );
        assert_eq!(latch.target(), Some(at(SIGNALLED)));
    }

    #[test]
    fn nobody_takes_over_a_source_that_is_still_sending() {
        let mut latch = latch();
        latch.hear(seconds(0), at(SIGNALLED), 1, 1);
        for n in 0..10 {
            assert!(!latch.hear(seconds(1), at("198.51.100.9:5000"), 9, n));
        }
        latch.hear(seconds(3), at("198.51.100.9:5000"), 9, 10);
        assert!(
            latch.hear(seconds(3), at("198.51.100.9:5000"), 9, 11),
            "the first fell silent"
        );
    }

    #[test]
    fn a_new_place_from_signalling_starts_afresh() {
        let mut latch = latch();
        latch.hear(seconds(0), at("192.0.2.1:61000"), 1, 1);
        latch.signal(at(SIGNALLED));
        assert_eq!(
            latch.target(),
            Some(at("192.0.2.1:61000")),
            "the same place again changes nothing"
        );
        latch.signal(at("203.0.113.3:7000"));
        assert_eq!(latch.target(), Some(at("203.0.113.3:7000")));
    }

    #[test]
    fn a_hold_without_an_address_sends_nowhere() {
        let mut latch = latch();
        latch.signal(at("0.0.0.0:4000"));
        assert_eq!(latch.target(), None);
    }
}
