//! Q.850 cause → reading. The Reason header carries what the far network's exchange said; it is finer than SIP.

use hark_outcome::{Cause, Grade};

use super::unanswered::{Rang, gave_up};
use super::{Candidate, Signals, WhoEnded};

const RULE: &str = "q850";

/// The reading of the Q.850 cause, if it tells anything.
pub(super) fn candidate(signals: &Signals, rang: Rang) -> Option<Candidate> {
    let cause = signals.q850?;
    let we_cancelled = matches!(signals.ended_by, WhoEnded::RingTimeout | WhoEnded::Us { .. });
    let candidate = |to, grade, confidence, text: &str| {
        Some(Candidate::new(
            to,
            grade,
            confidence,
            RULE,
            format!("Q.850 cause {cause}: {text}"),
        ))
    };
    use Grade::{Certain, Likely, Unsure};
    match cause {
        1 => candidate(Cause::VacantNumber, Certain, 0.95, "unallocated number"),
        2 | 3 => candidate(Cause::VacantNumber, Likely, 0.8, "no route to that number"),
        17 => candidate(Cause::UserBusy, Likely, 0.85, "user busy"),
        // 31 is "normal, unspecified": after our own CANCEL it says only that the call is over.
        31 if we_cancelled && signals.code == Some(487) => None,
        18..=20 | 31 if rang.surely => candidate(Cause::NotAnswered, Likely, 0.8, "no answer; it had rung"),
        19 => candidate(Cause::NotAnswered, Likely, 0.8, "alerted, no answer"),
        18 | 20 => candidate(
            Cause::NotReachable,
            Likely,
            0.7,
            "the phone does not respond; it had not rung",
        ),
        31 => candidate(Cause::NotReachable, Unsure, 0.5, "unspecified; it had not rung"),
        21 => candidate(
            Cause::Declined,
            Certain,
            0.9,
            "call rejected by the callee's side",
        ),
        22 | 23 => candidate(Cause::NumberChanged, Certain, 0.95, "number changed"),
        27 | 38 | 41 => candidate(
            Cause::LineFault,
            Likely,
            0.85,
            "a part of the network is out of order",
        ),
        28 => candidate(
            Cause::Misdialled,
            Certain,
            0.95,
            "the number is incomplete or malformed",
        ),
        34 | 42 | 44 | 47 => candidate(
            Cause::Congestion,
            Certain,
            0.95,
            "the network has no free circuit",
        ),
        65 | 79 | 88 => candidate(
            Cause::MediaMismatch,
            Certain,
            0.95,
            "no way to carry the sound in common",
        ),
        102 => Some(gave_up(
            rang,
            RULE,
            "Q.850 cause 102: a timer of the network ran out",
        )),
        _ => None,
    }
}

/// Whether a certain verdict on sound may overrule it: causes that networks give for anything.
pub(super) const fn is_vague(cause: Option<u8>) -> bool {
    !matches!(cause, Some(1..=3 | 21..=23 | 28 | 65 | 79 | 88))
}
