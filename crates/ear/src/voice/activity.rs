//! Does somebody speak? Level over an adaptive floor, and a voice's periodicity.
//!
//! `Quiet => Speech` when three of five frames are loud and voiced; the onset is dated back to where the sound began,
//! for words begin with unvoiced sounds. `Speech => Quiet` when nothing loud came for the hangover; the end is dated
//! back to the last loud frame. Loud but unvoiced sound is sound, not speech.

use super::floor::Floor;
use crate::front::Look;

/// Frames without sound after which speech has ended: 200 ms. Shorter gaps are stops within a word.
const HANGOVER: u32 = 10;
/// Of the last five frames, this many must be loud and voiced for speech to begin.
const VOICED_TO_BEGIN: u32 = 3;
/// Frames an onset may be dated back: 240 ms.
const LOOK_BACK: u32 = 12;

/// Quiet frames within one run of loud ones while nobody speaks yet.
const BRIDGED: u32 = 3;

/// A frame this far over the background is loud.
const OVER_FLOOR_DB: f32 = 8.0;
/// Nothing quieter is a voice.
const QUIETEST_DBM0: f32 = -52.0;
/// The room's echo of a loud voice, this far below it, is no voice.
const UNDER_SPEECH_DB: f32 = 28.0;
/// How fast that memory fades, in dB a frame.
const FADES_DB: f32 = 0.1;
/// Periodicity and flatness of a voiced frame.
const VOICED: f32 = 0.6;
const FLAT: f32 = 0.35;

/// What the last frame changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Activity {
    /// The frame is louder than the background.
    pub loud: bool,
    /// Speech began this many frames ago (0 = with this frame).
    pub began: Option<u32>,
    /// Speech ended this many frames ago.
    pub ended: Option<u32>,
}

/// Follows one call's sound.
#[derive(Debug, Clone)]
pub(crate) struct Detector {
    floor: Floor,
    /// The last frames' "loud and voiced", newest in bit 0.
    voiced: u32,
    /// Frames since the loud run began; 0 while quiet.
    loud_run: u32,
    gap: u32,
    speaking: bool,
    /// Level of the speech so far, fading.
    speech_level: f32,
}

impl Detector {
    pub(crate) const fn new() -> Self {
        Self {
            floor: Floor::new(),
            voiced: 0,
            loud_run: 0,
            gap: 0,
            speaking: false,
            speech_level: -99.0,
        }
    }

    /// Whether the last frame was louder than the background.
    pub(crate) const fn is_loud(&self) -> bool {
        self.loud_run > 0 && self.gap == 0
    }

    /// Whether the last run of loud frames is over.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.gap > BRIDGED
    }

    /// Takes a received frame; a tone's frames are nobody's voice.
    pub(crate) fn push(&mut self, look: &Look, tone: bool) -> Activity {
        let floor = self.floor.push(look.level);
        let mut threshold = (floor + OVER_FLOOR_DB).max(QUIETEST_DBM0);
        threshold = threshold.max(self.speech_level - UNDER_SPEECH_DB);
        let loud = look.level > threshold && !tone;
        let voiced = loud && look.voicing > VOICED && look.flatness < FLAT;
        self.voiced = (self.voiced << 1 | u32::from(voiced)) & 0b1_1111;
        self.speech_level -= FADES_DB;
        if voiced {
            self.speech_level = self.speech_level.max(look.level);
        }
        self.step(loud)
    }

    fn step(&mut self, loud: bool) -> Activity {
        if loud {
            self.loud_run = if self.gap <= BRIDGED {
                self.loud_run + self.gap + 1
            } else {
                1
            };
            self.gap = 0;
        } else {
            self.gap = self.gap.saturating_add(1);
        }
        let (mut began, mut ended) = (None, None);
        if !self.speaking && self.voiced.count_ones() >= VOICED_TO_BEGIN {
            self.speaking = true;
            began = Some((self.loud_run.saturating_sub(1) + self.gap).min(LOOK_BACK));
        } else if self.speaking && self.gap >= HANGOVER {
            self.speaking = false;
            self.voiced = 0;
            ended = Some(self.gap);
        }
        Activity { loud, began, ended }
    }
}
