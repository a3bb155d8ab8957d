//! What all attempts of one worker share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hark_bus::{Bus, Claim};
use hark_line::Line;
use hark_outcome::{Attempt, CallEvent, EventKind, SchemaVersion, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::account::Author;
use crate::config::Campaigns;
use crate::ears::Ears;
use crate::live::LiveAttempts;
use crate::place::Witness;
use crate::recover::Whose;
use crate::sounds::Sounds;

/// What all attempts of one worker share.
pub(crate) struct Shared {
    pub bus: Bus,
    pub line: Line,
    pub ears: Ears,
    pub sounds: Sounds,
    pub campaigns: Campaigns,
    pub author: Author,
    /// Distinguishes this process from an earlier one of the same name.
    pub process: u64,
    /// Attempts on the line, or with a result still to publish.
    pub live: LiveAttempts,
    /// How often a delivery is confirmed to be in progress.
    pub heartbeat: Duration,
    /// When a job last found its trunks full, though some other trunk had room.
    pub full_at: Mutex<Option<Instant>>,
    /// Jobs taken that hold no channel yet.
    pub unreserved: AtomicUsize,
    /// Set when no new INVITE may leave.
    pub draining: CancellationToken,
    /// Set when live calls must end.
    pub stop: CancellationToken,
}

impl Shared {
    /// Whether a job found its trunks full within the last `span`.
    pub(crate) fn was_full_within(&self, span: Duration) -> bool {
        self.full_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|at| at.elapsed() < span)
    }

    /// A job found its trunks full.
    pub(crate) fn found_full(&self) {
        *self.full_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Who made a claim.
    pub(crate) fn whose(&self, attempt: &Attempt, claim: &Claim) -> Whose {
        if claim.worker != self.author.worker {
            Whose::Another
        } else if claim.process == self.process && self.live.has(attempt) {
            Whose::Ours
        } else {
            Whose::Nobody
        }
    }
}

/// Counts a job as holding no channel, until dropped.
pub(crate) struct Counted(Arc<Shared>);

impl Counted {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        shared.unreserved.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(shared))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.unreserved.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Tells the steps of a call as events.
pub(crate) struct BusWitness {
    pub shared: Arc<Shared>,
    pub attempt: Attempt,
}

impl Witness for BusWitness {
    fn saw(&mut self, kind: EventKind) {
        self.shared.bus.event(CallEvent {
            schema: SchemaVersion::default(),
            attempt: self.attempt.clone(),
            at: now(),
            worker: self.shared.author.worker.clone(),
            kind,
        });
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from(jiff::Timestamp::now())
}
