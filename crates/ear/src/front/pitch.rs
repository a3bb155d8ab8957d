//! How periodic the sound is, at which pitch: normalised autocorrelation of the slow view over the lags of human voices.
//! At 2 kHz a short period may fall between two lags; then a multiple is found, which for telling voices from noise,
//! and a held note from a glide, is as good.

use super::dot::dot;
use super::slow::{SLOW_FRAME, SLOW_RATE};

/// 400 Hz, the highest pitch looked for.
const SHORTEST: usize = 5;
/// 60 Hz, the lowest.
const LONGEST: usize = 33;
/// Samples compared at each lag: 40 ms.
const SPAN: usize = 2 * SLOW_FRAME;
const LINE: usize = SPAN + LONGEST + 1;

#[derive(Debug, Clone)]
pub(super) struct Tracker {
    line: [f32; LINE],
}

impl Tracker {
    pub(super) const fn new() -> Self {
        Self { line: [0.0; LINE] }
    }

    /// Takes a frame; gives the height of the best peak and its pitch in Hz.
    pub(super) fn push(&mut self, slow: &[f32; SLOW_FRAME]) -> (f32, f32) {
        self.line.copy_within(SLOW_FRAME.., 0);
        self.line[LINE - SLOW_FRAME..].copy_from_slice(slow);

        let now = &self.line[LINE - SPAN..];
        let power = dot(now, now);
        if power < 1.0 {
            return (0.0, 0.0);
        }
        // One lag more on either side, so that the first and the last can be peaks.
        let mut height = [0.0; LONGEST + 2];
        let from = LINE - SPAN - (SHORTEST - 1);
        let past = &self.line[from..from + SPAN];
        let mut past_power = dot(past, past);
        for (lag, height) in height.iter_mut().enumerate().skip(SHORTEST - 1) {
            let from = LINE - SPAN - lag;
            if lag >= SHORTEST {
                past_power += self.line[from].powi(2) - self.line[from + SPAN].powi(2);
            }
            let product = dot(now, &self.line[from..from + SPAN]);
            *height = product / (power * past_power.max(1.0)).sqrt();
        }
        best(&height)
    }
}

/// The best peak. A period's double is a peak nearly as high: among near equals the shortest lag is the pitch.
fn best(height: &[f32; LONGEST + 2]) -> (f32, f32) {
    let is_peak = |lag: &usize| height[*lag] >= height[*lag - 1] && height[*lag] >= height[*lag + 1];
    let peaks = || (SHORTEST..=LONGEST).filter(is_peak);
    let highest = peaks().map(|lag| height[lag]).fold(0.0, f32::max);
    let Some(lag) = peaks()
        .find(|&lag| height[lag] >= 0.9 * highest)
        .filter(|_| highest > 0.0)
    else {
        return (0.0, 0.0);
    };
    let (a, b, c) = (height[lag - 1], height[lag], height[lag + 1]);
    let bend = a - 2.0 * b + c;
    let offset = if bend < -1e-6 {
        (0.5 * (a - c) / bend).clamp(-0.5, 0.5)
    } else {
        0.0
    };
    (highest.min(1.0), SLOW_RATE / (lag as f32 + offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(sound: impl Fn(f32) -> f32) -> (f32, f32) {
        let mut tracker = Tracker::new();
        let mut last = (0.0, 0.0);
        for frame in 0..6 {
            let slow: [f32; SLOW_FRAME] =
                std::array::from_fn(|i| 1000.0 * sound((frame * SLOW_FRAME + i) as f32 / SLOW_RATE));
            last = tracker.push(&slow);
        }
        last
    }

    #[test]
    fn the_pitch_of_a_voice_is_found_even_without_its_fundamental() {
        for hz in [90.0, 120.0, 190.0, 230.0, 310.0f32] {
            // The telephone cuts below 300 Hz: only harmonics from there on.
            let voice = |t: f32| {
                (1..=8)
                    .map(|k| k as f32 * hz)
                    .filter(|f| (290.0..900.0).contains(f))
                    .map(|f| (std::f32::consts::TAU * f * t).sin())
                    .sum::<f32>()
            };
            let (voicing, pitch) = track(voice);
            let found = [1.0, 2.0, 3.0]
                .iter()
                .any(|periods| (pitch * periods / hz - 1.0).abs() < 0.06);
            assert!(voicing > 0.75 && found, "{hz}: {voicing} at {pitch}");
        }
    }

    #[test]
    fn noise_is_not_periodic() {
        let (voicing, _) = track(|t| ((t * 12_345.678).sin() * 43_758.547).fract());
        assert!(voicing < 0.6, "{voicing}");
    }

    #[test]
    fn silence_has_no_pitch() {
        assert_eq!(track(|_| 0.0), (0.0, 0.0));
    }
}
