//! Synthesis of telephone tones: what a network plays, sample by sample, at 8 kHz.
//!
//! A [`ToneSpec`] says what sounds (frequencies, modulation, level), a [`Step`] for how long, a [`Tones`] plays steps
//! in turn as an endless or bounded iterator. Oscillators run on through the pauses, as an exchange's generator does,
//! so a tone comes back in the phase it would have had: nothing here starts at a convenient zero by accident.

mod level;
mod plan;

use std::borrow::Cow;
use std::f64::consts::TAU;

pub use level::{FULL_SCALE_DBM0, amplitude, dbm0_of_mean_square, dbm0_of_samples};
pub use plan::{Meaning, PLANS, Plan, Signal, beep, plan, sit, sit_vacant};

use crate::SAMPLE_RATE;

/// What sounds.
#[derive(Debug, Clone, PartialEq)]
pub struct ToneSpec {
    /// Frequencies in Hz, sounding together at equal power. None = silence.
    pub freqs: Cow<'static, [f32]>,
    /// Full amplitude modulation at this many Hz, as some countries' ringback has it.
    pub am_hz: Option<f32>,
    /// Level of the whole tone in dBm0 while it is on (before modulation).
    pub level_dbm0: f32,
}

impl ToneSpec {
    /// A tone of one or several frequencies.
    #[must_use]
    pub fn new(freqs: impl Into<Cow<'static, [f32]>>, level_dbm0: f32) -> Self {
        Self {
            freqs: freqs.into(),
            am_hz: None,
            level_dbm0,
        }
    }

    /// Nothing sounds.
    #[must_use]
    pub const fn silence() -> Self {
        Self {
            freqs: Cow::Borrowed(&[]),
            am_hz: None,
            level_dbm0: f32::NEG_INFINITY,
        }
    }
}

/// A tone for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What sounds.
    pub tone: ToneSpec,
    /// For how many milliseconds.
    pub ms: u32,
}

/// Plays steps in turn: an iterator over samples. `Clone` starts no new tone, it copies the place reached.
#[derive(Debug, Clone)]
pub struct Tones {
    steps: Vec<Voice>,
    current: usize,
    left: u32,
    repeat: bool,
    /// Samples played so far.
    clock: u64,
}

impl Tones {
    /// The steps once, then the end.
    #[must_use]
    pub fn once(steps: Vec<Step>) -> Self {
        Self::build(&steps, false)
    }

    /// The steps over and over, for ever; ends at once when they last no time at all.
    #[must_use]
    pub fn repeat(steps: Vec<Step>) -> Self {
        let endless = steps.iter().any(|s| s.ms > 0);
        Self::build(&steps, endless)
    }

    /// One tone in a cadence of on/off milliseconds, for ever; no cadence = continuous.
    #[must_use]
    pub fn cadence(tone: &ToneSpec, on_off_ms: &[(u32, u32)]) -> Self {
        if on_off_ms.is_empty() {
            return Self::repeat(vec![Step {
                tone: tone.clone(),
                ms: 60_000,
            }]);
        }
        let step = |tone: ToneSpec, ms| Step { tone, ms };
        Self::repeat(
            on_off_ms
                .iter()
                .flat_map(|&(on, off)| [step(tone.clone(), on), step(ToneSpec::silence(), off)])
                .collect(),
        )
    }

    /// The next `n` samples; fewer when the tones end first.
    #[must_use]
    pub fn take_samples(&mut self, n: usize) -> Vec<i16> {
        self.by_ref().take(n).collect()
    }

    /// The next `ms` milliseconds of samples; fewer when the tones end first.
    #[must_use]
    pub fn take_ms(&mut self, ms: u32) -> Vec<i16> {
        self.take_samples(samples_of(ms) as usize)
    }

    fn build(steps: &[Step], repeat: bool) -> Self {
        let voices: Vec<Voice> = steps.iter().map(Voice::new).collect();
        let left = voices.first().map_or(0, |v| v.samples);
        Self {
            steps: voices,
            current: 0,
            left,
            repeat,
            clock: 0,
        }
    }
}

impl Iterator for Tones {
    type Item = i16;

    fn next(&mut self) -> Option<i16> {
        while self.left == 0 {
            self.current += 1;
            if self.current >= self.steps.len() {
                if !self.repeat {
                    self.current = self.steps.len();
                    return None;
                }
                self.current = 0;
            }
            let voice = &mut self.steps[self.current];
            voice.catch_up(self.clock);
            self.left = voice.samples;
        }
        self.left -= 1;
        self.clock += 1;
        Some(self.steps.get_mut(self.current)?.sample())
    }
}

/// A silence of `ms` milliseconds.
#[must_use]
pub fn silence(ms: u32) -> Vec<i16> {
    vec![0; samples_of(ms) as usize]
}

const fn samples_of(ms: u32) -> u32 {
    ms.saturating_mul(SAMPLE_RATE / 1000)
}

