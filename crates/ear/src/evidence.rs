//! What was heard, as a list in time order: named stretches (speech, tones, beeps) over a background (silence, sound, nothing).
//!
//! Bounded: of a very long call the beginning and the end are kept, for the beginning decides and the end explains.

mod background;

use hark_outcome::{Confidence, Heard, Phase, Seconds};

use self::background::Background;
pub(crate) use self::background::Kind;

/// Named stretches kept in all, and of them from the beginning.
const KEPT: usize = 120;
const KEPT_FIRST: usize = 80;
/// A gap between named stretches that is worth telling.
const GAP_MS: f32 = 250.0;

/// A named stretch, in milliseconds of the phase.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub from_ms: f32,
    pub to_ms: f32,
    pub what: &'static str,
    pub plan: Option<String>,
    pub detail: Option<String>,
    pub confidence: f32,
}

impl Entry {
    pub(crate) const fn new(what: &'static str, from_ms: f32, to_ms: f32, confidence: f32) -> Self {
        Self {
            from_ms,
            to_ms,
            what,
            plan: None,
            detail: None,
            confidence,
        }
    }

    fn overlap(&self, other: &Self) -> f32 {
        (self.to_ms.min(other.to_ms) - self.from_ms.max(other.from_ms)).max(0.0)
    }

    fn heard(self, phase: Phase) -> Heard {
        Heard {
            phase,
            from_s: seconds(self.from_ms),
            to_s: seconds(self.to_ms),
            what: self.what.to_owned(),
            plan: self.plan,
            detail: self.detail,
            confidence: Confidence::new(self.confidence),
        }
    }
}

/// What was heard in one phase.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    phase: Phase,
    named: Vec<Entry>,
    background: Background,
}

impl Log {
    pub(crate) const fn new(phase: Phase) -> Self {
        Self {
            phase,
            named: Vec::new(),
            background: Background::new(),
        }
    }

    /// The next frame's background.
    pub(crate) fn frame(&mut self, kind: Kind) {
        self.background.push(kind);
    }

    /// A named stretch.
    pub(crate) fn add(&mut self, entry: Entry) {
        if self.named.len() >= KEPT {
            self.named.remove(KEPT_FIRST);
        }
        self.named.push(entry);
    }

    /// The last stretch of that name goes on until now; `false` if there is none that ended less than `within_ms` ago.
    pub(crate) fn extend(&mut self, what: &str, to_ms: f32, within_ms: f32) -> bool {
        let last = self
            .named
            .iter_mut()
            .rev()
            .find(|e| e.what == what && to_ms - e.to_ms < within_ms);
        let found = last.is_some();
        if let Some(entry) = last {
            entry.to_ms = entry.to_ms.max(to_ms);
        }
        found
    }

    /// Forgets stretches of that name from a time on: they were parts of something that has a better name.
    pub(crate) fn absorb(&mut self, what: &str, from_ms: f32) {
        self.named.retain(|e| e.what != what || e.from_ms < from_ms - 1.0);
    }

    /// Everything, in time order; `open` is the stretch that still sounds.
    pub(crate) fn heard(&self, open: Option<Entry>) -> Vec<Heard> {
        let mut named: Vec<Entry> = self.named.iter().cloned().chain(open).collect();
        named.sort_by(|a, b| a.from_ms.total_cmp(&b.from_ms));
        // A tone sounds like a voice or like music for its first moments.
        let tones: Vec<Entry> = named.iter().filter(|e| is_tone(e.what)).cloned().collect();
        named.retain(|e| is_tone(e.what) || tones.iter().all(|t| e.overlap(t) < 0.5 * (e.to_ms - e.from_ms)));

        let mut all = Vec::with_capacity(2 * named.len() + 1);
        let mut until = 0.0f32;
        for entry in named {
            if entry.from_ms - until >= GAP_MS {
                all.extend(self.background.between(until, entry.from_ms));
            }
            until = until.max(entry.to_ms);
            all.push(entry);
        }
        let end = self.background.end_ms();
        if end - until >= GAP_MS {
            all.extend(self.background.between(until, end));
        }
        all.into_iter().map(|entry| entry.heard(self.phase)).collect()
    }
}

fn is_tone(what: &str) -> bool {
    !matches!(what, "speech" | "sound")
}

pub(crate) fn seconds(ms: f32) -> Seconds {
    Seconds::from(std::time::Duration::from_millis(ms.max(0.0).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(log: &Log) -> Vec<(String, f64, f64)> {
        log.heard(None)
            .into_iter()
            .map(|h| (h.what, h.from_s.get(), h.to_s.get()))
            .collect()
    }

    #[test]
    fn what_lies_between_named_stretches_is_told_in_time_order() {
        let mut log = Log::new(Phase::Answered);
        for kind in [Kind::Absent, Kind::Digital, Kind::Loud, Kind::Quiet] {
            for _ in 0..50 {
                log.frame(kind);
            }
        }
        log.add(Entry::new("speech", 2_000.0, 2_900.0, 0.9));
        let expected = [
            ("absent", 0.0, 1.0),
            ("silence", 1.0, 2.0),
            ("speech", 2.0, 2.9),
            ("silence", 3.0, 4.0),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(w, a, b)| ((*w).to_owned(), *a, *b))
            .collect();
        assert_eq!(words(&log), expected);
    }

    #[test]
    fn the_first_moments_of_a_tone_are_not_told_as_sound() {
        let mut log = Log::new(Phase::Early);
        (0..100).for_each(|_| log.frame(Kind::Loud));
        log.add(Entry::new("sound", 0.0, 100.0, 0.5));
        log.add(Entry::new("busy", 0.0, 2_000.0, 0.9));
        assert_eq!(words(&log), [("busy".to_owned(), 0.0, 2.0)]);
    }

    #[test]
    fn a_call_of_hours_is_told_by_its_beginning_and_end() {
        let mut log = Log::new(Phase::Answered);
        for i in 0..10_000 {
            log.add(Entry::new(
                "speech",
                i as f32 * 1_000.0,
                i as f32 * 1_000.0 + 900.0,
                0.9,
            ));
        }
        let heard = words(&log);
        assert!(heard.len() <= 2 * KEPT + 1, "{}", heard.len());
        assert_eq!(heard[0].1, 0.0);
        assert_eq!(
            heard.iter().rev().find(|h| h.0 == "speech").map(|h| h.1),
            Some(9_999.0)
        );
    }
}
