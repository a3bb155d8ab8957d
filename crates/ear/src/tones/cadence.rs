//! Which plan's cadence a row of tones and quiets follows.
//!
//! A cadence is known when enough segments in a row fit it, from wherever one began to listen: three for a simple
//! on/off, three quarters of a longer pattern, always all from the same tone at the same level. A quiet that still lasts
//! counts once it is long enough. A ringback decides nothing, so one ring and the beginning of its pause name it.

use std::collections::VecDeque;

use super::composition::Composition;
use super::plan::{PlanTone, ToneMeaning, TonePlan};
use super::runs::Segment;

/// Segments remembered: two cadences of the longest pattern.
const REMEMBERED: usize = 20;
/// How far a time may be off: this share of it, or this many milliseconds, whichever is more.
const OFF_BY: f32 = 0.12;
const OFF_BY_MS: f32 = 30.0;
/// The pause after a ring that is longer than the quiet of any tone that decides something.
const RING_PAUSE_MS: f32 = 1_200.0;
/// Tones of one cadence are this equal in level.
const LEVEL_DB: f32 = 4.0;

/// A recognised cadence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Match {
    pub plan: String,
    pub meaning: ToneMeaning,
    pub composition: Composition,
    pub from_ms: f32,
    /// The end of its newest tone.
    pub to_ms: f32,
}

#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    tones: Vec<Known>,
    history: VecDeque<Segment>,
}

#[derive(Debug, Clone)]
struct Known {
    plan: String,
    tone: PlanTone,
    /// On, off, on, off, … in milliseconds.
    pattern: Vec<f32>,
}

impl Matcher {
    pub(crate) fn new(plans: &[TonePlan]) -> Self {
        let tones = plans
            .iter()
            .flat_map(|plan| plan.tones.iter().map(|tone| (plan.name.clone(), tone.clone())))
            .map(|(plan, tone)| Known {
                plan,
                pattern: tone
                    .cadence_ms
                    .iter()
                    .flat_map(|&(on, off)| [on as f32, off as f32])
                    .collect(),
                tone,
            })
            .filter(|known| !known.pattern.is_empty())
            .collect();
        Self {
            tones,
            history: VecDeque::with_capacity(REMEMBERED),
        }
    }

    /// Takes a tone or the quiet between two.
    pub(crate) fn push(&mut self, segment: Segment) -> Option<Match> {
        if segment.on && segment.composition.is_none() {
            self.clear();
            return None;
        }
        if self.history.back().is_some_and(|last| last.on == segment.on) {
            // Something between them was lost.
            self.history.clear();
        }
        if self.history.len() == REMEMBERED {
            self.history.pop_front();
        }
        self.history.push_back(segment);
        self.best(None)
    }

    /// It has been quiet for so long since the last tone.
    pub(crate) fn quiet(&self, ms: f32) -> Option<Match> {
        let after_tone = self.history.back().is_some_and(|last| last.on);
        if after_tone { self.best(Some(ms)) } else { None }
    }

    /// Other sound came.
    pub(crate) fn clear(&mut self) {
        self.history.clear();
    }

    /// Whether a tone of this composition and length may be part of a cadence of some plan: then it is no beep.
    pub(crate) fn may_belong(&self, segment: &Segment) -> Belongs {
        let Some(composition) = segment.composition else {
            return Belongs::No;
        };
        let mut belongs = Belongs::No;
        for known in self.tones.iter().filter(|k| k.tone.fits(composition)) {
            belongs = Belongs::ByPitch;
            if known
                .pattern
                .iter()
                .step_by(2)
                .any(|on| fits(segment.ms(), *on, segment.slack_ms))
            {
                return Belongs::Wholly;
            }
        }
        belongs
    }

    fn best(&self, quiet_ms: Option<f32>) -> Option<Match> {
        let newest = self.history.iter().rev().find(|s| s.on)?;
        let composition = newest.composition?;
        self.tones
            .iter()
            .filter(|known| known.tone.fits(composition))
            .filter_map(|known| self.fit(known, quiet_ms).map(|fit| (known, fit)))
            .min_by(|(_, a), (_, b)| a.error.total_cmp(&b.error))
            .map(|(known, fit)| Match {
                plan: known.plan.clone(),
                meaning: known.tone.meaning,
                composition,
                from_ms: fit.from_ms,
                to_ms: newest.to_ms,
            })
    }

