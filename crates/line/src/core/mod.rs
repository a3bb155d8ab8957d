//! One call, as a state machine without sockets, clock or randomness: [`Machine::on_event`] takes an instant and an
//! [`Event`] and says what to do ([`Command`]); [`Machine::deadline`] says when to ask again.
//!
//! ```text
//! Connecting --connected--> Calling --1xx--> Proceeding --2xx--> Live --BYE, either way--> Closing --> Over
//!     |  ^                    |  |               |                  (also at the maximum duration, and when the
//!     |  +--503 before 101+---+  |               |                   session timer runs out)
//!     |  +--refused connection   +--401/407/421/422: the same INVITE again, once more
//!     |                       |
//!     |                       +--silence to the setup deadline: Closing (a late 200 gets ACK and BYE)
//!     +--no target left: Over
//! Calling, Proceeding --refusal--> Closing
//! Proceeding, or Calling with a wish to end --CANCEL--> Cancelling --final--> Closing
//!     Cancelling --2xx: it crossed our CANCEL--> ACK, BYE: Closing
//!     Cancelling --silence--> Closing
//! ```
//!
//! The owner hears [`Command::End`] when the call is over for it: at the final response, at our BYE or the peer's, at a
//! deadline. `Closing` goes on without it until the peer knows too: BYE is repeated until it is answered, and every 2xx
//! that still comes, from whichever fork, is acknowledged and, if unwanted, sent BYE. Nothing stays up unheard.
//!
//! In doubt a live call is not ended: lost sound, a failed session refresh, an odd request are noted; only the expired
//! session timer, a peer that says it knows no such call, and the maximum duration end it.

mod closing;
mod dialog;
mod live;
pub(crate) mod reason;
mod ringing;
mod session;
mod words;

use std::time::{Duration, Instant};

use hark_outcome::TrunkId;

use self::closing::Closing;
use self::dialog::Dialogs;
use self::session::Timer;
pub(crate) use self::words::*;
use crate::facts::{Ended, EndedBy, FactKind};

/// After CANCEL, a final response is due; RFC 3261 §9.1 gives it 64*T1, but an owner waits no longer than this.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum State {
    /// A target is being reached; nothing was sent to it.
    Connecting,
    /// The INVITE was sent; no response came.
    Calling { until: Instant },
    /// A provisional response came.
    Proceeding,
    /// CANCEL was sent.
    Cancelling { until: Instant },
    /// Answered.
    Live(Box<Live>),
    /// Over for the owner; the peer is still told.
    Closing(Closing),
    /// Nothing is left to do.
    Over,
}

#[derive(Debug)]
struct Live {
    tag: Tag,
    since: Instant,
    timer: Option<Timer>,
    /// The refresh under way: its CSeq, and whether it is an UPDATE.
    refresh: Option<(u32, bool)>,
    /// It was challenged already.
    challenged: bool,
    allows_update: bool,
}

/// The machine of one call.
#[derive(Debug)]
pub(crate) struct Machine {
    limits: Limits,
    local_tag: Tag,
    state: State,
    /// The first INVITE left.
    invited_at: Option<Instant>,
    /// The last CSeq used.
    cseq: u32,
    /// The CSeq of the present INVITE.
    invite_cseq: u32,
    dialogs: Dialogs,
    /// The owner, or a deadline, wants it over, but CANCEL may not be sent yet.
    wish: Option<EndedBy>,
    challenge: Option<Challenge>,
    /// Challenges answered.
    challenges: u8,
    min_se: Option<u32>,
    /// A provisional above 100 came from the present target.
    rang: bool,
    /// The last provisional told, so that retransmissions are not.
    told: Option<(u16, Tag, bool)>,
    /// The SDP given to media last.
    sdp: Option<Vec<u8>>,
    /// The refusal that sent us to the next target.
    refusal: Option<Reply>,
    answered_at: Option<Instant>,
    crossed: bool,
    redirected: bool,
    ringing_seen: bool,
    over: bool,
    trunk: TrunkId,
    out: Vec<Command>,
}

impl Machine {
    /// A call not yet begun; the first command is [`Command::Connect`].
    pub(crate) fn new(trunk: TrunkId, local_tag: Tag, limits: Limits) -> (Self, Command) {
        let machine = Self {
            limits,
            local_tag,
            state: State::Connecting,
            invited_at: None,
            cseq: 0,
            invite_cseq: 0,
            dialogs: Dialogs::default(),
            wish: None,
            challenge: None,
            challenges: 0,
            min_se: None,
            rang: false,
            told: None,
            sdp: None,
            refusal: None,
            answered_at: None,
            crossed: false,
            redirected: false,
            ringing_seen: false,
            over: false,
            trunk,
            out: Vec::new(),
        };
        (machine, Command::Connect)
    }

