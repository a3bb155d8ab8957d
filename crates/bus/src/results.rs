//! Results: one per attempt, for ever, and read back by whoever wants them.

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::{HeaderMap, jetstream};
use bytes::Bytes;
use futures::StreamExt;
use hark_outcome::{Attempt, CallResult};
use std::time::Duration;

use crate::jobs::subject_counts;
use crate::once::{Once, Write, write_once};
use crate::wire::Read;
use crate::{Bus, BusError};

const NONCE: &str = "Hark-Nonce";

/// How many request timeouts a result is tried before its writer hears of it.
const RESULT_TRIES: u32 = 6;

/// Whether a result was the first of its attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was; it stands.
    First,
    /// Another stands there already; this one was not kept.
    AlreadyThere,
}

/// Where to begin to read results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At the oldest.
    Beginning,
    /// At the next one to come.
    New,
}

impl Bus {
    /// Publishes the result of an attempt, the first one standing for ever. A lost acknowledgement is recognised.
    ///
    /// # Errors
    /// [`BusError`] when it is not known to be written within six request timeouts: try again, it is harmless.
    pub async fn publish_result(&self, result: &CallResult) -> Result<Written, BusError> {
        let names = &self.0.names;
        let what = format!("the result of {}", result.attempt);
        let nonce = format!("{:016x}", rand::random::<u64>());
        let body = serde_json::to_vec(result).map_err(|e| {
            self.0
                .wire
                .refused(&what, format!("it cannot be written as JSON: {e}"))
        })?;
        let mut headers = HeaderMap::new();
        headers.insert("Hark-Schema", hark_outcome::SCHEMA_VERSION.to_string());
        headers.insert("Hark-Disposition", result.disposition.as_str());
        headers.insert("Hark-Cause", result.cause.as_str());
        headers.insert(NONCE, nonce.as_str());
        let write = Write {
            stream: &names.result_stream(),
            subject: &names.result(&result.attempt),
            headers,
            body: Bytes::from(body),
            what: &what,
        };
        let limit = self.0.wire.timeout * RESULT_TRIES;
        match write_once(&self.0.wire, write, limit, |r| r.header(NONCE) == Some(&nonce)).await {
            Once::Ours => Ok(Written::First),
            Once::Theirs(_) => Ok(Written::AlreadyThere),
            Once::Unknown(e) => Err(e),
        }
    }

    /// The result of an attempt, if there is one.
    ///
    /// # Errors
    /// [`BusError`] when the stream cannot be read or holds something this version cannot read.
    pub async fn result_of(&self, attempt: &Attempt) -> Result<Option<CallResult>, BusError> {
        let names = &self.0.names;
        let what = format!("the result of {attempt}");
        let there = self
            .0
            .wire
            .last(&names.result_stream(), &names.result(attempt), &what)
            .await?;
        there
            .map(|Read { subject, body, .. }| decode(&subject, &body))
            .transpose()
    }

    /// How many results there are.
    ///
    /// # Errors
    /// [`BusError`] when the stream cannot be read.
    pub async fn result_count(&self) -> Result<u64, BusError> {
        let names = &self.0.names;
        let counts = subject_counts(&self.0.wire, &names.result_stream(), None, "the results").await?;
        Ok(counts.total)
    }

    /// The name of the stream that holds the results.
    #[must_use]
    pub fn result_stream(&self) -> String {
        self.0.names.result_stream()
    }

    /// Follows the results in the order in which they were written.
    ///
    /// # Errors
    /// [`BusError`] when the stream cannot be read.
    pub async fn results(&self, from: From) -> Result<ResultStream, BusError> {
        let policy = match from {
            From::Beginning => DeliverPolicy::All,
            From::New => DeliverPolicy::New,
        };
        let mut stream = ResultStream {
            bus: self.clone(),
            from: policy,
            messages: None,
            last: 0,
            backlog: 0,
        };
        stream.open().await?;
        Ok(stream)
    }
}

/// Results as they come; see [`Bus::results`]. It outlives a lost connection and a restarted server.
pub struct ResultStream {
    bus: Bus,
    from: DeliverPolicy,
    messages: Option<Box<Ordered>>,
    last: u64,
    backlog: u64,
}

impl std::fmt::Debug for ResultStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultStream")
            .field("last", &self.last)
            .field("backlog", &self.backlog)
            .finish_non_exhaustive()
    }
}

/// How long to wait before a broken stream is opened again.
const REOPEN: Duration = Duration::from_millis(250);

impl ResultStream {
    /// The next result, waiting for it as long as it takes. An unreadable one is an error, and the next call goes on
    /// behind it. Cancel safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<CallResult, BusError>> {
        loop {
            let Some(messages) = self.messages.as_mut() else {
                tokio::time::sleep(REOPEN).await;
                if let Err(error) = self.open().await {
                    tracing::debug!(%error, "results cannot be followed yet");
                }
                continue;
            };
            match messages.next().await {
                Some(Ok(message)) => {
                    if let Ok(info) = message.info() {
                        self.last = info.stream_sequence;
                        self.backlog = info.pending;
                    }
                    return Some(decode(&message.subject, &message.payload));
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, "following results anew");
                    self.messages = None;
                }
                None => self.messages = None,
            }
        }
    }

    /// How many results were already there, and not yet read, when the last one was read.
    #[must_use]
    pub const fn backlog(&self) -> u64 {
        self.backlog
    }

    async fn open(&mut self) -> Result<(), BusError> {
        let wire = &self.bus.0.wire;
        let what = "the results";
        wire.ready(tokio::time::Instant::now() + wire.timeout).await?;
        let deliver_policy = match self.last {
            0 => self.from,
            last => DeliverPolicy::ByStartSequence {
                start_sequence: last + 1,
            },
        };
        let open = async {
            let js = jetstream::ContextBuilder::new()
                .timeout(wire.timeout)
                .build(wire.client());
            let stream = js
                .get_stream_no_info(self.bus.0.names.result_stream())
                .await
                .map_err(|e| wire.refused(what, e.to_string()))?;
            let config = OrderedConfig {
                deliver_policy,
                ..OrderedConfig::default()
            };
            let consumer = stream
                .create_consumer(config)
                .await
                .map_err(|e| wire.refused(what, e.to_string()))?;
            let backlog = consumer.cached_info().num_pending;
            let messages = consumer
                .messages()
                .await
                .map_err(|e| wire.refused(what, e.to_string()))?;
            Ok::<_, BusError>((backlog, messages))
        };
        let (backlog, messages) = tokio::time::timeout(wire.timeout, open)
            .await
            .map_err(|_| wire.silent(what))??;
        self.backlog = backlog;
        self.messages = Some(Box::new(messages));
        Ok(())
    }
}

fn decode(subject: &str, body: &[u8]) -> Result<CallResult, BusError> {
    serde_json::from_slice(body).map_err(|e| BusError::Unreadable {
        subject: subject.to_owned(),
        why: e.to_string(),
    })
}
