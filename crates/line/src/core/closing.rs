//! After the end, as the owner sees it: the peer is told too, and what still comes is minded.

use std::time::{Duration, Instant};

use super::words::{Challenge, Command, Reply, Tag};
use super::{Machine, State};
use crate::facts::EndedBy;

/// 64*T1: how long a 2xx may still come, and is watched for.
pub(super) const LATE: Duration = Duration::from_secs(32);

/// How long BYE is tried. Beyond it the peer is gone, or will notice by its own means.
const BYE_PATIENCE: Duration = Duration::from_secs(64);

/// Between two tries of a BYE that failed below us.
const BYE_RETRY: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Closing {
    /// When to stop watching for late answers.
    pub(super) until: Instant,
    /// The INVITE has had no final response, and no transaction of the stack minds it.
    pub(super) abandoned: bool,
    pub(super) cancelled: bool,
    /// A BYE is under way, or to be tried again.
    pub(super) bye: Option<Bye>,
}

#[derive(Debug)]
pub(super) struct Bye {
    pub(super) tag: Tag,
    pub(super) give_up: Instant,
    pub(super) again: Option<Instant>,
    pub(super) challenged: bool,
}

impl Machine {
    /// Ends a live call by our BYE.
    pub(super) fn say_bye(&mut self, now: Instant, by: EndedBy) {
        let State::Live(live) = &self.state else { return };
        let tag = live.tag.clone();
        self.tell_end(now, by, None);
        self.send_bye(now, &tag);
    }

    /// Sends the BYE that closes the call, and minds it.
    pub(super) fn send_bye(&mut self, now: Instant, tag: &str) {
        self.bye_to(tag, None);
        let bye = Bye {
            tag: tag.to_owned(),
            give_up: now + BYE_PATIENCE,
            again: None,
            challenged: false,
        };
        self.state = State::Closing(Closing {
            until: now + LATE,
            abandoned: false,
            cancelled: false,
            bye: Some(bye),
        });
    }

    /// Sends one BYE to a fork.
    pub(super) fn bye_to(&mut self, tag: &str, challenge: Option<Challenge>) {
        let cseq = self.next_cseq();
        let challenge = challenge.or_else(|| self.challenge.clone());
        let dialog = self.dialogs.meet(tag).way(cseq, challenge);
        self.out.push(Command::Bye {
            dialog,
            tag: tag.to_owned(),
        });
    }

    /// Over for the owner, without a BYE to send; late answers are still watched for.
    pub(super) fn close(
        &mut self,
        now: Instant,
        by: EndedBy,
        reply: Option<&Reply>,
        abandoned: bool,
        cancelled: bool,
    ) {
        self.tell_end(now, by, reply);
        self.out.push(Command::Release);
        self.state = State::Closing(Closing {
            until: now + LATE,
            abandoned,
            cancelled,
            bye: None,
        });
    }

    /// What happened to a BYE while closing.
    pub(super) fn on_bye_outcome(&mut self, now: Instant, tag: &str, reply: &Reply) {
        let closing = match &mut self.state {
            State::Closing(closing) if closing.bye.as_ref().is_some_and(|bye| bye.tag == tag) => closing,
            _ => return self.on_unwanted_bye_outcome(tag, reply),
        };
        let Some(bye) = &mut closing.bye else { return };
        if matches!(reply.code, 401 | 407)
            && !reply.local
            && !bye.challenged
            && self.limits.credentials
            && let Some(challenge) = &reply.challenge
        {
            bye.challenged = true;
            let challenge = challenge.clone();
            return self.bye_to(tag, Some(challenge));
        }
        // Made up below, or a server in trouble: the peer may not know yet.
        if (reply.local || matches!(reply.code, 408 | 500 | 502..=504)) && now + BYE_RETRY < bye.give_up {
            bye.again = Some(now + BYE_RETRY);
            return;
        }
        closing.bye = None;
        self.out.push(Command::Release);
        self.leave_if_done(now);
    }

    /// The BYE to a fork nobody wanted. The stack repeated it for 32 s; only a challenge is worth another.
    fn on_unwanted_bye_outcome(&mut self, tag: &str, reply: &Reply) {
        let Some(challenge) = reply
            .challenge
            .clone()
            .filter(|_| self.limits.credentials && !reply.local)
        else {
            return;
        };
        if let Some(dialog) = self.dialogs.get_mut(tag)
            && !std::mem::replace(&mut dialog.bye_challenged, true)
        {
            self.bye_to(tag, Some(challenge));
        }
    }

    pub(super) fn on_closing_tick(&mut self, now: Instant) {
        let State::Closing(closing) = &mut self.state else {
            return;
        };
        if let Some(bye) = &mut closing.bye {
            if now >= bye.give_up {
                closing.bye = None;
                self.out.push(Command::Release);
            } else if bye.again.is_some_and(|again| now >= again) {
                bye.again = None;
                let tag = bye.tag.clone();
                self.bye_to(&tag, None);
            }
        }
        self.leave_if_done(now);
    }

    pub(super) fn leave_if_done(&mut self, now: Instant) {
        if let State::Closing(closing) = &self.state
            && closing.bye.is_none()
            && now >= closing.until
        {
            self.state = State::Over;
        }
    }
}
