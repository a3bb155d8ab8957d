//! From what was found to what it means for the call. Only network tones and a beep after a voice are ever certain:
//! a verdict that is certain may end a call, and a wrong machine hangs up on a person.

use hark_outcome::{Cause, Grade};

use crate::EarConfig;
use crate::opinion::EarlySound;
use crate::scene::{Found, Scene};
use crate::tones::{Beep, Match};
use crate::voice::Reading;

/// Sound that is no voice, and lasts this long before the answer, is a colour ring-back's.
const MUSIC_FRAMES: u32 = 50;
/// Voice this long before the answer is speech, no click.
const SPEECH_FRAMES: u32 = 15;
/// A beep later than this after a person was heard belongs to a conversation.
const BEEP_AFTER_PERSON_MS: f32 = 4_000.0;
/// A greeting is over by then; later beeps are somebody's recorder.
const BEEP_LATEST_MS: f32 = 90_000.0;
/// A call shorter than this says nothing by its silence.
const TOO_SHORT_MS: f32 = 1_000.0;

/// The rule of a verdict on a beep.
pub(crate) const BEEP: &str = "beep";

/// What the sound means, with the words for it made only when they are needed.
pub(crate) struct Verdict {
    pub cause: Option<Cause>,
    pub grade: Grade,
    pub confidence: f32,
    pub rule: &'static str,
    why: Why,
}

enum Why {
    Tone(Match),
    Beep(Beep, f32),
    Voice(Reading, f32),
    Nothing(f32),
    Text(&'static str),
}

impl Verdict {
    pub(crate) fn is_person(&self) -> bool {
        self.cause == Some(Cause::Person)
    }

