//! From the first INVITE to its final response.

use std::time::Instant;

use super::session::Timer;
use super::words::{Command, Invite, Reply, Tag};
use super::{Live, Machine, State};
use crate::facts::{EndedBy, FactKind};

/// Credentials are given once, and once more for a nonce that grew stale.
const MAX_CHALLENGES: u8 = 2;

impl Machine {
    pub(super) fn on_connected(&mut self, now: Instant) {
        if matches!(self.state, State::Connecting) {
            self.invite(now);
        }
    }

    fn invite(&mut self, now: Instant) {
        self.invite_cseq = self.next_cseq();
        self.invited_at.get_or_insert(now);
        self.out.push(Command::Invite(Invite {
            cseq: self.invite_cseq,
            challenge: self.challenge.clone(),
            session: self.limits.session.map(|s| s.max(self.min_se.unwrap_or(0))),
            min_se: self.min_se,
            reliable: self.limits.reliable,
        }));
        self.state = State::Calling {
            until: now + self.limits.setup,
        };
    }

    pub(super) fn on_unreachable(&mut self, why: &str) {
        if matches!(self.state, State::Connecting) {
            self.note(why);
            if self.refusal.is_none() {
                self.refusal = Some(Reply {
                    local: true,
                    phrase: why.to_owned(),
                    ..Reply::default()
                });
            }
            self.out.push(Command::Connect);
        }
    }

    pub(super) fn on_exhausted(&mut self, now: Instant) {
        if matches!(self.state, State::Connecting) {
            match self.refusal.take() {
                Some(reply) if reply.local => self.end(now, EndedBy::Network(reply.phrase), None),
                Some(reply) => self.end(now, EndedBy::Peer, Some(&reply)),
                None => self.end(
                    now,
                    EndedBy::Network("the trunk has no address to send to".into()),
                    None,
                ),
            }
        }
    }

    pub(super) fn on_reply(&mut self, now: Instant, reply: Reply) {
        if let State::Live(live) = &self.state
            && let Some((cseq, update)) = live.refresh
            && cseq == reply.cseq
        {
            return self.on_refresh_reply(now, update, &reply);
        }
        match reply.code {
            ..100 => {}
            100..200 => self.on_provisional(now, &reply),
            200..300 => self.on_success(now, &reply),
            _ => self.on_refusal(now, reply),
        }
    }

    fn on_provisional(&mut self, now: Instant, reply: &Reply) {
        if reply.cseq != self.invite_cseq {
            return;
        }
        match &mut self.state {
            State::Calling { .. } | State::Proceeding => self.state = State::Proceeding,
            State::Cancelling { .. } => return,
            State::Closing(closing) => {
                // The silent peer was only slow. Now CANCEL may be sent.
                if closing.abandoned && !closing.cancelled {
                    closing.cancelled = true;
                    self.out.push(Command::Cancel { cseq: reply.cseq });
                }
                return;
            }
            _ => return,
        }
        if reply.code > 100 {
            self.rang = true;
            // A 183 may carry an announcement as well: what rings there, the ear says.
            self.ringing_seen |= (180..=182).contains(&reply.code);
            self.on_ringing(reply);
        }
        if let Some(by) = self.wish.take() {
            self.cancel(now, by);
        }
    }

    fn on_ringing(&mut self, reply: &Reply) {
        let invite_cseq = self.invite_cseq;
        let dialog = self.dialogs.learn(reply);
        if let Some(rseq) = reply.rseq {
            // RFC 3262 §4: in order, each once.
            if dialog.rseq.is_none_or(|last| rseq == last.wrapping_add(1)) {
                dialog.rseq = Some(rseq);
                let cseq = self.next_cseq();
                let challenge = self.challenge.clone();
                let dialog = self.dialogs.meet(&reply.tag).way(cseq, challenge);
                self.out.push(Command::Prack {
                    dialog,
                    rseq,
                    invite_cseq,
                });
            } else {
                return;
            }
        }
        if let Some(sdp) = &reply.sdp {
            self.connect_media(sdp, false);
        }
        let told = (reply.code, reply.tag.clone(), reply.sdp.is_some());
        if self.told.as_ref() != Some(&told) {
            self.told = Some(told);
            self.tell(FactKind::Provisional {
                code: reply.code,
                phrase: reply.phrase.clone(),
                sdp: reply.sdp.is_some(),
            });
        }
    }

    fn connect_media(&mut self, sdp: &[u8], settled: bool) {
        if settled || self.sdp.as_deref() != Some(sdp) {
            self.sdp = Some(sdp.to_vec());
            self.out.push(Command::Media {
                sdp: sdp.to_vec(),
                settled,
            });
        }
    }

