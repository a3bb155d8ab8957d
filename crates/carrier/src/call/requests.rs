//! What the caller sends, and what it is answered.

use std::time::Duration;

use super::resend::{Client, Resend};
use super::walk::Waiting;
use super::writing::respond;
use super::{Dialog, InviteState, Machine, Output, ServerInvite};
use crate::report::{PeerFault, Side};
use crate::sip::{Message, digest, read_offer};

/// In-dialog answers kept for retransmissions.
const KEPT_ANSWERS: usize = 8;
/// Extensions we can be required to know.
const KNOWN: [&str; 3] = ["100rel", "timer", "replaces"];

impl Machine {
    pub(super) fn on_request(&mut self, now: Duration, request: Message) {
        match request.method() {
            "INVITE" => return self.on_invite(now, request),
            "ACK" => return self.on_ack(now, &request),
            "CANCEL" => {}
            _ => self.check_cseq(now, &request),
        }
        let key = format!("{} {}", request.method(), request.branch());
        if let Some((_, answer)) = self.answered.iter().find(|(k, _)| *k == key) {
            let answer = answer.clone();
            return answer.into_iter().for_each(|bytes| self.send(bytes));
        }
        let answer = match request.method() {
            "CANCEL" => self.on_cancel(now, &request),
            "BYE" => self.on_bye(now, &request),
            "PRACK" => self.on_prack(now, &request),
            "UPDATE" => self.on_update(&request),
            "OPTIONS" | "INFO" | "NOTIFY" | "MESSAGE" => Some((200, None)),
            "REFER" => Some((405, None)),
            _ => Some((501, None)),
        };
        let bytes = answer.map(|(code, sdp)| {
            let text = respond(&request, self.setting.source, code, &self.tag);
            if sdp.is_some() {
                text.header("Contact", self.contact())
            } else {
                text
            }
            .body(sdp.as_deref())
        });
        if self.answered.len() == KEPT_ANSWERS {
            self.answered.pop_front();
        }
        self.answered.push_back((key, bytes.clone()));
        bytes.into_iter().for_each(|bytes| self.send(bytes));
        // What follows from a CANCEL or PRACK comes after its own answer.
        match request.method() {
            "CANCEL" => self.after_cancel(now),
            "PRACK" => self.walk(now, None),
            _ => {}
        }
    }

    fn on_invite(&mut self, now: Duration, request: Message) {
        if request.to_tag().is_some() {
            return self.on_reinvite(now, request);
        }
        if let Some(known) = self
            .invites
            .iter()
            .find(|i| i.request.branch() == request.branch())
        {
            self.seen.retransmissions += 1;
            let last = known.last.clone();
            return last.into_iter().for_each(|bytes| self.send(bytes));
        }
        if self.is_live() {
            self.fault(now, PeerFault::MergedInvite);
            let bytes = respond(&request, self.setting.source, 482, &self.tag).body(None);
            return self.send(bytes);
        }
        // A retry with credentials acknowledges the challenge before it; whatever else is open has lost its ACK.
        for invite in &mut self.invites {
            invite.state = InviteState::Done;
        }
        if self.invites.len() > 8 {
            self.invites.remove(0);
        }
        let incomplete = request.header("contact").is_none() || request.header("max-forwards") == Some("0");
        self.offer = read_offer(&request.body);
        self.invites.push(ServerInvite {
            request,
            last: None,
            state: InviteState::Proceeding,
        });
        if self.challenged(now) {
            return;
        }
        self.seen.invites += 1;
        if self.seen.invites == 1 {
            self.seen.started = now;
        } else {
            self.begin_again(now);
        }
        if incomplete {
            self.fault(now, PeerFault::IncompleteInvite);
            return self.refuse(now, 400, &[]);
        }
        if let Some(unknown) = self.unknown_extension() {
            return self.refuse(now, 420, &[("Unsupported", unknown)]);
        }
        if self
            .offer
            .as_ref()
            .is_some_and(|o| self.chosen(&o.codecs).is_empty())
        {
            return self.refuse(now, 488, &[]);
        }
        self.trying();
        self.begin_script(now);
    }

    /// A second call under the same Call-ID: counts add up, times begin anew.
    fn begin_again(&mut self, now: Duration) {
        let seen = &mut self.seen;
        (
            seen.ringing,
            seen.answered,
            seen.cancelled,
            seen.acked,
            seen.ended,
        ) = (None, None, None, None, None);
        (seen.final_code, seen.byed_by, seen.reason) = (None, None, None);
        seen.started = now;
        self.shortened = Duration::ZERO;
        self.dialogs.clear();
        self.connected = false;
        self.tag = self.setting.dice.token();
    }

    fn trying(&mut self) {
        if self.script.quirks.no_trying {
            return;
        }
        let Some(invite) = self.invites.last_mut() else {
            return;
        };
        let bytes = respond(&invite.request, self.setting.source, 100, "").body(None);
        invite.last = Some(bytes.clone());
        self.send(bytes);
    }

