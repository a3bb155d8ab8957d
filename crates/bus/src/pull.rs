//! Pull requests in the raw: what is there now, and the first that comes. The library's own pulls cannot be ended
//! early without losing what is on its way; these end by unsubscribing and then reading to the end what was sent
//! before the server heard of it.

use std::time::Duration;

use async_nats::{Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::select_all;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use crate::BusError;
use crate::state::Connection;
use crate::wire::Wire;

/// A pull that could not be made or was ended by the server.
#[derive(Debug)]
pub(crate) enum PullError {
    /// The consumer is gone.
    NoConsumer,
    Failed(BusError),
}

/// What one message of a pull says.
pub(crate) enum Said {
    Job(Message),
    Nothing,
    End,
    Gone,
    Refused(String),
}

pub(crate) fn said(message: Message) -> Said {
    // A job is known by where it is acknowledged: its own headers may say anything, a status among them.
    if message
        .reply
        .as_ref()
        .is_some_and(|reply| reply.starts_with("$JS.ACK."))
    {
        return Said::Job(message);
    }
    match message.status {
        None | Some(StatusCode::OK | StatusCode::IDLE_HEARTBEAT) => Said::Nothing,
        Some(StatusCode::NOT_FOUND | StatusCode::TIMEOUT) => Said::End,
        Some(StatusCode::NO_RESPONDERS) => Said::Gone,
        Some(status) => {
            let text = message.description.unwrap_or_default();
            match status.as_u16() {
                409 if text.to_ascii_lowercase().contains("consumer deleted") => Said::Gone,
                // Too many pending, a new leader, a server that shuts down: nothing now.
                409 | 423 => {
                    tracing::debug!(text, "pull ended by the server");
                    Said::End
                }
                _ => Said::Refused(format!("{status} {text}")),
            }
        }
    }
}

/// A pull request that is under way.
pub(crate) async fn ask(
    wire: &Wire,
    stream: &str,
    consumer: &str,
    request: &serde_json::Value,
) -> Result<Subscriber, PullError> {
    let what = "a pull of jobs";
    let failed = |why: String| PullError::Failed(wire.refused(what, why));
    let client = wire.client();
    let inbox = client.new_inbox();
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
    let send = async {
        let subscriber = client
            .subscribe(inbox.clone())
            .await
            .map_err(|e| failed(e.to_string()))?;
        client
            .publish_with_reply(subject, inbox, Bytes::from(request.to_string()))
            .await
            .map_err(|e| failed(e.to_string()))?;
        Ok(subscriber)
    };
    tokio::time::timeout(wire.timeout, send)
        .await
        .map_err(|_| PullError::Failed(wire.silent(what)))?
}

/// Up to `batch` messages that wait now; fewer, or none, when there are no more.
pub(crate) async fn pull_now(
    wire: &Wire,
    stream: &str,
    consumer: &str,
    batch: usize,
) -> Result<Vec<Message>, PullError> {
    let deadline = Instant::now() + wire.timeout;
    let mut subscriber = ask(
        wire,
        stream,
        consumer,
        &json!({ "batch": batch, "no_wait": true }),
    )
    .await?;
    let mut jobs = Vec::new();
    while jobs.len() < batch {
        match timeout_at(deadline, subscriber.next())
            .await
            .map(|next| next.map(said))
        {
            Ok(Some(Said::Job(message))) => jobs.push(message),
            Ok(Some(Said::Nothing)) => {}
            Ok(Some(Said::End)) => break,
            // What came before the end counts; the next pull hears of the end again.
            _ if !jobs.is_empty() => break,
            Ok(Some(Said::Gone)) => return Err(PullError::NoConsumer),
            Ok(Some(Said::Refused(why))) => {
                return Err(PullError::Failed(wire.refused("a pull of jobs", why)));
            }
            Ok(None) => return Err(PullError::Failed(wire.silent("a pull of jobs"))),
            Err(_) => return Err(PullError::Failed(wire.silent("a pull of jobs"))),
        }
    }
    Ok(jobs)
}

/// How long the remains of a wait may take to arrive.
const REMAINS: Duration = Duration::from_secs(1);

/// Waits until `until` for the first message of any consumer. Several may come at the same moment: all are returned,
/// each with the index of its consumer. Ends early, empty, when the connection is lost.
pub(crate) async fn pull_first(
    wire: &Wire,
    stream: &str,
    consumers: &[&str],
    until: Instant,
) -> Result<Vec<(usize, Message)>, PullError> {
    let expires = until.saturating_duration_since(Instant::now());
    let mut waits = Vec::with_capacity(consumers.len());
    let nanos = u64::try_from(expires.as_nanos()).unwrap_or(u64::MAX);
    let request = json!({ "batch": 1, "expires": nanos });
    for consumer in consumers {
        waits.push(ask(wire, stream, consumer, &request).await?);
    }
    let mut jobs = Vec::new();
    first(wire, &mut waits, until, &mut jobs).await?;
    if !jobs.is_empty() {
        remains(&mut waits, &mut jobs).await;
    }
    Ok(jobs)
}

/// Waits for the first message, or until every wait was ended by the server.
async fn first(
    wire: &Wire,
    waits: &mut [Subscriber],
    until: Instant,
    jobs: &mut Vec<(usize, Message)>,
) -> Result<(), PullError> {
    let mut state = wire.shared.watch();
    let mut open = waits.len();
    let mut merged = select_all(
        waits
            .iter_mut()
            .enumerate()
            .map(|(i, wait)| wait.map(move |m| (i, said(m)))),
    );
    // The server ends the wait itself; a little later we do.
    let limit = until + REMAINS;
    while open > 0 && jobs.is_empty() {
        let next = tokio::select! {
            next = timeout_at(limit, merged.next()) => next,
            _ = state.wait_for(|s| *s != Connection::Connected) => return Ok(()),
        };
        match next {
            Ok(Some((i, Said::Job(message)))) => jobs.push((i, message)),
            Ok(Some((_, Said::Nothing))) => {}
            Ok(Some((_, Said::End))) => open -= 1,
            Ok(Some((_, Said::Gone))) => return Err(PullError::NoConsumer),
            Ok(Some((_, Said::Refused(why)))) => {
                return Err(PullError::Failed(wire.refused("a pull of jobs", why)));
            }
            Ok(None) | Err(_) => break,
        }
    }
    Ok(())
}

/// Ends the waits and reads what was sent before the server heard of it: each stream ends by itself after that.
async fn remains(waits: &mut [Subscriber], jobs: &mut Vec<(usize, Message)>) {
    for wait in waits.iter_mut() {
        if let Err(error) = wait.drain().await {
            tracing::debug!(%error, "a pull was not ended in order; its job may come again after the ack wait");
        }
    }
    let limit = Instant::now() + REMAINS;
    let mut merged = select_all(
        waits
            .iter_mut()
            .enumerate()
            .map(|(i, wait)| wait.map(move |m| (i, said(m)))),
    );
    while let Ok(Some((i, said))) = timeout_at(limit, merged.next()).await {
        if let Said::Job(message) = said {
            jobs.push((i, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(reply: Option<&str>, status: Option<u16>, description: &str) -> Message {
        Message {
            subject: "s".into(),
            reply: reply.map(Into::into),
            payload: Bytes::from_static(b"{}"),
            headers: None,
            status: status.map(|code| StatusCode::from_u16(code).expect("three digits")),
            description: Some(description.to_owned()),
            length: 0,
        }
    }

    #[test]
    fn a_job_that_poses_as_a_status_is_still_a_job() {
        // 2.15.1 takes a status out of what it stores; nothing promises that every server does.
        let posing = message(
            Some("$JS.ACK.HARK_JOB.a_high.1.1.1.1700000000000000000.0"),
            Some(404),
            "No Messages",
        );
        assert!(matches!(said(posing), Said::Job(_)));
    }

    #[test]
    fn each_status_means_what_the_server_means_by_it() {
        let says = |status, description: &str| said(message(None, Some(status), description));
        assert!(matches!(says(404, "No Messages"), Said::End));
        assert!(matches!(says(408, "Request Timeout"), Said::End));
        assert!(matches!(says(409, "Exceeded MaxAckPending"), Said::End));
        assert!(matches!(says(409, "Consumer Deleted"), Said::Gone));
        assert!(matches!(says(503, ""), Said::Gone));
        assert!(matches!(says(100, "Idle Heartbeat"), Said::Nothing));
        assert!(matches!(says(400, "Bad Request"), Said::Refused(_)));
    }
}
