//! Making one frame: from packets, and where there are none, from the best explanation of why.

use std::time::Duration;

use hark_sound::{FRAME_SAMPLES, Frame, Origin};

use super::super::delay::MAX_DELAY;
use super::super::sequence::{Extended, Sequence};
use super::queue::Content;
use super::{FRAME, JUDGED, JitterBuffer, Slack};

impl JitterBuffer {
    /// The next frame on the sender's clock.
    pub(super) fn play(&mut self, now: Duration, sequence: &Sequence) -> Frame {
        let mut samples = [0; FRAME_SAMPLES];
        let mut made = Made::default();
        let mut filled = 0;
        while filled < FRAME_SAMPLES {
            let room = &mut samples[filled..];
            filled += self.piece(now, room, &mut made, sequence);
        }
        self.concealed += made.invented as u64;
        self.slack.frames += 1;
        self.slack.least = self.slack.least.min(self.queue.end() - self.next);
        Frame {
            samples,
            origin: made.origin(),
        }
    }

    /// Fills a part of the frame, perhaps nothing yet; returns how much.
    fn piece(&mut self, now: Duration, room: &mut [i16], made: &mut Made, sequence: &Sequence) -> usize {
        let Some(front) = self.queue.front() else {
            self.dry += room.len() as i64;
            return self.dry_piece(now, room, made);
        };
        let hole = front.at - self.next;
        if hole > 0 {
            let len = room.len().min(usize::try_from(hole).unwrap_or(usize::MAX));
            let number = front.number;
            return self.hole_piece(&mut room[..len], number, made, sequence);
        }
        match &front.content {
            Content::Comfort(noise) => {
                self.noise = Some(noise.clone());
                self.concealer.rest();
                self.last_played = Some(front.number);
                self.queue.pop();
                0
            }
            Content::Sound(sound) => {
                let left = sound.get((-hole) as usize..).unwrap_or_default();
                let len = left.len().min(room.len());
                room[..len].copy_from_slice(&left[..len]);
                self.concealer.received(&mut room[..len]);
                self.noise = None;
                self.last_played = self.last_played.max(Some(front.number));
                if len == left.len() {
                    self.queue.pop();
                }
                self.next += len as i64;
                made.received += len;
                len
            }
        }
    }

    /// A hole before the next packet: the sender's silence, or loss.
    fn hole_piece(
        &mut self,
        room: &mut [i16],
        number: Extended,
        made: &mut Made,
        sequence: &Sequence,
    ) -> usize {
        let len = room.len();
        if let Some(noise) = &mut self.noise {
            noise.fill(room);
            made.quiet += len;
        } else if self
            .last_played
            .is_some_and(|last| sequence.complete_between(last, number))
        {
            self.concealer.rest();
            made.quiet += len;
        } else {
            self.concealer.conceal(room);
            made.invented += len;
            if self.owed > 0 && self.queue.end() - self.next < MAX_DELAY {
                // Waits for the missing packet instead of giving it up.
                self.owed = (self.owed - len as i64).max(0);
                return len;
            }
        }
        self.next += len as i64;
        len
    }

    /// Nothing is in store. `next` stands still.
    fn dry_piece(&mut self, now: Duration, room: &mut [i16], made: &mut Made) -> usize {
        let len = room.len();
        if let Some(noise) = &mut self.noise {
            noise.fill(room);
            made.quiet += len;
        } else if now < self.excused_until {
            self.concealer.rest();
            made.quiet += len;
        } else if !self.concealer.is_spent() {
            self.concealer.conceal(room);
            made.invented += len;
        } else if self.suppresses {
            made.quiet += len;
        } else {
            made.absent += len;
        }
        len
    }

    /// The frame while sound waits to be old enough.
    pub(super) fn waiting(&mut self, now: Duration) -> Frame {
        let mut frame = Frame::ABSENT;
        if let Some(noise) = &mut self.noise {
            noise.fill(&mut frame.samples);
        }
        if self.is_excused(now) {
            frame.origin = Origin::Comfort;
        }
        frame
    }

    /// Whether for a while a whole frame more was in store than the delay to keep asks for.
    pub(super) fn has_slack(&mut self) -> bool {
        if self.slack.frames < JUDGED {
            return false;
        }
        let has = self.slack.least >= self.delay.target() + FRAME;
        if !has {
            self.slack = Slack::FRESH;
        }
        has
    }

    /// A quiet moment is best, but it must not be waited for too long.
    pub(super) fn may_skip(&self, frame: &Frame) -> bool {
        const QUIET: i64 = 200;
        let energy: i64 = frame.samples.iter().map(|s| i64::from(*s) * i64::from(*s)).sum();
        let is_quiet = energy < QUIET * QUIET * FRAME;
        frame.origin != Origin::Concealed && (is_quiet || self.slack.frames >= 2 * JUDGED)
    }
}

/// What a frame is made of, in samples.
#[derive(Debug, Default)]
struct Made {
    received: usize,
    invented: usize,
    quiet: usize,
    absent: usize,
}

impl Made {
    /// The worst of it names it: a frame that is partly invented is no evidence.
    fn origin(&self) -> Origin {
        match self {
            Self { invented: 1.., .. } => Origin::Concealed,
            Self { received: 1.., .. } => Origin::Received,
            Self { quiet: 1.., .. } => Origin::Comfort,
            _ => Origin::Absent,
        }
    }
}

/// Two frames in the time of one: the first fades into the second.
pub(super) fn crossed(first: &Frame, second: &Frame) -> Frame {
    let mut samples = [0; FRAME_SAMPLES];
    for (at, sample) in samples.iter_mut().enumerate() {
        let (a, b) = (i32::from(first.samples[at]), i32::from(second.samples[at]));
        let at = at as i32;
        *sample = ((a * (FRAME as i32 - at) + b * at) / FRAME as i32) as i16;
    }
    let concealed = [first.origin, second.origin].contains(&Origin::Concealed);
    Frame {
        samples,
        origin: if concealed {
            Origin::Concealed
        } else {
            second.origin
        },
    }
}
