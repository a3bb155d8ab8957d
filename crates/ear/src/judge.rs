//! The judge: signalling and sound into one disposition and cause. Pure and total: whatever the two say, there is
//! exactly one answer.
//!
//! Every reading that any evidence supports becomes a candidate, in order of precedence; the first wins, the others are
//! told as alternatives. The order is the fusion rules: (0) a Q.850 cause beats the SIP code; (1) a certain verdict on
//! early media beats 480, 486, 487 and 503, which networks send for anything; (2) the SIP code beats sound when no
//! media came; (3) no verdict never makes a person a machine: an answered call that decides nothing is a person's.

mod answered;
mod q850;
mod signals;
mod sip;
mod unanswered;

use hark_outcome::{Alternative, Cause, Confidence, Disposition, Flag, Grade};
pub use signals::{Signals, WhoEnded};

use crate::Opinion;

/// How the call ended, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// How it ended.
    pub disposition: Disposition,
    /// Why.
    pub cause: Cause,
    /// How sure.
    pub confidence: Confidence,
    /// What that is good for.
    pub grade: Grade,
    /// The rule that decided.
    pub rule: String,
    /// In words.
    pub because: String,
    /// What else was considered, most likely first.
    pub instead_of: Vec<Alternative>,
    /// Things to know beside it.
    pub flags: Vec<Flag>,
}

/// Judges one ended call.
#[must_use]
pub fn judge(signals: &Signals, opinion: &Opinion) -> Judgement {
    let mut candidates = if let Some(reason) = &signals.barred {
        vec![Candidate::new(
            Cause::BadNumber,
            Grade::Certain,
            1.0,
            "gate",
            reason.clone(),
        )]
    } else if signals.answered {
        answered::candidates(signals, opinion)
    } else {
        unanswered::candidates(signals, opinion)
    };
    let losers = candidates.split_off(1.min(candidates.len()));
    let winner = candidates.pop().unwrap_or_else(nothing_known);
    let mut instead_of: Vec<Alternative> = Vec::new();
    for loser in losers {
        let known = loser.cause == winner.cause || instead_of.iter().any(|a| a.cause == loser.cause);
        if !known {
            instead_of.push(loser.into_alternative());
        }
    }
    Judgement {
        disposition: winner.cause.disposition(),
        cause: winner.cause,
        confidence: Confidence::new(winner.confidence),
        grade: winner.grade,
        rule: winner.rule.to_owned(),
        because: winner.because,
        instead_of,
        flags: flags(signals, winner.rule),
    }
}

/// One reading some evidence supports.
struct Candidate {
    cause: Cause,
    grade: Grade,
    confidence: f32,
    rule: &'static str,
    because: String,
}

impl Candidate {
    fn new(
        cause: Cause,
        grade: Grade,
        confidence: f32,
        rule: &'static str,
        because: impl Into<String>,
    ) -> Self {
        Self {
            cause,
            grade,
            confidence,
            rule,
            because: because.into(),
        }
    }

    fn heard(opinion: &Opinion) -> Option<Self> {
        let (_, cause) = opinion.reading?;
        Some(Self::new(
            cause,
            opinion.grade,
            opinion.confidence.get(),
            opinion.rule,
            opinion.because.clone(),
        ))
    }

    fn into_alternative(self) -> Alternative {
        Alternative {
            disposition: self.cause.disposition(),
            cause: self.cause,
            rule: self.rule.to_owned(),
        }
    }
}

fn nothing_known() -> Candidate {
    Candidate::new(
        Cause::LineFault,
        Grade::Unsure,
        0.3,
        "nothing_known",
        "the call ended without a final response, a timeout or a sound that tells why",
    )
}

fn flags(signals: &Signals, rule: &str) -> Vec<Flag> {
    let redirected = signals.redirected || matches!(signals.code, Some(300..=399));
    [
        (Flag::Redirected, redirected),
        (Flag::ShortAnswer, rule == answered::SHORT_ANSWER),
        (Flag::DroppedByUs, signals.answered && signals.crossed),
        (
            Flag::EndedEarly,
            signals.ended_by == (WhoEnded::Us { early: true }),
        ),
        (Flag::MaxDuration, signals.ended_by == WhoEnded::MaxDuration),
    ]
    .into_iter()
    .filter_map(|(flag, set)| set.then_some(flag))
    .collect()
}
