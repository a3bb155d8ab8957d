//! A behaviour written out as steps. Pure: behaviour, dice and scale in, steps out; the call walks through them.
//!
//! Every wait is a [`Span`]: how long it takes here, and how long it would take unshortened. The sum of the latter is
//! what the call would have cost.

mod faulty;
mod machines;
mod network;
mod people;

use std::time::Duration;

use hark_outcome::Cause;

use crate::dice::Dice;
use crate::media::{Floor, Playlist, Sound};
use crate::prompts::{self, Prompt};
use crate::{Behaviour, Language};

/// Sounds that decide a call are never cut shorter than this.
const NEVER_CUT: f64 = 4.0;

/// A stretch of time, as it is here and as it would be unshortened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub real: Duration,
    pub full: Duration,
    /// The part at its start that is the same in both.
    pub kept: Duration,
}

impl Span {
    /// How long `elapsed` of the real span would be unshortened.
    pub(crate) fn stretched(self, elapsed: Duration) -> Duration {
        let (elapsed, kept) = (elapsed.min(self.real), self.kept);
        if elapsed <= kept {
            return elapsed;
        }
        let scale = (self.full - kept).as_secs_f64() / (self.real - kept).as_secs_f64();
        kept + (elapsed - kept).mul_f64(scale)
    }
}

/// One step of a call, from the carrier's side.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Let time pass.
    Wait(Span),
    /// A provisional response above 100; `fork` picks the To tag.
    Early { code: u16, sdp: bool, fork: usize },
    /// The same, demanding PRACK; waits until it comes.
    EarlyReliable { code: u16 },
    /// 200 with SDP.
    Answer { fork: usize },
    /// A final refusal.
    Refuse {
        code: u16,
        headers: Vec<(&'static str, String)>,
    },
    /// Play this from now on.
    Play(Playlist),
    /// Listen and talk until one side has had enough.
    Converse(Box<Conversation>),
    /// BYE.
    Bye,
    /// A re-INVITE of ours, with or without an offer.
    Reinvite { sdp: bool },
    /// REFER to a number that must never be dialled.
    Refer,
    /// UPDATE, in whatever dialog there is.
    Update,
    /// Bytes that are no SIP.
    Garbage,
}

/// The part of a person's call after the hello.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    /// Said into silence.
    pub again: Option<Playlist>,
    /// How often.
    pub times: u32,
    /// How long silence is borne.
    pub patience: Span,
    /// Said when the caller has spoken.
    pub reply: Option<Playlist>,
    /// How long after the last word, whoever's, the person stays.
    pub stays: Span,
}

/// Where the SIP side is bent on purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Quirks {
    /// Say nothing to anything.
    pub mute: bool,
    /// No 100.
    pub no_trying: bool,
    /// No Contact in 200.
    pub no_contact: bool,
    /// Answer the INVITE when CANCEL comes.
    pub answers_cancel: bool,
    /// Send 200 again even after ACK.
    pub repeats_answer: bool,
    /// Say nothing to BYE.
    pub ignores_bye: bool,
    /// 407 first, any credentials do.
    pub challenges: bool,
    /// 401 to whatever credentials.
    pub refuses_credentials: bool,
    /// The SDP of the answer.
    pub sdp: SdpQuirk,
}

/// A bent SDP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SdpQuirk {
    #[default]
    Sound,
    PortZero,
    NoCodec,
    Absent,
}

/// A behaviour, written out.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub steps: Vec<Step>,
    pub quirks: Quirks,
    /// How long the call would last unshortened if the caller did nothing.
    pub lasts: Duration,
    /// What a right verdict may say of it; the first is the best. Empty = no claim.
    pub truth: Vec<Cause>,
}

