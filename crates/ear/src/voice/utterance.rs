//! Is it a voice or only sound? Words swell and fade and never hold a pitch; music and hum do neither.
//!
//! Measured over the loud frames of one utterance: how much the level varies, and how much of the time the pitch
//! stands still. On recorded people the level varies by 4 to 10 dB (2nd to 95th percentile), on music by 1 to 5 dB.

use crate::front::Look;

/// Frames after which an utterance is judged by its statistics; a shorter one is a voice if it is no click.
const ENOUGH: u32 = 10;
/// Frames of a voice amid music, at least.
const ENOUGH_IN_MUSIC: u32 = 18;
/// A shorter one is a click.
const CLICK: u32 = 3;
/// Standard deviation of a voice's level, at least.
const LIVELY_DB: f32 = 2.5;
/// A steadier pitch than this is a voice's only with a livelier level.
const STEADY: f32 = 0.6;
const LIVELIER_DB: f32 = 5.5;
/// Two frames' pitches this close stand still.
const STILL: f32 = 0.01;

/// The statistics of one utterance so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Utterance {
    loud: u32,
    sum: f32,
    squares: f32,
    pairs: u32,
    still: u32,
    last_pitch: Option<f32>,
    /// A tone was in it: its edges are not yet words.
    tonal: bool,
}

impl Utterance {
    /// A tone filled a frame.
    pub(crate) const fn tone(&mut self) {
        self.tonal = true;
    }

    /// Takes a frame.
    pub(crate) fn push(&mut self, look: &Look, loud: bool) {
        if loud {
            self.loud += 1;
            self.sum += look.level;
            self.squares += look.level * look.level;
        }
        let pitch = (look.voicing > 0.7 && look.pitch_hz > 0.0).then_some(look.pitch_hz);
        if let (Some(now), Some(before)) = (pitch, self.last_pitch) {
            self.pairs += 1;
            self.still += u32::from((now / before - 1.0).abs() < STILL);
        }
        self.last_pitch = pitch;
    }

    /// Mean level of its loud frames.
    pub(crate) fn level(&self) -> f32 {
        self.sum / self.loud.max(1) as f32
    }

    /// Whether it is a voice, as far as is known. Amid `music` a short one is taken for a note.
    pub(crate) fn is_voice(&self, music: bool) -> bool {
        if self.loud < ENOUGH {
            return self.loud >= CLICK && !self.tonal && !music;
        }
        if music && self.loud < ENOUGH_IN_MUSIC {
            return false;
        }
        let n = self.loud as f32;
        let variance = (self.squares / n - self.level().powi(2)).max(0.0);
        let deviation = variance.sqrt();
        let steady = self.still as f32 / self.pairs.max(1) as f32;
        deviation >= LIVELY_DB && (steady <= STEADY || deviation >= LIVELIER_DB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(level: f32, pitch_hz: f32) -> Look {
        Look {
            level,
            pitch_hz,
            voicing: 0.9,
            flatness: 0.05,
            peak_hz: 500.0,
            one_lobe: 0.4,
            two_lobes: 0.5,
            slow: [0.0; crate::front::SLOW_FRAME],
        }
    }

    #[test]
    fn what_swells_and_glides_is_a_voice() {
        let mut u = Utterance::default();
        for i in 0..40 {
            let x = i as f32;
            u.push(&look(-20.0 - 12.0 * (x * 0.5).sin().abs(), 120.0 + 5.0 * x), true);
        }
        assert!(u.is_voice(false));
    }

    #[test]
    fn what_holds_level_and_pitch_is_only_sound() {
        let mut u = Utterance::default();
        for i in 0..40 {
            u.push(&look(-20.0 - (i % 3) as f32, 220.0), true);
        }
        assert!(!u.is_voice(false));
    }

    #[test]
    fn a_short_word_is_a_voice_unless_music_plays() {
        let mut u = Utterance::default();
        for i in 0..8 {
            u.push(&look(-20.0 - i as f32, 120.0 + 5.0 * i as f32), true);
        }
        assert!(u.is_voice(false) && !u.is_voice(true));
    }

    #[test]
    fn a_click_is_no_voice() {
        let mut u = Utterance::default();
        u.push(&look(-20.0, 120.0), true);
        assert!(!u.is_voice(false));
    }
}
