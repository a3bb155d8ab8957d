//! The jitter buffer: packets in as they come, one 20 ms frame out at each tick, and each frame says what it is.
//!
//! Sound lies on the sender's clock. `next` is the place to be played next; it moves with every sample played or
//! given up for lost, and stands still while the queue is dry: whoever is late then delays all that follows.
//!
//! - *Idle*: nothing ever came; frames are absent.
//! - *Filling*: sound began, or began again, and waits until it is as old as the delay to keep.
//! - *Playing*: sound is played; a hole is concealed if packets were lost, and quiet if the sender was.
//!
//! Idle => Filling: the first packet. Filling => Playing: it has waited. Playing => Filling: sound after the queue was
//! dry for longer than a hiccup. While playing, a frame is skipped when the delay stays above what is needed, and one
//! is invented when packets keep coming too late.

mod playout;
mod queue;
#[cfg(test)]
mod tests;

use std::time::Duration;

use hark_sound::{FRAME_SAMPLES, Frame};

use super::comfort::Noise;
use super::conceal::Concealer;
use super::delay::{DelayEstimate, MAX_DELAY, samples};
use super::sequence::{Extended, Sequence};
use playout::crossed;
use queue::{Content, Queue, Segment};

const FRAME: i64 = FRAME_SAMPLES as i64;

/// The queue was dry for so long that sound begins anew: 80 ms.
const HICCUP: i64 = 4 * FRAME;

/// A telephone event excuses silence for so long after each of its packets: they come every 20 to 50 ms.
const EVENT_EXCUSE: Duration = Duration::from_millis(200);

/// A timestamp this far ahead of the time that passed is a jump of the sender's clock: 500 ms.
const LEAP: i64 = 4_000;

/// The delay is judged over so many frames: 1 s.
const JUDGED: u32 = 50;

/// What a packet brings.
#[derive(Debug)]
pub(super) enum Brought {
    /// Decoded sound.
    Sound(Vec<i16>),
    /// The sender falls silent, with this noise.
    Comfort(Noise),
}

/// A packet's place in its stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// When it came.
    pub(super) arrival: Duration,
    /// Its number.
    pub(super) number: Extended,
    /// Whether it is the newest yet.
    pub(super) newest: bool,
    /// Its first sample on the sender's clock.
    pub(super) timestamp: u32,
    /// Whether its clock has nothing to do with the last packet's: another stream, or a restart.
    pub(super) new_clock: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct JitterBuffer {
    queue: Queue,
    state: State,
    next: i64,
    clock: Option<Clock>,
    delay: DelayEstimate,
    concealer: Concealer,
    /// The noise of a sender that said it falls silent.
    noise: Option<Noise>,
    /// Whether the sender has shown that it sends nothing while it is silent.
    suppresses: bool,
    excused_until: Duration,
    /// How long the queue has been dry, in samples.
    dry: i64,
    last_played: Option<Extended>,
    /// Delay still to be gained because packets came too late, in samples.
    owed: i64,
    slack: Slack,
    late: u64,
    concealed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Filling { since: Duration },
    Playing,
}

/// The newest packet, on both clocks.
#[derive(Debug, Clone, Copy)]
struct Clock {
    timestamp: u32,
    at: i64,
    arrival: Duration,
}

/// The least sound that was in store over a while: what all of it could have done without.
#[derive(Debug, Clone, Copy)]
struct Slack {
    least: i64,
    frames: u32,
}

impl Slack {
    const FRESH: Self = Self {
        least: i64::MAX,
        frames: 0,
    };
}

impl JitterBuffer {
    pub(super) const fn new() -> Self {
        Self {
            queue: Queue::new(),
            state: State::Idle,
            next: 0,
            clock: None,
            delay: DelayEstimate::new(),
            concealer: Concealer::new(),
            noise: None,
            suppresses: false,
            excused_until: Duration::ZERO,
            dry: 0,
            last_played: None,
            owed: 0,
            slack: Slack::FRESH,
            late: 0,
            concealed: 0,
        }
    }

    /// Takes a packet of the stream whose numbers are `sequence`.
    pub(super) fn push(&mut self, place: Place, brought: Brought, sequence: &Sequence) {
        let Some(at) = self.locate(place) else {
            self.late += 1;
            return;
        };
        let content = match brought {
            Brought::Sound(samples) => {
                self.delay.observe(place.arrival, at);
                Content::Sound(samples)
            }
            Brought::Comfort(noise) if self.queue.is_empty() && self.noise.is_some() => {
                // Still silent, perhaps at another level.
                self.noise = Some(noise);
                self.last_played = Some(place.number);
                return;
            }
            Brought::Comfort(_) if self.last_played.is_some_and(|last| place.number < last) => {
                // The silence it began is over.
                return;
            }
            Brought::Comfort(noise) => Content::Comfort(noise),
        };
        let segment = Segment {
            at,
            number: place.number,
            content,
        };

        if self.state == State::Idle {
            self.next = at;
            self.state = State::Filling { since: place.arrival };
        } else if self.state == State::Playing && segment.end() <= self.next && segment.is_sound() {
            self.late += 1;
            let missed_by = self.next - at;
            self.owed = self.owed.max(missed_by.min(3 * FRAME));
            return;
        } else if self.state == State::Playing && self.queue.is_empty() && self.dry > 0 {
            self.resume(place, at, sequence);
        }
        self.queue.insert(segment);
        self.bound();
    }

