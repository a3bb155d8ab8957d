//! The last steps of a job, each confirmed by NATS: its result published, and its delivery acknowledged, given back or
//! buried.

use std::borrow::Cow;
use std::time::Duration;

use hark_bus::{BusError, Delivery, Written};
use hark_outcome::{CallEvent, CallResult, EventKind, SchemaVersion};
use tracing::{info, warn};

use crate::account::shorten;
use crate::shared::{Shared, now};

/// How a job left the worker's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handled {
    /// A result is published.
    Result,
    /// It was done before.
    AlreadyDone,
    /// It is in the dead letters.
    DeadLetter,
    /// It went back to the queue.
    GivenBack,
}

/// Publishes the result, however long NATS is away, then acknowledges the job. A result that NATS finds too large goes
/// out without its evidence, and if need be without the customer's fields: how the call ended is never lost.
pub(crate) async fn conclude(shared: &Shared, delivery: &Delivery, result: &CallResult) -> Handled {
    let mut wait = Duration::from_millis(200);
    let mut result = Cow::Borrowed(result);
    loop {
        match shared.bus.publish_result(&result).await {
            Ok(written) => {
                info!(attempt = %result.attempt, disposition = %result.disposition, cause = %result.cause, ?written, "result");
                if written == Written::AlreadyThere {
                    correct(shared, result.into_owned());
                }
                break;
            }
            Err(e) => {
                warn!(attempt = %result.attempt, error = %e, "result not published yet; trying again");
                if matches!(e, BusError::TooLarge { .. }) && shorten(result.to_mut()) {
                    continue;
                }
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(5));
    }
    acknowledge(delivery).await;
    Handled::Result
}

/// Somebody else's result stands for this attempt, written while we could not reach NATS. Ours is the late truth of a call
/// we made; it goes out as an event, for a result is never replaced.
fn correct(shared: &Shared, result: CallResult) {
    if result.timing.invited_at.is_none() {
        return;
    }
    warn!(attempt = %result.attempt, disposition = %result.disposition, "another result stands; ours goes out as a correction");
    shared.bus.event(CallEvent {
        schema: SchemaVersion::default(),
        attempt: result.attempt.clone(),
        at: now(),
        worker: shared.author.worker.clone(),
        kind: EventKind::Corrected {
            result: Box::new(result),
        },
    });
}

pub(crate) async fn acknowledge(delivery: &Delivery) {
    if let Err(e) = delivery.done().await {
        // The job comes again, is found done, and is acknowledged then.
        warn!(error = %e, "job not acknowledged; it will be found done when it comes again");
    }
}

pub(crate) async fn give_back(delivery: &Delivery, wait: Duration) -> Handled {
    if let Err(e) = delivery.retry_after(wait).await {
        warn!(error = %e, "job not given back; the server will redeliver it by itself");
    }
    Handled::GivenBack
}

pub(crate) async fn bury(delivery: &Delivery, why: &str) -> Handled {
    warn!(campaign = %delivery.campaign, why, "job to the dead letters");
    match delivery.dead_letter(why).await {
        Ok(()) => Handled::DeadLetter,
        Err(e) => {
            warn!(error = %e, "dead letter not written; the job stays in the queue");
            Handled::GivenBack
        }
    }
}
