//! Sound for packets that never came, after ITU-T G.711 appendix I: the last pitch period goes on, fading to silence
//! 60 ms into the gap, and the sound that follows is faded in over it.
//!
//! Only the history tells the pitch, so nothing is delayed; what is invented is said to be (`Origin::Concealed`).

/// The pitch is looked for between 66 and 200 Hz.
const MIN_PITCH: usize = 40;
const MAX_PITCH: usize = 120;

/// How much sound two periods are compared over: 20 ms.
const COMPARED: usize = 160;

const HISTORY: usize = MAX_PITCH + COMPARED + MAX_PITCH / 4;

/// Full strength for 10 ms, then down to nothing at 60 ms.
const FADE_FROM: usize = 80;
const FADE_TO: usize = 480;

/// The crossing back into received sound: 4 ms.
const CROSSING: usize = 32;

/// Remembers the latest sound and continues it.
#[derive(Debug, Clone)]
pub(super) struct Concealer {
    history: [i16; HISTORY],
    gap: Option<Gap>,
}

#[derive(Debug, Clone)]
struct Gap {
    period: [i16; MAX_PITCH],
    pitch: usize,
    /// Samples invented so far.
    at: usize,
}

impl Concealer {
    pub(super) const fn new() -> Self {
        Self {
            history: [0; HISTORY],
            gap: None,
        }
    }

    /// Takes received sound, smoothing the seam if it ends a gap.
    pub(super) fn received(&mut self, samples: &mut [i16]) {
        if let Some(mut gap) = self.gap.take() {
            let crossing = CROSSING.min(samples.len());
            for (at, sample) in samples.iter_mut().take(crossing).enumerate() {
                let share = (at + 1) as f32 / (crossing + 1) as f32;
                *sample = blend(gap.next(), *sample, share);
            }
        }
        self.remember(samples);
    }

    /// Invents the sound of a gap.
    pub(super) fn conceal(&mut self, out: &mut [i16]) {
        let history = &self.history;
        let gap = self.gap.get_or_insert_with(|| Gap::after(history));
        for sample in out.iter_mut() {
            *sample = gap.next();
        }
    }

    /// Whether the sound invented for this gap has faded away.
    pub(super) fn is_spent(&self) -> bool {
        self.gap.as_ref().is_some_and(|gap| gap.at >= FADE_TO)
    }

    /// Silence, known to be silence, goes before whatever comes next.
    pub(super) fn rest(&mut self) {
        self.gap = None;
        self.history = [0; HISTORY];
    }

    fn remember(&mut self, samples: &[i16]) {
        let tail = &samples[samples.len().saturating_sub(HISTORY)..];
        self.history.copy_within(tail.len().., 0);
        self.history[HISTORY - tail.len()..].copy_from_slice(tail);
    }
}

impl Gap {
    fn after(history: &[i16; HISTORY]) -> Self {
        let pitch = pitch(history);
        let mut period = [0; MAX_PITCH];
        period[..pitch].copy_from_slice(&history[HISTORY - pitch..]);
        // So that the end of the period leads smoothly into its beginning, its last quarter bends towards what came
        // before that beginning.
        let seam = pitch / 4;
        for at in 0..seam {
            let share = (at + 1) as f32 / (seam + 1) as f32;
            let here = pitch - seam + at;
            period[here] = blend(period[here], history[HISTORY - pitch - seam + at], share);
        }
        Self { period, pitch, at: 0 }
    }

    fn next(&mut self) -> i16 {
        let sample = self.period[self.at % self.pitch];
        let gain = match self.at {
            ..FADE_FROM => 1.0,
            FADE_FROM..FADE_TO => (FADE_TO - self.at) as f32 / (FADE_TO - FADE_FROM) as f32,
            _ => 0.0,
        };
        self.at = self.at.saturating_add(1);
        (f32::from(sample) * gain) as i16
    }
}

/// The lag at which the latest 20 ms resemble what came before most.
fn pitch(history: &[i16; HISTORY]) -> usize {
    let recent = &history[HISTORY - COMPARED..];
    let mut best = (MIN_PITCH, f32::MIN);
    for lag in MIN_PITCH..=MAX_PITCH {
        let earlier = &history[HISTORY - COMPARED - lag..HISTORY - lag];
        let mut product = 0.0;
        let mut energy = 1.0;
        for (a, b) in recent.iter().zip(earlier) {
            product += f32::from(*a) * f32::from(*b);
            energy += f32::from(*b) * f32::from(*b);
        }
        let likeness = product / energy.sqrt();
        if likeness > best.1 {
            best = (lag, likeness);
        }
    }
    best.0
}

/// `share` of the way from one sample to another.
fn blend(from: i16, to: i16, share: f32) -> i16 {
    (f32::from(from) * (1.0 - share) + f32::from(to) * share) as i16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tone(hertz: f32, from: usize, len: usize) -> Vec<i16> {
        let angle = |n: usize| 2.0 * std::f32::consts::PI * hertz * n as f32 / 8000.0;
        (from..from + len)
            .map(|n| (angle(n).sin() * 10_000.0) as i16)
            .collect()
    }

    fn rms(samples: &[i16]) -> f32 {
        (samples.iter().map(|s| f32::from(*s) * f32::from(*s)).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn a_short_gap_in_a_tone_is_filled_with_the_same_tone() {
        for hertz in [120.0, 200.0, 450.0, 440.0] {
            let mut concealer = Concealer::new();
            concealer.received(&mut tone(hertz, 0, 800));
            let mut gap = [0; 80];
            concealer.conceal(&mut gap);
            let truth = tone(hertz, 800, 80);
            let error: Vec<i16> = gap
                .iter()
                .zip(&truth)
                .map(|(a, b)| a.saturating_sub(*b))
                .collect();
            assert!(
                rms(&error) < 0.25 * rms(&truth),
                "{hertz} Hz: off by {}",
                rms(&error) / rms(&truth)
            );
        }
    }

    #[test]
    fn a_long_gap_fades_to_silence_within_60_ms() {
        let mut concealer = Concealer::new();
        concealer.received(&mut tone(450.0, 0, 800));
        let mut gap = [0; 640];
        concealer.conceal(&mut gap);
        assert!(rms(&gap[..80]) > 5000.0);
        assert!(rms(&gap[240..320]) < rms(&gap[80..160]));
        assert!(gap[480..].iter().all(|sample| *sample == 0));
        assert!(concealer.is_spent());
    }

    #[test]
    fn sound_after_a_gap_is_faded_in_and_then_untouched() {
        let mut concealer = Concealer::new();
        concealer.received(&mut [8000; 800]);
        concealer.conceal(&mut [0; 80]);
        let mut back = [-8000; 160];
        concealer.received(&mut back);
        assert!(
            back[0] > 0 && back.windows(2).take(30).all(|pair| pair[0] > pair[1]),
            "{:?}",
            &back[..34]
        );
        assert!(back[32..].iter().all(|sample| *sample == -8000));
    }

    #[test]
    fn nothing_is_invented_out_of_silence() {
        let mut concealer = Concealer::new();
        let mut gap = [1; 160];
        concealer.conceal(&mut gap);
        assert_eq!(gap, [0; 160]);
    }

    proptest! {
        #[test]
        fn any_sound_in_any_pieces_never_panics(
            pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<i16>(), 0..500)), 0..12)
        ) {
            let mut concealer = Concealer::new();
            for (received, mut piece) in pieces {
                if received { concealer.received(&mut piece) } else { concealer.conceal(&mut piece) }
            }
        }
    }
}
