//! Network tones: every tone of the shipped plans, at every level, slightly off frequency, through both laws, with loss,
//! after speech and joined in the middle, named within two cadences; and nothing else ever named.

mod common;

use common::{Chain, early, melody, noise, vowel};
use hark_ear::{EarConfig, ToneMeaning, TonePlan, classify};
use hark_outcome::{Cause, Grade, Phase};
use hark_sound::tone::{Meaning, Signal, ToneSpec, Tones, plan, silence};
use hark_sound::{Frame, Origin, frames};

/// What decides, and what each must be called.
fn deciding() -> Vec<(&'static str, Signal, Cause)> {
    let mut all = Vec::new();
    for name in ["cn", "us"] {
        let plan = plan(name).expect("a plan");
        all.push((name, plan.busy, Cause::BusyTone));
        all.push((name, plan.congestion, Cause::Congestion));
        all.extend(plan.vacant.map(|s| (name, s, Cause::VacantNumber)));
    }
    all
}

fn cadence_ms(signal: &Signal) -> u32 {
    signal.cadence_ms.iter().map(|(on, off)| on + off).sum()
}

fn detuned(signal: &Signal, by: f32, level: f32) -> Tones {
    let freqs: Vec<f32> = signal.freqs.iter().map(|f| f * by).collect();
    Tones::cadence(&ToneSpec::new(freqs, level), signal.cadence_ms)
}

#[track_caller]
fn expect(clip: &[i16], cause: Cause, what: &str) {
    let said = early(clip);
    assert_eq!(said.cause, Some(cause), "{what}: {said:?}");
    assert_eq!(said.grade, Grade::Certain, "{what}");
}

#[test]
fn every_deciding_tone_is_certain_within_two_cadences_wherever_one_begins_to_listen() {
    for (plan, signal, cause) in deciding() {
        let period = cadence_ms(&signal);
        for start in (0..period).step_by(35) {
            let mut tones = detuned(&signal, 1.0, -15.0);
            let _ = tones.take_ms(start);
            expect(
                &tones.take_ms(2 * period),
                cause,
                &format!("{plan} {cause} from {start} ms on"),
            );
        }
    }
}

#[test]
fn level_frequency_and_law_do_not_matter() {
    for (plan, signal, cause) in deciding() {
        for level in [-40.0, -30.0, -20.0, -10.0, -3.0] {
            for by in [0.99, 1.0, 1.01] {
                for chain in [Chain::Linear, Chain::ALaw, Chain::MuLaw] {
                    let mut tones = detuned(&signal, by, level);
                    let _ = tones.take_ms(77);
                    let clip = chain.pass(&tones.take_ms(2 * cadence_ms(&signal)));
                    expect(
                        &clip,
                        cause,
                        &format!("{plan} {cause} at {level} dBm0 x {by} {chain:?}"),
                    );
                }
            }
        }
    }
}

#[test]
fn a_noisy_line_does_not_hide_a_tone() {
    for (plan, signal, cause) in deciding() {
        let tone = detuned(&signal, 1.0, -25.0).take_ms(2 * cadence_ms(&signal));
        let noisy = common::mix(&tone, &noise(-45.0, tone.len(), 3));
        expect(&Chain::ALaw.pass(&noisy), cause, &format!("{plan} {cause}"));
    }
}

#[test]
fn three_percent_of_loss_are_bridged() {
    let (mut right, mut all) = (0, 0);
    for (plan, signal, cause) in deciding() {
        for seed in 0..40 {
            let mut tones = detuned(&signal, 1.0, -15.0);
            let _ = tones.take_ms(seed * 31);
            // A second cadence may be spoilt by a packet lost at its edge: a third one settles it.
            let clip = tones.take_ms(3 * cadence_ms(&signal) + 60);
            let heard = common::with_loss(&clip, 0.03, u64::from(seed), Origin::Concealed);
            let said = classify(heard, Phase::Early, &EarConfig::default());
            assert!(
                said.cause.is_none() || said.cause == Some(cause),
                "{plan} {cause} seed {seed}: {said:?}"
            );
            all += 1;
            right += u32::from(said.cause == Some(cause));
        }
    }
    assert!(right * 100 >= all * 99, "{right} of {all}");
}

#[test]
fn loss_filled_with_zeros_is_bridged_too() {
    let (mut right, mut all) = (0, 0);
    for (_, signal, cause) in deciding() {
        for seed in 0..40 {
            let clip = detuned(&signal, 1.0, -15.0).take_ms(3 * cadence_ms(&signal) + 60);
            let holes = common::with_holes(&clip, 0.03, seed);
            let said = early(&holes);
            assert!(
                said.cause.is_none() || said.cause == Some(cause),
                "seed {seed}: {said:?}"
            );
            all += 1;
            right += u32::from(said.cause == Some(cause));
        }
    }
    assert!(right * 100 >= all * 97, "{right} of {all}");
}

#[test]
fn speech_before_and_after_changes_nothing() {
    for (plan, signal, cause) in deciding() {
        let mut clip = vowel(140.0, 1_500, -18.0);
        clip.extend(silence(120));
        clip.extend(detuned(&signal, 1.0, -12.0).take_ms(2 * cadence_ms(&signal) + 40));
        clip.extend(vowel(210.0, 1_500, -18.0));
        expect(&clip, cause, &format!("{plan} {cause}"));
    }
}

#[test]
fn ringback_is_heard_and_decides_nothing() {
    for name in ["cn", "us"] {
        let ringback = plan(name).expect("a plan").ringback;
        let said = early(&Chain::MuLaw.pass(&ringback.play(-18.0).take_ms(2 * cadence_ms(&ringback))));
        assert_eq!(said.disposition, None, "{said:?}");
        let rings: Vec<_> = said.heard.iter().filter(|h| h.what == "ringback").collect();
        assert_eq!(rings.len(), 1, "one ringback, rung twice: {:?}", said.heard);
        assert_eq!(rings[0].plan.as_deref(), Some(name));
        assert_eq!(said.evidence.rule, "ringing");
    }
}

