//! After the answer: people and machines by their timing, beeps, silence in all its kinds, tones instead of voices.

mod common;

use common::{answered, noise, words};
use hark_ear::{Classification, Ear, EarConfig, classify};
use hark_outcome::{Cause, Disposition, Grade, Phase};
use hark_sound::tone::{ToneSpec, Tones, beep, plan, silence};
use hark_sound::{Frame, Origin, frames};

fn join(parts: &[Vec<i16>]) -> Vec<i16> {
    parts.concat()
}

fn quiet_line(ms: u32, seed: u64) -> Vec<i16> {
    noise(-58.0, ms as usize * 8, seed)
}

#[track_caller]
fn expect(said: &Classification, cause: Cause, grade: Grade) {
    assert_eq!((said.cause, said.grade), (Some(cause), grade), "{said:?}");
}

fn heard(said: &Classification) -> Vec<&str> {
    said.heard.iter().map(|h| h.what.as_str()).collect()
}

#[test]
fn a_short_hello_and_a_pause_are_a_person_soon_after_the_pause_began() {
    let said = answered(&join(&[
        quiet_line(1_000, 1),
        words(800, 2),
        quiet_line(2_000, 3),
    ]));
    expect(&said, Cause::Person, Grade::Likely);
    let at = said.decided_at_s.expect("decided").get();
    assert!(
        (2.3..2.7).contains(&at),
        "0.6 s after the word ended at 1.8 s: {at}"
    );
}

#[test]
fn eight_seconds_of_silence_after_the_answer_do_not_count_against_anybody() {
    for before in [quiet_line(8_000, 1), silence(8_000)] {
        expect(
            &answered(&join(&[before, words(700, 2), quiet_line(1_500, 3)])),
            Cause::Person,
            Grade::Likely,
        );
    }
}

#[test]
fn a_voice_that_goes_on_is_likely_a_machine_and_never_certainly() {
    let said = answered(&join(&[quiet_line(500, 1), words(9_000, 2)]));
    expect(&said, Cause::AnsweringMachine, Grade::Likely);
    assert!(said.decided_at_s.expect("decided").get() < 3.5);
}

#[test]
fn a_machine_that_pauses_early_is_revised() {
    let mut ear = Ear::new(&EarConfig::default());
    let clip = join(&[quiet_line(500, 1), words(3_000, 2), quiet_line(2_500, 3)]);
    let causes: Vec<Cause> = frames(&clip)
        .filter_map(|f| ear.hear(Phase::Answered, &f))
        .filter_map(|o| o.reading.map(|(_, cause)| cause))
        .fold(Vec::new(), |mut seen, cause| {
            if seen.last() != Some(&cause) {
                seen.push(cause);
            }
            seen
        });
    assert_eq!(causes, [Cause::AnsweringMachine, Cause::Person]);
}

#[test]
fn a_beep_after_a_greeting_is_certainly_voicemail_and_its_end_is_told() {
    for hz in [440.0, 620.0, 1000.0, 1400.0, 2000.0] {
        let said = answered(&join(&[
            quiet_line(300, 1),
            words(4_000, 2),
            quiet_line(400, 3),
            beep(hz, 500, -15.0).collect(),
            quiet_line(1_500, 4),
        ]));
        expect(&said, Cause::Voicemail, Grade::Certain);
        let beep = said.heard.iter().find(|h| h.what == "beep").expect("heard");
        assert!((beep.to_s.get() - 5.2).abs() < 0.03, "{hz} Hz: {beep:?}");
    }
}

#[test]
fn a_beep_without_a_voice_is_no_certainty() {
    let said = answered(&join(&[
        quiet_line(2_000, 1),
        beep(1000.0, 300, -15.0).collect(),
        quiet_line(2_000, 2),
    ]));
    expect(&said, Cause::Voicemail, Grade::Likely);
}

#[test]
fn the_busy_tone_a_person_leaves_behind_is_no_beep_and_no_busy() {
    for name in ["cn", "us"] {
        let busy = plan(name).expect("a plan").busy;
        let said = answered(&join(&[
            quiet_line(300, 1),
            words(900, 2),
            quiet_line(1_200, 3),
            words(900, 4),
            quiet_line(200, 5),
            busy.play(-15.0).take_ms(4_000),
        ]));
        expect(&said, Cause::Person, Grade::Likely);
        assert!(heard(&said).contains(&"busy"), "{:?}", said.heard);
    }
}

#[test]
fn being_put_through_is_no_beep() {
    let ringback = plan("cn").expect("a plan").ringback;
    let said = answered(&join(&[
        quiet_line(300, 1),
        words(1_700, 2),
        quiet_line(300, 3),
        ringback.play(-18.0).take_ms(9_000),
    ]));
    assert_ne!(said.disposition, Some(Disposition::Machine), "{said:?}");
}

#[test]
fn a_beep_in_a_conversation_does_not_end_it() {
    let recorder = beep(1400.0, 200, -25.0).collect::<Vec<_>>();
    let said = answered(&join(&[
        quiet_line(300, 1),
        words(800, 2),
        quiet_line(6_000, 3),
        words(1_200, 4),
        quiet_line(500, 5),
        recorder,
        quiet_line(2_000, 6),
    ]));
    expect(&said, Cause::Person, Grade::Likely);
}

#[test]
fn a_busy_tone_instead_of_a_voice_is_busy() {
    let said = answered(&plan("cn").expect("a plan").busy.play(-15.0).take_ms(3_000));
    expect(&said, Cause::BusyTone, Grade::Certain);
}

