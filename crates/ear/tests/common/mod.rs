//! Sounds that tests are made of, and the telephone they go through.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod calls;

use hark_ear::{Classification, EarConfig, classify};
use hark_outcome::Phase;
use hark_sound::tone::amplitude;
use hark_sound::{FRAME_SAMPLES, Frame, Origin, frames, g711};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How a clip travels.
#[derive(Debug, Clone, Copy)]
pub enum Chain {
    Linear,
    ALaw,
    MuLaw,
}

impl Chain {
    pub fn pass(self, clip: &[i16]) -> Vec<i16> {
        clip.iter()
            .map(|&s| match self {
                Self::Linear => s,
                Self::ALaw => g711::alaw_decode(g711::alaw_encode(s)),
                Self::MuLaw => g711::ulaw_decode(g711::ulaw_encode(s)),
            })
            .collect()
    }
}

pub fn early(clip: &[i16]) -> Classification {
    classify(frames(clip), Phase::Early, &EarConfig::default())
}

pub fn answered(clip: &[i16]) -> Classification {
    classify(frames(clip), Phase::Answered, &EarConfig::default())
}

pub fn mix(a: &[i16], b: &[i16]) -> Vec<i16> {
    a.iter().zip(b).map(|(a, b)| a.saturating_add(*b)).collect()
}

/// White noise of a level.
pub fn noise(level_dbm0: f32, samples: usize, seed: u64) -> Vec<i16> {
    let mut random = StdRng::seed_from_u64(seed);
    // Uniform noise has a third of its peak's power, a sine half.
    let peak = amplitude(level_dbm0) * 1.2247;
    (0..samples)
        .map(|_| (random.random_range(-1.0..1.0) * peak) as i16)
        .collect()
}

/// A vowel: harmonics under two formants, the pitch gliding a little, the level swelling as syllables do.
pub fn vowel(pitch: f32, ms: u32, level_dbm0: f32) -> Vec<i16> {
    let samples = ms * 8;
    let mut phase = 0.0f32;
    (0..samples)
        .map(|i| {
            let t = i as f32 / 8000.0;
            let glide = pitch * (1.0 + 0.12 * (t * 9.0).sin());
            phase = (phase + glide / 8000.0).fract();
            let swell = 0.15 + 0.85 * (t * 11.0).sin().abs();
            let harmonics: f32 = (1..=20)
                .map(|k| {
                    let hz = k as f32 * glide;
                    let formant = |centre: f32, width: f32| 1.0 / (1.0 + ((hz - centre) / width).powi(2));
                    let gain = if hz > 3_600.0 {
                        0.0
                    } else {
                        formant(460.0, 90.0) + 0.4 * formant(1_300.0, 150.0)
                    };
                    gain * (std::f32::consts::TAU * k as f32 * phase).sin()
                })
                .sum();
            (harmonics * swell * amplitude(level_dbm0) * 0.8) as i16
        })
        .collect()
}

/// Words: vowels of 150–350 ms with short gaps, for so long.
pub fn words(ms: u32, seed: u64) -> Vec<i16> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut clip = Vec::new();
    while clip.len() < ms as usize * 8 {
        clip.extend(vowel(
            random.random_range(110.0..160.0),
            random.random_range(150..350),
            -18.0,
        ));
        clip.extend(noise(-50.0, 8 * random.random_range(30..90), random.random()));
    }
    clip.truncate(ms as usize * 8);
    clip
}

/// A melody of pure or nearly pure notes between 400 and 500 Hz, with rests, each song its own rhythm.
pub fn melody(seed: u64, ms: u32) -> Vec<i16> {
    let mut random = StdRng::seed_from_u64(seed);
    let scale = [392.0f32, 415.3, 440.0, 466.2, 493.9, 523.3];
    let beat = random.random_range(120..420);
    let overtone = if seed.is_multiple_of(2) { 0.0 } else { 0.2 };
    let mut clip = Vec::new();
    while clip.len() < ms as usize * 8 {
        let hz = scale[random.random_range(0..scale.len())];
        let sounding = beat * random.random_range(1..4) / 2;
        let note = |i: u32| {
            let t = i as f32 / 8000.0;
            let turn = std::f32::consts::TAU * hz * t;
            (turn.sin() + overtone * (2.0 * turn).sin()) * amplitude(-14.0)
        };
        clip.extend((0..sounding * 8).map(|i| note(i) as i16));
        if random.random_bool(0.6) {
            clip.extend(vec![0; beat as usize * 4]);
        }
    }
    clip
}

/// Loses frames; what is put in their place says where it came from.
pub fn with_loss(clip: &[i16], rate: f64, seed: u64, origin: Origin) -> Vec<Frame> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut last = Frame::ABSENT;
    frames(clip)
        .map(|frame| {
            if random.random_bool(rate) {
                Frame {
                    origin,
                    ..last.clone()
                }
            } else {
                last = frame.clone();
                frame
            }
        })
        .collect()
}

/// Loses packets that do not lie on our frames, and fills the holes with zeros.
pub fn with_holes(clip: &[i16], rate: f64, seed: u64) -> Vec<i16> {
    let mut random = StdRng::seed_from_u64(seed);
    let shift = random.random_range(0..FRAME_SAMPLES);
    let mut clip = clip.to_vec();
    for hole in clip[shift..].chunks_mut(FRAME_SAMPLES) {
        if random.random_bool(rate) {
            hole.fill(0);
        }
    }
    clip
}
