//! Writing a subject once, for ever: the first message stands, everybody else learns whose it is.
//!
//! A write that got no answer may or may not have landed. It is written again: if the first one landed, the second is
//! refused, and reading back from the stream's leader tells whether what stands there is ours. So the outcome is
//! `Ours`, `Theirs`, or, when the server stays silent, honestly `Unknown`.

use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::BusError;
use crate::wire::{NotStored, Read, Wire};

/// Expected last sequence of the subject: 0 = "nothing there yet".
const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// Who wrote first.
#[derive(Debug)]
pub(crate) enum Once {
    /// What stands there is what we wrote.
    Ours,
    /// Somebody else was first.
    Theirs(Box<Read>),
    /// Nobody can say within the deadline.
    Unknown(BusError),
}

/// What to write where.
pub(crate) struct Write<'a> {
    pub stream: &'a str,
    pub subject: &'a str,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// For messages.
    pub what: &'a str,
}

/// Writes until it is known who was first, at most for `limit`. `is_ours` recognises what we wrote.
pub(crate) async fn write_once(
    wire: &Wire,
    mut write: Write<'_>,
    limit: Duration,
    is_ours: impl Fn(&Read) -> bool,
) -> Once {
    write.headers.insert(EXPECTED, "0");
    let deadline = Instant::now() + limit;
    let mut pause = FIRST_PAUSE;
    let standing = |read: Read| {
        if is_ours(&read) {
            Once::Ours
        } else {
            Once::Theirs(Box::new(read))
        }
    };
    loop {
        let failed = match wire
            .store(
                write.subject,
                write.headers.clone(),
                write.body.clone(),
                write.what,
            )
            .await
        {
            Ok(_) => return Once::Ours,
            Err(NotStored::Taken) => match wire.last(write.stream, write.subject, write.what).await {
                Ok(Some(read)) => return standing(read),
                // Taken, but nothing to read: a new leader that has not caught up.
                Ok(None) => wire.silent(write.what),
                Err(e) => e,
            },
            Err(NotStored::Failed(e)) => e,
        };
        if !may_pass(&failed) {
            return Once::Unknown(failed);
        }
        if Instant::now() + pause >= deadline {
            // One last look. What is found counts; finding nothing proves nothing.
            return match wire.last(write.stream, write.subject, write.what).await {
                Ok(Some(read)) => standing(read),
                _ => Once::Unknown(failed),
            };
        }
        tracing::debug!(what = write.what, error = %failed, "writing again");
        sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// A denial may be an old one that has nothing to do with this silence, so it is tried again, too.
fn may_pass(error: &BusError) -> bool {
    error.is_temporary() || matches!(error, BusError::Denied { .. })
}