#[test]
fn ringing_after_the_answer_is_not_dead_air() {
    let said = answered(&plan("cn").expect("a plan").ringback.play(-15.0).take_ms(15_000));
    assert_eq!(said.cause, None, "{said:?}");
}

#[test]
fn digital_silence_is_dead_air_and_neither_person_nor_machine() {
    let said = answered(&silence(12_000));
    expect(&said, Cause::DeadAir, Grade::Likely);
    assert_eq!(said.heard.len(), 1);
    assert_eq!(said.heard[0].detail.as_deref(), Some("digital silence"));
}

#[test]
fn comfort_noise_is_dead_air_and_no_missing_media() {
    let frames = (0..600).map(|_| Frame {
        origin: Origin::Comfort,
        ..Frame::ABSENT
    });
    let said = classify(frames, Phase::Answered, &EarConfig::default());
    expect(&said, Cause::DeadAir, Grade::Likely);
    assert_eq!(said.heard[0].detail.as_deref(), Some("comfort noise"));
}

#[test]
fn frames_that_never_came_are_no_media() {
    let said = classify(
        (0..600).map(|_| Frame::ABSENT),
        Phase::Answered,
        &EarConfig::default(),
    );
    expect(&said, Cause::NoMedia, Grade::Likely);
    assert_eq!(heard(&said), ["absent"]);
}

#[test]
fn steady_noise_and_hum_are_nobody() {
    expect(&answered(&noise(-30.0, 96_000, 5)), Cause::DeadAir, Grade::Likely);
    let hum = Tones::cadence(&ToneSpec::new(vec![150.0, 250.0], -25.0), &[]).take_ms(12_000);
    expect(&answered(&hum), Cause::DeadAir, Grade::Likely);
}

#[test]
fn one_second_of_silence_decides_nothing_while_the_call_lasts() {
    let mut ear = Ear::new(&EarConfig::default());
    for frame in frames(&silence(9_000)) {
        assert!(
            ear.hear(Phase::Answered, &frame)
                .is_none_or(|o| o.reading.is_none())
        );
    }
}

#[test]
fn invented_sound_moves_no_clock() {
    let word = words(900, 2);
    let mut ear = Ear::new(&EarConfig::default());
    for frame in frames(&join(&[quiet_line(500, 1), word])) {
        ear.hear(Phase::Answered, &frame);
    }
    // The pause that would make it a person's never came over the line.
    for origin in [Origin::Concealed, Origin::Absent] {
        for _ in 0..100 {
            ear.hear(
                Phase::Answered,
                &Frame {
                    origin,
                    ..Frame::ABSENT
                },
            );
        }
    }
    assert_eq!(ear.opinion().reading, None);
}

#[test]
fn the_answer_forgets_the_early_opinion_and_keeps_what_was_heard() {
    let mut ear = Ear::new(&EarConfig::default());
    for frame in frames(&plan("cn").expect("a plan").busy.play(-15.0).take_ms(2_000)) {
        ear.hear(Phase::Early, &frame);
    }
    assert!(ear.opinion().may_end_call());
    let changed = ear
        .hear(Phase::Answered, &Frame::received(&[0; 160]))
        .expect("the phase changed");
    assert_eq!((changed.phase, changed.reading), (Phase::Answered, None));
    assert_eq!(
        ear.heard()
            .iter()
            .filter(|h| h.phase == Phase::Early && h.what == "busy")
            .count(),
        1
    );
}

#[test]
fn speaking_is_told_while_it_lasts() {
    let mut ear = Ear::new(&EarConfig::default());
    let clip = join(&[quiet_line(1_000, 1), words(1_000, 2), quiet_line(1_000, 3)]);
    let spoke: Vec<bool> = frames(&clip)
        .map(|f| {
            ear.hear(Phase::Answered, &f);
            ear.opinion().speaking
        })
        .collect();
    assert!(
        !spoke[..50].contains(&true) && spoke[65..100].iter().all(|s| *s) && !spoke[115..].contains(&true)
    );
}

#[test]
fn speech_and_music_before_the_answer_decide_nothing_and_count_as_ringing() {
    let said = common::early(&join(&[quiet_line(500, 1), words(3_000, 2), quiet_line(500, 3)]));
    assert_eq!((said.cause, said.evidence.rule.as_str()), (None, "early_speech"));
    let mut ear = Ear::new(&EarConfig::default());
    let chord = Tones::cadence(&ToneSpec::new(vec![262.0, 330.0, 392.0, 523.0], -15.0), &[]).take_ms(3_000);
    frames(&chord).for_each(|f| {
        ear.hear(Phase::Early, &f);
    });
    assert!(ear.opinion().early.music && ear.opinion().reading.is_none());
}

#[test]
fn sound_that_stops_coming_in_the_middle_of_a_word_makes_it_no_longer() {
    let hello = join(&[quiet_line(400, 1), words(600, 2)]);
    let gone = std::iter::repeat_n(Frame::ABSENT, 150);
    let said = classify(frames(&hello).chain(gone), Phase::Answered, &EarConfig::default());
    let speech = said.heard.iter().find(|h| h.what == "speech").expect("a word");
    assert!(
        speech.to_s.get() < 1.1,
        "what never came was no voice: {speech:?}"
    );
    assert_ne!(said.cause, Some(Cause::AnsweringMachine), "{said:?}");
}
