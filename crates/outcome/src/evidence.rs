//! Why we think a call ended as it did: what signalling said, what was heard, and the rule that decided.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cause, Disposition, Seconds};

/// Before or after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Early media: before 200 OK.
    Early,
    /// After 200 OK.
    Answered,
}

/// How sure a ruling is, and so what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// A guess; acts on nothing.
    Unsure,
    /// Good enough for a label; acts on nothing.
    Likely,
    /// May end a call.
    Certain,
}

/// A probability, 0 to 1; two decimals in JSON.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Confidence(f64);

impl Confidence {
    /// Clamps into 0 ..= 1; not-a-number becomes 0.
    #[must_use]
    pub fn new(p: f32) -> Self {
        Self(if p.is_nan() {
            0.0
        } else {
            (f64::from(p.clamp(0.0, 1.0)) * 100.0).round() / 100.0
        })
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> f32 {
        self.0 as f32
    }
}

/// One stretch of sound, named. Times are seconds of sound since its phase's first sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Heard {
    /// Before or after the answer.
    pub phase: Phase,
    /// When it began.
    pub from_s: Seconds,
    /// When it ended, or was last heard.
    pub to_s: Seconds,
    /// What: `speech`, `silence`, `tone`, `ringback`, `busy`, `congestion`, `vacant_tone`, `noise`, `beep`, …
    /// An open list: later ears name more.
    pub what: String,
    /// Of which tone plan, where one matched: `cn`, `us`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// More, for people: frequencies, cadence, words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How sure the detector was.
    pub confidence: Confidence,
}

/// One thing signalling said, in time order. Times are seconds since the INVITE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignalFact {
    /// When.
    pub at_s: Seconds,
    /// What, as one line: `183 Session Progress (sdp)`, `486 Busy Here`, `BYE from peer`.
    pub what: String,
}

/// The rule that decided, and on what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// The rule's name: `q850`, `sip`, `tone_busy`, `short_utterance`, …
    pub rule: String,
    /// When the sound alone had decided, in seconds of its phase; absent when signalling decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at_s: Option<Seconds>,
    /// In words, for a person who asks why.
    pub because: String,
    /// What else was considered and why it lost, most likely first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instead_of: Vec<Alternative>,
}

/// A reading that lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alternative {
    /// The disposition it would have been.
    pub disposition: Disposition,
    /// The cause it would have been.
    pub cause: Cause,
    /// The rule behind it.
    pub rule: String,
}

/// All the evidence of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The rule that decided.
    pub ruling: Ruling,
    /// What signalling said.
    #[serde(default)]
    pub signals: Vec<SignalFact>,
    /// What was heard.
    #[serde(default)]
    pub heard: Vec<Heard>,
}
