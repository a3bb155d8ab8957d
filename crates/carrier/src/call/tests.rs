//! Whole calls in virtual time: no socket, no clock, every message counted.

use std::time::Duration;

use super::*;
use crate::behaviour::{Fault, NoAnswer, Person, Refuse};
use crate::report::Side;
use crate::{Behaviour, Language};

const OFFER: &str = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 0 8\r\n";

/// A call, its clock, and all it has said.
struct Bench {
    machine: Machine,
    now: Duration,
    said: Vec<(u64, Message)>,
    plays: usize,
}

impl Bench {
    fn new(behaviour: &Behaviour) -> Self {
        Self::over("udp", behaviour)
    }

    fn over(transport: &'static str, behaviour: &Behaviour) -> Self {
        let script = Script::of(behaviour, Dice::new(1), 1.0, Language::Zh).expect("playable");
        let address = "127.0.0.1:5060".parse().expect("an address");
        let setting = Setting {
            transport,
            source: address,
            local: address,
            rtp: address,
            t1: Duration::from_millis(500),
            digest: None,
            codecs: vec![crate::Codec::Pcmu],
            dice: Dice::new(2),
        };
        let machine = Machine::new(Duration::ZERO, setting, script, CallSeen::default());
        Self {
            machine,
            now: Duration::ZERO,
            said: Vec::new(),
            plays: 0,
        }
    }

