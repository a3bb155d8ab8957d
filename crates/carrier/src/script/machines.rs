//! What answers and is nobody: voicemail, assistants, menus, fax, silence.

use std::time::Duration;

use hark_outcome::Cause;
use hark_sound::tone::{self, Tones, beep};

use super::people::ring;
use super::{Draft, Floor, Playlist, Sound, Step, clip};
use crate::behaviour::{Fax, Machine, Ringback, Silence, SilenceKind, Voicemail};
use crate::prompts::PromptKind;

pub(super) fn voicemail(d: &mut Draft, v: &Voicemail) -> Result<Vec<Cause>, String> {
    ring(d, v.ringback, &v.plan, 0.3, v.answer_after_s)?;
    let greeting = d.prompt(v.greeting.as_ref(), v.language, |p| {
        p.kind == PromptKind::Voicemail
    })?;
    let hz = v.beep_hz.unwrap_or_else(|| d.dice.between(400.0, 2000.0));
    if !(100.0..=3900.0).contains(&hz) {
        return Err(format!("beep_hz is {hz}; give 100 to 3900"));
    }
    let ms = v.beep_ms.unwrap_or_else(|| d.dice.between(150.0, 800.0) as u32);
    let (delay, gap) = (
        seconds(d.dice.between(0.3, 1.2)),
        seconds(d.dice.between(0.3, 1.0)),
    );
    let (speech, length) = clip(greeting);

    d.step(Step::Answer { fork: 0 });
    let sounds = vec![
        Sound::Pause(delay),
        speech,
        Sound::Pause(gap),
        Sound::Tones(beep(hz as f32, ms, -12.0)),
    ];
    let lasting = delay + length + gap + Duration::from_millis(ms.into());
    d.play_through(sounds, Floor::Noise(-66.0), lasting);
    d.wait("records_s", v.records_s)?;
    d.step(Step::Bye);
    let best = greeting.cause.unwrap_or(Cause::Voicemail);
    Ok(with(best, &[Cause::Voicemail, Cause::AnsweringMachine]))
}

pub(super) fn machine(d: &mut Draft, m: &Machine) -> Result<Vec<Cause>, String> {
    ring(d, Ringback::None, "cn", 0.3, m.answer_after_s)?;
    let prompt = d.prompt(m.prompt.as_ref(), m.language, |p| {
        p.kind == PromptKind::Machine && p.cause == Some(m.cause)
    })?;
    let (speech, length) = clip(prompt);
    d.step(Step::Answer { fork: 0 });
    let delay = seconds(d.dice.between(0.3, 0.9));
    d.play_through(
        vec![Sound::Pause(delay), speech.clone()],
        Floor::Digital,
        delay + length,
    );
    for _ in 1..m.repeats {
        d.wait("gap_s", m.gap_s)?;
        d.play_through(vec![speech.clone()], Floor::Digital, length);
    }
    d.wait("gap_s", m.gap_s)?;
    d.step(Step::Bye);
    Ok(vec![m.cause])
}

pub(super) fn fax(d: &mut Draft, f: &Fax) -> Result<Vec<Cause>, String> {
    ring(d, Ringback::None, "cn", 0.3, f.answer_after_s)?;
    d.step(Step::Answer { fork: 0 });
    for _ in 0..f.repeats.max(1) {
        let ced = tone::ToneSpec::new(vec![2100.0], -12.0);
        let lead = seconds(d.dice.between(1.8, 2.5));
        let long = seconds(3.3);
        let sounds = vec![
            Sound::Pause(lead),
            Sound::TonesFor(Tones::cadence(&ced, &[]), long),
        ];
        d.play_through(sounds, Floor::Digital, lead + long);
    }
    d.wait("gap", 4.0)?;
    d.step(Step::Bye);
    Ok(vec![Cause::Fax])
}

pub(super) fn silence(d: &mut Draft, s: &Silence) -> Result<Vec<Cause>, String> {
    ring(d, Ringback::None, "cn", 0.3, s.answer_after_s)?;
    d.step(Step::Answer { fork: 0 });
    let floor = match s.sends {
        SilenceKind::NoMedia => Floor::Nothing,
        SilenceKind::Digital => Floor::Digital,
        SilenceKind::Noise => Floor::Noise(-60.0),
        SilenceKind::ComfortNoise => Floor::Comfort,
    };
    d.step(Step::Play(Playlist::floor(floor)));
    d.wait_keeping("hangs_up_after_s", s.hangs_up_after_s, super::NEVER_CUT)?;
    d.step(Step::Bye);
    Ok(match s.sends {
        SilenceKind::NoMedia => vec![Cause::NoMedia],
        _ => vec![Cause::DeadAir],
    })
}

/// `best` first, then the others.
fn with(best: Cause, others: &[Cause]) -> Vec<Cause> {
    std::iter::once(best)
        .chain(others.iter().copied().filter(|c| *c != best))
        .collect()
}

fn seconds(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}
