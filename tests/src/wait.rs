//! Waiting for a condition, with a deadline.

use std::time::Duration;

use tokio::time::Instant;

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks at `condition` until it has a value.
///
/// # Panics
/// When the deadline passes; the message says what was waited for, so that a failed test explains itself.
#[track_caller]
pub fn until<T, F>(what: &str, deadline: Duration, mut condition: F) -> impl Future<Output = T>
where
    F: AsyncFnMut() -> Option<T>,
{
    let caller = std::panic::Location::caller();
    async move {
        let end = Instant::now() + deadline;
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            assert!(Instant::now() < end, "{caller}: {what}: not within {deadline:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
