//! One call as a state machine without I/O: messages and time in, messages and media orders out.
//!
//! ```text
//! Proceeding => (Refused | Answered)     the script's next final response, or 487 after CANCEL
//! Refused    => Proceeding | Over        ACK, or the retry of a challenge; without ACK a fault, after 64*T1
//! Answered   => Over                     BYE of either side, for each dialog
//! Over       => gone                     after 64*T1, in which retransmissions are still answered
//! ```
//!
//! The script runs beside the transactions: a step may start a response, the transaction keeps sending it (RFC 3261
//! timers on UDP) until its ACK comes. All of it is driven by [`Machine::on_message`] and [`Machine::on_time`]; the
//! driver calls the latter at [`Machine::deadline`].

mod converse;
mod requests;
mod resend;
mod walk;
mod writing;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use resend::{Client, Resend, Timers};
use walk::Waiting;
pub(crate) use writing::respond;

use crate::DigestConfig;
use crate::dice::Dice;
use crate::media::{Heard, Playlist, Remote};
use crate::report::{CallSeen, FaultSeen, PeerFault};
use crate::script::Script;
use crate::sip::{Message, Offer, Start};

/// What a call is told once, when it begins.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// Where the INVITE came from; everything goes back there.
    pub source: SocketAddr,
    /// Our SIP address as the caller reaches it.
    pub local: SocketAddr,
    /// Our RTP address.
    pub rtp: SocketAddr,
    /// RFC 3261's T1.
    pub t1: Duration,
    /// Credentials to demand.
    pub digest: Option<Arc<DigestConfig>>,
    /// Codecs we take.
    pub codecs: Vec<crate::Codec>,
    /// For tags, branches and nonces.
    pub dice: Dice,
}

/// What a call wants done.
#[derive(Debug)]
pub(crate) enum Output {
    /// Send these bytes to where the INVITE came from.
    Send(Vec<u8>),
    /// Send RTP there from now on.
    Connect(Remote),
    /// Play this.
    Play(Playlist),
    /// The call is answered: media from here on is the callee's.
    Answered,
    /// No more media.
    Hush,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Machine {
    setting: Setting,
    timers: Timers,
    script: Script,
    /// Next step of the script; beyond its end when the script is over.
    at: usize,
    waiting: Waiting,
    /// When the step before the present one should have ended: waits add up without drift.
    clock: Duration,
    /// Initial INVITEs; the last is the present one.
    invites: Vec<ServerInvite>,
    dialogs: Vec<Dialog>,
    /// In-dialog requests answered, so that a retransmission has the same answer.
    answered: VecDeque<(String, Option<Vec<u8>>)>,
    clients: Vec<Client>,
    /// The last ACK we sent, and the branch of what it acknowledges.
    last_ack: Option<(String, Vec<u8>)>,
    reliable: Option<Resend>,
    rseq: u32,
    tag: String,
    nonce: String,
    offer: Option<Offer>,
    connected: bool,
    /// Time that shortened waits have saved so far.
    shortened: Duration,
    /// The caller must have said BYE by then.
    left_up_at: Option<Duration>,
    /// Kept for retransmissions until then.
    linger_until: Duration,
    seen: CallSeen,
    out: Vec<Output>,
}

/// A server transaction of an initial INVITE.
#[derive(Debug)]
struct ServerInvite {
    request: Message,
    /// The last response, for retransmissions of the INVITE.
    last: Option<Vec<u8>>,
    state: InviteState,
}

#[derive(Debug)]
enum InviteState {
    Proceeding,
    Refused(Resend),
    /// Acknowledged, timed out, or taken over by 200.
    Done,
}

/// A dialog that a 200 made.
#[derive(Debug)]
struct Dialog {
    tag: String,
    /// The 200 being sent again until ACK.
    resend: Option<Resend>,
    acked: bool,
    ended: bool,
    remote_cseq: u32,
    local_cseq: u32,
}

impl Dialog {
    /// Whether its 200 still waits for an ACK.
    const fn lacks_ack(&self) -> bool {
        !self.ended && !self.acked && self.resend.is_some()
    }
}

impl Machine {
    /// A call, from its first INVITE, which `on_message` must then be given.
    pub(crate) fn new(now: Duration, setting: Setting, script: Script, seen: CallSeen) -> Self {
        let mut dice = setting.dice.clone();
        Self {
            timers: Timers {
                t1: setting.t1,
                resends: setting.transport == "udp",
            },
            tag: dice.token(),
            nonce: format!("{}{}", dice.token(), dice.token()),
            setting: Setting { dice, ..setting },
            script,
            at: 0,
            waiting: Waiting::Idle,
            clock: now,
            invites: Vec::new(),
            dialogs: Vec::new(),
            answered: VecDeque::new(),
            clients: Vec::new(),
            last_ack: None,
            reliable: None,
            rseq: 0,
            offer: None,
            connected: false,
            shortened: Duration::ZERO,
            left_up_at: None,
            linger_until: now,
            seen,
            out: Vec::new(),
        }
    }

    /// A message of this call.
    pub(crate) fn on_message(&mut self, now: Duration, message: Message) {
        self.linger_until = now + self.timers.give_up();
        match &message.start {
            Start::Request { .. } => self.on_request(now, message),
            Start::Response { code } => self.on_response(*code, &message),
        }
    }

    /// Time has come for something.
    pub(crate) fn on_time(&mut self, now: Duration, heard: Heard) {
        self.send_again(now);
        if self.left_up_at.is_some_and(|at| at <= now) {
            self.left_up_at = None;
            self.fault(now, PeerFault::LeftUp);
            self.bye_all(now);
        }
        self.walk(now, Some(heard));
    }

