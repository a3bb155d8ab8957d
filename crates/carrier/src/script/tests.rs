//! Every behaviour, written out.

use super::*;
use crate::behaviour::{Announcement, Fault, Tone};

fn of(behaviour: &Behaviour, scale: f64) -> Script {
    Script::of(behaviour, Dice::new(5), scale, Language::Zh).expect("playable")
}

/// Time from the first early media to the end of the script.
fn sounding(script: &Script) -> f64 {
    let started = script
        .steps
        .iter()
        .position(|s| matches!(s, Step::Play(_)))
        .expect("it plays");
    script.steps[started..]
        .iter()
        .map(|s| match s {
            Step::Wait(span) => span.real.as_secs_f64(),
            _ => 0.0,
        })
        .sum()
}

#[test]
fn every_cause_that_carriers_announce_can_be_played() {
    use hark_outcome::Cause as C;
    for cause in [
        C::VacantNumber,
        C::PoweredOff,
        C::NotReachable,
        C::OutOfCoverage,
        C::OutOfService,
        C::Suspended,
        C::OnAnotherCall,
        C::UserBusy,
        C::NotAnswered,
        C::Declined,
        C::IncomingBarred,
        C::CallReminder,
        C::Assistant,
        C::Voicemail,
        C::NumberChanged,
        C::ForwardFailed,
        C::Misdialled,
        C::Congestion,
        C::LineFault,
        C::CallerLineOwing,
        C::MailboxFull,
        C::Blocked,
    ] {
        let script = of(&Behaviour::announcement(cause), 1.0);
        assert_eq!(script.truth.first(), Some(&cause));
        assert!(
            matches!(script.steps.last(), Some(Step::Refuse { .. })),
            "{cause}"
        );
    }
}

#[test]
fn every_fault_can_be_played() {
    for &how in Fault::ALL {
        Behaviour::faulty(how).check().unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn a_scaled_announcement_is_said_whole_at_least_once() {
    for n in 0..20 {
        let behaviour = Behaviour::announcement(Cause::NotReachable);
        let script = Script::of(&behaviour, Dice::new(n), 0.01, Language::Zh).expect("playable");
        let said = script.steps.iter().find_map(|s| match s {
            Step::Play(list) => Some(list.clone()),
            _ => None,
        });
        let Some(Sound::Clip(speech)) = said.expect("it plays").sounds.into_iter().nth(1) else {
            panic!("speech")
        };
        assert!(sounding(&script) > prompts::length(&speech).as_secs_f64());
        assert!(script.lasts.as_secs_f64() > 3.0 * prompts::length(&speech).as_secs_f64());
    }
}

#[test]
fn a_scaled_tone_sounds_for_four_seconds_at_least() {
    let script = of(&Behaviour::BusyTone(Tone::default()), 0.01);
    assert!((4.0..4.5).contains(&sounding(&script)), "{}", sounding(&script));
}

#[test]
fn senseless_parameters_are_refused_by_name() {
    let error = |b: Behaviour| b.check().expect_err("refused");
    let tone = Tone {
        plan: Some("mars".into()),
        ..Tone::default()
    };
    assert!(error(Behaviour::BusyTone(tone)).contains("mars"));
    let said = Announcement {
        prompt: Some("nothing".into()),
        ..Announcement::default()
    };
    assert!(error(Behaviour::Announcement(said)).contains("nothing"));
    let person = crate::behaviour::Person {
        answer_after_s: -1.0,
        ..Default::default()
    };
    let text = error(Behaviour::Person(person));
    assert!(text.contains("answer_after_s") && text.contains("-1"), "{text}");
    assert!(error(Behaviour::announcement(Cause::Dnc)).contains("announcement/dnc"));
}

#[test]
fn a_stretched_span_ends_where_the_full_one_does() {
    let span = Span {
        real: Duration::from_secs(6),
        full: Duration::from_secs(24),
        kept: Duration::from_secs(4),
    };
    assert_eq!(span.stretched(Duration::from_secs(3)), Duration::from_secs(3));
    assert_eq!(span.stretched(Duration::from_secs(5)), Duration::from_secs(14));
    assert_eq!(span.stretched(Duration::from_secs(9)), Duration::from_secs(24));
}
