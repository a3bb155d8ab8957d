//! What happens during a call, as it happens. Events are for watching; the result is what counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::SchemaVersion;
use crate::{Attempt, CallResult, Cause, Disposition, Grade, Seconds, Timestamp, TrunkId, WorkerId};

/// One step of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallEvent {
    /// The version of these words.
    #[serde(default)]
    pub schema: SchemaVersion,
    /// Which attempt.
    pub attempt: Attempt,
    /// When.
    pub at: Timestamp,
    /// Who says so.
    pub worker: WorkerId,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The attempt is claimed and the INVITE goes out.
    Dialling {
        /// Over which trunk.
        trunk: TrunkId,
    },
    /// 180 or 183 came.
    Ringing {
        /// The code.
        code: u16,
    },
    /// The first RTP packet came before the answer.
    EarlyMedia,
    /// 200 OK came.
    Answered,
    /// The ear named what it hears, or changed its mind.
    Verdict {
        /// How it would end if it ended now.
        disposition: Disposition,
        /// Why.
        cause: Cause,
        /// How sure.
        grade: Grade,
        /// By which rule.
        rule: String,
    },
    /// We began to play the script.
    Playing,
    /// A late truth: another result stands for this attempt, written while this worker could not reach NATS.
    Corrected {
        /// What this worker would have published.
        result: Box<CallResult>,
    },
    /// It is over. The result says how.
    Ended {
        /// INVITE to end.
        line_s: Seconds,
    },
    /// A step from a newer version than this reader.
    #[serde(other)]
    Unknown,
}
