//! Which queue gives the next job: 6 : 3 : 1 for high, normal and low, and round robin over campaigns inside each.
//! Pure: asked how to share some places among the queues that are open, it answers how many each may fill.
//!
//! Smooth weighted round robin: every priority with an open queue earns its weight at each place, the richest one
//! gets the place and pays the sum of all weights. So a priority is never starved, only late, and the places of one
//! that has nothing fall to the others.

use hark_outcome::Priority;

/// Places in ten for each priority, in the order of [`Priority::ALL`].
const WEIGHTS: [i64; 3] = [6, 3, 1];

#[derive(Debug)]
pub(crate) struct Scheduler {
    /// The queues' priorities, as indexes into [`Priority::ALL`].
    queues: Vec<usize>,
    credit: [i64; 3],
    /// The queue that was last given a place, by priority.
    last: [Option<usize>; 3],
}

impl Scheduler {
    pub fn new(queues: impl IntoIterator<Item = Priority>) -> Self {
        let rank = |p| {
            Priority::ALL
                .iter()
                .position(|q| *q == p)
                .unwrap_or(Priority::ALL.len() - 1)
        };
        Self {
            queues: queues.into_iter().map(rank).collect(),
            credit: [0; 3],
            last: [None; 3],
        }
    }

    /// Shares `places` among the open queues: how many each may fill. All zero when none is open.
    pub fn share(&mut self, places: usize, open: &[bool]) -> Vec<usize> {
        let mut shares = vec![0; self.queues.len()];
        for _ in 0..places {
            let Some(queue) = self.next(open) else { break };
            shares[queue] += 1;
        }
        shares
    }

    fn next(&mut self, open: &[bool]) -> Option<usize> {
        let mut earned = 0;
        let mut richest: Option<usize> = None;
        for (rank, weight) in WEIGHTS.iter().enumerate() {
            if !self.has_open(rank, open) {
                continue;
            }
            earned += weight;
            self.credit[rank] += weight;
            if richest.is_none_or(|r| self.credit[rank] > self.credit[r]) {
                richest = Some(rank);
            }
        }
        let rank = richest?;
        self.credit[rank] -= earned;
        let queue = self.turn(rank, open)?;
        self.last[rank] = Some(queue);
        Some(queue)
    }

    fn has_open(&self, rank: usize, open: &[bool]) -> bool {
        self.queues.iter().zip(open).any(|(r, open)| *r == rank && *open)
    }

    /// The open queue of this priority after the one that had the last turn.
    fn turn(&self, rank: usize, open: &[bool]) -> Option<usize> {
        let start = self.last[rank].map_or(0, |last| last + 1);
        let n = self.queues.len();
        (0..n)
            .map(|i| (start + i) % n)
            .find(|q| self.queues[*q] == rank && open.get(*q) == Some(&true))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Queues of `campaigns` campaigns: high, normal, low of the first, then of the second, …
    fn scheduler(campaigns: usize) -> Scheduler {
        Scheduler::new((0..campaigns).flat_map(|_| Priority::ALL))
    }

    #[test]
    fn ten_places_are_shared_six_three_one() {
        assert_eq!(scheduler(1).share(10, &[true; 3]), [6, 3, 1]);
    }

    #[test]
    fn places_taken_one_by_one_are_shared_the_same() {
        let mut s = scheduler(1);
        let mut got = [0; 3];
        for _ in 0..100 {
            for (sum, n) in got.iter_mut().zip(s.share(1, &[true; 3])) {
                *sum += n;
            }
        }
        assert_eq!(got, [60, 30, 10]);
    }

    #[test]
    fn the_places_of_an_empty_priority_fall_to_the_others() {
        assert_eq!(scheduler(1).share(4, &[false, true, true]), [0, 3, 1]);
        assert_eq!(scheduler(1).share(4, &[false, false, true]), [0, 0, 4]);
        assert_eq!(scheduler(1).share(4, &[false; 3]), [0, 0, 0]);
    }

    #[test]
    fn campaigns_take_turns() {
        let mut s = scheduler(3);
        let only_normal = [false, true, false, false, true, false, false, true, false];
        assert_eq!(s.share(3, &only_normal), [0, 1, 0, 0, 1, 0, 0, 1, 0]);
        let firsts: Vec<_> = (0..4)
            .map(|_| s.share(1, &only_normal).iter().position(|n| *n == 1))
            .collect();
        assert_eq!(firsts, [Some(1), Some(4), Some(7), Some(1)]);
    }

    proptest! {
        #[test]
        fn every_place_goes_to_an_open_queue(
            open in proptest::collection::vec(any::<bool>(), 1..24),
            places in 0usize..100,
        ) {
            let priorities: Vec<_> = (0..open.len()).map(|i| Priority::ALL[i % 3]).collect();
            let shares = Scheduler::new(priorities).share(places, &open);
            for (share, open) in shares.iter().zip(&open) {
                prop_assert!(*open || *share == 0);
            }
            let expected = if open.contains(&true) { places } else { 0 };
            prop_assert_eq!(shares.iter().sum::<usize>(), expected);
        }

        #[test]
        fn no_open_queue_waits_longer_than_everyone_elses_turn(
            open in proptest::collection::vec(any::<bool>(), 1..12),
            warm in 0usize..50,
        ) {
            let priorities: Vec<_> = (0..open.len()).map(|i| Priority::ALL[i % 3]).collect();
            let mut s = Scheduler::new(priorities);
            s.share(warm, &open);
            // Low gets one place in ten, shared by at most 4 queues here; twice that is room for the phase.
            let shares = s.share(2 * 10 * 4, &open);
            for (share, open) in shares.iter().zip(&open) {
                prop_assert!(!*open || *share > 0);
            }
        }
    }
}