    fn send(&mut self, method: &str, branch: &str, cseq: u32, to_tag: &str, extra: &str) {
        let tag = if to_tag.is_empty() {
            String::new()
        } else {
            format!(";tag={to_tag}")
        };
        let body = if method == "INVITE" { OFFER } else { "" };
        let text = format!(
            "{method} sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch={branch}\r\nFrom: <sip:a@h>;tag=them\r\n\
             To: <sip:1@h>{tag}\r\nCall-ID: c\r\nCSeq: {cseq} {method}\r\nContact: <sip:a@127.0.0.1:9>\r\n\
             {extra}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let message = Message::parse(text.as_bytes()).expect("a sound request");
        self.machine.on_message(self.now, message);
        self.collect();
    }

    /// Answers the last request the machine sent.
    fn respond_to(&mut self, method: &str, code: u16) {
        let request = self.last_request(method);
        let text = format!(
            "SIP/2.0 {code} X\r\nVia: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: c\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
            request.via(),
            request.header("from").expect("From"),
            request.header("to").expect("To"),
            request.header("cseq").expect("CSeq"),
        );
        self.machine
            .on_message(self.now, Message::parse(text.as_bytes()).expect("a response"));
        self.collect();
    }

    /// Lets time pass.
    fn pass(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while self.machine.deadline() <= end && !self.machine.is_gone(self.now) {
            self.now = self.now.max(self.machine.deadline());
            self.machine.on_time(
                self.now,
                Heard {
                    voice_ms: 0,
                    quiet_for: Duration::MAX,
                },
            );
            self.collect();
        }
        self.now = end;
    }

    fn collect(&mut self) {
        for output in self.machine.take_outputs() {
            match output {
                Output::Send(bytes) => {
                    if let Ok(message) = Message::parse(&bytes) {
                        self.said.push((self.now.as_millis() as u64, message));
                    }
                }
                Output::Play(_) => self.plays += 1,
                _ => {}
            }
        }
    }

    fn codes(&self) -> Vec<u16> {
        self.said
            .iter()
            .filter_map(|(_, m)| match m.start {
                Start::Response { code } => Some(code),
                Start::Request { .. } => None,
            })
            .collect()
    }

    /// Tags of every response of a code, in order.
    fn tags(&self, code: u16) -> Vec<String> {
        self.said
            .iter()
            .filter(|(_, m)| m.start == Start::Response { code } && m.method() == "INVITE")
            .filter_map(|(_, m)| m.to_tag().map(str::to_owned))
            .collect()
    }

    fn requests(&self, method: &str) -> Vec<&Message> {
        let of = |m: &&Message| matches!(&m.start, Start::Request { method: r, .. } if r == method);
        self.said.iter().map(|(_, m)| m).filter(of).collect()
    }

    fn last_request(&self, method: &str) -> Message {
        (*self.requests(method).last().expect("one was sent")).clone()
    }

    fn faults(&self) -> Vec<PeerFault> {
        self.machine
            .seen(self.now)
            .faults
            .iter()
            .map(|f| f.what)
            .collect()
    }

    fn answered(behaviour: &Behaviour) -> (Self, String) {
        let mut bench = Self::new(behaviour);
        bench.send("INVITE", "z1", 1, "", "");
        bench.pass(2.0);
        let tag = bench.tags(200).first().expect("a 200").clone();
        (bench, tag)
    }
}

fn person() -> Behaviour {
    Behaviour::Person(Person {
        answer_after_s: 1.0,
        ..Person::default()
    })
}

#[test]
fn a_refusal_is_sent_again_until_ack_and_its_lack_is_a_fault() {
    let mut bench = Bench::new(&Behaviour::Busy(Refuse::default()));
    bench.send("INVITE", "z1", 1, "", "");
    bench.pass(3.0);
    assert_eq!(bench.codes(), [100, 486, 486, 486]); // 0.6, 1.1, 2.1
    bench.send("ACK", "z1", 1, "x", "");
    bench.pass(60.0);
    assert_eq!(bench.codes().len(), 4, "ACK stops it");
    assert!(bench.faults().is_empty() && bench.machine.is_gone(bench.now));

    let mut bench = Bench::new(&Behaviour::Busy(Refuse::default()));
    bench.send("INVITE", "z1", 1, "", "");
    bench.pass(40.0);
    assert_eq!(bench.codes().len(), 12);
    assert_eq!(bench.faults(), [PeerFault::NoAck]);
}

#[test]
fn over_tcp_a_refusal_is_sent_once() {
    let mut bench = Bench::over("tcp", &Behaviour::Busy(Refuse::default()));
    bench.send("INVITE", "z1", 1, "", "");
    bench.pass(20.0);
    assert_eq!(bench.codes(), [100, 486]);
}

#[test]
fn a_retransmitted_invite_is_answered_alike_and_counted_apart() {
    let mut bench = Bench::new(&person());
    bench.send("INVITE", "z1", 1, "", "");
    bench.send("INVITE", "z1", 1, "", "");
    bench.pass(0.5);
    bench.send("INVITE", "z1", 1, "", "");
    assert_eq!(bench.codes(), [100, 100, 180, 180]);
    let seen = bench.machine.seen(bench.now);
    assert_eq!((seen.invites, seen.retransmissions), (1, 2));
}

#[test]
fn a_second_invite_during_the_first_is_a_merged_request() {
    let mut bench = Bench::new(&person());
    bench.send("INVITE", "z1", 1, "", "");
    bench.send("INVITE", "z2", 2, "", "");
    assert_eq!(bench.codes(), [100, 482]);
    assert_eq!(bench.faults(), [PeerFault::MergedInvite]);
    assert_eq!(bench.machine.seen(bench.now).invites, 1);
}

#[test]
fn a_call_under_the_same_name_after_the_first_counts_as_a_second() {
    let mut bench = Bench::new(&Behaviour::Busy(Refuse::default()));
    bench.send("INVITE", "z1", 1, "", "");
    bench.pass(1.0);
    bench.send("ACK", "z1", 1, "x", "");
    bench.send("INVITE", "z2", 2, "", "");
    bench.pass(1.0);
    bench.send("ACK", "z2", 2, "x", "");
    let seen = bench.machine.seen(bench.now);
    assert_eq!((seen.invites, seen.final_code), (2, Some(486)));
    assert!(seen.faults.is_empty());
}

#[test]
fn a_200_without_ack_is_sent_again_then_ended_by_bye() {
    let (mut bench, tag) = Bench::answered(&person());
    bench.pass(35.0);
    assert!(bench.tags(200).len() >= 8 && bench.tags(200).iter().all(|t| *t == tag));
    assert!(bench.faults().contains(&PeerFault::NoAck));
    assert!(!bench.requests("BYE").is_empty());
}

#[test]
fn a_bye_is_answered_alike_when_sent_again_and_ends_the_call() {
    let (mut bench, tag) = Bench::answered(&person());
    bench.send("ACK", "z2", 1, &tag, "");
    bench.send("BYE", "z3", 2, &tag, "Reason: Q.850;cause=16\r\n");
    bench.send("BYE", "z3", 2, &tag, "");
    assert_eq!(
        bench.codes().iter().filter(|c| **c == 200).count(),
        4,
        "INVITE twice before ACK, BYE twice"
    );
    let seen = bench.machine.seen(bench.now);
    assert_eq!((seen.byes, seen.byed_by), (1, Some(Side::Caller)));
    assert_eq!(seen.reason.as_deref(), Some("Q.850;cause=16"));
    assert!(!bench.machine.is_live());
}

#[test]
fn a_bye_into_another_dialog_is_refused_and_noted() {
    let (mut bench, tag) = Bench::answered(&person());
    bench.send("ACK", "z2", 1, &tag, "");
    bench.send("BYE", "z3", 2, "elsewhere", "");
    assert_eq!(bench.codes().last(), Some(&481));
    assert_eq!(bench.faults(), [PeerFault::ByeOutsideDialog]);
    assert!(bench.machine.is_live());
}

#[test]
fn into_silence_a_person_speaks_three_times_and_hangs_up() {
    let (mut bench, tag) = Bench::answered(&person());
    bench.send("ACK", "z2", 1, &tag, "");
    bench.pass(30.0);
    assert_eq!(bench.plays, 3);
    bench.respond_to("BYE", 200);
    assert!(bench.faults().is_empty());
    assert_eq!(bench.machine.seen(bench.now).byed_by, Some(Side::Carrier));
}

#[test]
fn a_bye_of_ours_without_answer_is_a_fault() {
    let (mut bench, tag) = Bench::answered(&Behaviour::faulty(Fault::AnswerThenBye));
    bench.send("ACK", "z2", 1, &tag, "");
    bench.pass(40.0);
    assert!(bench.requests("BYE").len() > 5);
    assert_eq!(bench.faults(), [PeerFault::ByeUnanswered]);
}

#[test]
fn two_answers_make_two_dialogs_each_with_its_own_ack_and_bye() {
    let (mut bench, _) = Bench::answered(&Behaviour::faulty(Fault::TwoAnswers));
    let mut tags = bench.tags(200);
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 2);
    bench.send("ACK", "z2", 1, &tags[0], "");
    bench.send("ACK", "z3", 1, &tags[1], "");
    bench.send("BYE", "z4", 2, &tags[1], "");
    let seen = bench.machine.seen(bench.now);
    assert_eq!(
        (seen.dialogs.answered, seen.dialogs.acked, seen.dialogs.ended),
        (2, 2, 1)
    );
    assert!(bench.machine.is_live());
    bench.send("BYE", "z5", 2, &tags[0], "");
    assert!(!bench.machine.is_live() && bench.faults().is_empty());
}

