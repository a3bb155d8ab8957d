//! How many new calls a second: slots at even distances, each given once.

use std::time::{Duration, Instant};

/// Hands out start times.
#[derive(Debug)]
pub(super) struct Pace {
    distance: Duration,
    next: Option<Instant>,
}

impl Pace {
    /// `per_second` is above zero; the configuration was checked.
    pub(super) fn new(per_second: f64) -> Self {
        Self {
            distance: Duration::from_secs_f64(1.0 / per_second.max(1e-6)),
            next: None,
        }
    }

    /// Takes the next slot. `Err` tells how far away it is, when that is more than `patience`; it is then not taken.
    pub(super) fn slot(&mut self, now: Instant, patience: Duration) -> Result<Instant, Duration> {
        let slot = self.next.map_or(now, |next| next.max(now));
        let wait = slot - now;
        if wait > patience {
            return Err(wait);
        }
        self.next = Some(slot + self.distance);
        Ok(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_evenly_spaced_and_idle_time_saves_up_nothing() {
        let start = Instant::now();
        let mut pace = Pace::new(4.0);
        let wait = |pace: &mut Pace, at: u64| {
            let now = start + Duration::from_millis(at);
            pace.slot(now, Duration::from_secs(10)).expect("patient") - start
        };
        assert_eq!(wait(&mut pace, 0), Duration::ZERO);
        assert_eq!(wait(&mut pace, 0), Duration::from_millis(250));
        assert_eq!(wait(&mut pace, 100), Duration::from_millis(500));
        assert_eq!(wait(&mut pace, 60_000), Duration::from_secs(60));
        assert_eq!(wait(&mut pace, 60_000), Duration::from_millis(60_250));
    }

    #[test]
    fn a_slot_beyond_patience_is_not_taken() {
        let now = Instant::now();
        let mut pace = Pace::new(1.0);
        assert_eq!(pace.slot(now, Duration::ZERO), Ok(now));
        assert_eq!(
            pace.slot(now, Duration::from_millis(500)),
            Err(Duration::from_secs(1))
        );
        assert_eq!(
            pace.slot(now, Duration::from_secs(1)),
            Ok(now + Duration::from_secs(1))
        );
    }
}
