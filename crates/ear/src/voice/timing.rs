//! Person or machine, by the timing of the first words: people say a few and wait, machines go on.
//!
//! The clock starts at the first word, not at the answer: carriers send seconds of silence after 200 OK. Only voice and
//! pauses that were received count; invented sound moves no clock.
//!
//! ```text
//! Open    => Person      a short utterance, then a pause
//! Open    => PersonLate  a longer one, then a long pause
//! Open    => Machine     the voice goes on
//! Machine => PersonLate  it paused early after all
//! Person  => Machine     it goes on at once, as loudly, for long: a greeting that took breath
//! ```
//!
//! Timing is never certain, so a machine is only ever likely here.

use crate::EarConfig;

/// What the timing says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Nothing yet.
    Open,
    /// A short utterance, then a pause.
    Person,
    /// A longer utterance, then a long pause.
    PersonLate,
    /// A voice that goes on.
    Machine,
    /// The sound ended in the middle of an utterance too long for a greeting and too short for a machine.
    CutOff,
}

/// Frames after a person's first pause within which the same voice must go on to have been a machine's: 0.6 s.
const GOES_ON_AT_ONCE: u32 = 30;
/// Voice that must follow: 3 s.
const GOES_ON_FOR: u32 = 150;
/// The same voice: not much quieter. An echo of what we play is.
const SAME_VOICE_DB: f32 = 9.0;

/// Follows the words of one phase, in frames of 20 ms.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    person_voice: u32,
    person_pause: u32,
    machine_voice: u32,
    late_voice: u32,
    late_pause: u32,
    /// Voice of the utterances that ended.
    voice: u32,
    /// Frames since the last word.
    pause: u32,
    reading: Reading,
    level: f32,
    /// Voice after a person's first pause, while it may still turn out a machine's.
    more: Option<u32>,
}

impl Timing {
    pub(crate) fn new(config: &EarConfig) -> Self {
        let frames = |s: f32| (s * 50.0).round().max(1.0) as u32;
        Self {
            person_voice: frames(config.person_voice_s),
            person_pause: frames(config.person_pause_s),
            machine_voice: frames(config.machine_voice_s),
            late_voice: frames(config.late_voice_s),
            late_pause: frames(config.late_pause_s),
            voice: 0,
            pause: 0,
            reading: Reading::Open,
            level: 0.0,
            more: None,
        }
    }

    pub(crate) const fn voice(&self) -> u32 {
        self.voice
    }

    pub(crate) const fn reading(&self) -> Reading {
        self.reading
    }

    /// Somebody speaks, for so many frames by now.
    pub(crate) fn speaks(&mut self, frames: u32, level: f32) {
        match self.reading {
            Reading::Open if self.voice + frames >= self.machine_voice => self.reading = Reading::Machine,
            Reading::Person
                if self.continues(level) && self.more.is_some_and(|m| m + frames >= GOES_ON_FOR) =>
            {
                self.reading = Reading::Machine;
                self.more = None;
            }
            _ => {}
        }
    }

    /// Somebody spoke for so many frames and stopped this many frames ago.
    pub(crate) fn spoke(&mut self, frames: u32, ago: u32, level: f32) {
        if self.reading == Reading::Person {
            self.more = self.more.filter(|_| self.continues(level)).map(|m| m + frames);
        } else {
            self.level = level;
        }
        self.voice += frames;
        self.pause = ago;
    }

    /// Nobody spoke in this frame.
    pub(crate) fn pauses(&mut self) {
        if self.voice == 0 {
            return;
        }
        self.pause += 1;
        match self.reading {
            Reading::Open if self.voice <= self.person_voice && self.pause >= self.person_pause => {
                self.reading = Reading::Person;
                self.more = Some(0);
            }
            Reading::Open | Reading::Machine
                if self.voice <= self.late_voice && self.pause >= self.late_pause =>
            {
                self.reading = Reading::PersonLate;
            }
            Reading::Person if self.pause > self.person_pause + GOES_ON_AT_ONCE => self.more = None,
            _ => {}
        }
    }

    /// Nothing more will come, after so many frames of an utterance that had not ended.
    pub(crate) fn finish(&mut self, open: u32) {
        self.voice += open;
        self.reading = match self.reading {
            Reading::Open if self.voice == 0 => Reading::Open,
            Reading::Open if self.voice <= self.person_voice => Reading::Person,
            Reading::Open if self.voice < self.machine_voice => Reading::CutOff,
            Reading::Open => Reading::Machine,
            reading => reading,
        };
    }

    fn continues(&self, level: f32) -> bool {
        level >= self.level - SAME_VOICE_DB
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing() -> Timing {
        Timing::new(&EarConfig::default())
    }

    fn talk(t: &mut Timing, frames: u32) {
        for n in 1..=frames {
            t.speaks(n, -20.0);
        }
        t.spoke(frames, 10, -20.0);
    }

    fn wait(t: &mut Timing, frames: u32) {
        for _ in 0..frames {
            t.pauses();
        }
    }

    #[test]
    fn a_short_word_and_a_pause_are_a_persons() {
        let mut t = timing();
        talk(&mut t, 40);
        wait(&mut t, 19);
        assert_eq!(t.reading(), Reading::Open, "0.58 s is no pause yet");
        wait(&mut t, 1);
        assert_eq!(t.reading(), Reading::Person);
    }

    #[test]
    fn a_voice_that_goes_on_is_a_machines() {
        let mut t = timing();
        for n in 1..130 {
            t.speaks(n, -20.0);
            assert_eq!(t.reading(), Reading::Open);
        }
        t.speaks(130, -20.0);
        assert_eq!(t.reading(), Reading::Machine);
    }

    #[test]
    fn a_machine_that_pauses_early_was_a_person() {
        let mut t = timing();
        talk(&mut t, 150);
        assert_eq!(t.reading(), Reading::Machine);
        wait(&mut t, 60);
        assert_eq!(t.reading(), Reading::PersonLate);
    }

    #[test]
    fn a_person_who_goes_on_at_once_for_long_was_a_machine() {
        let mut t = timing();
        talk(&mut t, 40);
        wait(&mut t, 25);
        talk(&mut t, 160);
        assert_eq!(t.reading(), Reading::Machine);
    }

    #[test]
    fn an_echo_of_what_we_say_does_not_make_a_person_a_machine() {
        let mut t = timing();
        talk(&mut t, 40);
        wait(&mut t, 25);
        for n in 1..=300 {
            t.speaks(n, -35.0);
        }
        assert_eq!(t.reading(), Reading::Person);
    }

    #[test]
    fn a_person_who_speaks_again_later_stays_a_person() {
        let mut t = timing();
        talk(&mut t, 40);
        wait(&mut t, 100);
        talk(&mut t, 400);
        assert_eq!(t.reading(), Reading::Person);
    }

    #[test]
    fn silence_alone_says_nothing() {
        let mut t = timing();
        wait(&mut t, 5_000);
        t.finish(0);
        assert_eq!(t.reading(), Reading::Open);
    }
}
