//! Which packets of one stream came, once, twice or never (RFC 3550 appendix A.1), and its interarrival jitter (A.8).
//!
//! - *In order or a gap ahead*: the newest packet moves on.
//! - *A little behind*: reordered, unless its place in the window of the last 128 is taken: then it came twice.
//! - *Far off*: suspect, and dropped, unless the next packet follows it: then the sender has restarted.

use std::time::Duration;

use hark_sound::SAMPLE_RATE;

/// A sequence number that does not wrap.
pub(super) type Extended = u64;

/// A jump ahead of up to so many packets is loss; beyond, the stream is suspect.
const MAX_DROPOUT: u16 = 3000;

/// A packet up to so far behind the newest is merely reordered.
const MAX_MISORDER: u16 = 100;

/// What a packet's number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The newest yet.
    Newest(Extended),
    /// One that was missing.
    Reordered(Extended),
    /// It was here already.
    Duplicate,
    /// The sender counts anew from here.
    Restart(Extended),
    /// So far off that it may be a stray.
    Suspect,
}

/// The numbers of one stream.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    base: Extended,
    newest: Extended,
    /// Bit `n`: whether the packet `n` before the newest came.
    window: u128,
    received: u64,
    suspect: Option<u16>,
    lost_before_restart: u64,
    reported: (u64, u64),
    jitter: Jitter,
}

#[derive(Debug, Clone, Copy, Default)]
struct Jitter {
    last: Option<(Duration, u32)>,
    /// In samples.
    estimate: f64,
}

/// One cycle of numbers is added so that a packet before the first still has a number.
const CYCLE: u64 = 1 << 16;

impl Sequence {
    /// Begins with the first packet, which counts as received.
    pub(super) fn new(first: u16) -> Self {
        let base = CYCLE + u64::from(first);
        Self {
            base,
            newest: base,
            window: 1,
            received: 1,
            suspect: None,
            lost_before_restart: 0,
            reported: (0, 0),
            jitter: Jitter::default(),
        }
    }

    /// The newest packet's number.
    pub(super) fn newest(&self) -> Extended {
        self.newest
    }

    /// Takes the next packet's number.
    pub(super) fn arrive(&mut self, number: u16) -> Order {
        let ahead = number.wrapping_sub(self.newest as u16);
        let behind = ahead.wrapping_neg();
        if (1..MAX_DROPOUT).contains(&ahead) {
            self.newest += u64::from(ahead);
            self.window = self.window.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            self.received += 1;
            self.suspect = None;
            return Order::Newest(self.newest);
        }
        if behind <= MAX_MISORDER {
            let place = 1 << behind;
            if self.window & place != 0 {
                return Order::Duplicate;
            }
            let number = self.newest - u64::from(behind);
            self.window |= place;
            self.received += 1;
            self.base = self.base.min(number);
            return Order::Reordered(number);
        }
        if self.suspect != Some(number) {
            self.suspect = Some(number.wrapping_add(1));
            return Order::Suspect;
        }
        self.restart(number)
    }

    /// A new stream, or the same counting anew: its numbers lie well ahead of all before, so that order is kept, and
    /// the jump is no loss.
    pub(super) fn restart(&mut self, number: u16) -> Order {
        let cycles = self.newest / CYCLE + 2;
        let base = cycles * CYCLE + u64::from(number);
        let jitter = Jitter {
            last: None,
            ..self.jitter
        };
        let lost_before_restart = self.lost();
        *self = Self {
            base,
            newest: base,
            lost_before_restart,
            jitter,
            ..Self::new(number)
        };
        Order::Restart(base)
    }

    /// Whether every packet between these two came: then the silence between them was the sender's.
    pub(super) fn complete_between(&self, before: Extended, after: Extended) -> bool {
        if after <= before + 1 {
            return true;
        }
        let (first, last) = (before + 1, after - 1);
        let Some(deepest) = self.newest.checked_sub(first).filter(|depth| *depth < 128) else {
            return false;
        };
        let Some(shallowest) = self.newest.checked_sub(last) else {
            return false;
        };
        let span = u128::MAX >> (127 - (deepest - shallowest));
        (self.window >> shallowest) & span == span
    }

    /// Packets that never came, of every stream.
    pub(super) fn lost(&self) -> u64 {
        self.lost_before_restart + self.lost_here()
    }

    /// Packets of this stream that never came.
    pub(super) fn lost_here(&self) -> u64 {
        (self.newest - self.base + 1).saturating_sub(self.received)
    }

    /// The highest number of this stream, with its wraps counted above, as reports carry it.
    pub(super) fn highest(&self) -> u32 {
        (self.base % CYCLE + (self.newest - self.base)) as u32
    }

    /// The share lost since the last call, in 256ths.
    pub(super) fn fraction_lost(&mut self) -> u8 {
        let (expected, received) = (self.newest - self.base + 1, self.received);
        let (expected_before, received_before) = std::mem::replace(&mut self.reported, (expected, received));
        let expected = expected.saturating_sub(expected_before);
        let lost = expected.saturating_sub(received.saturating_sub(received_before));
        // Nothing expected, nothing lost.
        (lost * 256)
            .checked_div(expected)
            .map_or(0, |share| share.min(255) as u8)
    }

