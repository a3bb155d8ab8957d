//! The account of one call: facts and opinions gathered, and in the end one result.

use std::time::Duration;

use hark_ear::{Judgement, Signals, WhoEnded, judge};
use hark_line::{Ended, EndedBy, FactKind, HangUp};
use hark_outcome::{
    Attempt, CallResult, Cause, Confidence, DialJob, Disposition, Evidence, Flag, Grade, Number, Ruling,
    SchemaVersion, Seconds, SignalFact, SipEnd, Timestamp, Timing, TrunkId, WorkerId,
};

use crate::ears::EarReport;

/// Who writes results.
#[derive(Debug, Clone)]
pub struct Author {
    /// The worker.
    pub worker: WorkerId,
    /// Its version.
    pub version: &'static str,
}

/// Gathers what happens on one call.
#[derive(Debug)]
pub struct Account {
    attempt: Attempt,
    taken_at: Timestamp,
    dialled_at: Timestamp,
    trunk: Option<TrunkId>,
    caller_id: Option<Number>,
    call_id: Option<String>,
    invited_at: Option<Duration>,
    ringing_at: Option<Duration>,
    media_at: Option<Duration>,
    answered_at: Option<Duration>,
    media_lost: bool,
    signals: Vec<SignalFact>,
}

/// More lines than any honest call has; a peer that floods us with provisionals fills no result.
const MOST_SIGNALS: usize = 100;

/// How the call was handled, for the flags.
#[derive(Debug, Clone, Copy, Default)]
pub struct Handling {
    /// The script was played to its end.
    pub played: bool,
    /// The script had begun.
    pub spoke: bool,
    /// The trunk leads to Hark's own carrier.
    pub simulated: bool,
}

impl Account {
    /// Opens the account of a call dialled at `dialled_at`.
    #[must_use]
    pub fn open(attempt: Attempt, taken_at: Timestamp, dialled_at: Timestamp) -> Self {
        Self {
            attempt,
            taken_at,
            dialled_at,
            trunk: None,
            caller_id: None,
            call_id: None,
            invited_at: None,
            ringing_at: None,
            media_at: None,
            answered_at: None,
            media_lost: false,
            signals: Vec::new(),
        }
    }

    /// Enters a fact. The end is given to [`Account::close`].
    pub fn enter(&mut self, at: Duration, fact: &FactKind) {
        let line = match fact {
            FactKind::Invited {
                trunk,
                caller_id,
                call_id,
            } => {
                self.invited_at.get_or_insert(at);
                self.trunk = Some(trunk.clone());
                self.caller_id.clone_from(caller_id);
                self.call_id = Some(call_id.clone());
                format!("INVITE to trunk {trunk}")
            }
            FactKind::Provisional { code, phrase, sdp } => {
                if *code > 100 {
                    self.ringing_at.get_or_insert(at);
                }
                format!("{code} {phrase}{}", if *sdp { " (sdp)" } else { "" })
            }
            FactKind::Media => {
                self.media_at.get_or_insert(at);
                "first RTP packet".to_owned()
            }
            FactKind::Answered => {
                self.answered_at.get_or_insert(at);
                "200 OK".to_owned()
            }
            FactKind::Played => "script played".to_owned(),
            FactKind::MediaLost => {
                self.media_lost = true;
                "RTP stopped coming".to_owned()
            }
            FactKind::MediaBack => "RTP came back".to_owned(),
            FactKind::Note(note) => note.clone(),
            // The end has its own place; what a later line tells is not ours to word.
            _ => return,
        };
        self.sign(at, line);
    }