#[test]
fn a_pair_is_never_taken_for_the_single_tone_between_its_two() {
    // 440 + 480 Hz reads as 457 Hz through a short window: China's tone, in China's cadence.
    for cadence in [
        &[(350, 350)][..],
        &[(700, 700)],
        &[(100, 100), (100, 100), (100, 100), (400, 400)],
    ] {
        let pair = Tones::cadence(&ToneSpec::new(vec![440.0, 480.0], -12.0), cadence).take_ms(4_000);
        assert_eq!(early(&pair).cause, None);
    }
    let single = Tones::cadence(&ToneSpec::new(vec![457.0], -12.0), &[(500, 500)]).take_ms(4_000);
    assert_eq!(
        early(&single).cause,
        None,
        "China has no 500/500, and one tone is not 480 + 620"
    );
}

#[test]
fn other_cadences_of_the_right_tone_decide_nothing() {
    for cadence in [
        &[(200, 200)][..],
        &[(1000, 1000)],
        &[(350, 700)],
        &[(700, 350)],
        &[(100, 100)],
        &[(240, 240)],
        &[],
    ] {
        let clip = Tones::cadence(&ToneSpec::new(vec![450.0], -12.0), cadence).take_ms(5_000);
        assert_eq!(early(&clip).cause, None, "{cadence:?}");
    }
}

#[test]
fn melodies_around_the_tones_frequencies_decide_nothing() {
    for seed in 0..120 {
        let clip = Chain::MuLaw.pass(&melody(seed, 8_000));
        let said = early(&clip);
        assert_eq!(said.cause, None, "melody {seed}: {said:?}");
    }
}

#[test]
fn sung_and_spoken_vowels_decide_nothing() {
    for pitch in [90.0, 112.5, 150.0, 225.0, 240.0, 300.0, 450.0] {
        let mut clip = Vec::new();
        for _ in 0..8 {
            clip.extend(vowel(pitch, 350, -15.0));
            clip.extend(silence(350));
        }
        let said = early(&Chain::ALaw.pass(&clip));
        assert_eq!(said.cause, None, "{pitch} Hz: {said:?}");
    }
}

#[test]
fn noise_in_the_cadence_of_busy_decides_nothing() {
    let mut clip = Vec::new();
    for i in 0..8 {
        clip.extend(noise(-20.0, 2_800, i));
        clip.extend(silence(350));
    }
    assert_eq!(early(&clip).cause, None);
}

#[test]
fn frames_that_never_came_are_no_evidence_of_a_cadence() {
    // A continuous tone with every other 350 ms missing is not busy.
    let tone = Tones::cadence(&ToneSpec::new(vec![450.0], -12.0), &[]).take_ms(6_000);
    for origin in [Origin::Absent, Origin::Concealed] {
        let heard = frames(&tone).enumerate().map(|(i, frame)| {
            if (i * 20 / 350) % 2 == 1 {
                Frame {
                    origin,
                    ..Frame::ABSENT
                }
            } else {
                frame
            }
        });
        assert_eq!(
            classify(heard, Phase::Early, &EarConfig::default()).cause,
            None,
            "{origin:?}"
        );
    }
}

#[test]
fn a_country_more_is_data_and_not_code() {
    let germany: TonePlan = serde_json::from_value(serde_json::json!({
        "name": "de",
        "tones": [{ "meaning": "busy", "freqs_hz": [425.0], "cadence_ms": [[480, 480]] }],
    }))
    .expect("a plan");
    assert_eq!(germany.tones[0].meaning, ToneMeaning::Busy);
    let config = EarConfig {
        plans: vec![germany],
        ..EarConfig::default()
    };
    let clip = plan("de").expect("a plan").busy.play(-12.0).take_ms(1_920);
    let said = classify(frames(&clip), Phase::Early, &config);
    assert_eq!(said.cause, Some(Cause::BusyTone));
    assert_eq!(
        said.heard
            .iter()
            .find(|h| h.what == "busy")
            .and_then(|h| h.plan.as_deref()),
        Some("de")
    );
    assert_eq!(
        classify(frames(&clip), Phase::Early, &EarConfig::default()).cause,
        None,
        "not in the other plans"
    );
}

#[test]
fn the_plans_of_the_ear_and_of_the_synthesis_were_written_apart_and_agree() {
    for ours in TonePlan::all_shipped() {
        let theirs = plan(&ours.name).expect("the synthesis knows it");
        for tone in &ours.tones {
            let meaning = match tone.meaning {
                ToneMeaning::Ringback => Meaning::Ringback,
                ToneMeaning::Busy => Meaning::Busy,
                ToneMeaning::Congestion => Meaning::Congestion,
                ToneMeaning::VacantTone => Meaning::Vacant,
            };
            let signal = theirs.signal(meaning).expect("the synthesis has it");
            assert_eq!(
                (tone.freqs_hz.as_slice(), tone.cadence_ms.as_slice()),
                (signal.freqs, signal.cadence_ms)
            );
        }
    }
}

#[test]
fn an_unknown_plan_is_refused_by_name() {
    let message = EarConfig::for_plan("atlantis")
        .expect_err("there is none")
        .to_string();
    assert!(
        message.contains("atlantis") && message.contains("cn, us"),
        "{message}"
    );
    assert_eq!(
        EarConfig::for_plan("us").expect("shipped").plans,
        [TonePlan::us()]
    );
}
