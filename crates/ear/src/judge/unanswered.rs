//! A call that nobody answered: Q.850, SIP code, early media, timeouts.

use hark_outcome::{Cause, Grade, Phase};

use super::{Candidate, Signals, WhoEnded, nothing_known, q850, sip};
use crate::Opinion;

pub(super) fn candidates(signals: &Signals, opinion: &Opinion) -> Vec<Candidate> {
    let rang = Rang::new(signals, opinion);
    let heard = || Candidate::heard(opinion).filter(|_| signals.media_seen && opinion.phase == Phase::Early);
    let certain = opinion.grade == Grade::Certain;
    let vague = sip::is_vague(signals.code) && q850::is_vague(signals.q850);

    let mut candidates = Vec::new();
    if certain && vague {
        candidates.extend(heard());
    }
    candidates.extend(q850::candidate(signals, rang));
    candidates.extend(sip::candidate(signals, rang));
    candidates.extend(timeout(signals, rang));
    // Sound that lost to a plain word of the network is still worth telling.
    candidates.extend(heard());
    candidates.push(nothing_known());
    candidates
}

/// Whether the phone rang.
#[derive(Clone, Copy)]
pub(super) struct Rang {
    /// Said by signalling, or heard as ringback or a colour ring-back's music.
    pub surely: bool,
    /// Any sound at all: unknown speech counts as ringing when nothing else explains the call.
    pub perhaps: bool,
}

impl Rang {
    fn new(signals: &Signals, opinion: &Opinion) -> Self {
        let early = opinion.early;
        let surely = signals.ringing_seen || early.ringback || early.music;
        Self {
            surely,
            perhaps: surely || early.speech,
        }
    }
}

/// We, or the network, gave up waiting: the row of 408, 487 and Q.850 102.
pub(super) fn gave_up(rang: Rang, rule: &'static str, what: &str) -> Candidate {
    if rang.perhaps {
        Candidate::new(
            Cause::RingTimeout,
            Grade::Likely,
            0.9,
            rule,
            format!("{what}; it had rung"),
        )
    } else {
        let because = format!("{what}; no sign of ringing came");
        Candidate::new(Cause::TrunkTimeout, Grade::Likely, 0.8, rule, because)
    }
}

fn timeout(signals: &Signals, rang: Rang) -> Option<Candidate> {
    Some(match signals.ended_by {
        WhoEnded::SetupTimeout => Candidate::new(
            Cause::TrunkTimeout,
            Grade::Certain,
            0.95,
            "setup_timeout",
            "the trunk sent no response to the INVITE in time",
        ),
        WhoEnded::RingTimeout => gave_up(rang, "ring_timeout", "we stopped ringing at our own deadline"),
        WhoEnded::MaxDuration | WhoEnded::Us { .. } => {
            gave_up(rang, "cancelled_by_us", "we cancelled the call")
        }
        WhoEnded::Network => Candidate::new(
            Cause::LineFault,
            Grade::Certain,
            0.95,
            "transport",
            "the connection to the trunk failed",
        ),
        WhoEnded::Peer => return None,
    })
}
