//! Any samples into the ear, early first and answered after; then the judge. There is always one answer.
#![no_main]

use hark_ear::{Ear, EarConfig, Signals, judge};
use hark_outcome::Phase;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let samples: Vec<i16> = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    let mut ear = Ear::new(&EarConfig::default());
    let answered_from = samples.len() / 2;
    for (phase, half) in [(Phase::Early, &samples[..answered_from]), (Phase::Answered, &samples[answered_from..])] {
        for frame in hark_sound::frames(half) {
            ear.hear(phase, &frame);
        }
    }
    ear.finish();
    let opinion = ear.opinion();
    let signals = Signals { answered: true, media_seen: true, ..Signals::default() };
    let judgement = judge(&signals, &opinion);
    assert_eq!(judgement.cause.disposition(), judgement.disposition);
});