#[test]
fn two_early_dialogs_and_either_may_answer() {
    for (fault, winner) in [
        (Fault::TwoEarlyFirstAnswers, 0),
        (Fault::TwoEarlySecondAnswers, 1),
    ] {
        let (bench, tag) = Bench::answered(&Behaviour::faulty(fault));
        let early = bench.tags(183);
        assert!(early.len() == 2 && early[0] != early[1]);
        assert_eq!(tag, early[winner]);
    }
}

#[test]
fn an_answer_that_crosses_the_cancel_must_be_acknowledged_and_ended() {
    let crossing = || {
        let mut bench = Bench::new(&Behaviour::faulty(Fault::AnswersCancel));
        bench.send("INVITE", "z1", 1, "", "");
        bench.pass(1.0);
        bench.send("CANCEL", "z1", 1, "", "");
        bench
    };
    let mut bench = crossing();
    assert_eq!(bench.codes(), [100, 180, 200, 200]);
    let tag = bench.tags(200)[0].clone();
    bench.send("ACK", "z2", 1, &tag, "");
    bench.send("BYE", "z3", 2, &tag, "");
    assert!(!bench.machine.is_live() && bench.faults().is_empty());

    let mut bench = crossing();
    let tag = bench.tags(200)[0].clone();
    bench.send("ACK", "z2", 1, &tag, "");
    bench.pass(40.0);
    assert_eq!(bench.faults(), [PeerFault::LeftUp], "nobody said BYE");
}

#[test]
fn a_silent_peer_says_nothing_and_has_no_live_call() {
    let mut bench = Bench::new(&Behaviour::faulty(Fault::Silent));
    for _ in 0..4 {
        bench.send("INVITE", "z1", 1, "", "");
        bench.pass(1.0);
    }
    bench.send("CANCEL", "z1", 1, "", "");
    assert!(bench.said.is_empty() && !bench.machine.is_live());
    assert_eq!(bench.machine.seen(bench.now).retransmissions, 3);
}

