//! The background of a phase as runs of one kind, short flickers smoothed away.

use super::Entry;

/// Frames a kind must last to be told: 200 ms.
const SHORTEST: u32 = 10;
/// Runs kept; a phase that changes more often ends in one long run.
const KEPT: usize = 2_000;
const FRAME_MS: f32 = 20.0;

/// What one frame's background is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing came.
    Absent,
    /// The sender told us that nobody speaks.
    Comfort,
    /// Samples of zero, or nearly.
    Digital,
    /// A quiet line.
    Quiet,
    /// Sound.
    Loud,
}

impl Kind {
    const fn entry(self, from_ms: f32, to_ms: f32) -> (Entry, Option<&'static str>) {
        match self {
            Self::Absent => (Entry::new("absent", from_ms, to_ms, 1.0), Some("no packet")),
            Self::Comfort => (Entry::new("silence", from_ms, to_ms, 1.0), Some("comfort noise")),
            Self::Digital => (
                Entry::new("silence", from_ms, to_ms, 1.0),
                Some("digital silence"),
            ),
            Self::Quiet => (Entry::new("silence", from_ms, to_ms, 0.9), None),
            Self::Loud => (Entry::new("sound", from_ms, to_ms, 0.6), None),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Background {
    runs: Vec<(Kind, u32)>,
    /// A kind that has not lasted long enough yet.
    next: Option<(Kind, u32)>,
    frames: u32,
}

impl Background {
    pub(super) const fn new() -> Self {
        Self {
            runs: Vec::new(),
            next: None,
            frames: 0,
        }
    }

    pub(super) fn push(&mut self, kind: Kind) {
        self.frames += 1;
        let full = self.runs.len() >= KEPT;
        let Some((last, length)) = self.runs.last_mut() else {
            self.runs.push((kind, 1));
            return;
        };
        if *last == kind {
            *length += 1 + self.next.take().map_or(0, |(_, n)| n);
            return;
        }
        let (next, n) = self.next.take().unwrap_or((kind, 0));
        // Two kinds in turn, each too short: the newer one is the better guess.
        let (next, n) = if next == kind {
            (next, n + 1)
        } else {
            (kind, n + 1)
        };
        if n < SHORTEST {
            self.next = Some((next, n));
        } else if full {
            *length += n;
        } else {
            self.runs.push((next, n));
        }
    }

    pub(super) const fn end_ms(&self) -> f32 {
        self.frames as f32 * FRAME_MS
    }

    /// What lies between two times.
    pub(super) fn between(&self, from_ms: f32, to_ms: f32) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut at = 0.0;
        let count = self.runs.len();
        for (i, (kind, length)) in self.runs.iter().enumerate() {
            let tail = if i + 1 == count {
                self.next.map_or(0, |(_, n)| n)
            } else {
                0
            };
            let end = at + (length + tail) as f32 * FRAME_MS;
            let (from, to) = (from_ms.max(at), to_ms.min(end));
            at = end;
            if to - from < SHORTEST as f32 * FRAME_MS {
                continue;
            }
            let (mut entry, detail) = kind.entry(from, to);
            entry.detail = detail.map(str::to_owned);
            match entries.last_mut() {
                Some(last) if last.what == entry.what && last.detail == entry.detail => last.to_ms = to,
                _ => entries.push(entry),
            }
        }
        entries
    }
}
