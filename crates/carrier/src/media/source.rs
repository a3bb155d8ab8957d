//! What a line plays: sounds in turn, and a floor that stays when they are over.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hark_sound::tone::{Step, ToneSpec, Tones, amplitude};
use hark_sound::{FRAME_SAMPLES, SAMPLE_RATE};

use crate::dice::Dice;

/// One sound.
#[derive(Debug, Clone)]
pub(crate) enum Sound {
    /// Recorded samples.
    Clip(Arc<[i16]>),
    /// Tones, until they end.
    Tones(Tones),
    /// Tones, for so long.
    TonesFor(Tones, Duration),
    /// The floor alone, for so long.
    Pause(Duration),
}

/// What is under the sounds and after them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Floor {
    /// No packet at all.
    Nothing,
    /// Packets of zeros.
    Digital,
    /// Packets of noise at this level, dBm0.
    Noise(f32),
    /// Comfort-noise packets (RFC 3389), few and far between.
    Comfort,
}

/// Sounds in turn over a floor.
#[derive(Debug, Clone)]
pub(crate) struct Playlist {
    /// First to last.
    pub sounds: Vec<Sound>,
    /// Under and after them.
    pub floor: Floor,
}

impl Playlist {
    /// The floor alone.
    pub(crate) const fn floor(floor: Floor) -> Self {
        Self {
            sounds: Vec::new(),
            floor,
        }
    }
}

/// What the next 20 ms are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emit {
    /// The samples were filled in.
    Audio,
    /// A comfort-noise packet, or the gap between two.
    Comfort,
    /// Nothing.
    Nothing,
}

/// Plays a playlist, 20 ms at a time.
#[derive(Debug)]
pub(crate) struct Player {
    queue: VecDeque<Sound>,
    floor: Floor,
    /// Samples already played of the sound in front.
    at: usize,
    noise: Dice,
}

impl Player {
    /// Nothing to play yet.
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            queue: VecDeque::new(),
            floor: Floor::Nothing,
            at: 0,
            noise: Dice::new(seed),
        }
    }

    /// Drops what is playing and plays this.
    pub(crate) fn play(&mut self, list: Playlist) {
        self.queue = list.sounds.into();
        self.floor = list.floor;
        self.at = 0;
    }

    /// Fills in the next 20 ms.
    pub(crate) fn next(&mut self, out: &mut [i16; FRAME_SAMPLES]) -> Emit {
        out.fill(0);
        let mut filled = 0;
        let mut sounded = false;
        while filled < FRAME_SAMPLES {
            let Some(sound) = self.queue.front_mut() else {
                break;
            };
            let room = &mut out[filled..];
            let (wrote, over) = match sound {
                Sound::Clip(samples) => copy(&samples[self.at..], room),
                Sound::Tones(tones) => fill(tones, room),
                Sound::TonesFor(tones, length) => {
                    let left = samples_in(*length).saturating_sub(self.at).min(room.len());
                    let (wrote, ended) = fill(tones, &mut room[..left]);
                    (wrote, ended || left < FRAME_SAMPLES - filled)
                }
                Sound::Pause(length) => {
                    let left = samples_in(*length).saturating_sub(self.at);
                    (left.min(room.len()), left <= room.len())
                }
            };
            sounded |= wrote > 0 && !matches!(sound, Sound::Pause(_));
            filled += wrote;
            self.at += wrote;
            if over {
                self.queue.pop_front();
                self.at = 0;
            }
        }
        match self.floor {
            Floor::Noise(level) => {
                self.add_noise(out, level);
                Emit::Audio
            }
            Floor::Nothing if !sounded => Emit::Nothing,
            Floor::Comfort if !sounded => Emit::Comfort,
            _ => Emit::Audio,
        }
    }

    fn add_noise(&mut self, out: &mut [i16], level_dbm0: f32) {
        // Four 16-bit uniforms of one draw sum to something near enough to Gaussian; their deviation is 65536/√3.
        let scale = amplitude(level_dbm0) / std::f32::consts::SQRT_2 * 3f32.sqrt() / 65_536.0;
        for sample in out {
            let bits = self.noise.next();
            let sum: i32 = (0..4)
                .map(|i| i32::from((bits >> (16 * i)) as u16) - 32_768)
                .sum();
            *sample = sample.saturating_add((sum as f32 * scale) as i16);
        }
    }
}

