//! One phase of a call, heard: the listeners for tones and voices, and the log of what they found. It names sounds and
//! gives no opinion.

use hark_outcome::{Heard, Phase};
use hark_sound::{Frame, Origin};

use crate::EarConfig;
use crate::evidence::{Entry, Kind, Log};
use crate::front::{Front, Look, NOTHING_DBM0};
use crate::tones::{self, Beep, Match, Segment, ToneEvent, ToneMeaning};
use crate::voice::{self, Stretch};

const FRAME_MS: f32 = 20.0;
/// A sound shorter than this is a click.
const CLICK_MS: f32 = 100.0;
/// Pause after which a cadence is another one: longer than the longest quiet of a ringback.
const CADENCE_PAUSE_MS: f32 = 6_500.0;

/// What a frame brought that an opinion may be formed on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// A cadence of a plan.
    Cadence(Match),
    /// A beep and quiet after it.
    Beep(Beep),
    /// A voice or another sound ended.
    Stretch(Stretch),
}

/// Listens to one phase.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) phase: Phase,
    pub(crate) voices: voice::Listener,
    tones: tones::Listener,
    log: Log,
    frames: u32,
    /// Frames that were received, or told to be silent by the sender.
    received: u32,
    rings: bool,
    /// Loud frames that are no voice's and no tone's.
    sound: u32,
}

impl Scene {
    pub(crate) fn new(phase: Phase, config: &EarConfig) -> Self {
        Self {
            phase,
            voices: voice::Listener::new(config),
            tones: tones::Listener::new(&config.plans),
            log: Log::new(phase),
            frames: 0,
            received: 0,
            rings: false,
            sound: 0,
        }
    }

    /// Milliseconds of the phase so far.
    pub(crate) const fn now_ms(&self) -> f32 {
        self.frames as f32 * FRAME_MS
    }

    /// Whether anything was received at all.
    pub(crate) const fn has_media(&self) -> bool {
        self.received > 0
    }

    /// Frames of sound that is neither voice nor tone.
    pub(crate) const fn sound(&self) -> u32 {
        self.sound
    }

    /// Whether ringback was heard.
    pub(crate) const fn rings(&self) -> bool {
        self.rings
    }

    /// Hears a frame and tells what it completes.
    pub(crate) fn hear(&mut self, frame: &Frame, front: &mut Front) -> Vec<Found> {
        self.frames += 1;
        let look = match frame.origin {
            Origin::Received => Some(front.look(frame)),
            Origin::Comfort => Some(Look::SILENCE),
            // Invented sound keeps the windows whole and is no evidence.
            Origin::Concealed => {
                front.look(frame);
                None
            }
            Origin::Absent => None,
        };
        let mut found = Vec::new();
        self.hear_tones(look.as_ref(), &mut found);
        match &look {
            Some(look) => {
                self.received += 1;
                let tone = self.tones.is_on();
                if let Some(stretch) = self.voices.push(look, tone) {
                    self.end(stretch, &mut found);
                }
            }
            None => self.voices.skip(),
        }
        self.sound += u32::from(self.voices.is_loud() && !self.voices.is_speaking());
        self.log_background(frame.origin, look.as_ref());
        found
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self) -> Vec<Found> {
        let mut found = Vec::new();
        let mut events = Vec::new();
        self.tones.finish(&mut |event| events.push(event));
        events.into_iter().for_each(|event| self.tone(event, &mut found));
        if let Some(stretch) = self.voices.finish() {
            self.end(stretch, &mut found);
        }
        found
    }

    /// What was heard so far, in time order.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.log.heard(self.voices.current().and_then(entry_of))
    }

    fn hear_tones(&mut self, look: Option<&Look>, found: &mut Vec<Found>) {
        let mut events = Vec::new();
        self.tones.push(look, &mut |event| events.push(event));
        events.into_iter().for_each(|event| self.tone(event, found));
    }

    fn tone(&mut self, event: ToneEvent, found: &mut Vec<Found>) {
        match event {
            ToneEvent::Tone(segment) => self.log_tone(&segment),
            ToneEvent::Cadence(cadence) => {
                self.log_cadence(&cadence);
                self.rings |= cadence.meaning == ToneMeaning::Ringback;
                found.push(Found::Cadence(cadence));
            }
            ToneEvent::Beep(beep) => {
                self.log.absorb("tone", beep.from_ms);
                let mut entry = Entry::new("beep", beep.from_ms, beep.to_ms, 0.95);
                entry.detail = Some(format!("{:.0} Hz", beep.hz));
                self.log.add(entry);
                found.push(Found::Beep(beep));
            }
        }
    }

    fn log_tone(&mut self, segment: &Segment) {
        if !segment.steady || segment.ms() < CLICK_MS {
            return;
        }
        let mut entry = Entry::new("tone", segment.from_ms, segment.to_ms, 0.8);
        entry.detail = Some(match segment.composition {
            Some(composition) => format!("{composition}, {:.0} dBm0", segment.level),
            None => format!("{:.0} Hz, {:.0} dBm0", segment.peak_hz, segment.level),
        });
        self.log.add(entry);
    }

    fn log_cadence(&mut self, cadence: &Match) {
        let what = cadence.meaning.as_str();
        self.log.absorb("tone", cadence.from_ms);
        if self.log.extend(what, cadence.to_ms, CADENCE_PAUSE_MS) {
            return;
        }
        let mut entry = Entry::new(what, cadence.from_ms, cadence.to_ms, 0.98);
        entry.plan = Some(cadence.plan.clone());
        entry.detail = Some(cadence.composition.to_string());
        self.log.add(entry);
    }

    fn end(&mut self, stretch: Stretch, found: &mut Vec<Found>) {
        if let Some(entry) = entry_of(stretch) {
            self.log.add(entry);
            found.push(Found::Stretch(stretch));
        }
    }

    fn log_background(&mut self, origin: Origin, look: Option<&Look>) {
        let kind = match (origin, look) {
            (Origin::Absent, _) => Kind::Absent,
            (Origin::Comfort, _) => Kind::Comfort,
            (_, Some(look)) if look.level < NOTHING_DBM0 => Kind::Digital,
            _ if self.voices.is_loud() => Kind::Loud,
            _ => Kind::Quiet,
        };
        self.log.frame(kind);
    }
}

fn entry_of(stretch: Stretch) -> Option<Entry> {
    let (from, to) = (stretch.from as f32 * FRAME_MS, stretch.to as f32 * FRAME_MS);
    let (what, confidence) = if stretch.voice {
        ("speech", 0.9)
    } else {
        ("sound", 0.7)
    };
    (to - from >= CLICK_MS || stretch.voice).then(|| Entry::new(what, from, to, confidence))
}
