//! How punctual a media thread was over the last five seconds: what the worker looks at before it takes more calls.

use std::time::Duration;

use super::MediaHealth;

/// A tick later than this is heard as jitter at the far end.
pub(super) const LATE: Duration = Duration::from_millis(5);

const SLICE: Duration = Duration::from_millis(500);
const SLICES: usize = 10;

/// Ticks and late ticks of the last ten half seconds.
#[derive(Debug, Default)]
pub(super) struct Window {
    slices: [Slice; SLICES],
}

#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    /// Which half second since the beginning.
    number: u64,
    ticks: u64,
    late: u64,
}

impl Window {
    /// Counts ticks of which some were late.
    pub(super) fn record(&mut self, now: Duration, ticks: u64, late: u64) {
        let number = number(now);
        let slice = &mut self.slices[number as usize % SLICES];
        if slice.number != number {
            *slice = Slice {
                number,
                ..Slice::default()
            };
        }
        slice.ticks += ticks;
        slice.late += late;
    }

    /// The sum over the last five seconds.
    pub(super) fn health(&self, now: Duration) -> MediaHealth {
        let oldest = (number(now) + 1).saturating_sub(SLICES as u64);
        let recent = self.slices.iter().filter(|slice| slice.number >= oldest);
        recent.fold(MediaHealth::default(), |sum, slice| MediaHealth {
            ticks: sum.ticks + slice.ticks,
            late: sum.late + slice.late,
            sessions: 0,
        })
    }
}

fn number(now: Duration) -> u64 {
    (now.as_millis() / SLICE.as_millis()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_five_seconds_count() {
        let mut window = Window::default();
        for second in 0..20 {
            window.record(Duration::from_secs(second), 50, u64::from(second < 16));
        }
        let health = window.health(Duration::from_millis(19_400));
        assert_eq!((health.ticks, health.late), (5 * 50, 1));
        assert_eq!(window.health(Duration::from_secs(60)), MediaHealth::default());
    }

    #[test]
    fn a_window_that_has_just_begun_counts_what_there_is() {
        let mut window = Window::default();
        window.record(Duration::ZERO, 3, 2);
        let health = window.health(Duration::from_millis(100));
        assert_eq!((health.ticks, health.late), (3, 2));
    }
}
