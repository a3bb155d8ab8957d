//! What the network itself says: refusals, tones, announcements, ringing that nobody hears.

use std::time::Duration;

use hark_outcome::Cause;
use hark_sound::tone::{Meaning, plan, sit_vacant};

use super::people::{plan_names, ring};
use super::{Draft, Floor, NEVER_CUT, Playlist, Sound, Step, clip, level};
use crate::behaviour::{Announcement, NoAnswer, Redirect, Refuse, Tone};
use crate::prompts::PromptKind;

pub(super) fn no_answer(d: &mut Draft, n: &NoAnswer) -> Result<Vec<Cause>, String> {
    ring(d, n.ringback, &n.plan, n.rings_after_s, n.rings_after_s)?;
    if let Some(rings_s) = n.rings_s {
        d.wait_keeping("rings_s", rings_s, NEVER_CUT)?;
        refuse_with(d, n.code, n.q850)?;
    }
    Ok(vec![Cause::NotAnswered, Cause::RingTimeout])
}

pub(super) fn refuse(
    d: &mut Draft,
    r: &Refuse,
    code: u16,
    q850: u8,
    truth: &[Cause],
) -> Result<Vec<Cause>, String> {
    if r.ringing {
        ring(d, crate::behaviour::Ringback::None, "cn", 0.2, 0.2)?;
    }
    d.wait("after_s", r.after_s)?;
    // A code of one's own means something else; the table of causes no longer holds.
    let own = r.code.is_some_and(|c| c != code);
    let usual = if own { None } else { Some(q850) };
    refuse_with(d, r.code.unwrap_or(code), r.q850.or(usual))?;
    Ok(if own || r.q850.is_some_and(|q| q != q850 && q != 0) {
        Vec::new()
    } else {
        truth.to_vec()
    })
}

pub(super) fn redirect(d: &mut Draft, r: &Redirect) -> Result<Vec<Cause>, String> {
    d.wait("after_s", r.after_s)?;
    let headers = vec![("Contact", format!("<sip:{}@203.0.113.9>", r.to))];
    d.step(Step::Refuse { code: 302, headers });
    Ok(vec![Cause::NumberChanged])
}

pub(super) fn busy_tone(d: &mut Draft, t: &Tone) -> Result<Vec<Cause>, String> {
    tone(d, t, Meaning::Busy, "cn", 486, 17)?;
    Ok(vec![Cause::BusyTone, Cause::UserBusy])
}

pub(super) fn congestion_tone(d: &mut Draft, t: &Tone, plan: &str) -> Result<Vec<Cause>, String> {
    tone(d, t, Meaning::Congestion, plan, 503, 42)?;
    Ok(vec![Cause::Congestion])
}

pub(super) fn vacant_tone(d: &mut Draft, t: &Tone) -> Result<Vec<Cause>, String> {
    tone(d, t, Meaning::Vacant, "cn", 404, 1)?;
    Ok(vec![Cause::VacantNumber])
}

fn tone(d: &mut Draft, t: &Tone, what: Meaning, usual: &str, code: u16, q850: u8) -> Result<(), String> {
    let name = t.plan.as_deref().unwrap_or(usual);
    let signal = plan(name)
        .ok_or_else(|| format!("plan is {name:?}; known: {}", plan_names()))?
        .signal(what)
        .ok_or_else(|| format!("plan {name} has no such tone; cn has"))?;
    d.wait("after_s", t.after_s)?;
    d.step(Step::Early {
        code: 183,
        sdp: true,
        fork: 0,
    });
    let sounds = vec![Sound::Tones(signal.play(level("level_dbm0", t.level_dbm0)?))];
    d.step(Step::Play(Playlist {
        sounds,
        floor: Floor::Digital,
    }));
    d.wait_keeping("lasts_s", t.lasts_s, NEVER_CUT)?;
    refuse_with(d, t.code.unwrap_or(code), t.q850.or(Some(q850)))
}

