//! The truth: what a carrier saw, call by call. Tests and demonstrations compare what was claimed with this.

use std::collections::BTreeMap;
use std::time::Duration;

use hark_outcome::Cause;
use serde::{Deserialize, Serialize};

/// Everything a carrier saw since it started.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Report {
    /// One entry a Call-ID, in the order of their first INVITE.
    pub calls: Vec<CallSeen>,
    /// Per number dialled: how many calls were tried (retransmissions and retries with credentials count nothing).
    pub numbers: BTreeMap<String, u32>,
    /// Calls that are up, or being set up, now.
    pub live_calls: usize,
    /// The most that were at once.
    pub peak_calls: usize,
    /// OPTIONS answered.
    pub options: u64,
    /// REGISTER answered.
    pub registers: u64,
    /// Messages that were no SIP.
    pub malformed: u64,
    /// Faults that belong to no call: a BYE, CANCEL or ACK outside a dialog.
    pub strays: Vec<FaultSeen>,
    /// Calls no longer listed, to keep memory bounded.
    pub forgotten: u64,
}

impl Report {
    /// The call of a Call-ID, given whole or by its part before `@`.
    #[must_use]
    pub fn call(&self, call_id: &str) -> Option<&CallSeen> {
        self.calls.iter().find(|c| {
            c.call_id == call_id
                || c.call_id
                    .split_once('@')
                    .is_some_and(|(local, _)| local == call_id)
        })
    }

    /// The calls to a number; `+` counts for nothing.
    pub fn calls_to<'a>(&'a self, number: &'a str) -> impl Iterator<Item = &'a CallSeen> {
        let number = number.trim_start_matches('+');
        self.calls
            .iter()
            .filter(move |c| c.number.trim_start_matches('+') == number)
    }

    /// Every fault of the callers' SIP that was seen, with the Call-ID it belongs to.
    pub fn faults(&self) -> impl Iterator<Item = (&str, &FaultSeen)> {
        let of_calls = self
            .calls
            .iter()
            .flat_map(|c| c.faults.iter().map(|f| (c.call_id.as_str(), f)));
        of_calls.chain(self.strays.iter().map(|f| ("", f)))
    }
}

/// One Call-ID. Offsets are seconds since the carrier started. If the same Call-ID was used for a second call, counts
/// add up and the offsets are the last call's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CallSeen {
    /// Call-ID.
    pub call_id: String,
    /// The number dialled, as it stood in the Request-URI.
    pub number: String,
    /// The user part of From.
    pub from: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// What the number did.
    pub behaviour: String,
    /// What a right verdict may be; the first is the best, empty = no claim.
    pub truth: Vec<Cause>,
    /// INVITE transactions that tried to set a call up; not retransmissions, not those answered by a challenge.
    pub invites: u32,
    /// INVITEs answered 401 or 407.
    pub challenged: u32,
    /// Retransmitted INVITEs.
    pub retransmissions: u32,
    /// Re-INVITEs of the caller inside the dialog.
    pub reinvites: u32,
    /// First INVITE.
    #[serde(with = "seconds")]
    pub started: Duration,
    /// First response above 100.
    #[serde(with = "maybe_seconds")]
    pub ringing: Option<Duration>,
    /// Our 200.
    #[serde(with = "maybe_seconds")]
    pub answered: Option<Duration>,
    /// The CANCEL.
    #[serde(with = "maybe_seconds")]
    pub cancelled: Option<Duration>,
    /// The ACK of our final response; of a 200, the first.
    #[serde(with = "maybe_seconds")]
    pub acked: Option<Duration>,
    /// Final refusal sent, or BYE sent or received.
    #[serde(with = "maybe_seconds")]
    pub ended: Option<Duration>,
    /// Final response to the INVITE.
    pub final_code: Option<u16>,
    /// Who said BYE first.
    pub byed_by: Option<Side>,
    /// BYEs received, not retransmissions. Two dialogs of one INVITE have one each.
    pub byes: u32,
    /// How many 200 dialogs there were, and how many had their ACK and their BYE.
    pub dialogs: Dialogs,
    /// Reason header of the caller's CANCEL or BYE.
    pub reason: Option<String>,
    /// What the caller answered to our re-INVITE, REFER or UPDATE.
    pub answered_us: Vec<(String, u16)>,
    /// PRACKs received.
    pub pracks: u32,
    /// RTP packets sent to the caller.
    pub rtp_sent: u64,
    /// RTP packets received.
    pub rtp_received: u64,
    /// Of these, before our 200.
    pub rtp_before_answer: u64,
    /// Milliseconds of sound above -45 dBm0 received.
    pub voice_ms: u64,
    /// Digits received as telephone-events.
    pub dtmf: String,
    /// How long the call lasted here, or has lasted.
    #[serde(with = "seconds")]
    pub lasted: Duration,
    /// How long it would have lasted with unshortened ringing and waiting.
    #[serde(with = "seconds")]
    pub would_have_lasted: Duration,
    /// When the network or the callee would have ended it, unshortened, had the caller done nothing. What the caller
    /// saved by ending early is this less `would_have_lasted`. `None`: it would have gone on for ever.
    #[serde(with = "maybe_seconds")]
    pub would_have_ended_after: Option<Duration>,
    /// What was wrong with the caller's SIP.
    pub faults: Vec<FaultSeen>,
}

