//! Whether the peer's sound is there: told when it comes, when it is lost for five seconds, and when it is back.
//!
//! Silence with an excuse is not loss: comfort noise, a sender that suppresses silence, a hold.

use std::time::Duration;

use super::MediaEvent;

/// Sound is lost after so long without packet or excuse.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(5);

/// Watches one session.
#[derive(Debug, Clone, Default)]
pub(super) struct Alive {
    heard_any: bool,
    /// When sound was last there, excused, or first due.
    last: Option<Duration>,
    lost: bool,
}

impl Alive {
    /// A valid packet came.
    pub(super) fn heard(&mut self, now: Duration) -> impl Iterator<Item = MediaEvent> + use<> {
        self.last = Some(self.last.map_or(now, |last| last.max(now)));
        let first = !std::mem::replace(&mut self.heard_any, true);
        let back = std::mem::take(&mut self.lost);
        let events = [
            first.then_some(MediaEvent::FirstPacket),
            back.then_some(MediaEvent::Back),
        ];
        events.into_iter().flatten()
    }

    /// Sound is due from now on, even if none ever came.
    pub(super) fn expect(&mut self, now: Duration) {
        self.last = self.last.or(Some(now));
    }

    /// Time passes; `excused` when silence is right.
    pub(super) fn tick(&mut self, now: Duration, excused: bool) -> Option<MediaEvent> {
        let last = self.last.as_mut()?;
        if excused {
            *last = now.max(*last);
        }
        if self.lost || now.saturating_sub(*last) < LOST_AFTER {
            return None;
        }
        self.lost = true;
        Some(MediaEvent::Lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn heard(alive: &mut Alive, at: u64) -> Vec<MediaEvent> {
        alive.heard(s(at)).collect()
    }

    #[test]
    fn loss_is_told_once_and_so_is_the_return() {
        let mut alive = Alive::default();
        assert_eq!(heard(&mut alive, 1), [MediaEvent::FirstPacket]);
        assert_eq!(alive.tick(s(5), false), None);
        assert_eq!(alive.tick(s(6), false), Some(MediaEvent::Lost));
        assert_eq!(alive.tick(s(60), false), None);
        assert_eq!(heard(&mut alive, 61), [MediaEvent::Back]);
        assert_eq!(heard(&mut alive, 61), []);
    }

    #[test]
    fn excused_silence_is_never_loss() {
        let mut alive = Alive::default();
        heard(&mut alive, 0);
        for second in 1..100 {
            assert_eq!(alive.tick(s(second), true), None);
        }
        assert_eq!(
            alive.tick(s(103), false),
            None,
            "the five seconds begin where the excuse ends"
        );
        assert_eq!(alive.tick(s(104), false), Some(MediaEvent::Lost));
    }

    #[test]
    fn a_call_that_never_had_sound_loses_it_only_once_it_is_due() {
        let mut alive = Alive::default();
        assert_eq!(
            alive.tick(s(50), false),
            None,
            "ringing without early media is normal"
        );
        alive.expect(s(50));
        assert_eq!(alive.tick(s(55), false), Some(MediaEvent::Lost));
        assert_eq!(heard(&mut alive, 56), [MediaEvent::FirstPacket, MediaEvent::Back]);
    }
}
