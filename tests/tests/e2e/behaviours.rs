//! The rest of the network's behaviours: every kind of person, machine, early sound and silence, judged as far as an
//! ear can that knows tones and the timing of voices and understands no words.

use std::time::Duration;

use hark_carrier::behaviour::{
    Announcement, Fault, Fax, Machine, NoAnswer, Person, Redirect, Ringback, Silence, SilenceKind, Slow,
    Tone, Voicemail,
};
use hark_carrier::{Behaviour, CallSeen, Carrier, CarrierConfig, Impairment, Language, NumberRule, Side};
use hark_outcome::{CallResult, Cause, Disposition, Flag, Grade, Phase};
use hark_tests::{ConfigFile, Lab, Sound, Worker};
use serde_json::json;

use crate::network::settled;

/// A behaviour that was called once, what was published of it, and what the carrier saw.
pub(crate) struct Judged {
    pub(crate) behaviour: Behaviour,
    pub(crate) result: CallResult,
    pub(crate) seen: CallSeen,
}

impl Judged {
    #[track_caller]
    pub(crate) fn is_one_of(&self, causes: &[Cause]) {
        assert!(
            causes.contains(&self.result.cause),
            "not one of {causes:?}: {self}"
        );
    }

    #[track_caller]
    fn heard(&self, phase: Phase, what: &str) {
        let heard = &self.result.evidence.heard;
        assert!(
            heard.iter().any(|h| h.phase == phase && h.what == what),
            "no {what}: {self}"
        );
    }

    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.result.flags.contains(&flag)
    }

    fn code(&self) -> Option<u16> {
        self.result.sip.as_ref().and_then(|s| s.code)
    }

    fn concealed_s(&self) -> f64 {
        self.result.media.as_ref().map_or(0.0, |m| m.concealed_s.get())
    }
}

impl std::fmt::Display for Judged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let result = serde_json::to_string_pretty(&self.result).unwrap_or_default();
        write!(
            f,
            "{}: {result}\nthe carrier saw {:?}",
            self.behaviour.name(),
            self.seen
        )
    }
}

/// Calls each behaviour once, all at the same time, each in the campaign named beside it. Whatever the verdicts are:
/// nobody else was called, every answer was acknowledged and ended, and the carrier found no fault with our SIP.
pub(crate) async fn judged(
    lab: &Lab,
    impair: Impairment,
    configure: impl Fn(ConfigFile) -> ConfigFile,
    cases: Vec<(&str, Behaviour)>,
) -> Vec<Judged> {
    let number = |i: usize| format!("+86138000001{i:02}");
    let rule = |(i, (_, b)): (usize, &(&str, Behaviour))| NumberRule::new(number(i), b.clone());
    let settings = CarrierConfig {
        listen: lab.place.port(),
        time_scale: 0.2,
        impair,
        ..CarrierConfig::on_loopback(cases.iter().enumerate().map(rule).collect())
    };
    let carrier = Carrier::start(settings).await.expect("ports of this place's own");
    Sound::Monologue.write_wav(&lab.place.file("hello.wav"));
    let config = lab
        .config()
        .trunk("main", carrier.address())
        .set("trunk.main", "max_channels", json!(40))
        .set("trunk.main", "max_calls_per_second", json!(20))
        .set("campaign.default", "play", json!("hello.wav"))
        .set("campaign.patient", "listen_s", json!(12))
        .set("campaign.brief", "ring_timeout_s", json!(4))
        .set("campaign.brief", "listen_s", json!(4));
    let worker = Worker::start(lab, &configure(config));
    for (i, (campaign, _)) in cases.iter().enumerate() {
        let job = json!({"id": format!("n{i}"), "to": number(i)}).to_string();
        lab.customer.publish(campaign, "normal", job.as_bytes()).await;
    }
    let mut results = Vec::new();
    for (i, (campaign, _)) in cases.iter().enumerate() {
        let result = lab
            .customer
            .result(campaign, &format!("n{i}"), Duration::from_secs(60))
            .await;
        results.push(result);
    }
    lab.customer.no_job_is_left().await;
    worker.stop().await;

    let report = settled(&carrier).await;
    assert_eq!(report.calls.len(), cases.len(), "{:?}", report.numbers);
    let join = |(i, ((_, behaviour), result))| {
        let number = number(i);
        let seen = report.calls_to(&number).next().cloned();
        let seen = seen.unwrap_or_else(|| panic!("{} was not called", Behaviour::name(&behaviour)));
        let judged = Judged {
            behaviour,
            result,
            seen,
        };
        let (seen, dialogs) = (&judged.seen, judged.seen.dialogs);
        // What is answered 421 is asked once more in the same call, as what is answered 401 is.
        let demands = matches!(&judged.behaviour, Behaviour::Faulty(f) if f.how == Fault::DemandsPrack);
        let asked = if demands { 2 } else { 1 };
        assert_eq!(seen.invites.max(seen.challenged.min(1)), asked, "{judged}");
        assert_eq!(
            (dialogs.acked, dialogs.ended),
            (dialogs.answered, dialogs.answered),
            "{judged}"
        );
        judged
    };
    cases.into_iter().zip(results).enumerate().map(join).collect()
}

