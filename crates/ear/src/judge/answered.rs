//! A call that a 200 OK answered: the sound decides, and where it does not, a person is assumed.

use std::time::Duration;

use hark_outcome::{Cause, Grade, Phase};

use super::{Candidate, Signals, WhoEnded};
use crate::Opinion;

pub(super) const SHORT_ANSWER: &str = "short_answer";

/// An answer that the peer ended sooner than this, without a word, was no conversation.
const SHORT: Duration = Duration::from_secs(2);

/// Less voice than this may be a click.
const A_WORD_S: f64 = 0.15;

pub(super) fn candidates(signals: &Signals, opinion: &Opinion) -> Vec<Candidate> {
    let heard = Candidate::heard(opinion).filter(|_| opinion.phase == Phase::Answered && signals.media_seen);
    let mut candidates = Vec::new();
    if signals.crossed {
        candidates.push(Candidate::new(
            Cause::Person,
            Grade::Unsure,
            0.5,
            "crossed_cancel",
            "a 200 OK crossed our CANCEL: somebody picked up and we hung up",
        ));
    }
    if is_short(signals, opinion) {
        candidates.push(Candidate::new(
            Cause::DeadAir,
            Grade::Likely,
            0.8,
            SHORT_ANSWER,
            format!(
                "answered and ended by the peer after {:.1} s without speech",
                signals.answered_for.as_secs_f64()
            ),
        ));
    }
    if !signals.media_seen && signals.ended_by == WhoEnded::Network && signals.answered_for < SHORT {
        candidates.push(Candidate::new(
            Cause::MediaMismatch,
            Grade::Likely,
            0.8,
            "no_common_media",
            "answered, and no sound could be agreed on: no codec in common, or no usable description",
        ));
    }
    if !signals.media_seen {
        candidates.push(Candidate::new(
            Cause::NoMedia,
            Grade::Likely,
            0.9,
            "no_media",
            format!(
                "answered for {:.1} s and not one RTP packet came",
                signals.answered_for.as_secs_f64()
            ),
        ));
    }
    candidates.extend(heard);
    candidates.push(Candidate::new(
        Cause::Person,
        Grade::Unsure,
        0.5,
        "fail_open",
        "answered, and nothing heard decides who it was: a person, until the opposite is known",
    ));
    candidates
}

fn is_short(signals: &Signals, opinion: &Opinion) -> bool {
    signals.ended_by == WhoEnded::Peer
        && signals.answered_for < SHORT
        && opinion.voice.get() < A_WORD_S
        && !(opinion.phase == Phase::Answered && opinion.may_end_call())
}
