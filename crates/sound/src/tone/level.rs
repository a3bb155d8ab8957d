//! Levels in dBm0, the telephone's unit of loudness, against 16-bit samples.
//!
//! By G.711 a sine that just fills the codec is +3.14 dBm0 in A-law and +3.17 dBm0 in µ-law. Linear samples here use one
//! convention, A-law's: **0 dBm0 is a sine 3.14 dB below 16-bit full scale** (peak 22,827, RMS 16,141). For µ-law
//! that is off by 0.03 dB, which nobody can hear.

/// Full scale as a level: what clips first.
#[expect(
    clippy::approx_constant,
    reason = "3.14 dB is the A-law overload point of G.711, not π"
)]
pub const FULL_SCALE_DBM0: f32 = 3.14;

/// RMS of 0 dBm0, squared.
const REFERENCE_POWER: f64 = 16_141.0 * 16_141.0;

/// Peak amplitude of a sine at a level.
#[must_use]
pub fn amplitude(level_dbm0: f32) -> f32 {
    32_767.0 * 10f32.powf((level_dbm0 - FULL_SCALE_DBM0) / 20.0)
}

/// Level of a mean square (power per sample); −∞ for digital silence.
#[must_use]
pub fn dbm0_of_mean_square(mean_square: f64) -> f32 {
    (10.0 * (mean_square / REFERENCE_POWER).log10()) as f32
}

/// Level of a stretch of sound; −∞ for digital silence or no sample at all.
#[must_use]
pub fn dbm0_of_samples(samples: &[i16]) -> f32 {
    let power: f64 = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum();
    dbm0_of_mean_square(power / samples.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_sine_is_three_decibels_above_the_reference() {
        assert!((amplitude(FULL_SCALE_DBM0) - 32_767.0).abs() < 1.0);
        assert!((amplitude(0.0) - 22_827.0).abs() < 2.0);
        let sine: Vec<i16> = (0..8000)
            .map(|n| ((n as f32 * 0.3).sin() * amplitude(0.0)) as i16)
            .collect();
        assert!(dbm0_of_samples(&sine).abs() < 0.05);
    }

    #[test]
    fn digital_silence_has_no_level() {
        assert_eq!(dbm0_of_samples(&[0; 10]), f32::NEG_INFINITY);
        assert_eq!(dbm0_of_samples(&[]), f32::NEG_INFINITY);
    }
}
