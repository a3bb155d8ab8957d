//! 8 kHz to 2 kHz: a windowed-sinc low-pass at 900 Hz, computed only where a sample is kept.

use std::f32::consts::PI;

use hark_sound::{FRAME_SAMPLES, SAMPLE_RATE};

use super::dot::dot;

const FACTOR: usize = 4;
const TAPS: usize = 64;

/// Samples per second of the slow view.
pub(crate) const SLOW_RATE: f32 = SAMPLE_RATE as f32 / FACTOR as f32;

/// Samples of one frame in the slow view.
pub(crate) const SLOW_FRAME: usize = FRAME_SAMPLES / FACTOR;

#[derive(Debug, Clone)]
pub(super) struct Decimator {
    taps: [f32; TAPS],
    /// The end of the last frame, then this frame.
    line: [f32; TAPS + FRAME_SAMPLES],
}

impl Decimator {
    pub(super) fn new() -> Self {
        let cutoff = 830.0 / SAMPLE_RATE as f32;
        let mut taps: [f32; TAPS] = std::array::from_fn(|i| {
            let t = i as f32 - (TAPS - 1) as f32 / 2.0;
            let window = 0.54 - 0.46 * (2.0 * PI * i as f32 / (TAPS - 1) as f32).cos();
            window * (2.0 * PI * cutoff * t).sin() / (PI * t)
        });
        let gain: f32 = taps.iter().sum();
        taps.iter_mut().for_each(|tap| *tap /= gain);
        Self {
            taps,
            line: [0.0; TAPS + FRAME_SAMPLES],
        }
    }

    pub(super) fn push(&mut self, samples: &[f32; FRAME_SAMPLES]) -> [f32; SLOW_FRAME] {
        self.line.copy_within(FRAME_SAMPLES.., 0);
        self.line[TAPS..].copy_from_slice(samples);
        std::array::from_fn(|i| {
            let at = (i + 1) * FACTOR;
            dot(&self.line[at..at + TAPS], &self.taps)
        })
    }
}

#[cfg(test)]
mod tests {
    use hark_sound::tone::{ToneSpec, Tones};

    use super::*;

    fn passed(hz: f32) -> f32 {
        let mut decimator = Decimator::new();
        let clip = Tones::cadence(&ToneSpec::new(vec![hz], 0.0), &[]).take_samples(1600);
        let mut power = 0.0;
        for (i, chunk) in clip.chunks_exact(FRAME_SAMPLES).enumerate() {
            let slow = decimator.push(&std::array::from_fn(|i| f32::from(chunk[i])));
            // The first frame holds the tone's sudden beginning.
            power += if i < 2 {
                0.0
            } else {
                slow.iter().map(|s| s * s).sum::<f32>()
            };
        }
        10.0 * (power / (8.0 * SLOW_FRAME as f32) / (16_141.0 * 16_141.0)).log10()
    }

    #[test]
    fn call_progress_tones_pass_and_what_would_fold_on_them_does_not() {
        for hz in [350.0, 450.0, 620.0] {
            assert!(passed(hz).abs() < 0.3, "{hz}: {}", passed(hz));
        }
        for hz in [1400.0, 1550.0, 2450.0, 3000.0] {
            assert!(passed(hz) < -40.0, "{hz}: {}", passed(hz));
        }
    }
}