    /// Writes the result.
    #[must_use]
    pub fn close(
        mut self,
        job: &DialJob,
        author: &Author,
        at: Duration,
        ended: &Ended,
        ear: &EarReport,
        handling: Handling,
    ) -> CallResult {
        self.sign(at, describe(ended));
        let signals = Signals {
            code: ended.code,
            q850: ended.q850,
            reason: ended.reason.clone(),
            phrase: ended.phrase.clone(),
            answered: ended.answered,
            answered_for: ended.answered_for,
            crossed: ended.crossed,
            redirected: ended.redirected,
            ringing_seen: ended.ringing_seen,
            media_seen: self.media_at.is_some(),
            ended_by: who(&ended.by),
            barred: None,
        };
        let verdict = if matches!(ended.by, EndedBy::Us(HangUp::Shutdown)) {
            stopped()
        } else {
            judge(&signals, &ear.opinion)
        };
        // Only a ruling of the ear has a moment of sound.
        let decided_at = ear
            .opinion
            .decided_at
            .filter(|_| verdict.rule == ear.opinion.rule);
        let mut flags = verdict.flags.clone();
        self.flag(&mut flags, ended, ear, handling);
        let base = self.dialled_at;
        let instant = |d: Duration| instant(base, d);
        CallResult {
            schema: SchemaVersion::default(),
            attempt: self.attempt,
            to: job.to.clone(),
            disposition: verdict.disposition,
            cause: verdict.cause,
            confidence: verdict.confidence,
            grade: verdict.grade,
            sip_answered: ended.answered,
            billable_s: Seconds::from(ended.answered_for),
            timing: Timing {
                taken_at: self.taken_at,
                invited_at: self.invited_at.map(instant),
                ringing_at: self.ringing_at.map(instant),
                media_at: self.media_at.map(instant),
                answered_at: self.answered_at.map(instant),
                ended_at: instant(at),
                line_s: Seconds::from(self.invited_at.map_or(Duration::ZERO, |i| at.saturating_sub(i))),
            },
            sip: ended.invited.then(|| SipEnd {
                code: ended.code,
                phrase: ended.phrase.clone(),
                reason: ended.reason.clone(),
                q850: ended.q850,
                call_id: self.call_id,
            }),
            media: ended.media.clone(),
            flags,
            evidence: Evidence {
                ruling: Ruling {
                    rule: verdict.rule,
                    decided_at_s: decided_at,
                    because: verdict.because,
                    instead_of: verdict.instead_of,
                },
                signals: self.signals,
                heard: ear.heard.clone(),
            },
            labels: job.labels.clone(),
            source: job.source.clone(),
            consent: job.consent.clone(),
            customer: job.customer.clone(),
            caller_id: self.caller_id,
            trunk: self.trunk.or_else(|| Some(ended.trunk.clone())),
            worker: author.worker.clone(),
            version: author.version.to_owned(),
        }
    }

    fn flag(&self, flags: &mut Vec<Flag>, ended: &Ended, ear: &EarReport, handling: Handling) {
        let peer_cut = handling.spoke && !handling.played && matches!(ended.by, EndedBy::Peer);
        for (is, flag) in [
            (matches!(ended.by, EndedBy::Us(HangUp::Verdict)), Flag::EndedEarly),
            (handling.played, Flag::Played),
            (peer_cut, Flag::CutShort),
            (matches!(ended.by, EndedBy::MaxDuration), Flag::MaxDuration),
            (self.media_lost, Flag::MediaLost),
            (handling.simulated, Flag::Simulated),
            (ear.degraded, Flag::Degraded),
        ] {
            if is && !flags.contains(&flag) {
                flags.push(flag);
            }
        }
    }

    fn sign(&mut self, at: Duration, what: String) {
        if self.signals.len() < MOST_SIGNALS {
            self.signals.push(SignalFact {
                at_s: Seconds::from(at),
                what,
            });
        }
    }
}

/// The result of a job that was stopped before an INVITE, or whose worker was lost after one may have left.
#[must_use]
pub fn without_call(
    attempt: Attempt,
    job: &DialJob,
    author: &Author,
    (taken_at, ended_at): (Timestamp, Timestamp),
    cause: Cause,
    (rule, because): (&str, String),
) -> CallResult {
    CallResult {
        schema: SchemaVersion::default(),
        attempt,
        to: job.to.clone(),
        disposition: cause.disposition(),
        cause,
        confidence: Confidence::new(1.0),
        grade: Grade::Certain,
        sip_answered: false,
        billable_s: Seconds::default(),
        timing: Timing {
            taken_at,
            invited_at: None,
            ringing_at: None,
            media_at: None,
            answered_at: None,
            ended_at,
            line_s: Seconds::default(),
        },
        sip: None,
        media: None,
        flags: Vec::new(),
        evidence: Evidence {
            ruling: Ruling {
                rule: rule.to_owned(),
                decided_at_s: None,
                because,
                instead_of: Vec::new(),
            },
            signals: Vec::new(),
            heard: Vec::new(),
        },
        labels: job.labels.clone(),
        source: job.source.clone(),
        consent: job.consent.clone(),
        customer: job.customer.clone(),
        caller_id: None,
        trunk: job.trunk.clone(),
        worker: author.worker.clone(),
        version: author.version.to_owned(),
    }
}

