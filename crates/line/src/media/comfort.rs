//! Comfort noise (RFC 3389): the sender says how loud its silence is, and we make noise as loud.
//!
//! Only the level is used. The spectrum a sender may add colours noise nobody here listens to for its colour.

/// White noise of one loudness.
#[derive(Debug, Clone)]
pub(super) struct Noise {
    /// Evenly spread over ± this.
    amplitude: f32,
    state: u32,
}

impl Noise {
    /// From a comfort noise payload: its first byte is the level in −dB of the loudest square wave. Nothing in it
    /// means no noise at all.
    pub(super) fn from_payload(payload: &[u8]) -> Self {
        let level = payload.first().map(|level| level & 0x7F);
        let rms = level.map_or(0.0, |level| 32_767.0 * 10f32.powf(f32::from(level) / -20.0));
        // An even spread over ±a has a root mean square of a/√3.
        Self {
            amplitude: (rms * 3f32.sqrt()).min(32_767.0),
            state: 0x9E37_79B9,
        }
    }

    /// The next samples of it.
    pub(super) fn fill(&mut self, out: &mut [i16]) {
        for sample in out {
            // xorshift32: plain, quick, never zero.
            self.state ^= self.state << 13;
            self.state ^= self.state >> 17;
            self.state ^= self.state << 5;
            *sample = (self.state as i32 as f32 / -(i32::MIN as f32) * self.amplitude) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rms(level: u8) -> f32 {
        let mut out = [0; 8000];
        Noise::from_payload(&[level, 1, 2]).fill(&mut out);
        (out.iter().map(|s| f32::from(*s) * f32::from(*s)).sum::<f32>() / 8000.0).sqrt()
    }

    #[test]
    fn noise_is_as_loud_as_the_sender_said() {
        for level in [20, 40, 60] {
            let wanted = 32_767.0 * 10f32.powf(f32::from(level) / -20.0);
            assert!(
                (rms(level) / wanted - 1.0).abs() < 0.1,
                "-{level} dBov: {} for {wanted}",
                rms(level)
            );
        }
    }

    #[test]
    fn any_payload_gives_noise_or_silence() {
        for level in 0..=255 {
            assert!(rms(level) <= 32_767.0);
        }
        let mut out = [1; 160];
        Noise::from_payload(&[]).fill(&mut out);
        assert_eq!(out, [0; 160]);
    }
}
