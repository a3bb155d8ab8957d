//! The spectrum of the last 32 ms, reduced to where its peaks are and how much of the power they hold.

use std::sync::Arc;

use hark_sound::{FRAME_SAMPLES, SAMPLE_RATE};
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

const SIZE: usize = 256;
const BINS: usize = SIZE / 2 + 1;
pub(super) const BIN_HZ: f32 = SAMPLE_RATE as f32 / SIZE as f32;

/// Bins below 62 Hz hold the mains' hum and offsets.
const LOWEST: usize = 2;
const HIGHEST: usize = 122;
/// A pure tone's power lies within two bins of its peak through a Hann window.
const LOBE: usize = 2;

pub(super) struct Spectral {
    pub peak_hz: f32,
    pub one_lobe: f32,
    pub two_lobes: f32,
    pub flatness: f32,
}

#[derive(Clone)]
pub(super) struct Analyser {
    fft: Arc<dyn RealToComplex<f32>>,
    window: [f32; SIZE],
    line: [f32; SIZE],
    input: Vec<f32>,
    output: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Analyser {
    pub(super) fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(SIZE);
        Self {
            window: std::array::from_fn(|i| {
                0.5 - 0.5 * (std::f32::consts::TAU * (i as f32 + 0.5) / SIZE as f32).cos()
            }),
            line: [0.0; SIZE],
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    pub(super) fn push(&mut self, samples: &[f32; FRAME_SAMPLES]) -> Spectral {
        self.line.copy_within(FRAME_SAMPLES.., 0);
        self.line[SIZE - FRAME_SAMPLES..].copy_from_slice(samples);
        for (input, (s, w)) in self.input.iter_mut().zip(self.line.iter().zip(&self.window)) {
            *input = s * w;
        }
        self.fft
            .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch)
            .expect("every buffer was made by this FFT for itself");
        let mut power = [0.0f32; BINS];
        for (power, bin) in power.iter_mut().zip(&self.output) {
            *power = bin.norm_sqr();
        }
        describe(&power)
    }
}

fn describe(power: &[f32; BINS]) -> Spectral {
    let total: f32 = power[LOWEST..=HIGHEST].iter().sum::<f32>() + 1e-3;
    let peak = loudest(power, |_| true);
    let second = loudest(power, |bin| bin.abs_diff(peak) > LOBE + 1);
    let one_lobe = lobe(power, peak, LOBE) / total;
    let wide = lobe(power, peak, LOBE + 1);
    let between = lobe(power, second, LOBE);
    Spectral {
        peak_hz: (peak as f32 + refine(power, peak)) * BIN_HZ,
        one_lobe,
        two_lobes: ((wide + between) / total).min(1.0),
        flatness: flatness(&power[10..=109]),
    }
}

fn loudest(power: &[f32; BINS], allowed: impl Fn(usize) -> bool) -> usize {
    let mut best = (LOWEST, -1.0);
    for (bin, &height) in power.iter().enumerate().take(HIGHEST + 1).skip(LOWEST) {
        if height > best.1 && allowed(bin) {
            best = (bin, height);
        }
    }
    best.0
}

fn lobe(power: &[f32; BINS], centre: usize, reach: usize) -> f32 {
    power[centre.saturating_sub(reach).max(LOWEST)..=(centre + reach).min(HIGHEST)]
        .iter()
        .sum()
}

/// Where between the bins the peak lies, by a parabola through the logarithms.
fn refine(power: &[f32; BINS], peak: usize) -> f32 {
    let log = |bin: usize| (power[bin] + 1e-6).ln();
    let (a, b, c) = (log(peak - 1), log(peak), log(peak + 1));
    let bend = a - 2.0 * b + c;
    if bend < -1e-6 {
        (0.5 * (a - c) / bend).clamp(-0.5, 0.5)
    } else {
        0.0
    }
}

fn flatness(power: &[f32]) -> f32 {
    // Products of a few bins at a time: a tenth of the logarithms.
    let log: f64 = power
        .chunks(10)
        .map(|c| c.iter().map(|&p| f64::from(p) + 1e-3).product::<f64>().ln())
        .sum();
    let mean = f64::from(power.iter().sum::<f32>()) / power.len() as f64 + 1e-3;
    ((log / power.len() as f64).exp() / mean) as f32
}

#[cfg(test)]
mod tests {
    use hark_sound::tone::{ToneSpec, Tones};

    use super::*;

    fn of(freqs: &[f32]) -> Spectral {
        let clip = Tones::cadence(&ToneSpec::new(freqs.to_vec(), -10.0), &[]).take_samples(480);
        let mut analyser = Analyser::new();
        clip.chunks_exact(FRAME_SAMPLES)
            .map(|chunk| analyser.push(&std::array::from_fn(|i| f32::from(chunk[i]))))
            .last()
            .expect("three frames")
    }

    #[test]
    fn a_pure_tone_is_one_lobe_at_its_frequency() {
        for hz in [400.0, 450.0, 1004.0, 1776.7] {
            let s = of(&[hz]);
            assert!(
                s.one_lobe > 0.99 && (s.peak_hz - hz).abs() < 2.0,
                "{hz}: {} at {}",
                s.one_lobe,
                s.peak_hz
            );
        }
    }

    #[test]
    fn a_pair_is_two_lobes_and_not_one() {
        let s = of(&[480.0, 620.0]);
        assert!(
            s.two_lobes > 0.98 && s.one_lobe < 0.9,
            "{} {}",
            s.one_lobe,
            s.two_lobes
        );
        assert!(
            of(&[440.0, 480.0]).two_lobes > 0.98,
            "fused, but still nothing beside it"
        );
    }
}