    /// Takes a sound packet's arrival into the jitter estimate.
    pub(super) fn timed(&mut self, arrival: Duration, timestamp: u32) {
        if let Some((last_arrival, last_timestamp)) = self.jitter.last {
            let ticked = f64::from(timestamp.wrapping_sub(last_timestamp) as i32);
            let passed = (arrival.as_secs_f64() - last_arrival.as_secs_f64()) * f64::from(SAMPLE_RATE);
            let off = (passed - ticked).abs();
            // A restarted clock, or a pause, is no jitter.
            if off < f64::from(SAMPLE_RATE) {
                self.jitter.estimate += (off - self.jitter.estimate) / 16.0;
            }
        }
        self.jitter.last = Some((arrival, timestamp));
    }

    /// Interarrival jitter, in samples.
    pub(super) fn jitter(&self) -> f64 {
        self.jitter.estimate
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_survives_the_wrap() {
        let mut seq = Sequence::new(65_534);
        assert_eq!(seq.arrive(65_535), Order::Newest(CYCLE + 65_535));
        assert_eq!(seq.arrive(1), Order::Newest(2 * CYCLE + 1));
        assert_eq!(seq.lost(), 1);
        assert_eq!(seq.arrive(0), Order::Reordered(2 * CYCLE));
        assert_eq!((seq.lost(), seq.highest()), (0, 65_537));
    }

    #[test]
    fn a_packet_that_comes_twice_counts_once() {
        let mut seq = Sequence::new(10);
        assert_eq!(seq.arrive(10), Order::Duplicate);
        seq.arrive(12);
        assert!(matches!(seq.arrive(11), Order::Reordered(_)));
        assert_eq!(seq.arrive(11), Order::Duplicate);
        assert_eq!(seq.lost(), 0);
    }

    #[test]
    fn one_stray_is_dropped_and_a_restart_is_followed() {
        let mut seq = Sequence::new(100);
        assert_eq!(seq.arrive(40_000), Order::Suspect);
        assert!(matches!(seq.arrive(101), Order::Newest(_)));
        assert_eq!(seq.arrive(40_000), Order::Suspect);
        let Order::Restart(restarted) = seq.arrive(40_001) else {
            panic!("two in a row are a restart")
        };
        assert!(matches!(seq.arrive(40_002), Order::Newest(next) if next == restarted + 1));
        assert_eq!(seq.lost(), 0, "a restart loses nothing");
    }

    #[test]
    fn silence_is_told_from_loss_by_the_numbers() {
        let mut seq = Sequence::new(5);
        let Order::Newest(next) = seq.arrive(6) else {
            panic!("in order")
        };
        seq.arrive(9);
        assert!(seq.complete_between(next - 1, next));
        assert!(!seq.complete_between(next, next + 3), "7 and 8 are missing");
        seq.arrive(8);
        seq.arrive(7);
        assert!(seq.complete_between(next, next + 3));
        assert!(!seq.complete_between(next, next + 300), "the future is unknown");
    }

    #[test]
    fn the_fraction_lost_is_of_this_interval_only() {
        let mut seq = Sequence::new(0);
        for n in 1..=9 {
            seq.arrive(n);
        }
        assert_eq!(seq.fraction_lost(), 0);
        for n in [11, 13, 15, 17, 19] {
            seq.arrive(n);
        }
        assert_eq!(seq.fraction_lost(), 128);
        assert_eq!(seq.fraction_lost(), 0);
    }

    #[test]
    fn jitter_is_none_for_an_even_stream_and_grows_with_unevenness() {
        let (mut even, mut uneven) = (Sequence::new(0), Sequence::new(0));
        for n in 0..200u32 {
            let at = Duration::from_millis(u64::from(n) * 20);
            even.timed(at, n * 160);
            uneven.timed(at + Duration::from_millis(u64::from(n % 2) * 10), n * 160);
        }
        assert!(even.jitter() < 0.01);
        assert!(
            (70.0..=80.0).contains(&uneven.jitter()),
            "10 ms are 80 samples: {}",
            uneven.jitter()
        );
    }

    proptest! {
        #[test]
        fn any_numbers_keep_the_books_straight(numbers in prop::collection::vec(any::<u16>(), 1..300)) {
            let mut seq = Sequence::new(numbers[0]);
            for number in &numbers[1..] {
                seq.arrive(*number);
                let _ = (seq.lost(), seq.highest(), seq.complete_between(seq.newest - 3, seq.newest));
            }
            let _ = seq.fraction_lost();
        }

        #[test]
        fn losses_are_counted_exactly(start: u16, kept in prop::collection::vec(any::<bool>(), 1..500)) {
            let mut seq = Sequence::new(start);
            let mut lost = 0;
            let mut pending = 0;
            for (offset, kept) in kept.iter().enumerate() {
                if *kept {
                    seq.arrive(start.wrapping_add(1 + offset as u16));
                    lost += std::mem::take(&mut pending);
                } else {
                    pending += 1;
                }
            }
            prop_assert_eq!(seq.lost(), lost);
        }
    }
}
