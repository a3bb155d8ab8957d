//! The voices: what `prompts/render.py` rendered, carried in the binary, decoded once when first needed.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use hark_outcome::Cause;
use hark_sound::SAMPLE_RATE;
use serde::Deserialize;

use crate::Language;
use crate::dice::Dice;

/// What a prompt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptKind {
    /// The first thing a person says.
    Person,
    /// What a person says into silence.
    Again,
    /// What a person says back.
    Reply,
    /// A person, or a business, who goes on talking.
    Talkative,
    /// A greeting, without its beep.
    Voicemail,
    /// Another machine that answers.
    Machine,
    /// A carrier's announcement.
    Announcement,
    /// The bot's own message, for demonstrations.
    Message,
}

/// One line of the index.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Its name: the file without extension.
    pub file: String,
    /// What it is for.
    pub kind: PromptKind,
    /// Its language; an announcement's first half.
    pub language: Language,
    /// What it means, for machines and announcements.
    pub cause: Option<Cause>,
    /// Kokoro's name of the voice.
    pub voice: String,
    /// What it says.
    pub text: String,
    /// The second half of an announcement.
    pub english: Option<String>,
    /// Its voice.
    pub english_voice: Option<String>,
}

/// Every prompt there is.
#[must_use]
pub fn prompts() -> &'static [Prompt] {
    &INDEX.prompts
}

/// The prompt of a name.
#[must_use]
pub fn prompt(name: &str) -> Option<&'static Prompt> {
    prompts().iter().find(|p| p.file == name)
}

/// A prompt's samples, 8 kHz.
///
/// # Panics
/// Never for a prompt of [`prompts`]: a test decodes them all.
#[must_use]
pub fn samples(prompt: &Prompt) -> Arc<[i16]> {
    static DECODED: LazyLock<Mutex<HashMap<String, Arc<[i16]>>>> = LazyLock::new(Mutex::default);
    let mut decoded = DECODED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(samples) = decoded.get(&prompt.file) {
        return samples.clone();
    }
    let samples: Arc<[i16]> = decode(&prompt.file)
        .expect("every prompt of the index is a FLAC file; a test reads all")
        .into();
    decoded.insert(prompt.file.clone(), samples.clone());
    samples
}

/// The bot's message of a language: about 4 s that say first that the call is automated.
#[must_use]
pub fn message(language: Language) -> Arc<[i16]> {
    prompts()
        .iter()
        .find(|p| p.kind == PromptKind::Message && p.language == language)
        .map_or_else(|| Arc::from([]), samples)
}

/// How long samples last.
pub(crate) fn length(samples: &[i16]) -> std::time::Duration {
    std::time::Duration::from_micros(samples.len() as u64 * 1_000_000 / u64::from(SAMPLE_RATE))
}

/// One of the prompts that pass, in the language asked for if there is one, else in another.
pub(crate) fn draw(
    dice: &mut Dice,
    language: Language,
    passes: impl Fn(&Prompt) -> bool,
) -> Option<&'static Prompt> {
    let (spoken, other): (Vec<_>, Vec<_>) = prompts()
        .iter()
        .filter(|p| passes(p))
        .partition(|p| p.language == language);
    dice.pick(&spoken).or_else(|| dice.pick(&other)).copied()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    #[allow(dead_code, reason = "part of the file's form, for people")]
    licence: String,
    #[allow(dead_code, reason = "part of the file's form, for people")]
    model: String,
    prompts: Vec<Prompt>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    toml::from_str(include_str!("../prompts/prompts.toml"))
        .expect("the index is fixed at build time; a test reads it")
});

static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/prompts.rs"));

fn decode(name: &str) -> Result<Vec<i16>, String> {
    let (_, bytes) = FILES
        .iter()
        .find(|(n, _)| *n == name)
        .ok_or_else(|| format!("{name}: no such file"))?;
    let mut reader = claxon::FlacReader::new(Cursor::new(*bytes)).map_err(|e| format!("{name}: {e}"))?;
    let info = reader.streaminfo();
    if (info.sample_rate, info.channels, info.bits_per_sample) != (SAMPLE_RATE, 1, 16) {
        return Err(format!("{name}: not 8 kHz mono of 16 bits"));
    }
    reader
        .samples()
        .map(|s| {
            s.map_err(|e| format!("{name}: {e}"))
                .and_then(|s| i16::try_from(s).map_err(|e| format!("{name}: {e}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_of_the_index_decodes_and_sounds() {
        for p in prompts() {
            let samples = decode(&p.file).unwrap_or_else(|e| panic!("{e}; run prompts/render.py"));
            let seconds = samples.len() as f64 / 8000.0;
            assert!((0.2..=16.0).contains(&seconds), "{}: {seconds} s", p.file);
            let level = hark_sound::tone::dbm0_of_samples(&samples);
            assert!((-32.0..=-12.0).contains(&level), "{}: {level} dBm0", p.file);
        }
    }

    #[test]
    fn no_file_is_without_a_line_and_all_stay_small() {
        let stray: Vec<_> = FILES.iter().filter(|(n, _)| prompt(n).is_none()).collect();
        assert!(
            stray.is_empty(),
            "{:?}",
            stray.iter().map(|f| f.0).collect::<Vec<_>>()
        );
        let bytes: usize = FILES.iter().map(|f| f.1.len()).sum();
        assert!(bytes <= 6_000_000, "{bytes} bytes");
    }

    #[test]
    fn no_prompt_is_said_by_a_voice_reserved_for_measuring() {
        let reserved = [
            "zf_xiaoni",
            "zm_yunyang",
            "af_kore",
            "am_onyx",
            "bf_lily",
            "bm_fable",
        ];
        for p in prompts() {
            let voices = [Some(&p.voice), p.english_voice.as_ref()];
            assert!(
                voices.iter().flatten().all(|v| !reserved.contains(&v.as_str())),
                "{}",
                p.file
            );
        }
    }

    #[test]
    fn every_person_has_a_second_hello_and_a_reply_in_the_same_voice() {
        for p in prompts().iter().filter(|p| p.kind == PromptKind::Person) {
            for kind in [PromptKind::Again, PromptKind::Reply] {
                assert!(
                    prompts().iter().any(|o| o.kind == kind && o.voice == p.voice),
                    "{} {kind:?}",
                    p.file
                );
            }
        }
    }

    #[test]
    fn both_languages_have_enough_people_and_machines() {
        for language in [Language::Zh, Language::En] {
            let count = |kind| {
                prompts()
                    .iter()
                    .filter(|p| p.kind == kind && p.language == language)
                    .count()
            };
            assert!(count(PromptKind::Person) >= 8 && count(PromptKind::Voicemail) >= 4);
            assert!(count(PromptKind::Talkative) >= 3 && count(PromptKind::Machine) >= 2);
            assert!(length(&message(language)).as_secs_f64() > 3.0);
        }
    }
}