#[test]
fn a_demand_for_prack_waits_for_it_and_refuses_who_cannot() {
    let behaviour = Behaviour::faulty(Fault::DemandsPrack);
    let mut bench = Bench::new(&behaviour);
    bench.send("INVITE", "z1", 1, "", "");
    bench.pass(1.0);
    assert_eq!(bench.codes(), [100, 421, 421]);

    let mut bench = Bench::new(&behaviour);
    bench.send("INVITE", "z1", 1, "", "Supported: 100rel\r\n");
    bench.pass(2.5);
    assert_eq!(bench.codes(), [100, 183, 183, 183], "again until PRACK");
    let tag = bench.tags(183)[0].clone();
    bench.send("PRACK", "z2", 2, &tag, "RAck: 1 1 INVITE\r\n");
    bench.pass(1.0);
    assert_eq!(bench.codes()[4..6], [200, 200]);
    assert_eq!(bench.machine.seen(bench.now).pracks, 1);

    let mut bench = Bench::new(&behaviour);
    bench.send("INVITE", "z1", 1, "", "Supported: 100rel\r\n");
    bench.pass(40.0);
    assert!(bench.codes().contains(&504));
    assert!(bench.faults().contains(&PeerFault::NoPrack));
}

#[test]
fn our_own_reinvite_is_acknowledged_and_a_refer_keeps_its_answer() {
    let (mut bench, tag) = Bench::answered(&Behaviour::faulty(Fault::Reinvites));
    bench.send("ACK", "z2", 1, &tag, "");
    bench.pass(3.0);
    bench.respond_to("INVITE", 200);
    bench.respond_to("INVITE", 200);
    assert_eq!(bench.requests("ACK").len(), 2, "each 200 has its ACK");

    let (mut bench, tag) = Bench::answered(&Behaviour::faulty(Fault::Refers));
    bench.send("ACK", "z2", 1, &tag, "");
    bench.pass(3.0);
    bench.respond_to("REFER", 603);
    assert_eq!(
        bench.machine.seen(bench.now).answered_us,
        [("REFER".to_owned(), 603)]
    );
}

#[test]
fn a_reinvite_of_the_caller_is_answered_and_must_be_acknowledged() {
    let (mut bench, tag) = Bench::answered(&person());
    bench.send("ACK", "z2", 1, &tag, "");
    bench.send("INVITE", "z3", 2, &tag, "");
    assert_eq!(bench.tags(200).last(), Some(&tag));
    bench.send("ACK", "z4", 2, &tag, "");
    let seen = bench.machine.seen(bench.now);
    assert_eq!((seen.reinvites, seen.invites, seen.dialogs.acked), (1, 1, 1));
    bench.send("BYE", "z5", 1, &tag, "");
    assert_eq!(bench.faults(), [PeerFault::CseqBackwards]);
}

#[test]
fn a_phone_that_rings_for_ever_is_ended_by_the_network_after_five_minutes() {
    let mut bench = Bench::new(&Behaviour::NoAnswer(NoAnswer {
        rings_s: None,
        ..NoAnswer::default()
    }));
    bench.send("INVITE", "z1", 1, "", "");
    bench.pass(290.0);
    assert!(bench.machine.is_live());
    bench.pass(20.0);
    assert!(bench.codes().contains(&480));
}

#[test]
fn what_nobody_here_understands_is_refused() {
    let mut bench = Bench::new(&person());
    bench.send("INVITE", "z1", 1, "", "Require: teleport\r\n");
    assert_eq!(bench.codes(), [420]);
}

#[test]
fn a_call_cut_short_says_how_long_it_would_have_been() {
    let script = Script::of(
        &Behaviour::NoAnswer(NoAnswer::default()),
        Dice::new(1),
        0.1,
        Language::Zh,
    )
    .expect("ok");
    let lasts = script.lasts;
    assert!(lasts > Duration::from_secs(60));
    let mut bench = Bench::new(&person());
    bench.machine.script = script;
    bench.send("INVITE", "z1", 1, "", "");
    bench.pass(100.0);
    let seen = bench.machine.seen(bench.now);
    // 0.3 s of setup scaled to 0.03; of 60 s of ringing 4 kept and 56 scaled to 5.6.
    assert!(
        (9.6..9.7).contains(&seen.lasted.as_secs_f64()),
        "{:?}",
        seen.lasted
    );
    assert!(
        seen.would_have_lasted.abs_diff(lasts) < Duration::from_millis(2),
        "{:?}",
        seen.would_have_lasted
    );
}
