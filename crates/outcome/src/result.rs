//! The one result of one attempt.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::SchemaVersion;
use crate::{
    Attempt, Cause, Confidence, Consent, Disposition, Evidence, Grade, Number, Seconds, Timestamp, TrunkId,
    WorkerId,
};

/// How one attempt ended, and why we think so. Published once, for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallResult {
    /// The version of these words.
    #[serde(default)]
    pub schema: SchemaVersion,
    /// Which attempt.
    pub attempt: Attempt,
    /// Whom it called.
    pub to: Number,
    /// How it ended.
    pub disposition: Disposition,
    /// Why.
    pub cause: Cause,
    /// How sure.
    pub confidence: Confidence,
    /// What that confidence may do.
    pub grade: Grade,
    /// Whether a 200 OK came: the numerator of the answer-seizure ratio, machines included.
    pub sip_answered: bool,
    /// Seconds from 200 OK to the end, as a carrier bills them; 0 if never answered.
    pub billable_s: Seconds,
    /// The instants of the call.
    pub timing: Timing,
    /// What signalling said at the end; absent if no INVITE left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip: Option<SipEnd>,
    /// What became of the sound; absent if no media session was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaStats>,
    /// Things a reader should know before trusting the plain fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// Why we think so.
    pub evidence: Evidence,
    /// The job's labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The job's source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The job's consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// The job's customer fields, untouched.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub customer: serde_json::Map<String, serde_json::Value>,
    /// The caller ID shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_id: Option<Number>,
    /// The trunk used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<TrunkId>,
    /// Who did it.
    pub worker: WorkerId,
    /// The worker's version.
    #[serde(default)]
    pub version: String,
}

/// The instants of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// When the worker took the job.
    pub taken_at: Timestamp,
    /// When the INVITE left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_at: Option<Timestamp>,
    /// When the first 180 or 183 came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ringing_at: Option<Timestamp>,
    /// When the first RTP packet came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_at: Option<Timestamp>,
    /// When 200 OK came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Timestamp,
    /// INVITE to end: how long the line was held.
    pub line_s: Seconds,
}

/// What signalling said at the end of a call, raw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SipEnd {
    /// The final status of the INVITE; absent if none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// Its reason phrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
    /// The Reason header of the final response or the BYE, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The Q.850 cause in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q850: Option<u8>,
    /// The Call-ID of the INVITE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
}

/// What became of the sound of one call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct MediaStats {
    /// `PCMU` or `PCMA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// RTP packets received.
    pub received: u64,
    /// RTP packets sent.
    pub sent: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that came too late to be heard.
    pub late: u64,
    /// Packets that came twice.
    pub duplicate: u64,
    /// Sound invented to hide loss.
    pub concealed_s: Seconds,
    /// Interarrival jitter, RFC 3550 §6.4.1, in milliseconds.
    pub jitter_ms: f32,
}

/// A thing to know about a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Flag {
    /// The network answered 3xx; it was not followed.
    Redirected,
    /// Answered and ended by the peer in under 2 s without speech.
    ShortAnswer,
    /// A 200 crossed our CANCEL: somebody picked up and heard us hang up. Counts as abandoned.
    DroppedByUs,
    /// We ended the call early on what we heard.
    EndedEarly,
    /// The script was played to its end.
    Played,
    /// The peer ended the call while we played.
    CutShort,
    /// The call reached its maximum duration.
    MaxDuration,
    /// Sound stopped coming during the call.
    MediaLost,
    /// The far end is Hark's own simulated carrier; ring and talk times are shortened.
    Simulated,
    /// A part of the ear was missing or broken.
    Degraded,
    /// The result was too large for NATS: evidence, and if need be the customer's fields, were left out.
    Shortened,
    /// A flag from a newer version than this reader.
    #[serde(other)]
    Unknown,
}

/// How many attempts reached a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Persons {
    /// Attempts that reached one.
    pub persons: u64,
    /// Attempts in all: everything for which an INVITE may have left.
    pub attempts: u64,
}

impl Persons {
    /// Counts one result. `refused` results dialled nothing and do not count.
    pub fn count(&mut self, result: &CallResult) {
        if result.disposition != Disposition::Refused {
            self.attempts += 1;
            self.persons += u64::from(result.disposition == Disposition::Answered);
        }
    }

    /// 漏空率, the missed-and-empty rate: 1 − persons ÷ attempts; `None` before the first attempt.
    #[must_use]
    pub fn missed_and_empty_rate(self) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate for people; 2^52 attempts are far away"
        )]
        (self.attempts > 0).then(|| 1.0 - self.persons as f64 / self.attempts as f64)
    }
}