    /// When `on_time` must be called next.
    pub(crate) fn deadline(&self) -> Duration {
        let invites = self.invites.iter().filter_map(|i| match &i.state {
            InviteState::Refused(resend) => Some(resend.next()),
            _ => None,
        });
        let dialogs = self
            .dialogs
            .iter()
            .filter_map(|d| d.resend.as_ref().map(Resend::next));
        let clients = self.clients.iter().map(|c| c.resend.next());
        let reliable = self.reliable.iter().map(Resend::next);
        invites
            .chain(dialogs)
            .chain(clients)
            .chain(reliable)
            .chain(self.waiting.deadline())
            .chain(self.left_up_at)
            .min()
            .unwrap_or(self.linger_until)
    }

    /// Whether nothing is left to do or to wait for.
    pub(crate) fn is_gone(&self, now: Duration) -> bool {
        !self.is_live()
            && self.clients.is_empty()
            && now >= self.linger_until
            && self
                .invites
                .iter()
                .all(|i| !matches!(i.state, InviteState::Refused(_)))
    }

    /// Whether the call is up or being set up. A dead peer never has one.
    pub(crate) fn is_live(&self) -> bool {
        if self.script.quirks.mute {
            return false;
        }
        let proceeding = self
            .invites
            .last()
            .is_some_and(|i| matches!(i.state, InviteState::Proceeding));
        proceeding || self.dialogs.iter().any(|d| !d.ended)
    }

    /// Whether a message is an INVITE that begins a second call under the same name.
    pub(crate) fn begins_again(&self, message: &Message) -> bool {
        let known = || {
            self.invites
                .iter()
                .any(|i| i.request.branch() == message.branch())
        };
        matches!(&message.start, Start::Request { method, .. } if method == "INVITE")
            && message.to_tag().is_none()
            && !self.is_live()
            && !known()
    }

    /// Our RTP port has changed.
    pub(crate) const fn use_rtp_port(&mut self, port: u16) {
        self.setting.rtp.set_port(port);
    }

    /// What is to be done, in order.
    pub(crate) fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    /// What was seen so far.
    pub(crate) fn seen(&self, now: Duration) -> CallSeen {
        let mut seen = self.seen.clone();
        let end = seen.ended.unwrap_or(now);
        seen.lasted = end.saturating_sub(seen.started);
        let shortened = if seen.ended.is_some() {
            self.shortened
        } else {
            self.shortened_until(now)
        };
        seen.would_have_lasted = seen.lasted + shortened;
        seen.dialogs.answered = self.dialogs.len() as u32;
        seen.dialogs.acked = self.dialogs.iter().filter(|d| d.acked).count() as u32;
        seen.dialogs.ended = self.dialogs.iter().filter(|d| d.ended).count() as u32;
        seen
    }

    fn fault(&mut self, now: Duration, what: PeerFault) {
        tracing::debug!(call_id = %self.seen.call_id, ?what, "the caller's SIP is at fault");
        if self.seen.faults.len() < 100 {
            self.seen.faults.push(FaultSeen { at: now, what });
        }
    }

    fn send(&mut self, bytes: Vec<u8>) {
        if !self.script.quirks.mute {
            self.out.push(Output::Send(bytes));
        }
    }

    /// The call has come to its end.
    fn end(&mut self, now: Duration) {
        if self.seen.ended.is_none() {
            self.shortened = self.shortened_until(now);
            self.seen.ended = Some(now);
        }
        self.at = self.script.steps.len();
        self.waiting = Waiting::Idle;
        self.left_up_at = None;
        self.out.push(Output::Hush);
    }

    /// Sends again what is due, and gives up what has waited too long.
    fn send_again(&mut self, now: Duration) {
        let mut due = Vec::new();
        let mut faults = Vec::new();
        for invite in &mut self.invites {
            if let InviteState::Refused(resend) = &mut invite.state {
                if resend.is_over(now) {
                    invite.state = InviteState::Done;
                    faults.push(PeerFault::NoAck);
                } else {
                    due.extend(resend.due(now));
                }
            }
        }
        let repeats = self.script.quirks.repeats_answer;
        let mut unacknowledged = false;
        for dialog in &mut self.dialogs {
            let Some(resend) = &mut dialog.resend else {
                continue;
            };
            if resend.is_over(now) {
                dialog.resend = None;
                if !dialog.acked {
                    faults.push(PeerFault::NoAck);
                    unacknowledged = true;
                }
            } else if !dialog.acked || repeats {
                due.extend(resend.due(now));
            }
        }
        for client in &mut self.clients {
            due.extend(client.resend.due(now));
        }
        let over = |c: &Client| c.resend.is_over(now);
        faults.extend(self.clients.iter().filter(|c| over(c)).map(|c| match c.method {
            "BYE" => PeerFault::ByeUnanswered,
            _ => PeerFault::RequestUnanswered,
        }));
        self.clients.retain(|c| !over(c));
        if let Some(resend) = &mut self.reliable {
            if resend.is_over(now) {
                self.reliable = None;
                self.fault(now, PeerFault::NoPrack);
                self.refuse(now, 504, &[]);
            } else {
                due.extend(resend.due(now));
            }
        }
        for fault in faults {
            self.fault(now, fault);
        }
        for bytes in due {
            self.send(bytes);
        }
        if unacknowledged {
            // RFC 3261 §13.3.1.4: no ACK, so end the session.
            self.bye_all(now);
        }
    }
}

#[cfg(test)]
mod tests;
