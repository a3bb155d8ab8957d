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

    /// How many slots lie within `horizon`, taking none.
    pub(super) fn within(&self, now: Instant, horizon: Duration) -> usize {
        let first = self.next.map_or(now, |next| next.max(now));
        let Some(room) = (now + horizon).checked_duration_since(first) else {
            return 0;
        };
        let more = room.as_nanos() / self.distance.as_nanos().max(1);
        usize::try_from(more).map_or(usize::MAX, |more| more.saturating_add(1))
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
    fn slots_in_sight_are_counted_and_not_taken() {
        let now = Instant::now();
        let mut pace = Pace::new(100.0);
        assert_eq!(pace.within(now, Duration::ZERO), 1);
        assert_eq!(pace.within(now, Duration::from_millis(25)), 3);
        pace.slot(now, Duration::ZERO).expect("the first");
        assert_eq!(pace.within(now, Duration::from_millis(9)), 0);
        assert_eq!(pace.within(now, Duration::from_millis(25)), 2);
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