    /// In words, for a person who asks why.
    pub(crate) fn because(&self) -> String {
        match &self.why {
            Why::Tone(m) => format!(
                "{} in the cadence of {} (plan {}) from {:.2} s on",
                m.composition,
                m.meaning.as_str(),
                m.plan,
                m.from_ms / 1000.0
            ),
            Why::Beep(beep, voice) => format!(
                "a pure tone of {:.0} Hz from {:.2} to {:.2} s, then quiet, after {voice:.1} s of voice",
                beep.hz,
                beep.from_ms / 1000.0,
                beep.to_ms / 1000.0
            ),
            Why::Voice(Reading::Person, voice) => {
                format!("{voice:.1} s of voice, then a pause: a greeting, waiting")
            }
            Why::Voice(Reading::PersonLate, voice) => format!("{voice:.1} s of voice, then a long pause"),
            Why::Voice(Reading::CutOff, voice) => format!("{voice:.1} s of voice, and then the sound ended"),
            Why::Voice(_, voice) => format!("a voice that goes on: {voice:.1} s by now"),
            Why::Nothing(s) => format!("{s:.1} s since the answer and nobody spoke"),
            Why::Text(text) => (*text).to_owned(),
        }
    }
}

/// Before the answer: tones decide, everything else counts as ringing.
pub(crate) fn before_answer(
    scene: &Scene,
    found: &[Found],
    early: &mut EarlySound,
    over: bool,
) -> Option<Verdict> {
    for found in found {
        match found {
            Found::Cadence(cadence) => {
                if let Some(verdict) = decided_by(cadence) {
                    return Some(verdict);
                }
                early.ringback = true;
            }
            Found::Stretch(s) => early.speech |= s.voice && s.to - s.from >= SPEECH_FRAMES,
            Found::Beep(_) => {}
        }
    }
    if let Some(s) = scene.voices.current() {
        early.speech |= s.voice && s.to - s.from >= MUSIC_FRAMES;
    }
    early.music |= scene.sound() >= MUSIC_FRAMES;
    let (rule, text) = match *early {
        EarlySound { ringback: true, .. } => ("ringing", "a ringback tone: it rings"),
        EarlySound { speech: true, .. } => (
            "early_speech",
            "speech before the answer that nobody here understands",
        ),
        EarlySound { music: true, .. } => {
            ("early_sound", "sound before the answer, as of a colour ring-back")
        }
        _ if over => ("undecided", "nothing was heard that decides"),
        _ => return None,
    };
    Some(Verdict {
        cause: None,
        grade: Grade::Unsure,
        confidence: 0.0,
        rule,
        why: Why::Text(text),
    })
}

/// After the answer: a beep, a network tone instead of a voice, the timing of a voice, or nobody.
pub(crate) fn after_answer(
    scene: &Scene,
    found: &[Found],
    config: &EarConfig,
    person_ms: Option<f32>,
    over: bool,
) -> Option<Verdict> {
    let voice_s = scene.voices.voice() as f32 * 0.02;
    for found in found {
        let verdict = match found {
            Found::Beep(beep) => by_beep(beep, voice_s, person_ms, config),
            // A caller who hangs up leaves a busy tone behind: it says nothing of who had answered.
            Found::Cadence(cadence) if voice_s == 0.0 => decided_by(cadence),
            _ => None,
        };
        if verdict.is_some() {
            return verdict;
        }
    }
    by_timing(scene.voices.reading(), voice_s, over, config)
        .or_else(|| by_silence(scene, voice_s, over, config))
}

fn decided_by(cadence: &Match) -> Option<Verdict> {
    Some(Verdict {
        cause: Some(cadence.meaning.cause()?),
        grade: Grade::Certain,
        confidence: 0.99,
        rule: cadence.meaning.rule(),
        why: Why::Tone(cadence.clone()),
    })
}

fn by_beep(beep: &Beep, voice_s: f32, person_ms: Option<f32>, config: &EarConfig) -> Option<Verdict> {
    let in_conversation = person_ms.is_some_and(|person| beep.from_ms > person + BEEP_AFTER_PERSON_MS);
    if in_conversation || beep.from_ms > BEEP_LATEST_MS {
        return None;
    }
    // Who once read as a person is not hung up on for a beep: recorders and other telephones beep too.
    let was_person = person_ms.is_some_and(|person| person < beep.from_ms);
    let certain = voice_s >= config.beep_after_voice_s && !was_person && !is_recorder(beep);
    Some(Verdict {
        cause: Some(Cause::Voicemail),
        grade: if certain { Grade::Certain } else { Grade::Likely },
        confidence: if certain { 0.97 } else { 0.7 },
        rule: BEEP,
        why: Why::Beep(*beep, voice_s),
    })
}

/// The notice tone of call recorders: 1400 Hz for 200 ms, every 15 s, while people talk.
fn is_recorder(beep: &Beep) -> bool {
    (beep.hz - 1_400.0).abs() <= 30.0 && (beep.to_ms - beep.from_ms) <= 300.0
}

fn by_timing(reading: Reading, voice_s: f32, over: bool, config: &EarConfig) -> Option<Verdict> {
    let (cause, grade, confidence, rule) = match reading {
        Reading::Open => return None,
        Reading::Person => (
            Cause::Person,
            Grade::Likely,
            if over { 0.85 } else { 0.9 },
            "short_utterance",
        ),
        Reading::PersonLate if voice_s <= config.machine_voice_s => {
            (Cause::Person, Grade::Likely, 0.7, "utterance_then_pause")
        }
        Reading::PersonLate => (Cause::Person, Grade::Unsure, 0.55, "long_utterance_then_pause"),
        // Nobody is a machine by what was not heard.
        Reading::CutOff => (Cause::Person, Grade::Unsure, 0.5, "cut_off"),
        Reading::Machine => (Cause::AnsweringMachine, Grade::Likely, 0.75, "voice_goes_on"),
    };
    Some(Verdict {
        cause: Some(cause),
        grade,
        confidence,
        rule,
        why: Why::Voice(reading, voice_s),
    })
}

fn by_silence(scene: &Scene, voice_s: f32, over: bool, config: &EarConfig) -> Option<Verdict> {
    let now_s = scene.now_ms() / 1000.0;
    let long_enough = now_s >= config.dead_air_s || (over && scene.now_ms() >= TOO_SHORT_MS);
    if voice_s > 0.0 || !long_enough || scene.rings() {
        return None;
    }
    let (cause, confidence, rule) = if scene.has_media() {
        (Cause::DeadAir, if now_s >= 3.0 { 0.85 } else { 0.6 }, "no_speech")
    } else {
        (Cause::NoMedia, 0.9, "no_packets")
    };
    Some(Verdict {
        cause: Some(cause),
        grade: Grade::Likely,
        confidence,
        rule,
        why: Why::Nothing(now_s),
    })
}
