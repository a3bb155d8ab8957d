//! The attempts that this process still works on.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hark_outcome::Attempt;

/// A set that an attempt leaves by itself, even when its task fails.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveAttempts(Arc<Mutex<HashSet<Attempt>>>);

impl LiveAttempts {
    /// Enters an attempt until the guard is dropped.
    pub(crate) fn enter(&self, attempt: &Attempt) -> LiveGuard {
        self.set().insert(attempt.clone());
        LiveGuard {
            all: self.clone(),
            attempt: attempt.clone(),
        }
    }

    pub(crate) fn has(&self, attempt: &Attempt) -> bool {
        self.set().contains(attempt)
    }

    fn set(&self) -> MutexGuard<'_, HashSet<Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes its attempt out when dropped.
#[derive(Debug)]
pub(crate) struct LiveGuard {
    all: LiveAttempts,
    attempt: Attempt,
}

impl Drop for LiveGuard {
    fn drop(&mut self) {
        self.all.set().remove(&self.attempt);
    }
}

#[cfg(test)]
mod tests {
    use hark_outcome::{CampaignId, JobId};

    use super::*;

    #[test]
    fn an_attempt_is_live_until_its_task_ends_however_it_ends() {
        let live = LiveAttempts::default();
        let attempt = Attempt::first(CampaignId::default(), JobId::new("j").expect("valid"));
        let task = std::thread::spawn({
            let (live, attempt) = (live.clone(), attempt.clone());
            move || {
                let _guard = live.enter(&attempt);
                assert!(live.has(&attempt));
                panic!("a task that fails, on purpose");
            }
        });
        assert!(task.join().is_err());
        assert!(!live.has(&attempt));
    }
}
