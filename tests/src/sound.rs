//! Sounds for peers to play, made here: what is tested must not make its own test signal, so these few lines share
//! nothing with the product's synthesis.

use std::f64::consts::TAU;
use std::path::Path;

const RATE: usize = 8000;

/// A sound of some seconds; players repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Digital silence.
    Silence,
    /// The China plan's ringback: 450 Hz, 1 s on, 4 s off.
    Ringback,
    /// The China plan's busy tone: 450 Hz, 350 ms on, 350 ms off.
    Busy,
    /// A short greeting, 0.7 s after a moment of silence, and then a person who waits.
    Greeting,
    /// Speech that goes on for 10 s, as a machine's does.
    Monologue,
}

impl Sound {
    /// Linear samples, 8 kHz.
    #[must_use]
    pub fn samples(self) -> Vec<i16> {
        match self {
            Self::Silence => vec![0; RATE * 10],
            Self::Ringback => (0..RATE * 5)
                .map(|i| if i < RATE { tone(450.0, i) } else { 0 })
                .collect(),
            Self::Busy => (0..RATE * 7)
                .map(|i| if (i / 2800) % 2 == 0 { tone(450.0, i) } else { 0 })
                .collect(),
            Self::Greeting => (0..RATE * 30)
                .map(|i| {
                    if (4000..9600).contains(&i) {
                        voice(i - 4000)
                    } else {
                        0
                    }
                })
                .collect(),
            Self::Monologue => (0..RATE * 10).map(voice).collect(),
        }
    }

    /// The same as raw G.711 µ-law, as SIPp plays it.
    #[must_use]
    pub fn ulaw(self) -> Vec<u8> {
        self.samples().into_iter().map(ulaw).collect()
    }

    /// The same as a WAV file of 16 bits.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write_wav(self, path: &Path) {
        let samples = self.samples();
        let bytes = u32::try_from(samples.len() * 2).expect("seconds, not hours");
        let mut wav = Vec::new();
        wav.extend(b"RIFF");
        wav.extend((36 + bytes).to_le_bytes());
        wav.extend(b"WAVEfmt ");
        wav.extend(16u32.to_le_bytes());
        wav.extend([1, 0, 1, 0]);
        wav.extend(8000u32.to_le_bytes());
        wav.extend(16_000u32.to_le_bytes());
        wav.extend([2, 0, 16, 0]);
        wav.extend(b"data");
        wav.extend(bytes.to_le_bytes());
        wav.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
        std::fs::write(path, wav).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "sound: small and bounded"
)]
fn tone(hertz: f64, at: usize) -> i16 {
    (8000.0 * (TAU * hertz * at as f64 / RATE as f64).sin()) as i16
}

/// A voice-like buzz: the harmonics of a gliding pitch under three resonances, in syllables of a quarter second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "sound: small and bounded"
)]
fn voice(at: usize) -> i16 {
    let t = at as f64 / RATE as f64;
    // The pitch wanders between 120 and 160 Hz; its integral is the phase.
    let phase = TAU * (140.0 * t - 20.0 / (TAU * 1.3) * (TAU * 1.3 * t).cos());
    let vowel = [
        [700.0, 1200.0, 2600.0],
        [400.0, 2000.0, 2600.0],
        [500.0, 900.0, 2400.0],
    ][(t / 0.25) as usize % 3];
    let sum: f64 = (1..=24)
        .map(|n| {
            let hertz = 140.0 * f64::from(n);
            let gain: f64 = vowel
                .iter()
                .map(|peak| 1.0 / (1.0 + ((hertz - peak) / 120.0).powi(2)))
                .sum();
            (gain + 0.02) * (phase * f64::from(n)).sin()
        })
        .sum();
    let syllable = (TAU * 2.0 * t).sin().abs().powf(0.6);
    (sum * syllable * 5000.0).clamp(-30_000.0, 30_000.0) as i16
}

/// G.711 µ-law, from the standard's definition.
fn ulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let level = (i32::from(sample).abs() + 132).min(32_767);
    let exponent = (7..15)
        .rev()
        .find(|bit| level >> bit != 0)
        .map_or(0, |bit| bit - 7);
    let mantissa = (level >> (exponent + 3)) & 15;
    !u8::try_from(sign | (exponent << 4) | mantissa).expect("eight bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_of_the_standard() {
        assert_eq!(
            [0, -32_768, 32_767, 8, -8].map(ulaw),
            [0xFF, 0x00, 0x80, 0xFE, 0x7E]
        );
    }
}