pub(super) fn announcement(d: &mut Draft, a: &Announcement) -> Result<Vec<Cause>, String> {
    let prompt = d.prompt(a.prompt.as_ref(), a.language, |p| {
        p.kind == PromptKind::Announcement && p.cause == Some(a.cause)
    })?;
    if a.rings_s > 0.0 {
        ring(d, crate::behaviour::Ringback::None, "cn", 0.3, a.rings_s)?;
    } else {
        let setup = d.dice.between(0.3, 1.2);
        d.wait("setup", setup)?;
    }
    d.step(Step::Early {
        code: 183,
        sdp: true,
        fork: 0,
    });
    let began = d.full;

    let (speech, length) = clip(prompt);
    let delay = match a.delay_s {
        Some(s) => d.span("delay_s", s, s)?.full,
        None => Duration::from_secs_f64(d.dice.between(0.3, 2.0)),
    };
    let gap = match a.gap_s {
        Some(s) => d.span("gap_s", s, s)?.full,
        None => Duration::from_secs_f64(d.dice.between(0.6, 2.0)),
    };
    let mut sounds = vec![Sound::Pause(delay)];
    let mut lasting = delay;
    if a.sit {
        sounds.push(Sound::Tones(sit_vacant(-14.0)));
        lasting += Duration::from_millis(380 + 274 + 380);
    }
    for n in 0..a.repeats.max(1) {
        if n > 0 {
            sounds.push(Sound::Pause(gap));
            lasting += gap;
        }
        sounds.push(speech.clone());
        lasting += length;
    }
    // The sound plays at its own speed; a scaled call is cut off in the repeats, never in the first saying.
    d.step(Step::Play(Playlist {
        sounds,
        floor: Floor::Digital,
    }));
    let first = (delay + length).as_secs_f64().max(NEVER_CUT);
    d.wait_keeping("repeats", lasting.as_secs_f64().min(86_400.0), first)?;
    let held = (d.full - began).as_secs_f64();
    d.wait("holds_s", (a.holds_s - held).max(0.0))?;

    let (code, q850) = usual_end(a.cause);
    refuse_with(d, a.code.unwrap_or(code), a.q850.or(q850))?;
    Ok(std::iter::once(a.cause)
        .chain(akin(a.cause).iter().copied())
        .collect())
}

/// What Chinese trunks usually send after an announcement.
const fn usual_end(cause: Cause) -> (u16, Option<u8>) {
    match cause {
        Cause::VacantNumber => (404, Some(1)),
        Cause::NumberChanged => (410, Some(22)),
        Cause::Misdialled => (484, Some(28)),
        Cause::OnAnotherCall | Cause::UserBusy => (486, Some(17)),
        Cause::Declined | Cause::IncomingBarred | Cause::Blocked => (603, Some(21)),
        Cause::Congestion | Cause::LineFault => (503, Some(34)),
        Cause::CallerLineOwing => (403, None),
        _ => (480, None),
    }
}

/// Causes that an announcement's words leave open.
const fn akin(cause: Cause) -> &'static [Cause] {
    match cause {
        Cause::OnAnotherCall => &[Cause::UserBusy],
        Cause::UserBusy => &[Cause::OnAnotherCall],
        Cause::OutOfService => &[Cause::Suspended],
        Cause::Suspended => &[Cause::OutOfService],
        Cause::Blocked => &[Cause::Declined],
        _ => &[],
    }
}

fn refuse_with(d: &mut Draft, code: u16, q850: Option<u8>) -> Result<(), String> {
    if !(300..=699).contains(&code) {
        return Err(format!("code is {code}; give 300 to 699"));
    }
    let headers = match q850 {
        Some(q) if q > 0 => vec![("Reason", format!("Q.850;cause={q}"))],
        _ => Vec::new(),
    };
    d.step(Step::Refuse { code, headers });
    Ok(())
}
