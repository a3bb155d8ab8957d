//! SIP final response → reading.

use hark_outcome::{Cause, Grade};

use super::unanswered::{Rang, gave_up};
use super::{Candidate, Signals};

const RULE: &str = "sip";

/// The reading of the final response, if there was one.
pub(super) fn candidate(signals: &Signals, rang: Rang) -> Option<Candidate> {
    use Grade::{Certain, Likely, Unsure};
    let code = signals.code.or(signals.redirected.then_some(302))?;
    let said = match &signals.phrase {
        Some(phrase) => format!("SIP {code} {phrase}"),
        None => format!("SIP {code}"),
    };
    let (cause, grade, confidence, text) = match code {
        300..=399 => (
            Cause::NumberChanged,
            Likely,
            0.7,
            "the network sent us elsewhere; not followed",
        ),
        404 | 485 | 604 => (Cause::VacantNumber, Likely, 0.8, "no such number"),
        410 => (Cause::NumberChanged, Likely, 0.85, "gone"),
        414 | 484 => (
            Cause::Misdialled,
            Likely,
            0.85,
            "the number is incomplete or malformed",
        ),
        486 | 600 => (Cause::UserBusy, Likely, 0.75, "busy"),
        480 if rang.surely => (Cause::NotAnswered, Likely, 0.7, "unavailable after it had rung"),
        480 => (
            Cause::NotReachable,
            Unsure,
            0.5,
            "unavailable, and it had not rung",
        ),
        408 => return Some(gave_up(rang, RULE, &said)),
        487 => return Some(gave_up(rang, RULE, &said)),
        433 | 607 | 608 => (Cause::Blocked, Likely, 0.85, "the callee's side blocks us"),
        603 => (Cause::Declined, Likely, 0.85, "declined"),
        415 | 488 | 606 => (
            Cause::MediaMismatch,
            Certain,
            0.95,
            "no codec or transport in common",
        ),
        401..=403 | 407 => (
            Cause::TrunkRejected,
            Certain,
            0.9,
            "the trunk refused us, not the callee",
        ),
        503 => (Cause::Congestion, Likely, 0.85, "the network has no room"),
        481..=483 | 500..=599 => (Cause::LineFault, Likely, 0.85, "the carrier failed"),
        400..=499 => (
            Cause::TrunkRejected,
            Unsure,
            0.6,
            "the trunk would not take the request",
        ),
        600..=699 => (Cause::Declined, Unsure, 0.6, "refused everywhere"),
        _ => return None,
    };
    Some(Candidate::new(
        cause,
        grade,
        confidence,
        RULE,
        format!("{said}: {text}"),
    ))
}

/// Whether a certain verdict on sound may overrule it: codes that networks send for anything.
pub(super) const fn is_vague(code: Option<u16>) -> bool {
    matches!(code, None | Some(408 | 480 | 486 | 487 | 503))
}
