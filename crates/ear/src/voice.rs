//! Voices: who speaks when, and what the timing of it says.
//!
//! [`Listener`] joins the parts: the detector says when sound like speech begins and ends, the utterance's statistics say
//! whether it is a voice, and only voices move the timing.

mod activity;
mod floor;
mod timing;
mod utterance;

use self::activity::Detector;
pub(crate) use self::timing::Reading;
use self::timing::Timing;
use self::utterance::Utterance;
use crate::EarConfig;
use crate::front::Look;

/// Frames of sound that is no voice by which music is known, and for how many it is remembered: 5 s.
const MUSIC: u32 = 25;
const MUSIC_LASTS: u32 = 250;

/// A stretch of sound that ended, in frames of the phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub from: u32,
    pub to: u32,
    /// A voice; otherwise music, hum or noise that sounded like one for a moment.
    pub voice: bool,
}

/// Listens for voices in one phase.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    detector: Detector,
    timing: Timing,
    current: Option<(u32, Utterance)>,
    /// The frames before an onset is sure belong to the utterance too.
    before: Utterance,
    frame: u32,
    /// Frames not received, up to now in a row.
    missing: u32,
    /// Frames of sound that was no voice, and the frame it ended with.
    sound: (u32, u32),
}

impl Listener {
    pub(crate) fn new(config: &EarConfig) -> Self {
        Self {
            detector: Detector::new(),
            timing: Timing::new(config),
            current: None,
            before: Utterance::default(),
            frame: 0,
            missing: 0,
            sound: (0, 0),
        }
    }

    /// Whether the last frame was louder than the background.
    pub(crate) const fn is_loud(&self) -> bool {
        self.detector.is_loud()
    }

    /// Whether music, or the like, sounded a short while ago.
    const fn is_music(&self) -> bool {
        let (frames, until) = self.sound;
        frames >= MUSIC && self.frame - until < MUSIC_LASTS
    }

    /// Whether somebody speaks now.
    pub(crate) fn is_speaking(&self) -> bool {
        self.current
            .as_ref()
            .is_some_and(|(_, utterance)| utterance.is_voice(self.is_music()))
    }

    /// The stretch that sounds now.
    pub(crate) fn current(&self) -> Option<Stretch> {
        let (from, utterance) = self.current.as_ref()?;
        Some(Stretch {
            from: *from,
            // What never came was no voice.
            to: (self.frame - self.missing).max(*from),
            voice: utterance.is_voice(self.is_music()),
        })
    }

    /// Voice heard so far, in frames.
    pub(crate) fn voice(&self) -> u32 {
        self.timing.voice() + self.current().filter(|s| s.voice).map_or(0, |s| s.to - s.from)
    }

    /// What the timing says.
    pub(crate) fn reading(&self) -> Reading {
        self.timing.reading()
    }

    /// A frame that was not received passed: it says nothing.
    pub(crate) fn skip(&mut self) {
        self.frame += 1;
        self.missing += 1;
    }

    /// Takes a received frame; `tone` = a tone fills it. Gives the stretch that ended with it.
    pub(crate) fn push(&mut self, look: &Look, tone: bool) -> Option<Stretch> {
        let activity = self.detector.push(look, tone);
        self.missing = 0;
        self.frame += 1;
        if let Some(ago) = activity.began {
            self.current = Some((
                self.frame - 1 - ago.min(self.frame - 1),
                std::mem::take(&mut self.before),
            ));
        }
        let Some((from, mut utterance)) = self.current.take() else {
            if activity.loud {
                self.before.push(look, true);
            } else if self.detector.is_quiet() {
                self.before = Utterance::default();
            }
            self.timing.pauses();
            return None;
        };
        if tone {
            utterance.tone();
        }
        utterance.push(look, activity.loud);
        if let Some(ago) = activity.ended {
            let stretch = Stretch {
                from,
                to: (self.frame - ago).max(from),
                voice: utterance.is_voice(self.is_music()),
            };
            self.before = Utterance::default();
            if stretch.voice {
                self.timing
                    .spoke(stretch.to - stretch.from, ago, utterance.level());
            } else {
                let recent = if self.frame - self.sound.1 < MUSIC_LASTS {
                    self.sound.0
                } else {
                    0
                };
                self.sound = (recent + stretch.to - stretch.from, stretch.to);
                self.timing.pauses();
            }
            return Some(stretch);
        }
        if utterance.is_voice(self.is_music()) {
            self.timing.speaks(self.frame - from, utterance.level());
        } else {
            self.timing.pauses();
        }
        self.current = Some((from, utterance));
        None
    }

    /// Nothing more will come; gives the stretch that sounded to the end.
    pub(crate) fn finish(&mut self) -> Option<Stretch> {
        let stretch = self.current();
        self.current = None;
        let open = stretch.filter(|s| s.voice).map_or(0, |s| s.to - s.from);
        self.timing.finish(open);
        stretch
    }
}
