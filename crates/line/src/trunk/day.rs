//! How many calls a UTC day. Counted in memory: a restarted process begins at zero.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_A_DAY: u64 = 86_400;

/// The calls of the present UTC day.
#[derive(Debug)]
pub(super) struct Day {
    ceiling: u64,
    day: u64,
    used: u64,
}

impl Day {
    pub(super) const fn new(ceiling: u64) -> Self {
        Self {
            ceiling,
            day: 0,
            used: 0,
        }
    }

    /// Takes one call of the day; `false` when none is left.
    pub(super) fn take(&mut self, now: SystemTime) -> bool {
        self.turn(now);
        let left = self.used < self.ceiling;
        self.used += u64::from(left);
        left
    }

    /// Gives back a call taken at `taken`, unless that day is over.
    pub(super) fn give_back(&mut self, taken: SystemTime) {
        if number(taken) == self.day {
            self.used = self.used.saturating_sub(1);
        }
    }

    pub(super) fn used(&mut self, now: SystemTime) -> u64 {
        self.turn(now);
        self.used
    }

    /// A clock set back never opens a day again.
    fn turn(&mut self, now: SystemTime) {
        let day = number(now);
        if day > self.day {
            self.day = day;
            self.used = 0;
        }
    }
}

fn number(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() / SECONDS_A_DAY)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_ceiling_holds_until_midnight_utc() {
        let midnight = UNIX_EPOCH + Duration::from_secs(20_000 * SECONDS_A_DAY);
        let mut day = Day::new(2);
        assert!(day.take(midnight) && day.take(midnight + Duration::from_secs(10)));
        assert!(!day.take(midnight + Duration::from_secs(SECONDS_A_DAY - 1)));
        assert!(day.take(midnight + Duration::from_secs(SECONDS_A_DAY)));
    }

    #[test]
    fn a_clock_set_back_opens_nothing() {
        let later = UNIX_EPOCH + Duration::from_secs(20_001 * SECONDS_A_DAY);
        let mut day = Day::new(1);
        assert!(day.take(later));
        assert!(!day.take(later - Duration::from_secs(2 * SECONDS_A_DAY)));
    }

    #[test]
    fn a_call_of_yesterday_is_not_given_back_today() {
        let today = UNIX_EPOCH + Duration::from_secs(20_001 * SECONDS_A_DAY);
        let mut day = Day::new(1);
        assert!(day.take(today));
        day.give_back(today - Duration::from_secs(1));
        assert!(!day.take(today));
    }
}
