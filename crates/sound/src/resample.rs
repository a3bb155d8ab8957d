//! Any sample rate to the telephone's 8 kHz.
//!
//! Everything above 4 kHz must be gone before the samples are thinned out, or it comes back mirrored as sound that was
//! never there. An FFT resampler with blocks of about an eighth of a second does it with a sharp low-pass.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _};

use crate::SAMPLE_RATE;

/// The rates accepted: from what dictation machines use to what studios use.
pub const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Output samples per block, at least: an eighth of a second.
const BLOCK: usize = 1_024;

/// The rate is none that sound is recorded at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a sample rate of {0} Hz cannot be converted; from {min} to {max} Hz can", min = RATES.start(), max = RATES.end())]
pub struct BadRate(pub u32);

/// Converts a stream of samples, −1 to 1, to 16 bits at 8 kHz.
pub struct Resampler {
    /// Absent when the rate is 8 kHz already.
    fft: Option<Fft<f32>>,
    rate: u32,
    pending: Vec<f32>,
    block: Vec<f32>,
    taken: u64,
    given: u64,
    /// Output samples of the filter's delay still to be dropped.
    delay: usize,
}

impl Resampler {
    /// For sound of a rate.
    ///
    /// # Errors
    /// [`BadRate`] outside [`RATES`].
    pub fn new(rate: u32) -> Result<Self, BadRate> {
        if !RATES.contains(&rate) {
            return Err(BadRate(rate));
        }
        let chunk = BLOCK * rate as usize / SAMPLE_RATE as usize;
        let fft = (rate != SAMPLE_RATE)
            .then(|| {
                Fft::new(
                    rate as usize,
                    SAMPLE_RATE as usize,
                    chunk.max(1),
                    1,
                    FixedSync::Both,
                )
            })
            .transpose()
            .map_err(|_| BadRate(rate))?;
        let (delay, longest) = fft
            .as_ref()
            .map_or((0, 0), |f| (f.output_delay(), f.output_frames_max()));
        Ok(Self {
            fft,
            rate,
            pending: Vec::new(),
            block: vec![0.0; longest],
            taken: 0,
            given: 0,
            delay,
        })
    }

    /// Takes samples, and appends to `out` what is ready.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<i16>) {
        self.taken += samples.len() as u64;
        let Some(fft) = &self.fft else {
            out.extend(samples.iter().map(|&s| to_i16(s)));
            return;
        };
        let need = fft.input_frames_next();
        self.pending.extend_from_slice(samples);
        let mut from = 0;
        while self.pending.len() - from >= need {
            let chunk = self.pending[from..from + need].to_vec();
            self.convert(&chunk, out);
            from += need;
        }
        self.pending.drain(..from);
    }

    /// The end: appends the rest, so that `out` is as long as the sound was.
    pub fn finish(mut self, out: &mut Vec<i16>) {
        let Some(fft) = &self.fft else { return };
        let need = fft.input_frames_next();
        let due = (self.taken * u64::from(SAMPLE_RATE)).div_ceil(u64::from(self.rate));
        let mut rest = std::mem::take(&mut self.pending);
        // One block may hold less than the filter's delay; two always give everything back.
        while self.given < due {
            rest.resize(need, 0.0);
            self.convert(&rest, out);
            rest.clear();
        }
        out.truncate(out.len() - usize::try_from(self.given - due).unwrap_or(0));
    }

    fn convert(&mut self, chunk: &[f32], out: &mut Vec<i16>) {
        let Some(fft) = &mut self.fft else { return };
        let frames = self.block.len();
        let input = InterleavedSlice::new(chunk, 1, chunk.len()).expect("one channel of that length");
        let mut output =
            InterleavedSlice::new_mut(&mut self.block, 1, frames).expect("one channel of that length");
        let (_, made) = fft
            .process_into_buffer(&input, &mut output, Some(&Indexing::new()))
            .expect("both buffers are as long as the resampler asked for");
        let skip = self.delay.min(made);
        self.delay -= skip;
        self.given += (made - skip) as u64;
        out.extend(self.block[skip..made].iter().map(|&s| to_i16(s)));
    }
}

/// A whole clip to 8 kHz.
///
/// # Errors
/// [`BadRate`] outside [`RATES`].
pub fn resample(samples: &[f32], rate: u32) -> Result<Vec<i16>, BadRate> {
    let mut resampler = Resampler::new(rate)?;
    let mut out = Vec::new();
    resampler.push(samples, &mut out);
    resampler.finish(&mut out);
    Ok(out)
}

/// Rounds and clips; not-a-number becomes 0.
fn to_i16(sample: f32) -> i16 {
    // `as` saturates.
    (sample * 32_768.0).round() as i16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tone::dbm0_of_samples;

    fn sine(hz: f64, rate: u32, seconds: f64) -> Vec<f32> {
        let n = (seconds * f64::from(rate)) as usize;
        (0..n)
            .map(|i| (0.5 * (std::f64::consts::TAU * hz * i as f64 / f64::from(rate)).sin()) as f32)
            .collect()
    }

    #[test]
    fn what_a_telephone_can_carry_keeps_its_level() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
            for hz in [300.0, 1000.0, 3400.0] {
                let out = resample(&sine(hz, rate, 1.0), rate).expect("a common rate");
                let level = dbm0_of_samples(&out[1000..7000]);
                // Half of full scale: 6.02 dB below +3.14.
                assert!((level + 2.88).abs() < 0.2, "{hz} Hz at {rate}: {level}");
            }
        }
    }

    #[test]
    fn what_lies_above_four_kilohertz_does_not_come_back_mirrored() {
        for rate in [11_025, 16_000, 44_100, 48_000, 192_000] {
            for hz in [4_400.0, 5_000.0, 7_000.0, 11_000.0] {
                if hz < f64::from(rate) / 2.0 {
                    let out = resample(&sine(hz, rate, 1.0), rate).expect("a common rate");
                    let level = dbm0_of_samples(&out[1000..7000]);
                    assert!(level < -70.0, "{hz} Hz at {rate}: {level} dBm0");
                }
            }
        }
    }

    #[test]
    fn a_click_stays_where_it_was() {
        let mut clip = vec![0.0; 48_000];
        clip[24_000] = 0.9;
        let out = resample(&clip, 48_000).expect("a common rate");
        let loudest = out
            .iter()
            .enumerate()
            .max_by_key(|(_, s)| s.unsigned_abs())
            .map(|(i, _)| i);
        assert_eq!(loudest, Some(4_000));
    }

    #[test]
    fn an_impossible_rate_is_refused_by_name() {
        let message = BadRate(0).to_string();
        assert!(
            Resampler::new(0).is_err() && message.contains("0 Hz") && message.contains("1000"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn the_clip_stays_as_long_as_it_was(rate in 1_000u32..200_000, len in 0usize..3_000, cut in 0usize..3_000) {
            let clip = vec![0.1; len];
            let mut resampler = Resampler::new(rate).expect("in range");
            let mut out = Vec::new();
            let (a, b) = clip.split_at(cut.min(len));
            resampler.push(a, &mut out);
            resampler.push(b, &mut out);
            resampler.finish(&mut out);
            prop_assert_eq!(out.len(), (len * 8_000).div_ceil(rate as usize));
        }
    }
}