/// One step's generators.
#[derive(Debug, Clone)]
struct Voice {
    samples: u32,
    partials: Vec<Oscillator>,
    am: Option<Oscillator>,
    amplitude: f64,
    /// Samples its generators have turned through, heard or not.
    turned: u64,
}

impl Voice {
    fn new(step: &Step) -> Self {
        let count = step.tone.freqs.len().max(1) as f64;
        Self {
            samples: samples_of(step.ms),
            partials: step.tone.freqs.iter().map(|&hz| Oscillator::new(hz)).collect(),
            am: step.tone.am_hz.map(Oscillator::new),
            amplitude: f64::from(amplitude(step.tone.level_dbm0)) / count.sqrt(),
            turned: 0,
        }
    }

    /// While other steps sounded, this one's generators ran on unheard.
    fn catch_up(&mut self, clock: u64) {
        for oscillator in self.partials.iter_mut().chain(&mut self.am) {
            oscillator.skip(clock - self.turned);
        }
        self.turned = clock;
    }

    fn sample(&mut self) -> i16 {
        self.turned += 1;
        let sum: f64 = self.partials.iter_mut().map(Oscillator::step).sum();
        let gain = self.am.as_mut().map_or(1.0, |am| (1.0 + am.step()) / 2.0);
        // `as` saturates: a tone above full scale clips, as it would in a codec.
        (sum * gain * self.amplitude).round() as i16
    }
}

/// A phasor turned by one multiplication a sample.
#[derive(Debug, Clone)]
struct Oscillator {
    turns_per_sample: f64,
    now: (f64, f64),
    turn: (f64, f64),
}

impl Oscillator {
    fn new(hz: f32) -> Self {
        let turns_per_sample = f64::from(hz) / f64::from(SAMPLE_RATE);
        let (sin, cos) = (TAU * turns_per_sample).sin_cos();
        Self {
            turns_per_sample,
            now: (1.0, 0.0),
            turn: (cos, sin),
        }
    }

    fn step(&mut self) -> f64 {
        let value = self.now.1;
        self.rotate(self.turn);
        value
    }

    fn skip(&mut self, samples: u64) {
        let (sin, cos) = (TAU * (samples as f64 * self.turns_per_sample).fract()).sin_cos();
        self.rotate((cos, sin));
    }

    fn rotate(&mut self, by: (f64, f64)) {
        let (re, im) = self.now;
        let turned = (re * by.0 - im * by.1, re * by.1 + im * by.0);
        // A Newton step towards unit length: rounding must not make a tone swell over hours.
        let scale = 1.5 - 0.5 * (turned.0 * turned.0 + turned.1 * turned.1);
        self.now = (turned.0 * scale, turned.1 * scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_has_the_level_it_was_asked_for() {
        for freqs in [vec![450.0], vec![440.0, 480.0], vec![480.0, 620.0]] {
            let second = Tones::cadence(&ToneSpec::new(freqs.clone(), -13.0), &[]).take_ms(1000);
            let level = dbm0_of_samples(&second);
            assert!((level + 13.0).abs() < 0.1, "{freqs:?}: {level}");
        }
    }

    #[test]
    fn a_cadence_is_on_and_off_for_exactly_its_milliseconds() {
        let mut tones = Tones::cadence(&ToneSpec::new(vec![450.0], -10.0), &[(350, 350)]);
        for _ in 0..3 {
            assert!(dbm0_of_samples(&tones.take_ms(350)) > -11.0);
            assert!(tones.take_ms(350).iter().all(|&s| s == 0));
        }
    }

    #[test]
    fn the_phase_runs_on_through_a_pause() {
        let spec = ToneSpec::new(vec![437.0], -10.0);
        let steady = Tones::cadence(&spec, &[]).take_ms(1000);
        let broken = Tones::cadence(&spec, &[(100, 63)]).take_ms(1000);
        for (i, (a, b)) in steady.iter().zip(&broken).enumerate() {
            let on = i % (163 * 8) < 800;
            assert!(
                if on { (a - b).abs() <= 1 } else { *b == 0 },
                "sample {i}: {a} {b}"
            );
        }
    }

    #[test]
    fn steps_played_once_end() {
        let step = Step {
            tone: ToneSpec::new(vec![950.0], -10.0),
            ms: 5,
        };
        assert_eq!(Tones::once(vec![step.clone(), step]).count(), 80);
        assert_eq!(Tones::once(vec![]).count(), 0);
        assert_eq!(
            Tones::repeat(vec![Step {
                tone: ToneSpec::silence(),
                ms: 0
            }])
            .count(),
            0
        );
    }

    #[test]
    fn an_hour_of_tone_neither_swells_nor_fades() {
        let mut tones = Tones::cadence(&ToneSpec::new(vec![450.0], -10.0), &[]);
        let last = tones.by_ref().skip(3600 * 8000).take(8000).collect::<Vec<_>>();
        assert!((dbm0_of_samples(&last) + 10.0).abs() < 0.05);
    }
}
