//! Network tones and beeps: plans as data, detection by frequency and cadence.
//!
//! Frames become tones and quiets ([`runs`]), those become cadences ([`cadence`]) or a beep ([`beep`]); what each tone
//! consists of is measured once, through a long window ([`composition`]).

mod beep;
mod cadence;
mod composition;
mod plan;
mod runs;

pub(crate) use beep::Beep;
pub(crate) use cadence::Match;
pub use plan::{PlanTone, ToneMeaning, TonePlan};
pub(crate) use runs::Segment;

use self::beep::Watch;
use self::cadence::Matcher;
use self::runs::{Event, Runs};
use crate::front::Look;

/// What the tone listener found in a frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ToneEvent {
    /// A tone ended; part of a cadence or not.
    Tone(Segment),
    /// A cadence is known, and goes on.
    Cadence(Match),
    /// A beep, and the quiet after it.
    Beep(Beep),
}

/// Listens for tones.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    runs: Runs,
    matcher: Matcher,
    watch: Watch,
}

impl Listener {
    pub(crate) fn new(plans: &[TonePlan]) -> Self {
        Self {
            runs: Runs::new(),
            matcher: Matcher::new(plans),
            watch: Watch::default(),
        }
    }

    /// Whether a tone sounds now: its frames are no voice.
    pub(crate) fn is_on(&self) -> bool {
        self.runs.is_on()
    }

    /// Takes the next frame, `None` for one that was not received, and hands on what it found.
    pub(crate) fn push(&mut self, look: Option<&Look>, found: &mut impl FnMut(ToneEvent)) {
        for event in self.runs.push(look).into_iter().flatten() {
            self.take(event, found);
        }
        if let Some(ms) = self.runs.quiet_ms() {
            if let Some(cadence) = self.matcher.quiet(ms) {
                found(ToneEvent::Cadence(cadence));
            }
            if let Some(beep) = self.watch.quiet(ms) {
                found(ToneEvent::Beep(beep));
            }
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, found: &mut impl FnMut(ToneEvent)) {
        if let Some(event) = self.runs.finish() {
            self.take(event, found);
        }
    }

    fn take(&mut self, event: Event, found: &mut impl FnMut(ToneEvent)) {
        match event {
            Event::Break => {
                self.matcher.clear();
                self.watch.clear();
            }
            Event::Segment(segment) => {
                if segment.on {
                    self.watch.tone(&segment, self.matcher.may_belong(&segment));
                    found(ToneEvent::Tone(segment));
                }
                if let Some(cadence) = self.matcher.push(segment) {
                    found(ToneEvent::Cadence(cadence));
                }
            }
        }
    }
}
