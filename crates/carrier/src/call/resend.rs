//! RFC 3261's timers: what is sent again, how often, and when one gives up.

use std::time::Duration;

/// T1 and whether the transport loses messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timers {
    pub t1: Duration,
    /// UDP: messages are sent again.
    pub resends: bool,
}

impl Timers {
    /// Timers B, F, H and the like: 64*T1.
    pub(super) fn give_up(self) -> Duration {
        self.t1 * 64
    }

    /// T2: the longest pause between two sendings.
    fn t2(self) -> Duration {
        self.t1 * 8
    }
}

/// A message that is sent again until something stops it.
#[derive(Debug, Clone)]
pub(super) struct Resend {
    bytes: Vec<u8>,
    next: Option<Duration>,
    interval: Duration,
    longest: Duration,
    until: Duration,
}

impl Resend {
    /// Sent first at `now`; again as the transport needs.
    pub(super) fn new(now: Duration, timers: Timers, bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            next: timers.resends.then(|| now + timers.t1),
            interval: timers.t1,
            longest: timers.t2(),
            until: now + timers.give_up(),
        }
    }

    /// As `new`, but sent again on any transport: a 200, whose ACK is the peer's own doing (RFC 3261 §13.3.1.4).
    pub(super) fn on_any(now: Duration, timers: Timers, bytes: Vec<u8>) -> Self {
        Self::new(
            now,
            Timers {
                resends: true,
                ..timers
            },
            bytes,
        )
    }

    /// When something happens next.
    pub(super) fn next(&self) -> Duration {
        self.next.map_or(self.until, |n| n.min(self.until))
    }

    /// Whether its time is over.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        now >= self.until
    }

    /// The bytes, if they are due now.
    pub(super) fn due(&mut self, now: Duration) -> Option<Vec<u8>> {
        let next = self.next.filter(|n| *n <= now)?;
        self.interval = (self.interval * 2).min(self.longest);
        self.next = Some(next + self.interval);
        Some(self.bytes.clone())
    }
}

/// A request of ours that waits for its final response.
#[derive(Debug)]
pub(super) struct Client {
    pub method: &'static str,
    pub branch: String,
    pub dialog_tag: String,
    pub cseq: u32,
    pub resend: Resend,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn sent_at(timers: Timers, on_any: bool) -> Vec<u64> {
        let new = if on_any { Resend::on_any } else { Resend::new };
        let mut resend = new(Duration::ZERO, timers, vec![1]);
        let mut times = Vec::new();
        let mut now = resend.next();
        while !resend.is_over(now) {
            times.extend(resend.due(now).map(|_| now.as_millis() as u64));
            now = resend.next();
        }
        times
    }

    #[test]
    fn on_udp_the_pauses_double_up_to_t2_and_end_at_64_t1() {
        let timers = Timers {
            t1: MS(500),
            resends: true,
        };
        assert_eq!(
            sent_at(timers, false),
            [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]
        );
    }

    #[test]
    fn on_tcp_nothing_is_sent_again_but_a_200() {
        let timers = Timers {
            t1: MS(500),
            resends: false,
        };
        assert!(sent_at(timers, false).is_empty());
        assert_eq!(sent_at(timers, true).len(), 10);
    }
}