    fn fit(&self, known: &Known, quiet_ms: Option<f32>) -> Option<Fit> {
        let n = known.pattern.len();
        // The element of the pattern that the newest segment is: a tone is even, a quiet odd.
        let newest_is_on = quiet_ms.is_none() && self.history.back()?.on;
        (0..n)
            .filter(|i| (i % 2 == 0) == newest_is_on)
            .filter_map(|newest| self.fit_ending_at(known, newest, quiet_ms))
            .min_by(|a, b| a.error.total_cmp(&b.error))
    }

    fn fit_ending_at(&self, known: &Known, newest: usize, quiet_ms: Option<f32>) -> Option<Fit> {
        let n = known.pattern.len();
        let longest = known.pattern.iter().step_by(2).copied().fold(0.0, f32::max);
        let mut fit = Fit {
            from_ms: 0.0,
            error: 0.0,
            segments: 0,
            quiet_enough: false,
        };
        let mut at = newest;
        let mut saw_longest = false;
        if let Some(quiet_ms) = quiet_ms {
            let whole = known.pattern[at];
            let ring = known.tone.meaning == ToneMeaning::Ringback && quiet_ms >= RING_PAUSE_MS.min(whole);
            if !ring && quiet_ms < whole * (1.0 - OFF_BY) {
                return None;
            }
            if quiet_ms > whole + tolerance(whole) {
                return None;
            }
            fit.segments += 1;
            fit.quiet_enough = ring;
            at = (at + n - 1) % n;
        }
        let mut reference: Option<Segment> = None;
        for segment in self.history.iter().rev() {
            if !fits(segment.ms(), known.pattern[at], segment.slack_ms) || !alike(&mut reference, segment) {
                break;
            }
            saw_longest |= segment.on && known.pattern[at] >= longest;
            fit.error += (segment.ms() / known.pattern[at] - 1.0).abs();
            fit.from_ms = segment.from_ms;
            fit.segments += 1;
            at = (at + n - 1) % n;
        }
        let needed = if fit.quiet_enough { 2 } else { (n * 3 / 4).max(3) };
        fit.error /= fit.segments.max(1) as f32;
        (fit.segments >= needed && saw_longest).then_some(fit)
    }
}

/// Whether a tone may belong to a cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// No plan has such a tone.
    No,
    /// Some plan has its frequency, not its length.
    ByPitch,
    /// Some plan has both.
    Wholly,
}

struct Fit {
    from_ms: f32,
    error: f32,
    segments: usize,
    quiet_enough: bool,
}

impl PlanTone {
    fn fits(&self, composition: Composition) -> bool {
        let near = |a: f32, b: f32| (a - b).abs() <= self.tolerance_hz;
        match (self.freqs_hz.as_slice(), composition) {
            ([a], Composition::Single(x)) => near(*a, x),
            ([a, b], Composition::Pair(x, y)) => near(a.min(*b), x) && near(a.max(*b), y),
            _ => false,
        }
    }
}

fn tolerance(ms: f32) -> f32 {
    (ms * OFF_BY).max(OFF_BY_MS)
}

fn fits(ms: f32, wanted: f32, slack_ms: f32) -> bool {
    (ms - wanted).abs() <= tolerance(wanted) + slack_ms
}

/// Whether a tone is like the newest one.
fn alike(reference: &mut Option<Segment>, segment: &Segment) -> bool {
    if !segment.on {
        return true;
    }
    match (reference.as_ref(), segment.composition) {
        (None, _) => {
            *reference = Some(*segment);
            true
        }
        (Some(newest), Some(composition)) => {
            newest.composition.is_some_and(|c| c.same(composition))
                && (newest.level - segment.level).abs() <= LEVEL_DB
        }
        (Some(_), None) => false,
    }
}
