//! What signalling and the ear say of a call, in few words.

use std::time::Duration;

use hark_ear::{Judgement, Opinion, Signals, judge};
use hark_outcome::{Cause, Confidence, Grade, Phase, Seconds};

pub fn failed(code: u16) -> Signals {
    Signals {
        code: Some(code),
        ..Signals::default()
    }
}

pub fn q850(code: u16, cause: u8) -> Signals {
    Signals {
        q850: Some(cause),
        ..failed(code)
    }
}

pub fn answered(seconds: u64) -> Signals {
    Signals {
        code: Some(200),
        answered: true,
        answered_for: Duration::from_secs(seconds),
        media_seen: true,
        ..Signals::default()
    }
}

pub fn rang(signals: Signals) -> Signals {
    Signals {
        ringing_seen: true,
        ..signals
    }
}

pub fn heard(phase: Phase, cause: Cause, grade: Grade, rule: &'static str) -> Opinion {
    Opinion {
        phase,
        reading: Some((cause.disposition(), cause)),
        grade,
        confidence: Confidence::new(0.9),
        rule,
        decided_at: Some(Seconds::from(Duration::from_secs(1))),
        ..Opinion::default()
    }
}

pub fn silent_after_answer() -> Opinion {
    Opinion {
        phase: Phase::Answered,
        ..Opinion::default()
    }
}

pub fn spoke_after_answer() -> Opinion {
    Opinion {
        voice: Seconds::from(Duration::from_millis(900)),
        ..silent_after_answer()
    }
}

pub fn ruling(signals: &Signals) -> Judgement {
    judge(signals, &Opinion::default())
}

#[track_caller]
pub fn expect_each(signals: impl IntoIterator<Item = Signals>, cause: Cause) {
    for s in signals {
        let j = ruling(&s);
        assert_eq!(
            (j.disposition, j.cause),
            (cause.disposition(), cause),
            "{s:?}\n{j:?}"
        );
    }
}
