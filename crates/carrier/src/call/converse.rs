//! A person on the line: listens, says "hello?" into silence, talks back, loses patience.

use std::time::Duration;

use crate::media::{Heard, Playlist, Sound};
use crate::prompts;
use crate::script::Conversation;

/// How often the person listens.
const LOOK: Duration = Duration::from_millis(100);
/// This much voice is somebody speaking.
const SPEAKING_MS: u64 = 120;
/// This much quiet after it means the speaker has finished.
const FINISHED: Duration = Duration::from_millis(700);

/// One conversation.
#[derive(Debug)]
pub(super) struct Talk {
    script: Conversation,
    mode: Mode,
    next: Duration,
    /// When the last word was, or will be, over.
    since: Duration,
    said: u32,
    spoken_to: bool,
    /// Voice heard before what is being listened for; known from the first look on.
    before_ms: Option<u64>,
    /// Time saved by shortened patience.
    shortened: Duration,
}

#[derive(Debug, PartialEq, Eq)]
enum Mode {
    Listening,
    Hearing,
    Over,
}

impl Talk {
    pub(super) const fn new(now: Duration, script: Conversation) -> Self {
        Self {
            script,
            mode: Mode::Listening,
            next: now,
            since: now,
            said: 0,
            spoken_to: false,
            before_ms: None,
            shortened: Duration::ZERO,
        }
    }

    pub(super) const fn next_look(&self) -> Duration {
        self.next
    }

    pub(super) fn is_over(&self) -> bool {
        self.mode == Mode::Over
    }

    pub(super) const fn shortened(&self) -> Duration {
        self.shortened
    }

    /// Listens; says something if it is time.
    pub(super) fn look(&mut self, now: Duration, heard: Heard) -> Option<Playlist> {
        if now < self.next {
            return None;
        }
        self.next = now + LOOK;
        let before = *self.before_ms.get_or_insert(heard.voice_ms);
        match self.mode {
            Mode::Listening if heard.voice_ms >= before + SPEAKING_MS => {
                self.mode = Mode::Hearing;
                self.spoken_to = true;
                None
            }
            Mode::Listening => self.bear_silence(now),
            Mode::Hearing if heard.quiet_for >= FINISHED => {
                self.mode = Mode::Listening;
                self.before_ms = Some(heard.voice_ms);
                self.since = now;
                let reply = self.script.reply.take();
                reply.map(|list| self.say(now, list))
            }
            Mode::Hearing | Mode::Over => None,
        }
    }

    fn bear_silence(&mut self, now: Duration) -> Option<Playlist> {
        let span = if self.spoken_to {
            self.script.stays
        } else {
            self.script.patience
        };
        if now < self.since + span.real {
            return None;
        }
        self.shortened += span.full.saturating_sub(span.real);
        if self.spoken_to || self.said >= self.script.times {
            self.mode = Mode::Over;
            return None;
        }
        self.said += 1;
        self.since = now;
        let again = self.script.again.clone();
        again.map(|list| self.say(now, list))
    }

    fn say(&mut self, now: Duration, list: Playlist) -> Playlist {
        let length: Duration = list
            .sounds
            .iter()
            .map(|s| match s {
                Sound::Clip(samples) => prompts::length(samples),
                _ => Duration::ZERO,
            })
            .sum();
        self.since = now + length;
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Floor;
    use crate::script::Span;

    const fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn talk() -> Talk {
        let list = |value| Playlist {
            sounds: vec![Sound::Clip(vec![value; 8000].into())],
            floor: Floor::Digital,
        };
        let span = |s| Span {
            real: secs(s),
            full: secs(s),
            kept: secs(s),
        };
        let script = Conversation {
            again: Some(list(1)),
            times: 2,
            patience: span(4),
            reply: Some(list(2)),
            stays: span(6),
        };
        Talk::new(Duration::ZERO, script)
    }

    /// What is said when, in tenths of a second, given when the caller's voice sounds.
    fn play(talk: &mut Talk, voice: std::ops::Range<u64>) -> Vec<(u64, i16)> {
        let mut said = Vec::new();
        for tenth in 0..600 {
            let now = Duration::from_millis(tenth * 100);
            let voiced = tenth.clamp(voice.start, voice.end) - voice.start;
            let quiet = if voiced == 0 {
                secs(999)
            } else {
                Duration::from_millis(tenth.saturating_sub(voice.end) * 100)
            };
            if let Some(list) = talk.look(
                now,
                Heard {
                    voice_ms: voiced * 100,
                    quiet_for: quiet,
                },
            ) {
                let Sound::Clip(samples) = &list.sounds[0] else {
                    panic!("a clip")
                };
                said.push((tenth, samples[0]));
            }
            if talk.is_over() {
                said.push((tenth, 0));
                break;
            }
        }
        said
    }

    #[test]
    fn into_silence_a_person_says_hello_twice_more_and_hangs_up() {
        assert_eq!(play(&mut talk(), 600..600), [(40, 1), (90, 1), (140, 0)]);
    }

    #[test]
    fn spoken_to_a_person_answers_when_the_caller_has_finished_and_leaves_later() {
        // Spoken to from 1 s to 3 s: replies 0.7 s later for 1 s, stays 6 s more.
        assert_eq!(play(&mut talk(), 10..30), [(37, 2), (107, 0)]);
    }
}
