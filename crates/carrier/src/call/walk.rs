//! Walks the script: each step in its time.

use std::time::Duration;

use super::converse::Talk;
use super::resend::{Client, Resend};
use super::{Dialog, InviteState, Machine, Output};
use crate::media::Heard;
use crate::report::Side;
use crate::script::{Span, Step};
use crate::sip::Text;

/// No INVITE stays open longer than this, whatever its script.
const LONGEST_OPEN: Duration = Duration::from_secs(300);

/// What the script waits for.
#[derive(Debug)]
pub(super) enum Waiting {
    /// Nothing: it has not begun, or is over.
    Idle,
    /// A span that began then.
    Span { since: Duration, span: Span },
    /// Somebody to end a call whose script is over.
    Open { since: Duration },
    /// The PRACK of a reliable response.
    Prack,
    /// The ACK of every 200, without which no BYE may be sent (RFC 3261 §15).
    Ack,
    /// The end of a conversation.
    Talk(Box<Talk>),
}

impl Waiting {
    pub(super) fn deadline(&self) -> Option<Duration> {
        match self {
            Self::Idle | Self::Prack | Self::Ack => None,
            Self::Span { since, span } => Some(*since + span.real),
            Self::Open { since } => Some(*since + LONGEST_OPEN),
            Self::Talk(talk) => Some(talk.next_look()),
        }
    }
}

impl Machine {
    /// Begins the script from its first step.
    pub(super) fn begin_script(&mut self, now: Duration) {
        self.at = 0;
        self.clock = now;
        self.waiting = Waiting::Idle;
        self.walk(now, None);
    }

    /// Takes every step whose time has come.
    pub(super) fn walk(&mut self, now: Duration, heard: Option<Heard>) {
        loop {
            match &mut self.waiting {
                Waiting::Idle => {}
                Waiting::Prack | Waiting::Ack => return,
                Waiting::Open { since } => {
                    if now >= *since + LONGEST_OPEN {
                        self.refuse(now, 480, &[]);
                    }
                    return;
                }
                Waiting::Span { since, span } => {
                    let end = *since + span.real;
                    if now < end {
                        return;
                    }
                    self.shortened += span.full.saturating_sub(span.real);
                    self.clock = end;
                }
                Waiting::Talk(talk) => {
                    let Some(heard) = heard else { return };
                    let said = talk.look(now, heard);
                    let over = talk.is_over();
                    if over {
                        self.shortened += talk.shortened();
                        self.clock = now;
                    }
                    self.out.extend(said.map(Output::Play));
                    if !over {
                        return;
                    }
                }
            }
            self.waiting = Waiting::Idle;
            let Some(step) = self.script.steps.get(self.at).cloned() else {
                self.leave_open();
                return;
            };
            self.at += 1;
            self.take(now, step);
        }
    }

    /// A script that ends without a final response leaves the INVITE open; five minutes later the network ends it.
    fn leave_open(&mut self) {
        let open = self
            .invites
            .last()
            .is_some_and(|i| matches!(i.state, InviteState::Proceeding));
        if open && !self.script.quirks.mute {
            self.waiting = Waiting::Open { since: self.clock };
        }
    }

    /// How much the shortened waits have saved, up to an instant inside one.
    pub(super) fn shortened_until(&self, now: Duration) -> Duration {
        match &self.waiting {
            Waiting::Span { since, span } => {
                let elapsed = now.saturating_sub(*since);
                self.shortened + span.stretched(elapsed).saturating_sub(elapsed)
            }
            Waiting::Talk(talk) => self.shortened + talk.shortened(),
            _ => self.shortened,
        }
    }

    fn take(&mut self, now: Duration, step: Step) {
        match step {
            Step::Wait(span) => {
                self.waiting = Waiting::Span {
                    since: self.clock,
                    span,
                }
            }
            Step::Early { code, sdp, fork } => self.early(now, code, sdp, fork),
            Step::EarlyReliable { code } => self.early_reliable(now, code),
            Step::Answer { fork } => self.answer(now, fork),
            Step::Refuse { code, headers } => self.refuse(now, code, &headers),
            Step::Play(list) => self.out.push(Output::Play(list)),
            Step::Converse(conversation) => {
                self.waiting = Waiting::Talk(Box::new(Talk::new(now, *conversation)));
            }
            Step::Bye if self.dialogs.iter().any(Dialog::lacks_ack) => self.waiting = Waiting::Ack,
            Step::Bye => self.bye_all(now),
            Step::Reinvite { sdp } => self.reinvite(now, sdp),
            Step::Refer => self.request(now, "REFER", |t| {
                t.header("Refer-To", "<sip:19005550100@203.0.113.9>").body(None)
            }),
            Step::Update => self.update(now),
            Step::Garbage => self.send(b"SIP/2.0 OK then\r\nnot a header\r\n\r\n".to_vec()),
        }
    }

    fn early(&mut self, now: Duration, code: u16, sdp: bool, fork: usize) {
        let Some(invite) = self.invites.last() else { return };
        let body = sdp.then(|| self.sdp(false)).flatten();
        let bytes = self
            .dialog_response(&invite.request, code, fork)
            .body(body.as_deref());
        self.seen.ringing.get_or_insert(now);
        if sdp {
            self.connect();
        }
        self.send_provisional(bytes);
    }

