//! What the ear thinks of a call so far. An opinion is revised while the call runs; only its grade says what may be
//! done on it.

use hark_outcome::{Cause, Confidence, Disposition, Grade, Phase, Seconds};

/// What the sound alone says, now.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// Of which phase the reading speaks. An early opinion is forgotten at the answer.
    pub phase: Phase,
    /// How the call ends if the sound decides; `None` while it decides nothing (ringback, music, too early).
    pub reading: Option<(Disposition, Cause)>,
    /// What may be done on it. Timing alone is never certain.
    pub grade: Grade,
    /// How sure.
    pub confidence: Confidence,
    /// The rule that spoke: `undecided`, `ringing`, `tone_busy`, `short_utterance`, `beep`, …
    pub rule: &'static str,
    /// When the reading was first reached, in seconds of the phase.
    pub decided_at: Option<Seconds>,
    /// In words, for a person who asks why.
    pub because: String,
    /// Someone speaks right now.
    pub speaking: bool,
    /// Voice heard since the answer, in all.
    pub voice: Seconds,
    /// What was heard before the answer.
    pub early: EarlySound,
}

/// What was heard in early media, whatever came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EarlySound {
    /// A ringback tone: the phone rang.
    pub ringback: bool,
    /// Speech: an announcement nobody understood, or a colour ring-back.
    pub speech: bool,
    /// Other sound, as of a colour ring-back: counts as ringing.
    pub music: bool,
}

impl Default for Opinion {
    /// Nothing heard yet.
    fn default() -> Self {
        Self {
            phase: Phase::Early,
            reading: None,
            grade: Grade::Unsure,
            confidence: Confidence::new(0.0),
            rule: "undecided",
            decided_at: None,
            because: "nothing was heard that decides".to_owned(),
            speaking: false,
            voice: Seconds::default(),
            early: EarlySound::default(),
        }
    }
}

impl Opinion {
    /// Whether the call may be ended on it.
    #[must_use]
    pub fn may_end_call(&self) -> bool {
        self.reading.is_some() && self.grade == Grade::Certain
    }

    /// Whether `other` says something else; running totals do not count.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> bool {
        self.phase != other.phase
            || self.reading != other.reading
            || self.grade != other.grade
            || self.rule != other.rule
            || self.speaking != other.speaking
            || self.early != other.early
    }
}
