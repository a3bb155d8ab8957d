//! When to stop taking calls: overload must never reach a call that is already live.
//!
//! States: `Open` (pull) ⇄ `Shut` (do not). It shuts at once when RTP runs late or the ear lags, and opens again only
//! after both have been well for two seconds, so that it does not flap at the edge.

use std::time::Duration;

/// How long everything must be well before new calls are taken again.
const CALM: Duration = Duration::from_secs(2);

/// The share of RTP ticks later than 5 ms that is still well.
const LATE_SHARE: f64 = 0.01;

/// Ticks from which on their share alone counts. Of fewer, some late ones are chance, and it takes [`MANY_LATE`].
const FEWEST_TICKS: u64 = 500;

/// Late ticks that are no chance, however few calls there are.
const MANY_LATE: u64 = 10;

/// The lag of the ear that is still well.
const LONGEST_LAG: Duration = Duration::from_millis(200);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// RTP ticks in the last seconds.
    pub ticks: u64,
    /// Of them, more than 5 ms late.
    pub late: u64,
    /// How far the ear is behind the sound.
    pub ear_lag: Duration,
}

impl Load {
    fn fault(&self) -> Option<String> {
        #[expect(clippy::cast_precision_loss, reason = "a share of a few thousand ticks")]
        let share = self.late as f64 / self.ticks.max(1) as f64;
        let counts = self.ticks >= FEWEST_TICKS || self.late >= MANY_LATE;
        if counts && share > LATE_SHARE {
            return Some(format!(
                "{:.1} % of RTP ticks run more than 5 ms late",
                share * 100.0
            ));
        }
        (self.ear_lag > LONGEST_LAG).then(|| format!("the ear lags {} ms", self.ear_lag.as_millis()))
    }
}

/// Decides whether to pull.
#[derive(Debug, Default)]
pub struct Governor {
    shut: Option<Shut>,
}

#[derive(Debug)]
struct Shut {
    last_fault: Duration,
}

/// A change of mind, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Stopped pulling, and why.
    Shut(String),
    /// Pulling again.
    Opened,
}

impl Governor {
    /// Takes a reading at `now` (any clock that does not go back).
    pub fn observe(&mut self, now: Duration, load: &Load) -> Option<Change> {
        match (load.fault(), &mut self.shut) {
            (Some(_), Some(shut)) => {
                shut.last_fault = now;
                None
            }
            (Some(why), None) => {
                self.shut = Some(Shut { last_fault: now });
                Some(Change::Shut(why))
            }
            (None, Some(shut)) if now.saturating_sub(shut.last_fault) >= CALM => {
                self.shut = None;
                Some(Change::Opened)
            }
            (None, _) => None,
        }
    }

    /// Whether new calls may be taken.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.shut.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Load = Load {
        ticks: 1000,
        late: 10,
        ear_lag: Duration::from_millis(200),
    };
    const LATE: Load = Load {
        ticks: 1000,
        late: 11,
        ear_lag: Duration::ZERO,
    };

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn late_rtp_shuts_at_once_and_says_so() {
        let mut g = Governor::default();
        assert_eq!(g.observe(at(0), &WELL), None);
        let Some(Change::Shut(why)) = g.observe(at(100), &LATE) else {
            panic!("1.1 % late must shut")
        };
        assert!(why.contains("1.1 %"), "{why}");
        assert!(!g.is_open());
    }

    #[test]
    fn a_lagging_ear_shuts() {
        let mut g = Governor::default();
        g.observe(
            at(0),
            &Load {
                ear_lag: Duration::from_millis(201),
                ..WELL
            },
        );
        assert!(!g.is_open());
    }

    #[test]
    fn it_opens_only_after_two_calm_seconds() {
        let mut g = Governor::default();
        g.observe(at(0), &LATE);
        assert_eq!(g.observe(at(1000), &WELL), None);
        g.observe(at(1500), &LATE);
        assert_eq!(
            g.observe(at(3000), &WELL),
            None,
            "the calm counts from the last fault"
        );
        assert_eq!(g.observe(at(3500), &WELL), Some(Change::Opened));
        assert!(g.is_open());
    }

    #[test]
    fn a_single_call_that_stutters_shuts() {
        let mut g = Governor::default();
        let stutter = Load {
            ticks: 250,
            late: 10,
            ear_lag: Duration::ZERO,
        };
        assert!(matches!(g.observe(at(0), &stutter), Some(Change::Shut(_))));
    }

    #[test]
    fn a_handful_of_ticks_says_nothing() {
        let mut g = Governor::default();
        g.observe(
            at(0),
            &Load {
                ticks: 60,
                late: 9,
                ear_lag: Duration::ZERO,
            },
        );
        assert!(g.is_open());
    }
}