    fn early_reliable(&mut self, now: Duration, code: u16) {
        let Some(invite) = self.invites.last() else { return };
        let able = ["supported", "require"]
            .iter()
            .any(|h| invite.request.lists(h, "100rel"));
        if !able {
            return self.refuse(now, 421, &[("Require", "100rel".into())]);
        }
        self.rseq += 1;
        let bytes = self
            .dialog_response(&invite.request, code, 0)
            .header("Require", "100rel")
            .header("RSeq", self.rseq)
            .body(self.sdp(false).as_deref());
        self.seen.ringing.get_or_insert(now);
        self.connect();
        self.reliable = Some(Resend::new(now, self.timers, bytes.clone()));
        self.waiting = Waiting::Prack;
        self.send_provisional(bytes);
    }

    fn send_provisional(&mut self, bytes: Vec<u8>) {
        if let Some(invite) = self.invites.last_mut() {
            invite.last = Some(bytes.clone());
        }
        self.send(bytes);
    }

    /// 200 to the INVITE; sent again until ACK.
    pub(super) fn answer(&mut self, now: Duration, fork: usize) {
        let Some(invite) = self.invites.last() else { return };
        let mut text = self.dialog_response(&invite.request, 200, fork);
        if let Some(expires) = invite.request.header("session-expires")
            && invite.request.lists("supported", "timer")
        {
            let seconds = expires.split(';').next().unwrap_or_default();
            text = text
                .header("Require", "timer")
                .header("Session-Expires", format_args!("{seconds};refresher=uac"));
        }
        let bytes = text.body(self.sdp(true).as_deref());
        let remote_cseq = invite.request.cseq().map_or(0, |(n, _)| n);
        self.dialogs.push(Dialog {
            tag: self.tag(fork),
            resend: Some(Resend::on_any(now, self.timers, bytes.clone())),
            acked: false,
            ended: false,
            remote_cseq,
            local_cseq: 100,
        });
        self.seen.answered.get_or_insert(now);
        self.seen.final_code = Some(200);
        self.connect();
        self.out.push(Output::Answered);
        if let Some(invite) = self.invites.last_mut() {
            invite.last = Some(bytes.clone());
            invite.state = InviteState::Done;
        }
        self.send(bytes);
    }

    /// A final refusal of the INVITE; sent again until ACK.
    pub(super) fn refuse(&mut self, now: Duration, code: u16, headers: &[(&'static str, String)]) {
        self.refuse_present(now, code, headers);
        self.seen.final_code = Some(code);
        self.end(now);
    }

    /// The refusal alone, without the call's end: a challenge.
    pub(super) fn refuse_present(&mut self, now: Duration, code: u16, headers: &[(&'static str, String)]) {
        let (source, tag) = (self.setting.source, self.tag.clone());
        let timers = self.timers;
        let Some(invite) = self.invites.last_mut() else {
            return;
        };
        let mut text = super::writing::respond(&invite.request, source, code, &tag);
        for (name, value) in headers {
            text = text.header(name, value);
        }
        let bytes = text.body(None);
        invite.last = Some(bytes.clone());
        invite.state = InviteState::Refused(Resend::new(now, timers, bytes.clone()));
        self.send(bytes);
    }

    /// BYE in every dialog that is still up.
    pub(super) fn bye_all(&mut self, now: Duration) {
        for n in 0..self.dialogs.len() {
            if self.dialogs[n].ended {
                continue;
            }
            self.dialogs[n].ended = true;
            self.dialogs[n].resend = None;
            self.seen.byed_by.get_or_insert(Side::Carrier);
            self.request_in(now, n, "BYE", |t| t.header("Reason", "Q.850;cause=16").body(None));
        }
        self.end(now);
    }

    fn reinvite(&mut self, now: Duration, with_offer: bool) {
        let sdp = if with_offer { self.sdp(true) } else { None };
        self.request(now, "INVITE", |t| t.body(sdp.as_deref()));
    }

    /// UPDATE, which may come before any 200: an early dialog stands in for it.
    fn update(&mut self, now: Duration) {
        if !self.dialogs.is_empty() {
            return self.request(now, "UPDATE", |t| t.body(None));
        }
        self.dialogs.push(Dialog {
            tag: self.tag(0),
            resend: None,
            acked: true,
            ended: false,
            remote_cseq: 0,
            local_cseq: 50,
        });
        self.request(now, "UPDATE", |t| t.body(None));
        self.dialogs.clear();
    }

    fn request(&mut self, now: Duration, method: &'static str, write: impl FnOnce(Text) -> Vec<u8>) {
        if let Some(n) = self.dialogs.iter().position(|d| !d.ended) {
            self.request_in(now, n, method, write);
        }
    }

    fn request_in(
        &mut self,
        now: Duration,
        dialog: usize,
        method: &'static str,
        write: impl FnOnce(Text) -> Vec<u8>,
    ) {
        let Some((text, branch, cseq)) = self.in_dialog(method, dialog) else {
            return;
        };
        let bytes = write(text);
        self.clients.push(Client {
            method,
            branch,
            dialog_tag: self.dialogs[dialog].tag.clone(),
            cseq,
            resend: Resend::new(now, self.timers, bytes.clone()),
        });
        self.send(bytes);
    }

    /// Media flows from here on, if both sides have said where.
    pub(super) fn connect(&mut self) {
        if !self.connected
            && let Some(remote) = self.remote()
        {
            self.connected = true;
            self.out.push(Output::Connect(remote));
        }
    }
}
