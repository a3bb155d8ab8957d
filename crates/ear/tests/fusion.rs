//! The judge's fusion rules: which evidence beats which, and who fails open.

mod common;

use common::calls::{answered, failed, heard, q850, rang, ruling, spoke_after_answer};
use hark_ear::{Signals, WhoEnded, judge};
use hark_outcome::{Cause, Disposition, Flag, Grade, Phase};

#[test]
fn a_q850_cause_beats_the_sip_code_which_is_told_as_the_alternative() {
    let j = ruling(&q850(486, 1));
    assert_eq!((j.cause, j.rule.as_str()), (Cause::VacantNumber, "q850"));
    assert_eq!(j.instead_of[0].cause, Cause::UserBusy);
}

#[test]
fn a_certain_tone_beats_the_codes_that_mean_anything() {
    let tone = heard(Phase::Early, Cause::VacantNumber, Grade::Certain, "tone_vacant");
    for code in [480, 486, 487, 503] {
        let j = judge(
            &Signals {
                media_seen: true,
                ..failed(code)
            },
            &tone,
        );
        assert_eq!(
            (j.cause, j.rule.as_str()),
            (Cause::VacantNumber, "tone_vacant"),
            "{code}"
        );
        let with_busy = judge(
            &Signals {
                media_seen: true,
                ..q850(code, 17)
            },
            &tone,
        );
        assert_eq!(with_busy.cause, Cause::VacantNumber, "{code} with Q.850 17");
    }
}

#[test]
fn a_certain_tone_does_not_beat_a_code_that_means_one_thing() {
    let tone = heard(Phase::Early, Cause::BusyTone, Grade::Certain, "tone_busy");
    for (signals, cause) in [
        (failed(404), Cause::VacantNumber),
        (failed(603), Cause::Declined),
        (q850(480, 1), Cause::VacantNumber),
    ] {
        let j = judge(
            &Signals {
                media_seen: true,
                ..signals
            },
            &tone,
        );
        assert_eq!(j.cause, cause);
        assert!(
            j.instead_of.iter().any(|a| a.cause == Cause::BusyTone),
            "the tone is told"
        );
    }
}

#[test]
fn a_likely_reading_of_early_media_does_not_beat_the_code() {
    let guess = heard(Phase::Early, Cause::PoweredOff, Grade::Likely, "model");
    let j = judge(
        &Signals {
            media_seen: true,
            ..failed(486)
        },
        &guess,
    );
    assert_eq!(j.cause, Cause::UserBusy);
}

#[test]
fn sound_counts_for_nothing_when_no_media_came() {
    let tone = heard(Phase::Early, Cause::BusyTone, Grade::Certain, "tone_busy");
    assert_eq!(judge(&failed(503), &tone).cause, Cause::Congestion);
    let person = heard(Phase::Answered, Cause::Person, Grade::Likely, "short_utterance");
    assert_eq!(
        judge(
            &Signals {
                media_seen: false,
                ..answered(9)
            },
            &person
        )
        .cause,
        Cause::NoMedia
    );
}

#[test]
fn a_call_we_end_on_a_tone_has_the_tones_cause_and_is_flagged() {
    let tone = heard(Phase::Early, Cause::BusyTone, Grade::Certain, "tone_busy");
    let signals = Signals {
        media_seen: true,
        ended_by: WhoEnded::Us { early: true },
        ..rang(failed(487))
    };
    let j = judge(&signals, &tone);
    assert_eq!(
        (j.cause, j.flags.as_slice()),
        (Cause::BusyTone, &[Flag::EndedEarly][..])
    );
}

#[test]
fn a_200_that_crosses_our_cancel_is_answered_and_dropped_by_us() {
    let tone = heard(Phase::Early, Cause::BusyTone, Grade::Certain, "tone_busy");
    let signals = Signals {
        crossed: true,
        ended_by: WhoEnded::Us { early: true },
        ..answered(0)
    };
    let j = judge(&signals, &tone);
    assert_eq!((j.disposition, j.grade), (Disposition::Answered, Grade::Unsure));
    assert!(j.flags.contains(&Flag::DroppedByUs));
}

#[test]
fn what_was_heard_after_the_answer_decides_an_answered_call() {
    for (cause, grade) in [
        (Cause::Person, Grade::Likely),
        (Cause::AnsweringMachine, Grade::Likely),
        (Cause::Voicemail, Grade::Certain),
        (Cause::DeadAir, Grade::Likely),
    ] {
        let j = judge(&answered(8), &heard(Phase::Answered, cause, grade, "rule"));
        assert_eq!((j.cause, j.grade), (cause, grade));
    }
}

#[test]
fn an_answered_call_that_decides_nothing_is_a_persons() {
    let j = judge(&answered(8), &spoke_after_answer());
    assert_eq!(
        (j.cause, j.grade, j.rule.as_str()),
        (Cause::Person, Grade::Unsure, "fail_open")
    );
}

#[test]
fn an_early_reading_does_not_speak_of_an_answered_call() {
    let tone = heard(Phase::Early, Cause::BusyTone, Grade::Certain, "tone_busy");
    assert_eq!(judge(&answered(8), &tone).cause, Cause::Person);
}

#[test]
fn a_call_at_its_longest_is_flagged() {
    let j = judge(
        &Signals {
            ended_by: WhoEnded::MaxDuration,
            ..answered(120)
        },
        &heard(Phase::Answered, Cause::Person, Grade::Likely, "short_utterance"),
    );
    assert_eq!(
        (j.cause, j.flags.as_slice()),
        (Cause::Person, &[Flag::MaxDuration][..])
    );
}
