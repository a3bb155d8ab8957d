//! One test per promise of the conductor.

use hark_ear::Opinion;
use hark_outcome::{Cause, Confidence};

use super::*;

const PLAN: Plan = Plan {
    end_early: true,
    listen: Duration::from_secs(8),
    script: true,
};

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn early(cause: Cause, grade: Grade) -> Opinion {
    Opinion {
        phase: Phase::Early,
        ..opinion(cause, grade)
    }
}

fn opinion(cause: Cause, grade: Grade) -> Opinion {
    Opinion {
        phase: Phase::Answered,
        reading: Some((cause.disposition(), cause)),
        grade,
        confidence: Confidence::new(0.9),
        ..Opinion::default()
    }
}

fn answered() -> Conductor {
    let mut c = Conductor::new(PLAN);
    assert_eq!(c.on_fact(at(1000), &FactKind::Answered), [Act::WakeAt(at(9000))]);
    c
}

#[test]
fn certain_busy_tone_before_the_answer_ends_the_call() {
    let mut c = Conductor::new(PLAN);
    let busy = early(Cause::BusyTone, Grade::Certain);
    assert_eq!(c.on_opinion(at(500), &busy), [Act::HangUp(HangUp::Verdict)]);
    assert_eq!(c.on_opinion(at(600), &busy), [], "once is enough");
}

#[test]
fn likely_verdict_before_the_answer_ends_nothing() {
    let mut c = Conductor::new(PLAN);
    assert_eq!(c.on_opinion(at(500), &early(Cause::BusyTone, Grade::Likely)), []);
}

#[test]
fn campaign_that_may_not_end_early_rings_on() {
    let mut c = Conductor::new(Plan {
        end_early: false,
        ..PLAN
    });
    assert_eq!(c.on_opinion(at(500), &early(Cause::BusyTone, Grade::Certain)), []);
}

#[test]
fn person_who_stopped_talking_hears_the_script_and_then_the_call_ends() {
    let mut c = answered();
    let mut person = opinion(Cause::Person, Grade::Likely);
    person.speaking = true;
    assert_eq!(c.on_opinion(at(2000), &person), [], "nobody is talked over");
    person.speaking = false;
    assert_eq!(c.on_opinion(at(2600), &person), [Act::Play]);
    assert_eq!(
        c.on_fact(at(7000), &FactKind::Played),
        [Act::HangUp(HangUp::Done)]
    );
    assert!(c.played());
}

#[test]
fn likely_machine_is_not_hung_up_on_and_hears_the_script_at_the_deadline() {
    let mut c = answered();
    let machine = opinion(Cause::AnsweringMachine, Grade::Likely);
    assert_eq!(c.on_opinion(at(4000), &machine), []);
    assert_eq!(c.on_time(at(8999)), [Act::WakeAt(at(9000))]);
    assert_eq!(c.on_time(at(9000)), [Act::Play], "in doubt it may be a person");
}

#[test]
fn certain_machine_ends_the_call_while_listening_and_while_speaking() {
    let beep = opinion(Cause::Voicemail, Grade::Certain);
    assert_eq!(
        answered().on_opinion(at(3000), &beep),
        [Act::HangUp(HangUp::Verdict)]
    );
    let mut c = answered();
    c.on_time(at(9000));
    assert_eq!(c.on_opinion(at(9500), &beep), [Act::HangUp(HangUp::Verdict)]);
}

#[test]
fn a_beep_does_not_end_the_script_of_somebody_heard_to_be_a_person() {
    let mut c = answered();
    assert_eq!(
        c.on_opinion(at(2600), &opinion(Cause::Person, Grade::Likely)),
        [Act::Play]
    );
    assert_eq!(
        c.on_opinion(at(4000), &opinion(Cause::Voicemail, Grade::Certain)),
        []
    );
    assert_eq!(
        c.on_fact(at(7000), &FactKind::Played),
        [Act::HangUp(HangUp::Done)]
    );
}

#[test]
fn silence_after_the_answer_is_treated_as_a_person_at_the_deadline() {
    let mut c = answered();
    assert_eq!(
        c.on_opinion(at(5000), &opinion(Cause::DeadAir, Grade::Likely)),
        []
    );
    assert_eq!(c.on_time(at(9000)), [Act::Play]);
}

#[test]
fn without_a_script_the_verdict_ends_the_call() {
    let mut c = Conductor::new(Plan {
        script: false,
        ..PLAN
    });
    c.on_fact(at(1000), &FactKind::Answered);
    assert_eq!(
        c.on_opinion(at(2000), &opinion(Cause::Person, Grade::Likely)),
        [Act::HangUp(HangUp::Done)]
    );
}

#[test]
fn late_word_about_early_media_does_not_hang_up_on_who_answered() {
    let mut c = answered();
    assert_eq!(
        c.on_opinion(at(1020), &early(Cause::BusyTone, Grade::Certain)),
        []
    );
}

#[test]
fn what_was_acted_on_stands_unless_the_ear_became_surer() {
    let mut c = answered();
    c.on_opinion(at(2000), &opinion(Cause::Person, Grade::Likely));
    let wavering = opinion(Cause::AnsweringMachine, Grade::Likely);
    assert_eq!(
        c.settled(&wavering).reading,
        Some((Disposition::Answered, Cause::Person))
    );
    let beep = opinion(Cause::Voicemail, Grade::Certain);
    assert_eq!(
        c.settled(&beep).reading,
        Some((Disposition::Machine, Cause::Voicemail))
    );
}

#[test]
fn nothing_is_done_after_the_end() {
    let mut c = answered();
    c.on_opinion(at(3000), &opinion(Cause::Voicemail, Grade::Certain));
    assert_eq!(c.on_time(at(9000)), []);
    assert_eq!(c.on_opinion(at(9100), &opinion(Cause::Person, Grade::Likely)), []);
}
