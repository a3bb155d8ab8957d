//! The peer's requests, at any time, and what keeps an answered call alive.

use std::time::Instant;

use super::closing::{Closing, LATE};
use super::session::Timer;
use super::words::{Answer, Asked, Body, Command, Incoming, Method, Refresher, Reply, Session};
use super::{Machine, State};
use crate::facts::EndedBy;

impl Machine {
    pub(super) fn on_request(&mut self, now: Instant, request: Incoming) {
        // The peer's To is our From: a request without our tag belongs to no call of ours.
        if request.to_tag.as_ref() != Some(&self.local_tag)
            || matches!(self.state, State::Over | State::Connecting)
        {
            return self.answer(request.id, 481);
        }
        if matches!(self.state, State::Live(_)) && self.dialogs.get(&request.from_tag).is_none() {
            return self.answer(request.id, 481);
        }
        let dialog = self.dialogs.meet(&request.from_tag);
        if dialog.peer_cseq.is_some_and(|last| request.cseq < last) {
            return self.answer(request.id, 500);
        }
        dialog.peer_cseq = Some(request.cseq);
        match request.method {
            Method::Bye => self.on_bye(now, request),
            Method::Invite | Method::Update => self.on_offer(now, request),
            Method::Info | Method::Options | Method::Notify => self.answer(request.id, 200),
            Method::Refer => {
                self.note("the peer asked us to call somebody else (REFER): refused");
                self.answer(request.id, 603);
            }
            Method::Other => self.answer(request.id, 405),
        }
    }

    fn answer(&mut self, id: u64, code: u16) {
        self.out.push(Command::Answer(Answer {
            id,
            code,
            body: Body::None,
            session: None,
        }));
    }

    fn on_bye(&mut self, now: Instant, request: Incoming) {
        self.answer(request.id, 200);
        if let Some(dialog) = self.dialogs.get_mut(&request.from_tag) {
            dialog.said_bye = true;
        }
        if self.is_live_tag(&request.from_tag) {
            return self.peer_said_bye(now, request.reason);
        }
        if let State::Closing(closing) = &mut self.state
            && closing
                .bye
                .as_ref()
                .is_some_and(|bye| bye.tag == request.from_tag)
        {
            // Both hung up at once.
            closing.bye = None;
            self.out.push(Command::Release);
            return self.leave_if_done(now);
        }
        self.note("BYE came before the answer");
    }

    pub(super) fn peer_said_bye(&mut self, now: Instant, reason: Option<String>) {
        let reply = Reply {
            code: 200,
            phrase: "OK".into(),
            reason,
            ..Reply::default()
        };
        self.tell_end(now, EndedBy::Peer, Some(&reply));
        self.out.push(Command::Release);
        // The 200 may still be repeated: its ACK may be lost.
        self.state = State::Closing(Closing {
            until: now + LATE,
            abandoned: false,
            cancelled: false,
            bye: None,
        });
    }

    /// A re-INVITE or an UPDATE: hold, resume, a new address, or a session refresh.
    fn on_offer(&mut self, now: Instant, request: Incoming) {
        let invite = request.method == Method::Invite;
        let early = !matches!(self.state, State::Live(_));
        if early && (invite || matches!(self.state, State::Closing(_) | State::Cancelling { .. })) {
            return self.answer(request.id, if invite { 491 } else { 481 });
        }
        if let State::Live(live) = &mut self.state {
            if live.tag != request.from_tag {
                return self.answer(request.id, 481);
            }
            if live
                .refresh
                .is_some_and(|(_, update)| !update || request.sdp.is_some())
            {
                return self.answer(request.id, 491);
            }
        }
        if let Some(dialog) = self.dialogs.get_mut(&request.from_tag) {
            dialog.moved(request.contact.as_ref());
        }
        let session = request.session.map(|asked| Session {
            seconds: asked.seconds,
            // Unless it wants us to, the peer that asks refreshes.
            refresher: Some(asked.refresher.unwrap_or(Refresher::Uac)),
        });
        if let State::Live(live) = &mut self.state {
            // A re-INVITE without the header ends the timer; an UPDATE without it still shows the peer alive.
            live.timer = match (session, live.timer.take()) {
                (Some(session), _) => Some(Timer::from_request(session, now)),
                (None, Some(timer)) if !invite => Some(timer.refreshed(now)),
                (None, _) => None,
            };
        }
        let body = match request.sdp {
            Some(offer) => {
                self.note(format!(
                    "the peer sent a new offer ({})",
                    if invite { "re-INVITE" } else { "UPDATE" }
                ));
                Body::AnswerTo(offer)
            }
            None if invite => Body::Offer,
            None => Body::None,
        };
        self.out.push(Command::Answer(Answer {
            id: request.id,
            code: 200,
            body,
            session,
        }));
    }