    /// A 2xx, from any fork, wanted or not, early or late, for the first time or again: it is always acknowledged.
    fn on_success(&mut self, now: Instant, reply: &Reply) {
        let dialog = self.dialogs.learn(reply);
        let seen_before = std::mem::replace(&mut dialog.answered, true);
        let said_bye = dialog.said_bye;
        self.ack(&reply.tag, reply.cseq);
        let present = reply.cseq == self.invite_cseq;
        let wanted = match &self.state {
            State::Live(live) => live.tag == reply.tag,
            State::Calling { .. } | State::Proceeding => self.wish.is_none() && present,
            _ => false,
        };
        if seen_before {
            return;
        }
        if wanted {
            self.answered(now, reply);
            if said_bye {
                self.peer_said_bye(now, None);
            }
            return;
        }
        match &self.state {
            State::Calling { .. } | State::Proceeding | State::Cancelling { .. } if present => {
                self.crossed = true;
                self.answered_at = Some(now);
                let by = self.wish.take().unwrap_or(EndedBy::RingTimeout);
                self.tell(FactKind::Answered);
                self.note("the answer crossed our CANCEL");
                self.tell_end(now, by, None);
                self.send_bye(now, &reply.tag);
            }
            // Answered by another fork, or long given up.
            _ => {
                self.note("another branch answered too; it was sent BYE");
                self.bye_to(&reply.tag, None);
            }
        }
    }

    fn answered(&mut self, now: Instant, reply: &Reply) {
        self.answered_at = Some(now);
        self.state = State::Live(Box::new(Live {
            tag: reply.tag.clone(),
            since: now,
            timer: reply.session.map(|s| Timer::from_response(s, now)),
            refresh: None,
            challenged: false,
            allows_update: reply.allows_update,
        }));
        self.out.push(Command::MediaAnswered);
        self.tell(FactKind::Answered);
        let early = self.dialogs.get(&reply.tag).and_then(|d| d.early_sdp.clone());
        match reply.sdp.clone().or(early) {
            Some(sdp) => self.connect_media(&sdp, true),
            None if self.sdp.is_some() => {
                self.note("the answer carried no SDP; what another branch sent holds")
            }
            None => self.say_bye(now, EndedBy::Network("the answer carried no SDP".into())),
        }
    }

    fn on_refusal(&mut self, now: Instant, reply: Reply) {
        if let State::Closing(closing) = &self.state {
            if closing.abandoned && !reply.local {
                self.out.push(Command::AckRefusal {
                    cseq: reply.cseq,
                    tag: reply.tag,
                });
            }
            return;
        }
        if reply.cseq != self.invite_cseq {
            return;
        }
        match &self.state {
            State::Cancelling { .. } => {
                let by = self.wish.take().unwrap_or(EndedBy::RingTimeout);
                self.end(now, by, Some(&reply));
            }
            State::Calling { .. } | State::Proceeding => {
                if let Some(by) = self.wish.take() {
                    return self.end(now, by, Some(&reply));
                }
                if reply.local {
                    return self.broken(now, &reply);
                }
                match reply.code {
                    401 | 407 if self.may_answer_challenge(&reply) => {
                        self.challenge.clone_from(&reply.challenge);
                        self.challenges += 1;
                        self.invite(now);
                    }
                    422 if self.min_se.is_none() && reply.min_se.is_some() => {
                        self.min_se = reply.min_se;
                        self.invite(now);
                    }
                    421 if reply.demands_reliable && !self.limits.reliable => {
                        self.limits.reliable = true;
                        self.invite(now);
                    }
                    503 if !self.rang => {
                        self.note(format!("{} {}: trying the next target", reply.code, reply.phrase));
                        self.dialogs.forget();
                        self.refusal = Some(reply);
                        self.state = State::Connecting;
                        self.out.push(Command::Connect);
                    }
                    code => {
                        self.redirected = (300..400).contains(&code);
                        self.end(now, EndedBy::Peer, Some(&reply));
                    }
                }
            }
            _ => {}
        }
    }

    fn may_answer_challenge(&self, reply: &Reply) -> bool {
        let Some(challenge) = &reply.challenge else {
            return false;
        };
        self.limits.credentials
            && (self.challenges == 0 || (challenge.stale && self.challenges < MAX_CHALLENGES))
    }

    /// The stack gave the INVITE up: nothing came, or the connection broke under it. It may have arrived, so no other
    /// target is tried.
    fn broken(&mut self, now: Instant, reply: &Reply) {
        let silent = matches!(self.state, State::Calling { .. }) && reply.code == 408;
        let by = if silent {
            EndedBy::SetupTimeout
        } else {
            EndedBy::Network("the connection broke after the INVITE was sent".into())
        };
        self.close(now, by, None, true, false);
    }

    /// A fork that is not the answered one.
    pub(super) fn is_live_tag(&self, tag: &Tag) -> bool {
        matches!(&self.state, State::Live(live) if live.tag == *tag)
    }
}
