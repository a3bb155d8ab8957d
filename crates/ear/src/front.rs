//! The first look at every 20 ms: level, spectrum, periodicity. Everything later is decided on these few numbers, so
//! that sound is touched once.
//!
//! Two views are kept: the full band through a 32 ms Hann window, and the band below 900 Hz at 2 kHz, where call
//! progress tones and the pitch of voices live and where looking is four times cheaper.

mod dot;
mod pitch;
mod slow;
mod spectrum;

use hark_sound::tone::dbm0_of_mean_square;
use hark_sound::{FRAME_SAMPLES, Frame};

use self::dot::dot;
use self::slow::Decimator;
pub(crate) use self::slow::{SLOW_FRAME, SLOW_RATE};
use self::spectrum::Analyser;

/// Quieter than this is nobody's sound: the step of G.711 itself lies at about −66 dBm0.
pub(crate) const NOTHING_DBM0: f32 = -66.0;

/// What 20 ms look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Level of the frame.
    pub level: f32,
    /// The strongest spectral peak, in Hz.
    pub peak_hz: f32,
    /// Share of the power in that peak's lobe: 1 for a pure tone.
    pub one_lobe: f32,
    /// Share of the power in the two strongest lobes, or in one wide one: 1 for one tone or a pair.
    pub two_lobes: f32,
    /// Geometric by arithmetic mean of the power in 300–3400 Hz: towards 1 for noise, towards 0 for voices and tones.
    pub flatness: f32,
    /// Height of the autocorrelation's peak among the lags of human pitch: towards 1 for voices and tones.
    pub voicing: f32,
    /// The pitch at that peak, in Hz.
    pub pitch_hz: f32,
    /// The frame below 900 Hz, at 2 kHz.
    pub slow: [f32; SLOW_FRAME],
}

impl Look {
    /// Nothing sounds.
    pub(crate) const SILENCE: Self = Self {
        level: -99.0,
        peak_hz: 0.0,
        one_lobe: 0.0,
        two_lobes: 0.0,
        flatness: 1.0,
        voicing: 0.0,
        pitch_hz: 0.0,
        slow: [0.0; SLOW_FRAME],
    };
}

/// Looks at one frame after the other.
#[derive(Clone)]
pub(crate) struct Front {
    analyser: Analyser,
    decimator: Decimator,
    pitch: pitch::Tracker,
}

impl Front {
    pub(crate) fn new() -> Self {
        Self {
            analyser: Analyser::new(),
            decimator: Decimator::new(),
            pitch: pitch::Tracker::new(),
        }
    }

    pub(crate) fn look(&mut self, frame: &Frame) -> Look {
        let samples = frame.samples.map(f32::from);
        let power = dot(&samples, &samples);
        let level = dbm0_of_mean_square(f64::from(power) / FRAME_SAMPLES as f64).max(-99.0);
        let slow = self.decimator.push(&samples);
        let (voicing, pitch_hz) = self.pitch.push(&slow);
        let s = self.analyser.push(&samples);
        Look {
            level,
            peak_hz: s.peak_hz,
            one_lobe: s.one_lobe,
            two_lobes: s.two_lobes,
            flatness: s.flatness,
            voicing,
            pitch_hz,
            slow,
        }
    }
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").finish_non_exhaustive()
    }
}
