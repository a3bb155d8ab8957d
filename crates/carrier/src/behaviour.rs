//! What a number does when it is called. Times are in seconds at `time_scale` 1.

use std::fmt;

use hark_outcome::Cause;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Language;

/// What a number does. In a configuration either the bare word (`"busy"`) or a table with `kind` and parameters
/// (`{ kind = "person", answer_after_s = 2 }`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Behaviour {
    /// Rings, answers, says a hello, waits; says it again into silence, talks back when spoken to, hangs up.
    Person(Person),
    /// A person, or a business, who goes on talking after the hello.
    Talkative(Person),
    /// A person behind a colour ring-back tone: music (183 with RTP) instead of ringback.
    ColourRingBack(Person),
    /// Answers with a greeting and a beep, then records silence.
    Voicemail(Voicemail),
    /// Answers with another machine's voice: `assistant`, `ivr`, `call_screening`, `mailbox_full`.
    Machine(Machine),
    /// Answers with the tone of a fax (CED).
    Fax(Fax),
    /// Answers, and nobody speaks.
    Silence(Silence),
    /// Rings until somebody stops it.
    NoAnswer(NoAnswer),
    /// Refuses: 486, Q.850 17.
    Busy(Refuse),
    /// Refuses: 603, Q.850 21.
    Reject(Refuse),
    /// Refuses: 404, Q.850 1.
    NotFound(Refuse),
    /// Refuses: 503, Q.850 34.
    Unavailable(Refuse),
    /// Refuses: 302 towards another number.
    Redirect(Redirect),
    /// Early media with a busy tone, then 486.
    BusyTone(Tone),
    /// Early media with a congestion tone, then 503.
    CongestionTone(Tone),
    /// Early media with the fast busy of North America, then 503.
    FastBusy(Tone),
    /// Early media with the tone of a vacant number, then 404.
    VacantTone(Tone),
    /// Early media with a recorded announcement, repeated, then the code its network sends.
    Announcement(Announcement),
    /// 100, then nothing for a while, then a person.
    Slow(Slow),
    /// A SIP peer with a fault.
    Faulty(Faulty),
}

/// What the caller hears while it rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ringback {
    /// 180 without SDP: the caller's own end makes the sound.
    #[default]
    None,
    /// 183 with the ringback tone of a plan.
    Tone,
    /// 183 with music.
    Music,
    /// 183 with SDP, and no packet.
    Mute,
}

macro_rules! parameters {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty = $default:expr),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$fdoc])* pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }
    };
}

parameters! {
    /// A person.
    Person {
        /// From INVITE to answer.
        answer_after_s: f64 = 6.0,
        /// Sound while it rings.
        ringback: Ringback = Ringback::None,
        /// Tone plan of the ringback tone (`cn`, `us`, `gb`, …).
        plan: String = "cn".into(),
        /// Overrides the carrier's language.
        language: Option<Language> = None,
        /// Name of the prompt said first, for example `zh_person_03`; drawn when absent.
        utterance: Option<String> = None,
        /// From answer to the first word; drawn from 0.2–0.9 when absent. Never shortened.
        delay_s: Option<f64> = None,
        /// Level of the room around the speaker, dBm0.
        room_dbm0: f64 = -58.0,
        /// How long the person waits in silence before the next "hello?".
        patience_s: f64 = 4.0,
        /// How many more hellos before hanging up.
        again: u32 = 2,
        /// Whether the person answers when spoken to.
        replies: bool = true,
        /// How long the person stays after the last word either side said.
        stays_s: f64 = 8.0,
    }
}

parameters! {
    /// A voicemail box.
    Voicemail {
        /// From INVITE to answer.
        answer_after_s: f64 = 18.0,
        /// Sound while it rings.
        ringback: Ringback = Ringback::None,
        /// Tone plan of the ringback tone.
        plan: String = "cn".into(),
        /// Overrides the carrier's language.
        language: Option<Language> = None,
        /// Name of the greeting's prompt, for example `en_voicemail_02`; drawn when absent.
        greeting: Option<String> = None,
        /// Frequency of the beep; drawn from 400–2000 when absent.
        beep_hz: Option<f64> = None,
        /// Length of the beep in milliseconds; drawn from 150–800 when absent.
        beep_ms: Option<u32> = None,
        /// How long it records before it hangs up.
        records_s: f64 = 60.0,
    }
}