    pub(super) fn on_live_tick(&mut self, now: Instant) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        if now >= live.since + self.limits.talk {
            return self.say_bye(now, EndedBy::MaxDuration);
        }
        let Some(timer) = &live.timer else { return };
        if timer.has_expired(now) {
            let who = if timer.ours {
                "our refreshes failed"
            } else {
                "the peer did not refresh it"
            };
            return self.say_bye(now, EndedBy::Network(format!("the session timer ran out: {who}")));
        }
        if live.refresh.is_none() && timer.wants_refresh(now) {
            self.refresh(None);
        }
    }

    fn refresh(&mut self, challenge: Option<super::Challenge>) {
        let cseq = self.next_cseq();
        let challenge = challenge.or_else(|| self.challenge.clone());
        let State::Live(live) = &mut self.state else {
            return;
        };
        let Some(timer) = &live.timer else { return };
        let (update, session) = (live.allows_update, timer.seconds);
        live.refresh = Some((cseq, update));
        let dialog = self.dialogs.meet(&live.tag).way(cseq, challenge);
        self.out.push(Command::Refresh {
            dialog,
            update,
            session,
        });
    }

    pub(super) fn on_refresh_reply(&mut self, now: Instant, update: bool, reply: &Reply) {
        if reply.code < 200 {
            return;
        }
        let State::Live(live) = &mut self.state else {
            return;
        };
        let tag = live.tag.clone();
        live.refresh = None;
        let Some(timer) = &mut live.timer else { return };
        match reply.code {
            200..300 => {
                live.challenged = false;
                let (seconds, ours) = (timer.seconds, Some(Refresher::Uac));
                let session = reply.session.unwrap_or(Session {
                    seconds,
                    refresher: ours,
                });
                live.timer = Some(Timer::from_response(session, now));
                if let Some(dialog) = self.dialogs.get_mut(&tag) {
                    dialog.moved(reply.contact.as_ref());
                }
                if !update {
                    self.ack(&tag, reply.cseq);
                    if let Some(sdp) = &reply.sdp {
                        self.out.push(Command::Media {
                            sdp: sdp.clone(),
                            settled: false,
                        });
                    }
                }
            }
            401 | 407 if !live.challenged && self.limits.credentials && reply.challenge.is_some() => {
                live.challenged = true;
                self.refresh(reply.challenge.clone());
            }
            422 if reply.min_se.is_some_and(|min| min > timer.seconds) => {
                timer.seconds = reply.min_se.unwrap_or(timer.seconds);
                self.refresh(None);
            }
            491 => timer.try_soon(now),
            // Not every peer that lists UPDATE can do it, and some proxies lose it.
            405 | 481 | 501 if update && !reply.local => {
                live.allows_update = false;
                self.refresh(None);
            }
            481 => {
                self.note("the peer no longer knows the call (481)");
                self.say_bye(now, EndedBy::Peer);
            }
            code => {
                timer.try_later(now);
                self.note(format!("a session refresh failed ({code}); the call goes on"));
            }
        }
    }

    pub(super) fn on_outcome(&mut self, now: Instant, asked: Asked, reply: &Reply) {
        match asked {
            Asked::Bye(tag) => self.on_bye_outcome(now, &tag, reply),
            Asked::Update => {
                if let State::Live(live) = &self.state
                    && live.refresh == Some((reply.cseq, true))
                {
                    self.on_refresh_reply(now, true, reply);
                }
            }
            Asked::Prack if reply.code >= 300 => {
                self.note(format!("PRACK was answered {}", reply.code));
            }
            // The INVITE's own final response tells how CANCEL went.
            Asked::Prack | Asked::Cancel => {}
        }
    }
}
