//! What signalling said of one call, in plain values: the judge knows no SIP stack.

use std::time::Duration;

/// What signalling said, at the end of the call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Signals {
    /// The final status of the INVITE.
    pub code: Option<u16>,
    /// Its reason phrase.
    pub phrase: Option<String>,
    /// The Reason header as it came.
    pub reason: Option<String>,
    /// The Q.850 cause in it.
    pub q850: Option<u8>,
    /// A 200 OK came.
    pub answered: bool,
    /// From 200 OK to the end.
    pub answered_for: Duration,
    /// The 200 crossed our CANCEL.
    pub crossed: bool,
    /// A 3xx came; it was not followed.
    pub redirected: bool,
    /// A 180 came, or something else that means ringing.
    pub ringing_seen: bool,
    /// At least one RTP packet came.
    pub media_seen: bool,
    /// Who ended the call.
    pub ended_by: WhoEnded,
    /// The gate forbade the call: why. Nothing was dialled.
    pub barred: Option<String>,
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhoEnded {
    /// We did.
    Us {
        /// On what the ear heard, before the call would have ended by itself.
        early: bool,
    },
    /// It rang for as long as the campaign lets it ring.
    RingTimeout,
    /// The trunk sent no response at all in time.
    SetupTimeout,
    /// The call lasted as long as a call may.
    MaxDuration,
    /// The far end.
    #[default]
    Peer,
    /// The transport under the call failed.
    Network,
}
