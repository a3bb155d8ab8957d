//! Of which frequencies a tone consists. Over 32 ms the pair 440 + 480 Hz reads as one tone of 457 Hz; only a window of
//! some 100 ms tells them apart. So a tone is looked at again, once, through a long window in the slow view.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::front::SLOW_RATE;

const SIZE: usize = 512;
const BIN_HZ: f32 = SLOW_RATE / SIZE as f32;
/// The longest window: 128 ms.
pub(super) const LONGEST: usize = 256;
/// The shortest that tells anything: 50 ms.
pub(super) const SHORTEST: usize = 100;
/// The slow view is flat from here to there.
const BAND_HZ: std::ops::Range<f32> = 330.0..800.0;

/// The power that the tone's one or two peaks must hold.
const PURE: f32 = 0.85;
/// A second peak weaker than this (−14 dB) is none.
const NO_SECOND: f32 = 0.04;
/// A pair's weaker tone is at least this strong (−10 dB).
const SECOND: f32 = 0.1;

/// What a tone consists of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Composition {
    /// One frequency, in Hz.
    Single(f32),
    /// Two, the lower first.
    Pair(f32, f32),
}

impl Composition {
    /// Whether two tones are the same to 1.5 %.
    pub(crate) fn same(self, other: Self) -> bool {
        let near = |a: f32, b: f32| (a / b - 1.0).abs() < 0.015;
        match (self, other) {
            (Self::Single(a), Self::Single(b)) => near(a, b),
            (Self::Pair(a, b), Self::Pair(c, d)) => near(a, c) && near(b, d),
            _ => false,
        }
    }
}

impl std::fmt::Display for Composition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Single(hz) => write!(f, "{hz:.0} Hz"),
            Self::Pair(a, b) => write!(f, "{a:.0} + {b:.0} Hz"),
        }
    }
}

#[derive(Clone)]
pub(super) struct Composer {
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    output: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Composer {
    pub(super) fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(SIZE);
        Self {
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// The composition of a stretch of the slow view; `None` if it is no tone of one or two frequencies in the band, or
    /// too short to say.
    pub(super) fn compose(&mut self, slow: &[f32]) -> Option<Composition> {
        let slow = &slow[slow.len().saturating_sub(LONGEST)..];
        if slow.len() < SHORTEST {
            return None;
        }
        self.input.fill(0.0);
        for (i, (input, s)) in self.input.iter_mut().zip(slow).enumerate() {
            let turn = std::f32::consts::TAU * (i as f32 + 0.5) / slow.len() as f32;
            *input = s * (0.5 - 0.5 * turn.cos());
        }
        self.fft
            .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch)
            .expect("every buffer was made by this FFT for itself");
        let power: Vec<f32> = self.output.iter().map(Complex32::norm_sqr).collect();
        let lobe = (2.0 * SIZE as f32 / slow.len() as f32).ceil() as usize;
        read(&power, lobe)
    }
}

fn read(power: &[f32], lobe: usize) -> Option<Composition> {
    let total: f32 = power.iter().sum::<f32>() + 1e-3;
    let band = (BAND_HZ.start / BIN_HZ) as usize..(BAND_HZ.end / BIN_HZ) as usize;
    let loudest = |not_near: Option<usize>| {
        band.clone()
            .filter(|bin| not_near.is_none_or(|n| bin.abs_diff(n) > lobe + lobe / 4))
            .max_by(|a, b| power[*a].total_cmp(&power[*b]))
    };
    let share = |bin: usize| power[bin - lobe..=bin + lobe].iter().sum::<f32>() / total;
    let first = loudest(None)?;
    let second = loudest(Some(first))?;
    // A lobe reaches into its neighbour's: the second's height, not its sum, says whether it is there.
    let ratio = power[second] / (power[first] + 1e-6);
    let hz = |bin: usize| (bin as f32 + refine(power, bin)) * BIN_HZ;
    if ratio <= NO_SECOND && share(first) >= PURE {
        Some(Composition::Single(hz(first)))
    } else if ratio >= SECOND && share(first) + share(second) >= PURE {
        let (a, b) = (hz(first), hz(second));
        Some(Composition::Pair(a.min(b), a.max(b)))
    } else {
        None
    }
}

fn refine(power: &[f32], peak: usize) -> f32 {
    let log = |bin: usize| (power[bin] + 1e-6).ln();
    let (a, b, c) = (log(peak - 1), log(peak), log(peak + 1));
    let bend = a - 2.0 * b + c;
    if bend < -1e-6 {
        (0.5 * (a - c) / bend).clamp(-0.5, 0.5)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(freqs: &[f32], samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|i| {
                freqs
                    .iter()
                    .map(|f| (std::f32::consts::TAU * f * i as f32 / SLOW_RATE).sin())
                    .sum::<f32>()
                    * 1e3
            })
            .collect()
    }

    #[test]
    fn one_tone_is_measured_to_a_hertz() {
        for hz in [400.0, 425.5, 450.0, 475.0] {
            for samples in [140, 200, 256] {
                let Some(Composition::Single(found)) = Composer::new().compose(&sound(&[hz], samples)) else {
                    panic!("{hz} Hz over {samples} samples is no single tone");
                };
                assert!((found - hz).abs() < 1.0, "{hz}: {found}");
            }
        }
    }

    #[test]
    fn pairs_do_not_collapse_into_one_tone() {
        for (a, b) in [(440.0, 480.0), (480.0, 620.0), (400.0, 450.0)] {
            let Some(Composition::Pair(x, y)) = Composer::new().compose(&sound(&[a, b], 256)) else {
                panic!("{a} + {b} Hz is no pair");
            };
            assert!((x - a).abs() < 3.0 && (y - b).abs() < 3.0, "{a} + {b}: {x} + {y}");
        }
    }

    #[test]
    fn three_tones_and_short_stretches_are_nothing() {
        assert_eq!(Composer::new().compose(&sound(&[400.0, 500.0, 600.0], 256)), None);
        assert_eq!(Composer::new().compose(&sound(&[450.0], 60)), None);
    }
}
