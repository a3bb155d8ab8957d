//! The ear's face: whatever it hears it stays sane, and what it says can be written down.

mod common;

use hark_ear::{Ear, EarConfig, Signals, judge};
use hark_outcome::Phase;
use hark_sound::tone::plan;
use hark_sound::{FRAME_SAMPLES, Frame, Origin};
use proptest::prelude::*;

#[test]
fn a_classification_is_one_json_object_with_null_where_nothing_is_decided() {
    let ringback = plan("cn").expect("a plan").ringback.play(-15.0).take_ms(6_000);
    let said = serde_json::to_value(common::early(&ringback)).expect("serialisable");
    assert_eq!(
        (&said["disposition"], &said["cause"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert_eq!(said["evidence"]["rule"], "ringing");
    let busy = plan("us").expect("a plan").busy.play(-15.0).take_ms(3_000);
    let said = serde_json::to_value(common::early(&busy)).expect("serialisable");
    assert_eq!(
        (said["disposition"].as_str(), said["cause"].as_str()),
        (Some("busy"), Some("busy_tone"))
    );
    assert!(said["decided_at_s"].as_f64().is_some_and(|s| s <= 2.0), "{said}");
    assert_eq!(said["heard"][0]["what"], "busy");
}

#[test]
fn settings_may_be_written_in_part_and_a_wrong_key_is_refused() {
    let config: EarConfig =
        serde_json::from_value(serde_json::json!({ "dead_air_s": 6.0 })).expect("the rest is default");
    assert_eq!(
        config,
        EarConfig {
            dead_air_s: 6.0,
            ..EarConfig::default()
        }
    );
    let wrong = serde_json::from_value::<EarConfig>(serde_json::json!({ "dead_air": 6.0 }));
    assert!(wrong.expect_err("no such key").to_string().contains("dead_air"));
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let origin = prop_oneof![
        4 => Just(Origin::Received),
        1 => Just(Origin::Concealed),
        1 => Just(Origin::Comfort),
        1 => Just(Origin::Absent),
    ];
    let wave = prop_oneof![Just(0u32), 1u32..4_000];
    (origin, wave, any::<i16>(), any::<u32>()).prop_map(|(origin, hz, peak, seed)| {
        let mut frame = Frame {
            origin,
            ..Frame::ABSENT
        };
        for (i, s) in frame.samples.iter_mut().enumerate() {
            let turn = std::f32::consts::TAU * hz as f32 * i as f32 / 8_000.0;
            let noise = seed.wrapping_mul(i as u32 + 1).wrapping_mul(2_654_435_761) as i16;
            *s = if hz == 0 {
                noise
            } else {
                (turn.sin() * f32::from(peak)) as i16
            };
        }
        frame
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_comes_the_ear_stays_sane(
        early in prop::collection::vec((any_frame(), 1usize..20), 0..30),
        answered in prop::collection::vec((any_frame(), 1usize..20), 0..60),
    ) {
        let mut ear = Ear::new(&EarConfig::default());
        let mut frames = 0;
        for (phase, runs) in [(Phase::Early, early), (Phase::Answered, answered)] {
            for (frame, times) in runs {
                for _ in 0..times {
                    if let Some(opinion) = ear.hear(phase, &frame) {
                        prop_assert_eq!(&opinion, &ear.opinion());
                    }
                    frames += 1;
                }
            }
        }
        ear.finish();
        let opinion = ear.opinion();
        if let Some((disposition, cause)) = opinion.reading {
            prop_assert_eq!(disposition, cause.disposition());
            prop_assert!(opinion.decided_at.is_some());
        }
        let heard = ear.heard();
        for pair in heard.windows(2) {
            prop_assert!(pair[0].phase != pair[1].phase || pair[0].from_s <= pair[1].from_s);
        }
        let longest = f64::from(frames) * 0.02;
        prop_assert!(heard.iter().all(|h| h.from_s <= h.to_s && h.to_s.get() <= longest + 0.001), "{:?}", heard);
        let _ = judge(&Signals::default(), &opinion);
    }

    #[test]
    fn samples_at_full_scale_overflow_nothing(loud in prop::sample::select(vec![i16::MIN, i16::MAX])) {
        let mut ear = Ear::new(&EarConfig::default());
        for i in 0..200 {
            let sample = if i % 2 == 0 { loud } else { 0 };
            ear.hear(Phase::Answered, &Frame { samples: [sample; FRAME_SAMPLES], origin: Origin::Received });
        }
        ear.finish();
        prop_assert!(ear.opinion().confidence.get().is_finite());
    }
}