/// Makes a result smaller, in steps: without what was heard and signalled, then without what the customer sent along.
/// `false` when nothing is left to take.
pub fn shorten(result: &mut CallResult) -> bool {
    if !result.flags.contains(&Flag::Shortened) {
        result.flags.push(Flag::Shortened);
    }
    let evidence = &mut result.evidence;
    if !(evidence.heard.is_empty() && evidence.signals.is_empty()) {
        evidence.heard.clear();
        evidence.signals.clear();
        return true;
    }
    let had = !(result.customer.is_empty() && result.labels.is_empty() && result.source.is_none());
    result.customer.clear();
    result.labels.clear();
    result.source = None;
    result.consent = None;
    had
}

fn stopped() -> Judgement {
    Judgement {
        disposition: Disposition::Interrupted,
        cause: Cause::WorkerLost,
        confidence: Confidence::new(1.0),
        grade: Grade::Certain,
        rule: "shutdown".to_owned(),
        because: "the worker was told to stop at once and hung up".to_owned(),
        instead_of: Vec::new(),
        flags: Vec::new(),
    }
}

fn who(by: &EndedBy) -> WhoEnded {
    match by {
        EndedBy::Us(why) => WhoEnded::Us {
            early: *why == HangUp::Verdict,
        },
        EndedBy::RingTimeout => WhoEnded::RingTimeout,
        EndedBy::SetupTimeout => WhoEnded::SetupTimeout,
        EndedBy::MaxDuration => WhoEnded::MaxDuration,
        EndedBy::Peer => WhoEnded::Peer,
        EndedBy::Network(_) => WhoEnded::Network,
    }
}

fn describe(ended: &Ended) -> String {
    let code = match (ended.code, &ended.phrase) {
        (Some(code), Some(phrase)) => format!(" ({code} {phrase})"),
        (Some(code), None) => format!(" ({code})"),
        (None, _) => String::new(),
    };
    let reason = ended
        .reason
        .as_ref()
        .map(|r| format!(", Reason: {r}"))
        .unwrap_or_default();
    let by = match &ended.by {
        EndedBy::Us(HangUp::Verdict) => "ended by us on what was heard".to_owned(),
        EndedBy::Us(HangUp::Done) => "ended by us, done".to_owned(),
        EndedBy::Us(HangUp::Shutdown) => "ended by us, shutting down".to_owned(),
        EndedBy::RingTimeout => "ended by us at the ring timeout".to_owned(),
        EndedBy::SetupTimeout => "given up: the trunk never responded".to_owned(),
        EndedBy::MaxDuration => "ended by us at the maximum duration".to_owned(),
        EndedBy::Peer => "ended by the peer".to_owned(),
        EndedBy::Network(why) => format!("failed: {why}"),
    };
    format!("{by}{code}{reason}")
}

fn instant(base: Timestamp, d: Duration) -> Timestamp {
    let millis = i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_millis(base.unix_millis().saturating_add(millis)).unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use hark_outcome::{CampaignId, JobId};

    use super::*;

    #[test]
    fn a_result_too_large_gives_up_evidence_first_then_the_customers_fields_and_never_how_it_ended() {
        let mut job = DialJob::new(
            JobId::new("j").expect("valid"),
            Number::parse("+8613800138000").expect("valid"),
        );
        job.customer.insert("crm".into(), 7.into());
        let at = Timestamp::from_unix_millis(0).expect("in range");
        let author = Author {
            worker: WorkerId::new("w").expect("valid"),
            version: "0",
        };
        let attempt = Attempt::first(CampaignId::default(), job.id.clone());
        let why = ("gate", "too late".to_owned());
        let mut result = without_call(attempt, &job, &author, (at, at), Cause::Expired, why);
        result.evidence.signals.push(SignalFact {
            at_s: Seconds::default(),
            what: "INVITE".into(),
        });

        assert!(shorten(&mut result));
        assert!(
            result.evidence.signals.is_empty() && !result.customer.is_empty(),
            "evidence first"
        );
        assert!(shorten(&mut result));
        assert!(result.customer.is_empty());
        assert!(!shorten(&mut result), "nothing is left to take");
        assert_eq!(
            (result.cause, result.flags.as_slice()),
            (Cause::Expired, [Flag::Shortened].as_slice())
        );
    }
}
