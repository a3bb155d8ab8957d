//! The beep after which a machine records: one pure tone, once, then quiet. There is no standard; 400–2000 Hz and
//! 70 ms–1.5 s are what is built.
//!
//! A tone that a network plays in a cadence is no beep: a person who hangs up leaves us a busy tone, one who puts us
//! through leaves us ringing. A tone of a plan's frequency waits for a longer quiet, one of its length too is never a beep.

use super::cadence::Belongs;
use super::composition::Composition;
use super::runs::Segment;

const HZ: std::ops::RangeInclusive<f32> = 400.0..=2000.0;
const MS: std::ops::RangeInclusive<f32> = 65.0..=1_550.0;
/// Share of the power in its one lobe.
const PURE: f32 = 0.93;
/// How far its frequency may wander between frames.
const WANDER_HZ: f32 = 16.0;
/// The quiet that must follow.
const QUIET_MS: f32 = 300.0;
/// The quiet that must follow a tone with the frequency of a plan's: longer than that of any busy tone.
const QUIET_AFTER_PLAN_TONE_MS: f32 = 1_200.0;

/// A beep that was heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Beep {
    pub hz: f32,
    pub from_ms: f32,
    pub to_ms: f32,
}

/// Waits for the quiet after a tone that may be a beep.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    waiting: Option<(Beep, f32)>,
}

impl Watch {
    /// A tone ended.
    pub(crate) fn tone(&mut self, segment: &Segment, belongs: Belongs) {
        let hz = match segment.composition {
            Some(Composition::Single(hz)) => hz,
            Some(Composition::Pair(..)) => 0.0,
            // Above the slow view: the full band's peak.
            None => segment.peak_hz,
        };
        let pure = segment.one_lobe >= PURE && segment.wander_hz <= WANDER_HZ;
        // The slow view must have confirmed what lies in its band; a fused pair would pass otherwise.
        let confirmed = segment.composition.is_some() || segment.peak_hz > 780.0;
        let quiet = match belongs {
            Belongs::No => QUIET_MS,
            Belongs::ByPitch => QUIET_AFTER_PLAN_TONE_MS,
            Belongs::Wholly => f32::INFINITY,
        };
        let beep = Beep {
            hz,
            from_ms: segment.from_ms,
            to_ms: segment.to_ms,
        };
        let is_one = pure && confirmed && HZ.contains(&hz) && MS.contains(&segment.ms());
        self.waiting = (is_one && quiet.is_finite()).then_some((beep, quiet));
    }

    /// It has been quiet for so long since the last tone.
    pub(crate) fn quiet(&mut self, ms: f32) -> Option<Beep> {
        let (beep, needed) = self.waiting?;
        if ms < needed {
            return None;
        }
        self.waiting = None;
        Some(beep)
    }

    /// Something else came first.
    pub(crate) fn clear(&mut self) {
        self.waiting = None;
    }
}