parameters! {
    /// A machine that talks.
    Machine {
        /// Which: `assistant`, `ivr`, `call_screening`, `mailbox_full`.
        cause: Cause = Cause::Ivr,
        /// From INVITE to answer.
        answer_after_s: f64 = 4.0,
        /// Overrides the carrier's language.
        language: Option<Language> = None,
        /// Name of the prompt; drawn among those of the cause when absent.
        prompt: Option<String> = None,
        /// How many times it says its text before it hangs up.
        repeats: u32 = 3,
        /// Silence between two times.
        gap_s: f64 = 4.0,
    }
}

parameters! {
    /// A fax machine.
    Fax {
        /// From INVITE to answer.
        answer_after_s: f64 = 6.0,
        /// How many times it sends its CED before it hangs up.
        repeats: u32 = 3,
    }
}

/// What a silent line sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SilenceKind {
    /// Not one RTP packet.
    NoMedia,
    /// Packets of digital silence.
    Digital,
    /// Packets of faint noise.
    Noise,
    /// Comfort-noise packets (PT 13) alone.
    ComfortNoise,
}

parameters! {
    /// A line that is answered, and silent.
    Silence {
        /// From INVITE to answer.
        answer_after_s: f64 = 5.0,
        /// What it sends.
        sends: SilenceKind = SilenceKind::Digital,
        /// From answer to its BYE.
        hangs_up_after_s: f64 = 30.0,
    }
}

parameters! {
    /// A phone that rings and rings.
    NoAnswer {
        /// From INVITE to 180 or 183.
        rings_after_s: f64 = 0.3,
        /// Sound while it rings.
        ringback: Ringback = Ringback::None,
        /// Tone plan of the ringback tone.
        plan: String = "cn".into(),
        /// How long it rings before the network gives up; for ever when absent.
        rings_s: Option<f64> = Some(60.0),
        /// What the network then says.
        code: u16 = 480,
        /// Q.850 cause in a Reason header.
        q850: Option<u8> = Some(19),
    }
}

parameters! {
    /// A refusal in signalling alone.
    Refuse {
        /// Response code; the kind's own when absent.
        code: Option<u16> = None,
        /// Q.850 cause in a Reason header; the kind's own when absent, none when 0.
        q850: Option<u8> = None,
        /// From INVITE to the refusal.
        after_s: f64 = 0.6,
        /// Ring (180) first.
        ringing: bool = false,
    }
}

parameters! {
    /// A redirect.
    Redirect {
        /// The user part of the Contact redirected to.
        to: String = "19005550100".into(),
        /// From INVITE to the 302.
        after_s: f64 = 0.4,
    }
}

parameters! {
    /// A tone over early media.
    Tone {
        /// Whose tone (`cn`, `us`, `gb`, …); the kind's own when absent.
        plan: Option<String> = None,
        /// From INVITE to 183.
        after_s: f64 = 0.8,
        /// How long it sounds.
        lasts_s: f64 = 40.0,
        /// Response at its end; the kind's own when absent.
        code: Option<u16> = None,
        /// Q.850 cause in a Reason header; the kind's own when absent, none when 0.
        q850: Option<u8> = None,
        /// Level, dBm0.
        level_dbm0: f64 = -12.0,
    }
}

parameters! {
    /// A recorded announcement over early media.
    Announcement {
        /// What it says.
        cause: Cause = Cause::VacantNumber,
        /// Overrides the carrier's language.
        language: Option<Language> = None,
        /// Name of the prompt; drawn among those of the cause when absent.
        prompt: Option<String> = None,
        /// Rings (180) this long first: a forwarded or unanswered call.
        rings_s: f64 = 0.0,
        /// Special information tones before it.
        sit: bool = false,
        /// From 183 to its first word; drawn from 0.3–2 when absent. Never shortened.
        delay_s: Option<f64> = None,
        /// How many times it is said.
        repeats: u32 = 3,
        /// Silence between two times; drawn from 0.6–2 when absent.
        gap_s: Option<f64> = None,
        /// How long the network holds the line after 183, if that is longer than the announcement.
        holds_s: f64 = 0.0,
        /// Response at the end; the cause's usual one when absent.
        code: Option<u16> = None,
        /// Q.850 cause in a Reason header; the cause's usual one when absent, none when 0.
        q850: Option<u8> = None,
    }
}

parameters! {
    /// A network that takes its time.
    Slow {
        /// From 100 to 180.
        nothing_for_s: f64 = 8.0,
        /// The person who answers after that.
        person: Person = Person::default(),
    }
}

parameters! {
    /// A peer with a fault.
    Faulty {
        /// Which.
        how: Fault = Fault::Silent,
        /// From INVITE to the fault, or to the answer that carries it.
        after_s: f64 = 0.5,
    }
}

