//! Packets waiting to be played, in the order of their time.

use std::collections::VecDeque;

use super::super::sequence::Extended;
use super::Noise;

/// More packets than 200 ms of even the shortest usual ones (5 ms) hold.
const CAPACITY: usize = 64;

/// One packet's content at its place on the sender's clock.
#[derive(Debug)]
pub(super) struct Segment {
    /// Its first sample.
    pub(super) at: i64,
    /// Its number.
    pub(super) number: Extended,
    /// What it brought.
    pub(super) content: Content,
}

/// What a packet brought.
#[derive(Debug)]
pub(super) enum Content {
    /// Decoded sound.
    Sound(Vec<i16>),
    /// The beginning of a silence with this noise. Takes no time itself.
    Comfort(Noise),
}

impl Segment {
    /// The place after its last sample.
    pub(super) fn end(&self) -> i64 {
        self.at + self.len()
    }

    /// Whether it is sound.
    pub(super) fn is_sound(&self) -> bool {
        matches!(self.content, Content::Sound(_))
    }

    fn len(&self) -> i64 {
        match &self.content {
            Content::Sound(samples) => samples.len() as i64,
            Content::Comfort(_) => 0,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Queue {
    segments: VecDeque<Segment>,
    end: i64,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self {
            segments: VecDeque::new(),
            end: 0,
        }
    }

    pub(super) fn insert(&mut self, segment: Segment) {
        self.end = if self.segments.is_empty() {
            segment.end()
        } else {
            self.end.max(segment.end())
        };
        // Nearly always at the back.
        let behind = self
            .segments
            .iter()
            .rev()
            .take_while(|other| other.at > segment.at)
            .count();
        self.segments.insert(self.segments.len() - behind, segment);
    }

    pub(super) fn front(&self) -> Option<&Segment> {
        self.segments.front()
    }

    pub(super) fn pop(&mut self) -> Option<Segment> {
        self.segments.pop_front()
    }

    /// The place after the last sample ever queued.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// How many samples the packet at the back holds.
    pub(super) fn newest_len(&self) -> i64 {
        self.segments.back().map_or(0, Segment::len)
    }

    pub(super) fn len(&self) -> usize {
        self.segments.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.segments.len() >= CAPACITY
    }
}
