//! One test per behaviour. Time is a variable here; nothing sleeps.

mod after_answer;
mod before_answer;
mod cancel;
mod forks;
mod session_timer;

use std::time::{Duration, Instant};

use hark_outcome::TrunkId;

use super::*;
use crate::facts::HangUp;

/// A machine, its clock, and what it said.
struct Phone {
    machine: Machine,
    now: Instant,
    said: Vec<Command>,
}

const RING: Duration = Duration::from_secs(45);
const TALK: Duration = Duration::from_secs(120);

impl Phone {
    /// Connected, and the INVITE sent.
    fn calling() -> Self {
        let mut phone = Self::new();
        phone.on(Event::Connected);
        assert!(
            matches!(phone.said[..], [Command::Invite(Invite { cseq: 1, .. })]),
            "{:?}",
            phone.said
        );
        phone
    }

    fn new() -> Self {
        let limits = Limits {
            setup: Duration::from_secs(5),
            ring: RING,
            talk: TALK,
            credentials: true,
            session: None,
            reliable: false,
        };
        let (machine, first) = Machine::new(TrunkId::new("main").expect("valid"), "us".into(), limits);
        assert_eq!(first, Command::Connect);
        Self {
            machine,
            now: Instant::now(),
            said: vec![],
        }
    }

    /// Answered by fork `tag`, with SDP.
    fn live(tag: &str) -> Self {
        let mut phone = Self::calling();
        phone.reply(200, tag, Some("sdp"));
        assert!(phone.said.contains(&Command::MediaAnswered));
        phone
    }

    fn on(&mut self, event: Event) -> &[Command] {
        self.said = self.machine.on_event(self.now, event);
        &self.said
    }

    fn reply(&mut self, code: u16, tag: &str, sdp: Option<&str>) -> &[Command] {
        self.on(Event::Reply(Reply {
            sdp: sdp.map(|s| s.as_bytes().to_vec()),
            ..self.response(code, tag)
        }))
    }

    fn response(&self, code: u16, tag: &str) -> Reply {
        Reply {
            code,
            phrase: format!("phrase {code}"),
            cseq: self.machine.invite_cseq,
            tag: tag.into(),
            contact: Some(format!("sip:{tag}@peer")),
            ..Reply::default()
        }
    }

    fn request(&mut self, method: Method, tag: &str, cseq: u32) -> &[Command] {
        self.on(Event::Request(incoming(method, tag, cseq)))
    }

    /// Lets time pass, with every tick the machine asked for on the way.
    fn pass(&mut self, time: Duration) -> Vec<Command> {
        let end = self.now + time;
        let mut said = vec![];
        let mut ticks = 0;
        while let Some(deadline) = self.machine.deadline().filter(|d| *d <= end) {
            self.now = self.now.max(deadline);
            said.extend(self.machine.on_event(self.now, Event::Tick));
            ticks += 1;
            assert!(
                ticks < 1000,
                "the machine asks for the same deadline over and over: {:?}",
                self.machine
            );
        }
        self.now = end;
        self.said.clone_from(&said);
        said
    }

    fn end(&self) -> &Ended {
        let ends: Vec<_> = self
            .said
            .iter()
            .filter_map(|c| if let Command::End(e) = c { Some(e) } else { None })
            .collect();
        assert_eq!(ends.len(), 1, "exactly one end in {:?}", self.said);
        ends[0]
    }

    fn notes(&self) -> Vec<&str> {
        self.said
            .iter()
            .filter_map(|c| {
                if let Command::Tell(FactKind::Note(note)) = c {
                    Some(note.as_str())
                } else {
                    None
                }
            })
            .collect()
    }

    fn said_ack_to(&self, tag: &str) -> bool {
        self.said
            .iter()
            .any(|c| matches!(c, Command::Ack(d) if d.tag == tag))
    }

    fn said_bye_to(&self, tag: &str) -> bool {
        self.said
            .iter()
            .any(|c| matches!(c, Command::Bye { tag: t, .. } if t == tag))
    }

    fn answers(&self) -> Vec<u16> {
        self.said
            .iter()
            .filter_map(|c| {
                if let Command::Answer(a) = c {
                    Some(a.code)
                } else {
                    None
                }
            })
            .collect()
    }

    /// What became of a BYE.
    fn bye_outcome(&mut self, tag: &str, code: u16, local: bool) -> &[Command] {
        let reply = Reply {
            code,
            local,
            ..Reply::default()
        };
        self.on(Event::Outcome(Asked::Bye(tag.into()), reply))
    }
}

fn incoming(method: Method, tag: &str, cseq: u32) -> Incoming {
    Incoming {
        id: u64::from(cseq),
        method,
        cseq,
        to_tag: Some("us".into()),
        from_tag: tag.into(),
        contact: None,
        sdp: None,
        reason: None,
        session: None,
    }
}

fn challenge(stale: bool) -> Challenge {
    Challenge {
        proxy: false,
        realm: "r".into(),
        nonce: "n".into(),
        opaque: None,
        algorithm: None,
        qop_auth: true,
        stale,
    }
}