/// Ways for a SIP peer to be wrong, slow or demanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Never answers anything.
    Silent,
    /// 100, then nothing, for ever.
    TryingOnly,
    /// No 100: straight to 180, then a person.
    NoTrying,
    /// 200 without Contact.
    NoContact,
    /// Two 183 of two tags, then 200 from the first.
    TwoEarlyFirstAnswers,
    /// Two 183 of two tags, then 200 from the second.
    TwoEarlySecondAnswers,
    /// Two 200 of two tags.
    TwoAnswers,
    /// Rings; when CANCEL comes, answers 200 to the INVITE instead of 487.
    AnswersCancel,
    /// 200, then BYE at once.
    AnswerThenBye,
    /// 407 to the first INVITE; any credentials do.
    Challenge,
    /// 401 to every INVITE.
    RefusesCredentials,
    /// 200 whose SDP has port 0.
    PortZero,
    /// 200 whose SDP has no codec in common.
    NoCodec,
    /// 200 without SDP.
    NoSdp,
    /// A response that is no SIP, then nothing.
    Malformed,
    /// Answers; sends its 200 again and again although ACK came.
    RepeatsAnswer,
    /// Answers; never answers BYE.
    IgnoresBye,
    /// 183 that demands PRACK (100rel), then a person.
    DemandsPrack,
    /// Answers; a re-INVITE two seconds later.
    Reinvites,
    /// Answers; a re-INVITE without SDP two seconds later.
    ReinvitesWithoutSdp,
    /// Answers; REFER two seconds later.
    Refers,
    /// Answers; UPDATE in the early dialog before.
    UpdatesEarly,
    /// Answers; RTP stops after two seconds, for ever.
    MediaStops,
}

impl Fault {
    /// Every fault there is.
    pub const ALL: &'static [Self] = &[
        Self::Silent,
        Self::TryingOnly,
        Self::NoTrying,
        Self::NoContact,
        Self::TwoEarlyFirstAnswers,
        Self::TwoEarlySecondAnswers,
        Self::TwoAnswers,
        Self::AnswersCancel,
        Self::AnswerThenBye,
        Self::Challenge,
        Self::RefusesCredentials,
        Self::PortZero,
        Self::NoCodec,
        Self::NoSdp,
        Self::Malformed,
        Self::RepeatsAnswer,
        Self::IgnoresBye,
        Self::DemandsPrack,
        Self::Reinvites,
        Self::ReinvitesWithoutSdp,
        Self::Refers,
        Self::UpdatesEarly,
        Self::MediaStops,
    ];
}

impl Behaviour {
    /// A faulty peer.
    #[must_use]
    pub fn faulty(how: Fault) -> Self {
        Self::Faulty(Faulty {
            how,
            ..Faulty::default()
        })
    }

    /// An announcement of a cause.
    #[must_use]
    pub fn announcement(cause: Cause) -> Self {
        Self::Announcement(Announcement {
            cause,
            ..Announcement::default()
        })
    }

    /// The word it has in configurations and reports; a fault and a cause are named after a slash.
    #[must_use]
    pub fn name(&self) -> String {
        let word = |v: serde_json::Value| v.as_str().map(str::to_owned).unwrap_or_default();
        let kind = serde_json::to_value(self)
            .map(|v| word(v["kind"].clone()))
            .unwrap_or_default();
        match self {
            Self::Announcement(a) => format!("{kind}/{}", a.cause),
            Self::Machine(m) => format!("{kind}/{}", m.cause),
            Self::Faulty(f) => {
                format!(
                    "{kind}/{}",
                    serde_json::to_value(f.how).map(word).unwrap_or_default()
                )
            }
            _ => kind,
        }
    }
}

/// Reads a behaviour given as a bare word or as a table.
pub(crate) fn word_or_table<'de, D: Deserializer<'de>>(d: D) -> Result<Behaviour, D::Error> {
    struct WordOrTable;
    impl<'de> Visitor<'de> for WordOrTable {
        type Value = Behaviour;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a behaviour: a word such as \"busy\", or a table with kind = \"…\"")
        }

        fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Behaviour, E> {
            let table = std::iter::once(("kind", word));
            Behaviour::deserialize(serde::de::value::MapDeserializer::new(table))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Behaviour, A::Error> {
            Behaviour::deserialize(MapAccessDeserializer::new(map))
        }
    }
    d.deserialize_any(WordOrTable)
}

/// The schema of a behaviour given as a bare word or as a table.
pub(crate) fn word_or_table_schema(generator: &mut SchemaGenerator) -> Schema {
    let table = generator.subschema_for::<Behaviour>();
    json_schema!({ "anyOf": [{ "type": "string", "description": "a kind, with its defaults" }, table] })
}
