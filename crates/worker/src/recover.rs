//! What to do with a job whose attempt somebody has claimed already.

use std::time::Duration;

use hark_bus::{Bus, Claim};
use hark_outcome::{Attempt, Timestamp};
use tracing::warn;

/// How far two machines' clocks may differ.
const SKEW: Duration = Duration::from_secs(5);

/// How soon to look again at a claim whose worker lives.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Who made a claim, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A task of this process that still works on it.
    Ours,
    /// Another worker: its presence tells whether it lives.
    Another,
    /// This worker, but no task of it any more: an earlier process, a write in doubt, or a task that failed.
    Nobody,
}

/// What stands behind a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A result: the job is done.
    Done,
    /// A worker that may still be on the call: look again after this.
    Alive(Duration),
    /// Nobody any more, and the longest call is over.
    Lost,
}

/// Looks behind `claim`. In doubt it says [`Found::Alive`]: looking again costs nothing.
pub(crate) async fn judge_claim(
    bus: &Bus,
    attempt: &Attempt,
    claim: &Claim,
    whose: Whose,
    longest: Duration,
    now: Timestamp,
) -> Found {
    match bus.result_of(attempt).await {
        Ok(Some(_)) => return Found::Done,
        Ok(None) => {}
        Err(e) => {
            warn!(%attempt, error = %e, "could not look for a result");
            return Found::Alive(LOOK_AGAIN);
        }
    }
    let gone = match whose {
        Whose::Ours => false,
        Whose::Nobody => true,
        Whose::Another => matches!(bus.is_present(&claim.worker).await, Ok(false)),
    };
    verdict(gone, age(claim.at, now), longest + SKEW)
}

fn verdict(gone: bool, age: Duration, longest: Duration) -> Found {
    if !gone {
        return Found::Alive(LOOK_AGAIN);
    }
    match longest.checked_sub(age) {
        Some(left) if !left.is_zero() => Found::Alive(left.min(LOOK_AGAIN)),
        _ => Found::Lost,
    }
}

fn age(then: Timestamp, now: Timestamp) -> Duration {
    Duration::from(now.since(then))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(200);

    #[test]
    fn a_worker_that_lives_is_never_written_off() {
        assert_eq!(
            verdict(false, Duration::from_secs(10_000), LONGEST),
            Found::Alive(LOOK_AGAIN)
        );
    }

    #[test]
    fn a_lost_workers_call_is_written_off_only_when_it_must_be_over() {
        assert_eq!(
            verdict(true, Duration::from_secs(190), LONGEST),
            Found::Alive(Duration::from_secs(10))
        );
        assert_eq!(verdict(true, Duration::from_secs(200), LONGEST), Found::Lost);
    }
}
