//! The session timer (RFC 4028): who keeps a call alive, how often, and when it must be given up.
//!
//! The refresher asks at half the interval. Nobody hangs up before the whole interval has passed: in doubt a live call
//! goes on.

use std::time::{Duration, Instant};

use super::words::{Refresher, Session};

/// RFC 4028 allows no shorter interval; a peer's shorter one is read as this.
const SHORTEST: u32 = 90;

/// A session timer at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timer {
    pub(super) seconds: u32,
    /// Whether we refresh.
    pub(super) ours: bool,
    refreshed: Instant,
    /// When to refresh, or to try again.
    next: Instant,
}

impl Timer {
    /// As a response to our request settles it: `uac` is us. Without a refresher named it is us.
    pub(super) fn from_response(session: Session, now: Instant) -> Self {
        Self::new(session.seconds, session.refresher != Some(Refresher::Uas), now)
    }

    /// As our answer to the peer's request settles it.
    pub(super) fn from_request(session: Session, now: Instant) -> Self {
        Self::new(session.seconds, session.refresher == Some(Refresher::Uas), now)
    }

    fn new(seconds: u32, ours: bool, now: Instant) -> Self {
        let seconds = seconds.max(SHORTEST);
        let interval = Duration::from_secs(seconds.into());
        Self {
            seconds,
            ours,
            refreshed: now,
            next: now + interval / 2,
        }
    }

    /// The same, from now on.
    pub(super) fn refreshed(self, now: Instant) -> Self {
        Self::new(self.seconds, self.ours, now)
    }

    fn expiry(&self) -> Instant {
        self.refreshed + Duration::from_secs(self.seconds.into())
    }

    pub(super) fn deadline(&self, refreshing: bool) -> Instant {
        if self.ours && !refreshing {
            self.next.min(self.expiry())
        } else {
            self.expiry()
        }
    }

    pub(super) fn has_expired(&self, now: Instant) -> bool {
        now >= self.expiry()
    }

    pub(super) fn wants_refresh(&self, now: Instant) -> bool {
        self.ours && now >= self.next
    }

    /// A refresh failed: half of what is left, then again.
    pub(super) fn try_later(&mut self, now: Instant) {
        let left = self.expiry().saturating_duration_since(now);
        self.next = now + (left / 2).max(Duration::from_secs(1));
    }

    /// Both sides asked at once (491).
    pub(super) fn try_soon(&mut self, now: Instant) {
        // RFC 3261 §14.1: the owner of the Call-ID waits 2.1 to 4 s.
        self.next = now + Duration::from_millis(2_500);
    }
}