fn as_is(config: ConfigFile) -> ConfigFile {
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_every_kind_hear_the_script_to_its_end() {
    let lab = Lab::start().await;
    let english = Person {
        language: Some(Language::En),
        ..Person::default()
    };
    let cases = vec![
        ("default", Behaviour::Talkative(Person::default())),
        ("default", Behaviour::Talkative(english)),
        ("default", Behaviour::ColourRingBack(Person::default())),
        ("default", Behaviour::Slow(Slow::default())),
    ];

    let judged = judged(&lab, Impairment::default(), as_is, cases).await;

    for talkative in &judged[..2] {
        let sure = (talkative.result.disposition, talkative.result.grade);
        assert_ne!(sure, (Disposition::Machine, Grade::Certain), "{talkative}");
        let listened = talkative.result.billable_s.get() >= 4.0;
        assert!(
            listened || talkative.seen.byed_by == Some(Side::Carrier),
            "hung up on: {talkative}"
        );
    }
    for patient in &judged[2..] {
        patient.is_one_of(&[Cause::Person]);
    }
    judged[2].heard(Phase::Early, "sound");
    for person in &judged {
        assert!(person.has(Flag::Played) || person.has(Flag::CutShort), "{person}");
        assert!(!person.has(Flag::EndedEarly), "{person}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_are_known_by_a_beep_or_by_talking_on_and_a_fax_is_no_person() {
    let lab = Lab::start().await;
    let machine = |cause| {
        Behaviour::Machine(Machine {
            cause,
            ..Machine::default()
        })
    };
    let cases = vec![
        ("patient", Behaviour::Voicemail(Voicemail::default())),
        ("default", Behaviour::Voicemail(Voicemail::default())),
        ("patient", machine(Cause::Ivr)),
        ("patient", machine(Cause::Assistant)),
        ("patient", machine(Cause::CallScreening)),
        ("patient", machine(Cause::MailboxFull)),
        ("patient", Behaviour::Fax(Fax::default())),
    ];

    let judged = judged(&lab, Impairment::default(), as_is, cases).await;

    for voicemail in &judged[..2] {
        voicemail.is_one_of(&voicemail.seen.truth);
        voicemail.heard(Phase::Answered, "beep");
        assert!(
            voicemail.has(Flag::EndedEarly),
            "not a word for the recorder: {voicemail}"
        );
        assert!(!voicemail.has(Flag::Played), "{voicemail}");
    }
    for machine in &judged[2..6] {
        // Which machine it is, its words tell.
        machine.is_one_of(&[&machine.seen.truth[..], &[Cause::AnsweringMachine]].concat());
    }
    assert_ne!(
        judged[6].result.disposition,
        Disposition::Answered,
        "{}",
        judged[6]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_network_says_before_an_answer_ends_by_its_code_or_its_tone() {
    let lab = Lab::start().await;
    let with_sit = Announcement {
        sit: true,
        ..Announcement::default()
    };
    let music = NoAnswer {
        ringback: Ringback::Music,
        ..NoAnswer::default()
    };
    let ringback = NoAnswer {
        ringback: Ringback::Tone,
        ..NoAnswer::default()
    };
    let announced = |cause| ("default", Behaviour::announcement(cause));
    let cases = vec![
        announced(Cause::VacantNumber),
        announced(Cause::PoweredOff),
        announced(Cause::OnAnotherCall),
        announced(Cause::Congestion),
        announced(Cause::CallerLineOwing),
        announced(Cause::NumberChanged),
        ("default", Behaviour::Announcement(with_sit)),
        ("default", Behaviour::Redirect(Redirect::default())),
        ("default", Behaviour::FastBusy(Tone::default())),
        ("brief", Behaviour::NoAnswer(music)),
        ("brief", Behaviour::NoAnswer(ringback)),
    ];

    let judged = judged(&lab, Impairment::default(), as_is, cases).await;

    let by_code = [
        (404, Disposition::Invalid),
        (480, Disposition::Unreachable),
        (486, Disposition::Busy),
        (503, Disposition::Network),
        (403, Disposition::Network),
        (410, Disposition::Invalid),
        (404, Disposition::Invalid),
    ];
    for (announced, (code, disposition)) in judged.iter().zip(by_code) {
        announced.heard(Phase::Early, "speech");
        assert_eq!(announced.code(), Some(code), "heard to its end: {announced}");
        assert!(!announced.has(Flag::EndedEarly), "{announced}");
        let fits = announced.result.disposition == disposition
            // 480 says that nobody came, or that nobody could.
            || (code == 480 && announced.result.disposition == Disposition::NoAnswer);
        assert!(fits, "{announced}");
    }
    let [redirect, fast_busy, music, ringback] = &judged[7..] else {
        panic!("the last four cases")
    };
    redirect.is_one_of(&[Cause::NumberChanged]);
    assert!(redirect.has(Flag::Redirected), "{redirect}");
    fast_busy.is_one_of(&[Cause::Congestion]);
    assert!(
        fast_busy.has(Flag::EndedEarly) && fast_busy.result.timing.line_s.get() < 6.0,
        "{fast_busy}"
    );
    for (ringing, what) in [(music, "sound"), (ringback, "ringback")] {
        ringing.heard(Phase::Early, what);
        ringing.is_one_of(&[Cause::RingTimeout]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_silence_is_silence_and_only_no_packet_is_no_media() {
    let lab = Lab::start().await;
    let kinds = [
        SilenceKind::NoMedia,
        SilenceKind::Digital,
        SilenceKind::Noise,
        SilenceKind::ComfortNoise,
    ];
    let silence = |sends| {
        (
            "brief",
            Behaviour::Silence(Silence {
                sends,
                ..Silence::default()
            }),
        )
    };

    let judged = judged(&lab, Impairment::default(), as_is, kinds.map(silence).to_vec()).await;

    for silence in &judged {
        silence.is_one_of(&silence.seen.truth);
        let packets = silence.result.media.as_ref().map_or(0, |m| m.received);
        assert_eq!(packets > 0, silence.result.cause == Cause::DeadAir, "{silence}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loss_and_jitter_change_no_verdict_and_are_counted() {
    let lab = Lab::start().await;
    let cases = vec![
        ("default", Behaviour::Person(Person::default())),
        ("default", Behaviour::Person(Person::default())),
        ("default", Behaviour::Voicemail(Voicemail::default())),
        ("default", Behaviour::Voicemail(Voicemail::default())),
        ("default", Behaviour::BusyTone(Tone::default())),
        ("default", Behaviour::BusyTone(Tone::default())),
    ];
    let impair = Impairment {
        loss: 0.03,
        jitter_ms: 30,
        ..Impairment::default()
    };

    let judged = judged(&lab, impair, as_is, cases).await;

    for call in &judged {
        call.is_one_of(&call.seen.truth);
    }
    for answered in &judged[..4] {
        assert!(
            answered.concealed_s() > 0.0,
            "some of 300 packets were lost: {answered}"
        );
        let lost = answered.result.media.as_ref().map_or(0, |m| m.lost + m.late);
        assert!(lost > 0, "{answered}");
    }
    for busy in &judged[4..] {
        assert!(busy.has(Flag::EndedEarly), "{busy}");
    }
}