/// The dialogs of one INVITE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dialogs {
    /// 200s of different To tags.
    pub answered: u32,
    /// Of these, how many had an ACK.
    pub acked: u32,
    /// Of these, how many ended by BYE, whoever's.
    pub ended: u32,
}

/// A side of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one that dialled.
    Caller,
    /// The carrier.
    Carrier,
}

/// A fault of the caller's SIP, and when it showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultSeen {
    /// Seconds since the carrier started.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// Which.
    pub what: PeerFault,
}

/// What callers get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerFault {
    /// A final response had no ACK until its transaction's end.
    NoAck,
    /// Our BYE had no answer.
    ByeUnanswered,
    /// Our re-INVITE, REFER or UPDATE had no answer.
    RequestUnanswered,
    /// A BYE for no dialog of ours.
    ByeOutsideDialog,
    /// A CANCEL for no INVITE of ours.
    CancelOutsideTransaction,
    /// An ACK for no call of ours.
    AckOutsideDialog,
    /// CSeq went backwards inside a dialog.
    CseqBackwards,
    /// A CANCEL after the final response had been acknowledged.
    CancelAfterFinal,
    /// A second INVITE of the same call while the first was being answered.
    MergedInvite,
    /// Our reliable provisional response had no PRACK.
    NoPrack,
    /// An INVITE whose Max-Forwards was 0, or without Contact.
    IncompleteInvite,
    /// Credentials that do not fit the challenge.
    WrongCredentials,
    /// An answered dialog was left up after its script's end and had to be ended by the carrier.
    LeftUp,
}

/// Seconds with three decimals.
mod seconds {
    use super::*;

    pub(super) fn serialize<S: serde::Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64(rounded(*d))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(d)?).map_err(serde::de::Error::custom)
    }

    pub(super) fn rounded(d: Duration) -> f64 {
        d.as_millis() as f64 / 1000.0
    }
}

/// Seconds, or null.
mod maybe_seconds {
    use super::*;

    pub(super) fn serialize<S: serde::Serializer>(d: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        d.map(seconds::rounded).serialize(s)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        Option::<f64>::deserialize(d)?
            .map(|s| Duration::try_from_secs_f64(s).map_err(serde::de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_written_as_json_reads_back() {
        let call = CallSeen {
            call_id: "abc@x".into(),
            number: "+8613800000001".into(),
            started: Duration::from_millis(1_250),
            answered: Some(Duration::from_secs(2)),
            faults: vec![FaultSeen {
                at: Duration::from_secs(3),
                what: PeerFault::NoAck,
            }],
            ..CallSeen::default()
        };
        let report = Report {
            calls: vec![call],
            ..Report::default()
        };
        let text = serde_json::to_string(&report).expect("writes");
        assert_eq!(serde_json::from_str::<Report>(&text).expect("reads"), report);
        assert_eq!(report.call("abc"), report.calls.first());
        assert_eq!(report.calls_to("8613800000001").count(), 1);
        assert_eq!(report.faults().count(), 1);
    }
}