    fn unknown_extension(&self) -> Option<String> {
        let request = &self.invites.last()?.request;
        let required = request.headers("require").flat_map(|v| v.split(','));
        required
            .map(str::trim)
            .find(|w| !w.is_empty() && !KNOWN.contains(w))
            .map(str::to_owned)
    }

    /// Whether the present INVITE lacks credentials and was told so.
    fn challenged(&mut self, now: Duration) -> bool {
        let quirks = self.script.quirks;
        let config = self.setting.digest.clone();
        let Some(invite) = self.invites.last() else {
            return false;
        };
        let given = invite
            .request
            .header("authorization")
            .or(invite.request.header("proxy-authorization"));
        let (passes, realm, proxy) = if quirks.refuses_credentials {
            (false, "carrier.test".to_owned(), false)
        } else if quirks.challenges {
            (given.is_some(), "carrier.test".to_owned(), true)
        } else if let Some(config) = &config {
            let right = given.is_some_and(|v| digest::is_right(v, "INVITE", config, &self.nonce));
            (right, config.realm.clone(), config.proxy)
        } else {
            return false;
        };
        if passes {
            return false;
        }
        if given.is_some() && !quirks.refuses_credentials {
            self.fault(now, PeerFault::WrongCredentials);
        }
        self.seen.challenged += 1;
        if self.seen.invites == 0 && self.seen.challenged == 1 {
            self.seen.started = now;
        }
        let value = digest::challenge(&realm, &self.nonce);
        let (code, name) = if proxy {
            (407, "Proxy-Authenticate")
        } else {
            (401, "WWW-Authenticate")
        };
        self.seen.final_code = Some(code);
        self.refuse_present(now, code, &[(name, value)]);
        true
    }

    fn on_reinvite(&mut self, now: Duration, request: Message) {
        let key = format!("INVITE {}", request.branch());
        if let Some((_, answer)) = self.answered.iter().find(|(k, _)| *k == key) {
            let answer = answer.clone();
            return answer.into_iter().for_each(|bytes| self.send(bytes));
        }
        let found = self
            .dialogs
            .iter()
            .position(|d| !d.ended && Some(d.tag.as_str()) == request.to_tag());
        let bytes = match found {
            None => respond(&request, self.setting.source, 481, &self.tag).body(None),
            Some(n) => {
                self.check_cseq(now, &request);
                self.seen.reinvites += 1;
                self.take_offer(&request);
                let bytes = self
                    .dialog_response(&request, 200, 0)
                    .body(self.sdp(true).as_deref());
                self.dialogs[n].resend = Some(Resend::on_any(now, self.timers, bytes.clone()));
                self.dialogs[n].acked = false;
                bytes
            }
        };
        if self.answered.len() == KEPT_ANSWERS {
            self.answered.pop_front();
        }
        self.answered.push_back((key, Some(bytes.clone())));
        self.send(bytes);
    }

    fn on_ack(&mut self, now: Duration, ack: &Message) {
        let tagged = |tag: &str| ack.to_tag() == Some(tag);
        if let Some(dialog) = self.dialogs.iter_mut().find(|d| tagged(&d.tag)) {
            dialog.acked = true;
            if !self.script.quirks.repeats_answer {
                dialog.resend = None;
            }
            self.seen.acked.get_or_insert(now);
            if self.offer.is_none() && !ack.body.is_empty() {
                self.offer = read_offer(&ack.body);
                self.connect();
            }
            if matches!(self.waiting, Waiting::Ack) && !self.dialogs.iter().any(Dialog::lacks_ack) {
                self.bye_all(now);
            }
            return;
        }
        let refused = self
            .invites
            .iter_mut()
            .find(|i| i.request.branch() == ack.branch());
        match refused.map(|i| &mut i.state) {
            Some(state @ InviteState::Refused(_)) => {
                *state = InviteState::Done;
                self.seen.acked.get_or_insert(now);
            }
            Some(_) => {} // a second ACK for a retransmission that crossed the first
            None => self.fault(now, PeerFault::AckOutsideDialog),
        }
    }

    fn on_cancel(&mut self, now: Duration, cancel: &Message) -> Option<(u16, Option<String>)> {
        let Some(invite) = self
            .invites
            .iter()
            .find(|i| i.request.branch() == cancel.branch())
        else {
            self.fault(now, PeerFault::CancelOutsideTransaction);
            return Some((481, None));
        };
        let acknowledged = matches!(invite.state, InviteState::Done);
        if acknowledged && self.seen.acked.is_some() {
            self.fault(now, PeerFault::CancelAfterFinal);
        }
        self.seen.cancelled.get_or_insert(now);
        self.seen.reason = cancel
            .header("reason")
            .map(str::to_owned)
            .or(self.seen.reason.take());
        Some((200, None))
    }