    /// The call goes on over another trunk: its limits hold.
    pub(crate) fn moved_to(&mut self, trunk: TrunkId, limits: Limits) {
        self.trunk = trunk;
        self.limits = limits;
        self.challenge = None;
        self.challenges = 0;
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The trunk it goes over.
    pub(crate) const fn trunk(&self) -> &TrunkId {
        &self.trunk
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether the owner has been told the end, and the peer too, as far as it can be.
    pub(crate) fn is_settled(&self) -> bool {
        match &self.state {
            State::Over => true,
            State::Closing(closing) => closing.bye.is_none(),
            _ => false,
        }
    }

    /// When to send [`Event::Tick`].
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let ring = self.invited_at.map(|at| at + self.limits.ring);
        match &self.state {
            State::Connecting | State::Proceeding => ring,
            // A wish is noted already; nothing more can be done before the peer speaks, or the setup time is over.
            State::Calling { until } if self.wish.is_some() => Some(*until),
            State::Calling { until } => Some(ring.map_or(*until, |ring| ring.min(*until))),
            State::Cancelling { until } => Some(*until),
            State::Live(live) => {
                let talk = live.since + self.limits.talk;
                Some(
                    live.timer
                        .as_ref()
                        .map_or(talk, |t| talk.min(t.deadline(live.refresh.is_some()))),
                )
            }
            State::Closing(closing) => {
                let bye = closing.bye.as_ref();
                Some(bye.map_or(closing.until, |bye| {
                    bye.again.unwrap_or(bye.give_up).min(bye.give_up)
                }))
            }
            State::Over => None,
        }
    }

    /// Takes one event.
    pub(crate) fn on_event(&mut self, now: Instant, event: Event) -> Vec<Command> {
        match event {
            Event::Connected => self.on_connected(now),
            Event::Unreachable(why) => self.on_unreachable(&why),
            Event::Exhausted => self.on_exhausted(now),
            Event::Reply(reply) => self.on_reply(now, reply),
            Event::Outcome(asked, reply) => self.on_outcome(now, asked, &reply),
            Event::Request(request) => self.on_request(now, request),
            Event::HangUp(why) => self.on_hang_up(now, EndedBy::Us(why)),
            Event::NoMedia(why) => {
                if matches!(self.state, State::Live(_)) {
                    self.say_bye(now, EndedBy::Network(why));
                }
            }
            Event::Tick => self.on_tick(now),
        }
        std::mem::take(&mut self.out)
    }

    fn on_tick(&mut self, now: Instant) {
        let due = |at: &Instant| *at <= now;
        let rung_out = self.invited_at.is_some_and(|at| now >= at + self.limits.ring);
        match &mut self.state {
            State::Calling { until } if due(until) => {
                let by = self.wish.take().unwrap_or(EndedBy::SetupTimeout);
                self.out.push(Command::Abandon);
                self.close(now, by, None, true, false);
            }
            State::Connecting | State::Calling { .. } | State::Proceeding if rung_out => {
                self.on_hang_up(now, EndedBy::RingTimeout);
            }
            State::Cancelling { until } if due(until) => {
                let by = self.wish.take().unwrap_or(EndedBy::RingTimeout);
                self.note("no final response came to our CANCEL");
                self.out.push(Command::Abandon);
                self.close(now, by, None, true, true);
            }
            State::Live(_) => self.on_live_tick(now),
            State::Closing(_) => self.on_closing_tick(now),
            _ => {}
        }
    }

    fn on_hang_up(&mut self, now: Instant, by: EndedBy) {
        match &self.state {
            State::Connecting => self.end(now, by, None),
            // RFC 3261 §9.1: no CANCEL before the first provisional response.
            State::Calling { .. } => {
                self.wish.get_or_insert(by);
            }
            State::Proceeding => self.cancel(now, by),
            State::Live(_) => self.say_bye(now, by),
            State::Cancelling { .. } | State::Closing(_) | State::Over => {}
        }
    }

    fn cancel(&mut self, now: Instant, by: EndedBy) {
        self.wish.get_or_insert(by);
        self.out.push(Command::Cancel {
            cseq: self.invite_cseq,
        });
        self.state = State::Cancelling {
            until: now + CANCEL_PATIENCE,
        };
    }

    fn next_cseq(&mut self) -> u32 {
        self.cseq += 1;
        self.cseq
    }

    fn ack(&mut self, tag: &str, cseq: u32) {
        let challenge = self.challenge.clone();
        let dialog = self.dialogs.meet(tag).way(cseq, challenge);
        self.out.push(Command::Ack(dialog));
    }

    /// Over for the owner. Once an INVITE was sent, a 2xx may still come, even after a refusal (a proxy that forked
    /// passes on every 2xx, RFC 3261 §16.7), and is watched for.
    fn end(&mut self, now: Instant, by: EndedBy, reply: Option<&Reply>) {
        if self.invited_at.is_some() {
            return self.close(now, by, reply, false, false);
        }
        self.tell_end(now, by, reply);
        self.out.push(Command::Release);
        self.state = State::Over;
    }

    /// Tells the owner, once.
    fn tell_end(&mut self, now: Instant, by: EndedBy, reply: Option<&Reply>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let real = reply.filter(|r| !r.local);
        let reason = reply.and_then(|r| r.reason.clone());
        self.out.push(Command::End(Ended {
            invited: self.invited_at.is_some(),
            trunk: self.trunk.clone(),
            answered: self.answered_at.is_some(),
            answered_for: self
                .answered_at
                .map_or(Duration::ZERO, |at| now.saturating_duration_since(at)),
            code: real.map(|r| r.code).or_else(|| self.answered_at.map(|_| 200)),
            phrase: real.map(|r| r.phrase.clone()),
            q850: reason.as_deref().and_then(reason::q850),
            reason,
            by,
            crossed: self.crossed,
            redirected: self.redirected,
            ringing_seen: self.ringing_seen,
            media: None,
        }));
    }

    fn note(&mut self, text: impl Into<String>) {
        if !self.over {
            self.out.push(Command::Tell(FactKind::Note(text.into())));
        }
    }

    fn tell(&mut self, fact: FactKind) {
        if !self.over {
            self.out.push(Command::Tell(fact));
        }
    }
}

#[cfg(test)]
mod tests;
