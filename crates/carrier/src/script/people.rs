//! People: they let it ring, say hello, wait, say it again, talk back, hang up.

use std::time::Duration;

use hark_outcome::Cause;
use hark_sound::tone::{Meaning, plan};

use super::{Conversation, Draft, Floor, Playlist, Sound, Step, clip, level};
use crate::behaviour::{Person, Ringback, Slow};
use crate::media::melody;
use crate::prompts::{self, PromptKind};

/// The shortest patience left by any scale: people do not say "hello" twice a second.
const LEAST_PATIENCE_S: f64 = 2.5;

pub(super) fn person(d: &mut Draft, p: &Person) -> Result<Vec<Cause>, String> {
    ring(d, p.ringback, &p.plan, 0.3, p.answer_after_s)?;
    speak(d, p, PromptKind::Person)
}

pub(super) fn talkative(d: &mut Draft, p: &Person) -> Result<Vec<Cause>, String> {
    ring(d, p.ringback, &p.plan, 0.3, p.answer_after_s)?;
    speak(d, p, PromptKind::Talkative)
}

pub(super) fn behind_music(d: &mut Draft, p: &Person) -> Result<Vec<Cause>, String> {
    ring(d, Ringback::Music, &p.plan, 0.3, p.answer_after_s)?;
    speak(d, p, PromptKind::Person)
}

pub(super) fn slow(d: &mut Draft, s: &Slow) -> Result<Vec<Cause>, String> {
    d.wait("nothing_for_s", s.nothing_for_s)?;
    person(d, &s.person)
}

/// Rings from `after` to `until`, counted from where the draft stands.
pub(super) fn ring(
    d: &mut Draft,
    how: Ringback,
    plan_name: &str,
    after: f64,
    until: f64,
) -> Result<(), String> {
    let tones = plan(plan_name)
        .and_then(|p| p.signal(Meaning::Ringback))
        .ok_or_else(|| format!("plan is {plan_name:?}; known: {}", plan_names()))?
        .play(-14.0);
    let after = after.min(until);
    d.wait("answer_after_s", after)?;
    let (code, sound) = match how {
        Ringback::None => (180, None),
        Ringback::Mute => (183, None),
        Ringback::Tone => (183, Some(Sound::Tones(tones))),
        Ringback::Music => (183, Some(Sound::Tones(melody(&mut d.dice)))),
    };
    d.step(Step::Early {
        code,
        sdp: code == 183,
        fork: 0,
    });
    if let Some(sound) = sound {
        d.step(Step::Play(Playlist {
            sounds: vec![sound],
            floor: Floor::Digital,
        }));
    }
    d.wait("answer_after_s", until - after)
}

/// Answers and says the hello, then converses.
pub(super) fn speak(d: &mut Draft, p: &Person, kind: PromptKind) -> Result<Vec<Cause>, String> {
    let floor = Floor::Noise(level("room_dbm0", p.room_dbm0)?);
    let hello = d.prompt(p.utterance.as_ref(), p.language, |o| o.kind == kind)?;
    let mut same_voice = |kind| {
        let of_voice = prompts::draw(&mut d.dice, hello.language, |o| {
            o.kind == kind && o.voice == hello.voice
        });
        of_voice.map(|o| Playlist {
            sounds: vec![clip(o).0],
            floor,
        })
    };
    let (again, reply) = (same_voice(PromptKind::Again), same_voice(PromptKind::Reply));

    d.step(Step::Answer { fork: 0 });
    let delay = match p.delay_s {
        Some(s) => d.span("delay_s", s, s)?.full,
        None => Duration::from_secs_f64(d.dice.between(0.2, 0.9)),
    };
    let (sound, length) = clip(hello);
    d.play_through(vec![Sound::Pause(delay), sound], floor, delay + length);

    let conversation = Conversation {
        again,
        times: p.again,
        patience: d.span("patience_s", p.patience_s, LEAST_PATIENCE_S)?,
        reply: reply.filter(|_| p.replies),
        stays: d.span("stays_s", p.stays_s, 3.0)?,
    };
    d.full += conversation.patience.full * (p.again + 1);
    d.step(Step::Converse(Box::new(conversation)));
    d.step(Step::Bye);
    Ok(vec![Cause::Person])
}

pub(super) fn plan_names() -> String {
    hark_sound::tone::PLANS
        .iter()
        .map(|p| p.name)
        .collect::<Vec<_>>()
        .join(", ")
}
