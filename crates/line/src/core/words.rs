//! What goes into the machine and what comes out: plain data, no type of the SIP library.

use std::time::Duration;

use crate::facts::{Ended, FactKind, HangUp};

/// What a call may take and may do.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// To connect, and again from an INVITE to its first response.
    pub(crate) setup: Duration,
    /// From the first INVITE to the answer.
    pub(crate) ring: Duration,
    /// From the answer to our BYE.
    pub(crate) talk: Duration,
    /// Whether a challenge can be answered.
    pub(crate) credentials: bool,
    /// The session timer to ask for.
    pub(crate) session: Option<u32>,
    /// Whether to offer reliable provisional responses (100rel) before they are demanded.
    pub(crate) reliable: bool,
}

/// Something happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// The target asked for with [`Command::Connect`] can be sent to.
    Connected,
    /// It cannot; nothing was sent.
    Unreachable(String),
    /// There is no further target.
    Exhausted,
    /// A response to one of our INVITEs.
    Reply(Reply),
    /// What became of another request of ours: its final response, or one made up below for a timeout.
    Outcome(Asked, Reply),
    /// A request of the peer. It waits for [`Command::Answer`].
    Request(Incoming),
    /// The owner wants the call to end.
    HangUp(HangUp),
    /// The SDP of the answer cannot be used.
    NoMedia(String),
    /// A deadline may have passed.
    Tick,
}

/// A request of ours that is no INVITE, and the fork it went to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Bye(Tag),
    Prack,
    Update,
    Cancel,
}

/// The tag a peer put on itself; empty if it put none.
pub(crate) type Tag = String;

/// A response, as far as a call cares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) phrase: String,
    pub(crate) cseq: u32,
    pub(crate) tag: Tag,
    /// The URI in Contact.
    pub(crate) contact: Option<String>,
    /// The route set it makes, first hop first.
    pub(crate) routes: Vec<String>,
    pub(crate) sdp: Option<Vec<u8>>,
    /// RSeq, where the response demands PRACK.
    pub(crate) rseq: Option<u32>,
    /// A refusal whose Require names 100rel.
    pub(crate) demands_reliable: bool,
    pub(crate) session: Option<Session>,
    pub(crate) min_se: Option<u32>,
    pub(crate) allows_update: bool,
    /// The Reason header, raw.
    pub(crate) reason: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    /// Made up below, for a timeout or a broken connection.
    pub(crate) local: bool,
}

/// A Session-Expires header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) seconds: u32,
    pub(crate) refresher: Option<Refresher>,
}

/// Who refreshes: the sender of the request that carries it, or the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresher {
    Uac,
    Uas,
}

/// A demand for credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// 407 rather than 401.
    pub(crate) proxy: bool,
    pub(crate) realm: String,
    pub(crate) nonce: String,
    pub(crate) opaque: Option<String>,
    /// As written; `None` is MD5.
    pub(crate) algorithm: Option<String>,
    pub(crate) qop_auth: bool,
    /// The nonce was too old; the credentials may be right.
    pub(crate) stale: bool,
}

/// A request of the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    /// Names it for [`Command::Answer`].
    pub(crate) id: u64,
    pub(crate) method: Method,
    pub(crate) cseq: u32,
    /// Ours, as the peer names us.
    pub(crate) to_tag: Option<Tag>,
    pub(crate) from_tag: Tag,
    pub(crate) contact: Option<String>,
    pub(crate) sdp: Option<Vec<u8>>,
    pub(crate) reason: Option<String>,
    pub(crate) session: Option<Session>,
}

/// What a peer asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Invite,
    Bye,
    Update,
    Refer,
    Info,
    Options,
    Notify,
    Other,
}

/// Something to be done, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// Reach the next target.
    Connect,
    /// Send the INVITE to it.
    Invite(Invite),
    /// Send the INVITE no more; whatever comes late is still told.
    Abandon,
    /// CANCEL the INVITE of this CSeq.
    Cancel {
        cseq: u32,
    },
    /// ACK a 2xx.
    Ack(InDialog),
    /// ACK a refusal of an abandoned INVITE.
    AckRefusal {
        cseq: u32,
        tag: Tag,
    },
    Prack {
        dialog: InDialog,
        rseq: u32,
        invite_cseq: u32,
    },
    Bye {
        dialog: InDialog,
        tag: Tag,
    },
    /// Keep the session alive.
    Refresh {
        dialog: InDialog,
        update: bool,
        session: u32,
    },
    /// Answer a request of the peer.
    Answer(Answer),
    /// The peer's SDP: an answer to our offer. `settled` once the call is answered: then it must be usable.
    Media {
        sdp: Vec<u8>,
        settled: bool,
    },
    /// The call is answered.
    MediaAnswered,
    /// Tell the owner.
    Tell(FactKind),
    /// The call is over; media statistics are still to be filled in.
    End(Ended),
    /// The channel is free.
    Release,
}

/// How to build an INVITE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invite {
    pub(crate) cseq: u32,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) session: Option<u32>,
    pub(crate) min_se: Option<u32>,
    /// Whether it offers 100rel.
    pub(crate) reliable: bool,
}

/// Where a request inside a dialog goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InDialog {
    pub(crate) cseq: u32,
    pub(crate) tag: Tag,
    /// The peer's Contact; `None` when it gave none: then the INVITE's way is taken.
    pub(crate) target: Option<String>,
    pub(crate) routes: Vec<String>,
    pub(crate) challenge: Option<Challenge>,
}

/// How to answer a request of the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) id: u64,
    pub(crate) code: u16,
    pub(crate) body: Body,
    pub(crate) session: Option<Session>,
}

/// What goes into the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    None,
    /// Our answer to this offer; if it cannot be used, 488 instead.
    AnswerTo(Vec<u8>),
    /// Our offer; the peer's answer comes with its ACK.
    Offer,
}