impl Script {
    /// Writes a behaviour out.
    ///
    /// # Errors
    /// A sentence naming what is wrong: an unknown prompt or plan, a time that is none.
    pub(crate) fn of(
        behaviour: &Behaviour,
        dice: Dice,
        scale: f64,
        language: Language,
    ) -> Result<Self, String> {
        let mut d = Draft {
            dice,
            scale,
            language,
            steps: Vec::new(),
            full: Duration::ZERO,
        };
        let mut quirks = Quirks::default();
        let truth = match behaviour {
            Behaviour::Person(p) => people::person(&mut d, p)?,
            Behaviour::Talkative(p) => people::talkative(&mut d, p)?,
            Behaviour::ColourRingBack(p) => people::behind_music(&mut d, p)?,
            Behaviour::Slow(s) => people::slow(&mut d, s)?,
            Behaviour::Voicemail(v) => machines::voicemail(&mut d, v)?,
            Behaviour::Machine(m) => machines::machine(&mut d, m)?,
            Behaviour::Fax(f) => machines::fax(&mut d, f)?,
            Behaviour::Silence(s) => machines::silence(&mut d, s)?,
            Behaviour::NoAnswer(n) => network::no_answer(&mut d, n)?,
            Behaviour::Busy(r) => network::refuse(&mut d, r, 486, 17, &[Cause::UserBusy])?,
            Behaviour::Reject(r) => network::refuse(&mut d, r, 603, 21, &[Cause::Declined, Cause::Blocked])?,
            Behaviour::NotFound(r) => network::refuse(&mut d, r, 404, 1, &[Cause::VacantNumber])?,
            Behaviour::Unavailable(r) => {
                network::refuse(&mut d, r, 503, 34, &[Cause::Congestion, Cause::LineFault])?
            }
            Behaviour::Redirect(r) => network::redirect(&mut d, r)?,
            Behaviour::BusyTone(t) => network::busy_tone(&mut d, t)?,
            Behaviour::CongestionTone(t) => network::congestion_tone(&mut d, t, "cn")?,
            Behaviour::FastBusy(t) => network::congestion_tone(&mut d, t, "us")?,
            Behaviour::VacantTone(t) => network::vacant_tone(&mut d, t)?,
            Behaviour::Announcement(a) => network::announcement(&mut d, a)?,
            Behaviour::Faulty(f) => faulty::write(&mut d, f, &mut quirks)?,
        };
        Ok(Self {
            steps: d.steps,
            quirks,
            lasts: d.full,
            truth,
        })
    }
}

impl Script {
    /// Whether the carrier's side ends the call if the caller does nothing.
    pub(crate) fn ends_by_itself(&self) -> bool {
        matches!(self.steps.last(), Some(Step::Bye | Step::Refuse { .. }))
    }
}

impl Behaviour {
    /// Checks the parameters.
    ///
    /// # Errors
    /// A sentence naming the parameter, its value and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        Script::of(self, Dice::new(0), 1.0, Language::En)
            .map(drop)
            .map_err(|e| format!("behaviour {}: {e}", self.name()))
    }
}

/// Steps being written.
struct Draft {
    dice: Dice,
    scale: f64,
    language: Language,
    steps: Vec<Step>,
    full: Duration,
}

impl Draft {
    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// A wait that the scale shortens.
    fn wait(&mut self, name: &str, seconds: f64) -> Result<(), String> {
        self.wait_keeping(name, seconds, 0.0)
    }

    /// A wait that the scale shortens, but for its first `kept` seconds.
    fn wait_keeping(&mut self, name: &str, seconds: f64, kept: f64) -> Result<(), String> {
        let span = self.span(name, seconds, kept)?;
        self.full += span.full;
        self.step(Step::Wait(span));
        Ok(())
    }

    fn span(&self, name: &str, seconds: f64, kept: f64) -> Result<Span, String> {
        if !(0.0..=86_400.0).contains(&seconds) {
            return Err(format!("{name} is {seconds}; give seconds from 0 to 86400"));
        }
        let kept = seconds.min(kept);
        let real = kept + (seconds - kept) * self.scale;
        Ok(Span {
            real: Duration::from_secs_f64(real),
            full: Duration::from_secs_f64(seconds),
            kept: Duration::from_secs_f64(kept),
        })
    }

    /// Plays sounds and waits until they are over, at their own speed.
    fn play_through(&mut self, sounds: Vec<Sound>, floor: Floor, lasting: Duration) {
        self.step(Step::Play(Playlist { sounds, floor }));
        self.full += lasting;
        self.step(Step::Wait(Span {
            real: lasting,
            full: lasting,
            kept: lasting,
        }));
    }

    /// The named prompt, or one drawn among those that pass.
    fn prompt(
        &mut self,
        name: Option<&String>,
        language: Option<Language>,
        passes: impl Fn(&Prompt) -> bool,
    ) -> Result<&'static Prompt, String> {
        if let Some(name) = name {
            return prompts::prompt(name).ok_or_else(|| {
                format!("no prompt is named {name:?}; the names are in prompts/prompts.toml")
            });
        }
        let language = language.unwrap_or(self.language);
        prompts::draw(&mut self.dice, language, passes)
            .ok_or_else(|| "no prompt says that; the causes are in prompts/prompts.toml".to_owned())
    }
}

/// A sound that lasts, and how long.
fn clip(prompt: &Prompt) -> (Sound, Duration) {
    let samples = prompts::samples(prompt);
    let length = prompts::length(&samples);
    (Sound::Clip(samples), length)
}

/// A level in dBm0, checked.
fn level(name: &str, dbm0: f64) -> Result<f32, String> {
    if (-90.0..=3.0).contains(&dbm0) {
        Ok(dbm0 as f32)
    } else {
        Err(format!("{name} is {dbm0}; give dBm0 from -90 to 3"))
    }
}

#[cfg(test)]
mod tests;