/// A tune for a colour ring-back tone: major-pentatonic notes with a fifth below, 2 minutes, then from the start.
pub(crate) fn melody(dice: &mut Dice) -> Tones {
    const SCALE: [f32; 8] = [523.3, 587.3, 659.3, 784.0, 880.0, 1046.5, 1174.7, 1318.5];
    let key = dice.between(0.8, 1.15) as f32;
    let beat = dice.between(220.0, 330.0) as u32;
    let mut at = 3usize;
    let mut steps = Vec::new();
    for _ in 0..360 {
        at = at
            .saturating_add_signed((dice.unit() * 5.0) as isize - 2)
            .min(SCALE.len() - 1);
        let hz = SCALE[at] * key;
        let level = dice.between(-19.0, -14.0) as f32;
        let beats = if dice.happens(0.3) { 2 } else { 1 };
        let note = |part: f32, ms| Step {
            tone: ToneSpec::new(vec![hz, hz / 1.5, hz * 2.0], level - part),
            ms,
        };
        // Struck and fading, as a plucked string would be.
        steps.extend([
            note(0.0, 60),
            note(3.0, beat / 2),
            note(8.0, beat * beats - beat / 2),
        ]);
    }
    Tones::repeat(steps)
}

fn copy(from: &[i16], to: &mut [i16]) -> (usize, bool) {
    let n = from.len().min(to.len());
    to[..n].copy_from_slice(&from[..n]);
    (n, n == from.len())
}

fn fill(tones: &mut Tones, to: &mut [i16]) -> (usize, bool) {
    for (n, slot) in to.iter_mut().enumerate() {
        match tones.next() {
            Some(sample) => *slot = sample,
            None => return (n, true),
        }
    }
    (to.len(), false)
}

fn samples_in(length: Duration) -> usize {
    (length.as_micros() as u64 * u64::from(SAMPLE_RATE) / 1_000_000) as usize
}

#[cfg(test)]
mod tests {
    use hark_sound::tone::dbm0_of_samples;

    use super::*;

    fn frames(player: &mut Player, n: usize) -> (Vec<Emit>, Vec<i16>) {
        let mut samples = Vec::new();
        let emits = (0..n)
            .map(|_| {
                let mut frame = [0; FRAME_SAMPLES];
                let emit = player.next(&mut frame);
                samples.extend_from_slice(&frame);
                emit
            })
            .collect();
        (emits, samples)
    }

    #[test]
    fn sounds_follow_each_other_without_a_gap() {
        let mut player = Player::new(1);
        let sounds = vec![
            Sound::Clip(vec![1; 100].into()),
            Sound::Pause(Duration::from_millis(10)),
            Sound::Clip(vec![2; 200].into()),
        ];
        player.play(Playlist {
            sounds,
            floor: Floor::Digital,
        });
        let (_, got) = frames(&mut player, 3);
        let want: Vec<i16> = [vec![1; 100], vec![0; 80], vec![2; 200], vec![0; 100]].concat();
        assert_eq!(got, want);
    }

    #[test]
    fn tones_for_a_while_last_that_long() {
        let mut player = Player::new(1);
        let tone = Tones::cadence(&ToneSpec::new(vec![450.0], -10.0), &[]);
        player.play(Playlist {
            sounds: vec![Sound::TonesFor(tone, Duration::from_millis(50))],
            floor: Floor::Nothing,
        });
        let (emits, got) = frames(&mut player, 4);
        assert_eq!(emits, [Emit::Audio, Emit::Audio, Emit::Audio, Emit::Nothing]);
        assert!(got[390..400].iter().any(|&s| s != 0) && got[400..].iter().all(|&s| s == 0));
    }

    #[test]
    fn noise_has_the_level_it_was_asked_for() {
        let mut player = Player::new(1);
        player.play(Playlist::floor(Floor::Noise(-45.0)));
        let (_, got) = frames(&mut player, 100);
        let level = dbm0_of_samples(&got);
        assert!((level + 45.0).abs() < 0.7, "{level}");
    }

    #[test]
    fn a_comfort_floor_comes_after_the_sound() {
        let mut player = Player::new(1);
        player.play(Playlist {
            sounds: vec![Sound::Clip(vec![5; 160].into())],
            floor: Floor::Comfort,
        });
        assert_eq!(frames(&mut player, 2).0, [Emit::Audio, Emit::Comfort]);
    }
}
