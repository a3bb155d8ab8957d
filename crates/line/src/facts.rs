//! What a call tells its owner, as it happens, and how it ended.

use std::time::Duration;

use hark_outcome::{MediaStats, Number, TrunkId};

/// One thing that happened to a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// When, since `dial()`.
    pub at: Duration,
    /// What.
    pub what: FactKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FactKind {
    /// The INVITE left. Comes again, with the same Call-ID, when the call moved to another trunk.
    Invited {
        /// Over which trunk.
        trunk: TrunkId,
        /// The number shown to the callee; `None` when hidden or when the trunk has none.
        caller_id: Option<Number>,
        /// The whole Call-ID.
        call_id: String,
    },
    /// A provisional response above 100.
    Provisional {
        /// Its code.
        code: u16,
        /// Its phrase.
        phrase: String,
        /// Whether it carried SDP.
        sdp: bool,
    },
    /// The first RTP packet came.
    Media,
    /// 200 OK came, and is acknowledged.
    Answered,
    /// A sound given to [`Call::play`](crate::Call::play) was sent to its end.
    Played,
    /// For 5 s no packet came, and nothing that would excuse it.
    MediaLost,
    /// Packets come again.
    MediaBack,
    /// Anything else worth a line of evidence: a re-INVITE, a refused REFER, a failover.
    Note(String),
    /// The call is over. Always the last fact, always exactly one.
    Ended(Ended),
}

/// Why the owner ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HangUp {
    /// On what the ear heard.
    Verdict,
    /// All that was to be said is said.
    Done,
    /// The process stops.
    Shutdown,
}

/// Who, or what, ended a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndedBy {
    /// Its owner asked for it.
    Us(HangUp),
    /// It rang to our deadline.
    RingTimeout,
    /// Not one response came in the trunk's setup time.
    SetupTimeout,
    /// It lasted as long as it may.
    MaxDuration,
    /// A final response, or a BYE, from the other side.
    Peer,
    /// The network below: what failed, in words.
    Network(String),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Whether an INVITE may have left.
    pub invited: bool,
    /// The trunk used last.
    pub trunk: TrunkId,
    /// Whether a 200 OK came.
    pub answered: bool,
    /// From the 200 OK to the end; zero when there was none.
    pub answered_for: Duration,
    /// The final status of the INVITE; `None` when no response from the network ended it.
    pub code: Option<u16>,
    /// Its phrase, as sent.
    pub phrase: Option<String>,
    /// The Reason header of the final response or of the BYE, as it came.
    pub reason: Option<String>,
    /// The Q.850 cause in it.
    pub q850: Option<u8>,
    /// Who ended it.
    pub by: EndedBy,
    /// Whether a 200 crossed our CANCEL: somebody picked up and heard us hang up.
    pub crossed: bool,
    /// Whether the network answered 3xx. It is never followed.
    pub redirected: bool,
    /// Whether 180, 181 or 182 was seen. 183 says nothing of ringing: it may carry an announcement.
    pub ringing_seen: bool,
    /// What became of the sound; `None` if none was ever set up.
    pub media: Option<MediaStats>,
}

impl Ended {
    /// The end of a call of which nothing more is known than that it failed below. `invited` in doubt is `true`.
    #[must_use]
    pub const fn failed(trunk: TrunkId, invited: bool, why: String) -> Self {
        Self {
            invited,
            trunk,
            answered: false,
            answered_for: Duration::ZERO,
            code: None,
            phrase: None,
            reason: None,
            q850: None,
            by: EndedBy::Network(why),
            crossed: false,
            redirected: false,
            ringing_seen: false,
            media: None,
        }
    }
}