    fn after_cancel(&mut self, now: Duration) {
        if !self
            .invites
            .last()
            .is_some_and(|i| matches!(i.state, InviteState::Proceeding))
        {
            return;
        }
        self.reliable = None;
        if self.script.quirks.answers_cancel {
            self.at = self.script.steps.len();
            self.waiting = Waiting::Idle;
            self.answer(now, 0);
            self.left_up_at = Some(now + self.timers.give_up());
        } else if self.script.quirks.mute {
            // A dead peer says nothing, but the call is over for its caller.
            if let Some(invite) = self.invites.last_mut() {
                invite.state = InviteState::Done;
            }
            self.end(now);
        } else {
            self.refuse(now, 487, &[]);
        }
    }

    fn on_bye(&mut self, now: Duration, bye: &Message) -> Option<(u16, Option<String>)> {
        let Some(dialog) = self
            .dialogs
            .iter_mut()
            .find(|d| Some(d.tag.as_str()) == bye.to_tag())
        else {
            self.fault(now, PeerFault::ByeOutsideDialog);
            return Some((481, None));
        };
        self.seen.byes += 1;
        if !dialog.ended {
            dialog.ended = true;
            dialog.resend = None;
            self.seen.byed_by.get_or_insert(Side::Caller);
        }
        self.seen.reason = bye
            .header("reason")
            .map(str::to_owned)
            .or(self.seen.reason.take());
        if self.dialogs.iter().all(|d| d.ended) {
            self.clients.retain(|c| c.method == "BYE");
            self.end(now);
        }
        (!self.script.quirks.ignores_bye).then_some((200, None))
    }

    fn on_prack(&mut self, now: Duration, prack: &Message) -> Option<(u16, Option<String>)> {
        let expected = self.rseq.to_string();
        let fits = prack.header("rack").and_then(|r| r.split_whitespace().next()) == Some(&expected);
        if self.reliable.is_none() || !fits {
            return Some((481, None));
        }
        self.reliable = None;
        self.seen.pracks += 1;
        self.clock = now;
        self.waiting = Waiting::Idle;
        Some((200, None))
    }

    fn on_update(&mut self, update: &Message) -> Option<(u16, Option<String>)> {
        if update.body.is_empty() {
            return Some((200, None));
        }
        self.take_offer(update);
        Some((200, self.sdp(true)))
    }

    /// A new offer inside the dialog: media moves.
    fn take_offer(&mut self, request: &Message) {
        if let Some(offer) = read_offer(&request.body) {
            self.offer = Some(offer);
            if let Some(remote) = self.remote() {
                self.out.push(Output::Connect(remote));
            }
        }
    }

    fn check_cseq(&mut self, now: Duration, request: &Message) {
        let Some((cseq, _)) = request.cseq() else { return };
        let Some(dialog) = self
            .dialogs
            .iter_mut()
            .find(|d| Some(d.tag.as_str()) == request.to_tag())
        else {
            return;
        };
        // Equal is a retransmission, or its answer lost.
        if cseq < dialog.remote_cseq {
            self.fault(now, PeerFault::CseqBackwards);
        } else {
            dialog.remote_cseq = cseq;
        }
    }

    pub(super) fn on_response(&mut self, code: u16, response: &Message) {
        let (branch, method) = (response.branch(), response.method());
        if code < 200 {
            return;
        }
        let Some(at) = self
            .clients
            .iter()
            .position(|c| c.branch == branch && c.method == method)
        else {
            // The answer to our re-INVITE again: its ACK was lost.
            let again = self
                .last_ack
                .as_ref()
                .filter(|(b, _)| b == branch)
                .map(|(_, ack)| ack.clone());
            return again.into_iter().for_each(|ack| self.send(ack));
        };
        let client = self.clients.remove(at);
        if client.method != "BYE" {
            self.seen.answered_us.push((client.method.to_owned(), code));
        }
        if client.method == "INVITE" {
            self.acknowledge(&client, code);
            if code < 300
                && let Some(offer) = read_offer(&response.body)
            {
                self.offer = Some(offer);
                let remote = self.remote();
                self.out.extend(remote.map(Output::Connect));
            }
        }
    }

    /// ACK of the answer to our own re-INVITE.
    fn acknowledge(&mut self, client: &Client, code: u16) {
        let Some(dialog) = self.dialogs.iter().find(|d| d.tag == client.dialog_tag) else {
            return;
        };
        let fresh = format!("{}-ack", client.branch);
        let branch = if code < 300 { &fresh } else { &client.branch };
        if let Some(text) = self.in_dialog_as("ACK", dialog, branch, client.cseq) {
            let bytes = text.body(None);
            self.last_ack = Some((client.branch.clone(), bytes.clone()));
            self.send(bytes);
        }
    }
}
