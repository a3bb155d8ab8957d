//! Strangers may ask only so often. Every request the stack takes costs it memory for 32 s, so what belongs to no call
//! is let through by a token bucket, and the rest is dropped before the stack sees it. Messages of calls always pass;
//! responses reach their call from here, because the stack swallows some.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use rsipstack::sip::{HeadersExt, SipMessage};
use rsipstack::transaction::endpoint::TransportEventInspector;
use rsipstack::transport::TransportEvent;

use super::inspector;
use super::registry::Registry;

/// Requests of strangers a second, in the long run and at once: many proxies' keepalive, no flood.
const RATE: f64 = 100.0;
const BURST: f64 = 200.0;

pub(super) struct Guard {
    registry: Arc<Registry>,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    tokens: f64,
    filled: Instant,
    dropped: u64,
}

impl Guard {
    pub(super) fn new(registry: Arc<Registry>) -> Self {
        let bucket = Bucket {
            tokens: BURST,
            filled: Instant::now(),
            dropped: 0,
        };
        Self {
            registry,
            bucket: Mutex::new(bucket),
        }
    }
}

impl Bucket {
    /// Whether one more may pass at `now`.
    fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = self.filled.max(now);
        self.tokens = (self.tokens + since * RATE).min(BURST);
        if self.tokens < 1.0 {
            self.dropped += 1;
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[async_trait]
impl TransportEventInspector for Guard {
    async fn handle(&self, mut event: TransportEvent) -> Option<TransportEvent> {
        if let TransportEvent::Incoming(SipMessage::Response(response), ..) = &mut event {
            inspector::hand_over(&self.registry, response, false);
        }
        if let TransportEvent::Incoming(SipMessage::Request(request), _, from) = &event {
            let ours = request
                .call_id_header()
                .is_ok_and(|id| self.registry.knows(id.value()));
            if !ours {
                let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
                if !bucket.take(Instant::now()) {
                    if bucket.dropped.is_power_of_two() {
                        tracing::warn!(%from, dropped = bucket.dropped, "too many requests that belong to no call");
                    }
                    return None;
                }
            }
        }
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let start = Instant::now();
        let mut bucket = Bucket {
            tokens: BURST,
            filled: start,
            dropped: 0,
        };
        let passed = (0..10_000).filter(|_| bucket.take(start)).count();
        assert_eq!(passed, 200);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..10_000).filter(|_| bucket.take(later)).count(), 100);
        assert_eq!(bucket.dropped, 20_000 - 300);
    }
}
