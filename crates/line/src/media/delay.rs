//! How long sound must wait so that nearly every packet is there when it is due.
//!
//! Each packet's transit time is compared with the shortest of the last seconds; what 97 % of them exceeded that by,
//! plus one frame, is the delay to keep, between 40 and 200 ms. Old packets are forgotten slowly, so the delay rises
//! within a few late packets and falls over seconds.

use std::time::Duration;

use hark_sound::SAMPLE_RATE;

/// The delay to start with, and the least.
pub(super) const MIN_DELAY: i64 = 40 * SAMPLES_PER_MS;

/// The most.
pub(super) const MAX_DELAY: i64 = 200 * SAMPLES_PER_MS;

/// Samples in a millisecond.
pub(super) const SAMPLES_PER_MS: i64 = SAMPLE_RATE as i64 / 1000;

const BUCKET_MS: i64 = 10;
const BUCKETS: usize = 20;

/// What one packet weighs against all before it.
const WEIGHT: f32 = 0.017;

/// The share of packets that must be in time.
const IN_TIME: f32 = 0.97;

/// The shortest transit is of the last two of these.
const WINDOW: Duration = Duration::from_secs(5);

/// Learns the delay from arrivals.
#[derive(Debug, Clone)]
pub(super) struct DelayEstimate {
    /// How often a transit exceeded the shortest by so many times 10 ms; sums to 1.
    shares: [f32; BUCKETS],
    /// The shortest transit, in samples, of the window before and of this one.
    shortest: [Option<i64>; 2],
    window_ends: Option<Duration>,
}

impl DelayEstimate {
    pub(super) const fn new() -> Self {
        let mut shares = [0.0; BUCKETS];
        shares[0] = 1.0;
        Self {
            shares,
            shortest: [None; 2],
            window_ends: None,
        }
    }

    /// The sender's clock jumped: transits before and after cannot be compared.
    pub(super) fn clock_changed(&mut self) {
        self.shortest = [None; 2];
    }

    /// Takes a packet's arrival and its first sample's place on the sender's clock.
    pub(super) fn observe(&mut self, arrival: Duration, at: i64) {
        let transit = samples(arrival) - at;
        let ends = *self.window_ends.get_or_insert(arrival + WINDOW);
        if arrival >= ends {
            self.shortest = [self.shortest[1], None];
            self.window_ends = Some(arrival + WINDOW);
        }
        self.shortest[1] = Some(self.shortest[1].map_or(transit, |shortest| shortest.min(transit)));
        let shortest = self.shortest.iter().flatten().min().copied().unwrap_or(transit);

        let excess = (transit - shortest) / SAMPLES_PER_MS / BUCKET_MS;
        let bucket = usize::try_from(excess).unwrap_or(0).min(BUCKETS - 1);
        for share in &mut self.shares {
            *share *= 1.0 - WEIGHT;
        }
        self.shares[bucket] += WEIGHT;
    }

    /// The delay to keep, in samples.
    pub(super) fn target(&self) -> i64 {
        let mut sum = 0.0;
        let in_time = self.shares.iter().position(|share| {
            sum += share;
            sum >= IN_TIME
        });
        // Rounding may leave the sum of all a hair below.
        let exceeded = in_time.unwrap_or(BUCKETS - 1) as i64 * BUCKET_MS;
        ((exceeded + 20) * SAMPLES_PER_MS).clamp(MIN_DELAY, MAX_DELAY)
    }
}

/// A time as a count of samples.
pub(super) fn samples(time: Duration) -> i64 {
    // 2^63 samples are 36 million years.
    (time.as_micros() as i64) * SAMPLES_PER_MS / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(packets: impl IntoIterator<Item = (u64, i64)>) -> i64 {
        let mut estimate = DelayEstimate::new();
        for (ms, at) in packets {
            estimate.observe(Duration::from_millis(ms), at);
        }
        estimate.target() / SAMPLES_PER_MS
    }

    #[test]
    fn an_even_stream_waits_40_ms() {
        assert_eq!(after((0..500).map(|n| (n * 20, n as i64 * 160))), 40);
    }

    #[test]
    fn jitter_raises_the_delay_to_cover_it() {
        let delay = after((0..500).map(|n| (n * 20 + (n % 5) * 20, n as i64 * 160)));
        assert_eq!(delay, 100, "the latest fifth comes 80 ms late, plus one frame");
    }

    #[test]
    fn the_delay_never_exceeds_200_ms() {
        assert_eq!(
            after((0..500).map(|n| (n * 20 + (n % 2) * 900, n as i64 * 160))),
            200
        );
    }

    #[test]
    fn calm_lowers_it_again() {
        let rough = (0..200).map(|n| (n * 20 + (n % 5) * 20, n as i64 * 160));
        let calm = (200..600).map(|n| (n * 20, n as i64 * 160));
        assert_eq!(after(rough.chain(calm)), 40);
    }

    #[test]
    fn a_sender_whose_clock_drifts_is_no_jitter() {
        // 0.1 % slow: 30 s drift by 30 ms, but each window of 10 s by 10.
        let delay = after((0..1500).map(|n| (n * 20 + n * 20 / 1000, n as i64 * 160)));
        assert_eq!(delay, 40);
    }

    #[test]
    fn a_jump_of_the_senders_clock_is_no_jitter() {
        let mut estimate = DelayEstimate::new();
        for n in 0..100u64 {
            estimate.observe(Duration::from_millis(n * 20), n as i64 * 160);
        }
        estimate.clock_changed();
        for n in 100..200u64 {
            estimate.observe(Duration::from_millis(n * 20), n as i64 * 160 - 80_000);
        }
        assert_eq!(estimate.target(), MIN_DELAY);
    }
}
