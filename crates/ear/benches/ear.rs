//! What one call costs the ear: microseconds of one core per second of audio, and the share of a core that is.
//!
//! The best of many runs, so that other work on the machine does not count: silence, words, a busy tone, line noise.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hark_ear::{Ear, EarConfig};
use hark_outcome::Phase;
use hark_sound::tone::{ToneSpec, Tones, plan};
use hark_sound::{Frame, frames};

fn main() {
    let noise: Vec<i16> = (0..80_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as i16 - 128)
        .collect();
    let words: Vec<i16> = Tones::cadence(
        &ToneSpec::new(vec![180.0, 360.0, 540.0, 1_260.0], -18.0),
        &[(230, 90)],
    )
    .zip(&noise)
    .map(|(s, n)| s.saturating_add(n / 4))
    .collect();
    let busy = plan("cn")
        .map(|p| p.busy.play(-15.0).take_ms(10_000))
        .unwrap_or_default();
    let mut worst = 0.0f64;
    for (name, clip) in [
        ("silence", vec![0; 80_000]),
        ("noise", noise),
        ("words", words),
        ("busy", busy),
    ] {
        let us = cost(&frames(&clip).collect::<Vec<_>>());
        println!("bench ear_us_per_second_of_{name} {us:.0} us");
        worst = worst.max(us);
    }
    println!("bench ear_us_per_second_of_audio {worst:.0} us");
    println!("bench ear_percent_core_per_call {:.4} %", worst / 1e4);
}

fn cost(clip: &[Frame]) -> f64 {
    let config = EarConfig::default();
    let mut best = Duration::MAX;
    for _ in 0..50 {
        let mut ear = Ear::new(&config);
        let begun = Instant::now();
        for frame in clip {
            black_box(ear.hear(Phase::Answered, frame));
        }
        best = best.min(begun.elapsed());
    }
    best.as_secs_f64() * 1e6 / (clip.len() as f64 * 0.02)
}
