//! The ear on a clip: what a file would have been as a call.

use hark_outcome::{Cause, Confidence, Disposition, Grade, Heard, Phase, Ruling, Seconds};
use hark_sound::Frame;
use serde::Serialize;

use crate::{Ear, EarConfig};

/// What the sound of one clip decides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classification {
    /// How a call with this sound ends; `null` when the sound alone decides nothing.
    pub disposition: Option<Disposition>,
    /// Why.
    pub cause: Option<Cause>,
    /// How sure.
    pub confidence: Confidence,
    /// What that would be good for.
    pub grade: Grade,
    /// When it was decided, in seconds of the clip.
    pub decided_at_s: Option<Seconds>,
    /// What was heard, in time order.
    pub heard: Vec<Heard>,
    /// The rule that decided, and on what.
    pub evidence: Ruling,
}

/// Listens to a whole clip as one phase of a call.
pub fn classify(clip: impl IntoIterator<Item = Frame>, phase: Phase, config: &EarConfig) -> Classification {
    let mut ear = Ear::new(config);
    for frame in clip {
        ear.hear(phase, &frame);
    }
    ear.finish();
    let opinion = ear.opinion();
    Classification {
        disposition: opinion.reading.map(|(disposition, _)| disposition),
        cause: opinion.reading.map(|(_, cause)| cause),
        confidence: opinion.confidence,
        grade: opinion.grade,
        decided_at_s: opinion.decided_at,
        heard: ear.heard(),
        evidence: Ruling {
            rule: opinion.rule.to_owned(),
            decided_at_s: opinion.decided_at,
            because: opinion.because,
            instead_of: Vec::new(),
        },
    }
}
