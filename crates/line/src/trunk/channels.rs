//! How many calls at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

/// The channels of one trunk.
#[derive(Debug)]
pub(super) struct Channels {
    used: AtomicU32,
    max: u32,
    freed: Arc<Notify>,
}

/// One channel in use. Dropping it frees the channel and tells whoever waits for one.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Channels>);

impl Channels {
    pub(super) fn new(max: u32, freed: Arc<Notify>) -> Self {
        Self {
            used: AtomicU32::new(0),
            max,
            freed,
        }
    }

    pub(super) fn take(this: &Arc<Self>) -> Option<Permit> {
        this.used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                (used < this.max).then_some(used + 1)
            })
            .ok()
            .map(|_| Permit(this.clone()))
    }

    pub(super) fn used(&self) -> u32 {
        self.used.load(Ordering::Acquire)
    }

    pub(super) fn free(&self) -> u32 {
        self.max.saturating_sub(self.used())
    }

    /// Channels became usable for another reason than a call's end.
    pub(super) fn announce(&self) {
        self.freed.notify_one();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.used.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}