    /// A telephone event is under way: the sender owes no sound.
    pub(super) fn excuse(&mut self, now: Duration) {
        self.excused_until = self.excused_until.max(now + EVENT_EXCUSE);
    }

    /// Whether silence is right now: the sender said so, has shown that it does so, or is sending an event.
    pub(super) fn is_excused(&self, now: Duration) -> bool {
        self.noise.is_some() || self.suppresses || now < self.excused_until
    }

    /// The peer has left: nothing it said before excuses its silence.
    pub(super) fn forget_excuses(&mut self) {
        self.noise = None;
        self.suppresses = false;
        self.excused_until = Duration::ZERO;
    }

    /// The frame of this tick.
    pub(super) fn pull(&mut self, now: Duration, sequence: &Sequence) -> Frame {
        if let State::Filling { since } = self.state {
            if samples(now.saturating_sub(since)) < self.delay.target() {
                return self.waiting(now);
            }
            self.state = State::Playing;
            self.next = self.queue.front().map_or(self.next, |front| front.at);
            self.dry = 0;
            self.slack = Slack::FRESH;
        }
        if self.state == State::Idle {
            return Frame::ABSENT;
        }
        let frame = self.play(now, sequence);
        if self.has_slack() && self.may_skip(&frame) {
            self.slack = Slack::FRESH;
            return crossed(&frame, &self.play(now, sequence));
        }
        frame
    }

    /// Packets that came too late to be heard.
    pub(super) fn late(&self) -> u64 {
        self.late
    }

    /// Samples invented to hide loss.
    pub(super) fn concealed(&self) -> u64 {
        self.concealed
    }

    /// Where a packet lies on the sender's clock, wraps and jumps undone; `None` for what lies nowhere.
    fn locate(&mut self, place: Place) -> Option<i64> {
        let Some(clock) = self.clock else {
            self.clock = Some(Clock {
                timestamp: place.timestamp,
                at: 0,
                arrival: place.arrival,
            });
            return Some(0);
        };
        let ticked = i64::from(place.timestamp.wrapping_sub(clock.timestamp) as i32);
        let mut at = clock.at + ticked;
        if !place.newest {
            // Older than the newest by number, so it cannot be newer by time.
            return (ticked <= 0).then_some(at);
        }
        let passed = samples(place.arrival.saturating_sub(clock.arrival));
        let stood_still = passed - ticked > LEAP && self.queue.is_empty();
        if place.new_clock || ticked < 0 || ticked - passed > LEAP {
            at = self.next.max(self.queue.end());
            self.delay.clock_changed();
        } else if stood_still {
            self.delay.clock_changed();
        }
        self.clock = Some(Clock {
            timestamp: place.timestamp,
            at,
            arrival: place.arrival,
        });
        Some(at)
    }

    /// Sound comes after the queue ran dry.
    fn resume(&mut self, place: Place, at: i64, sequence: &Sequence) {
        let hole = (at - self.next).max(0);
        let anew = self.dry > HICCUP;
        let nothing_lost = self
            .last_played
            .is_some_and(|last| sequence.complete_between(last, place.number));
        if nothing_lost {
            // Nothing was lost and time passed on the sender's clock too: it was silent, and sends nothing then.
            let unexcused = !self.is_excused(place.arrival);
            self.suppresses |= anew && unexcused && !place.new_clock && hole > self.dry / 2;
            self.next += hole;
        } else {
            self.next += hole.min(self.dry);
        }
        if anew {
            self.state = State::Filling { since: place.arrival };
        }
        self.dry = 0;
        self.slack = Slack::FRESH;
    }

    /// After a stall comes all at once what should have come in turn; most of it is too old.
    fn bound(&mut self) {
        if self.stored() <= MAX_DELAY + self.queue.newest_len() && !self.queue.is_full() {
            return;
        }
        while self.queue.len() > 1 && (self.queue.is_full() || self.stored() > self.delay.target()) {
            if self.queue.pop().is_some_and(|segment| segment.is_sound()) {
                self.late += 1;
            }
            self.next = self
                .queue
                .front()
                .map_or(self.next, |front| self.next.max(front.at));
        }
    }

    /// How much time the sound in store takes.
    fn stored(&self) -> i64 {
        let from = match (self.state, self.queue.front()) {
            (State::Idle | State::Filling { .. }, Some(front)) => front.at,
            _ => self.next,
        };
        self.queue.end() - from
    }
}
