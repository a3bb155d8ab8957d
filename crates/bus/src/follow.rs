//! Results as they come, in the order in which they were written, across lost connections and restarted servers.
//!
//! The place is kept by sequence number, here: whatever breaks is opened anew right behind the last result read, so
//! none is missed and none comes twice. (The library's ordered consumer takes 15 s to notice a restarted server, and
//! begins at the first message again if it had read none.)

use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures::StreamExt;
use hark_outcome::CallResult;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use crate::delivery::Meta;
use crate::jobs::subject_counts;
use crate::pull::{PullError, Said, ask, said};
use crate::results::decode;
use crate::state::Connection;
use crate::wire::Wire;
use crate::{Bus, BusError};

/// Results asked for at once.
const BATCH: u64 = 500;

/// How long one pull waits for more before it is made anew.
const WAIT: Duration = Duration::from_secs(5);

/// How long the server keeps a consumer that nobody pulls from: a reader slower than that costs it a new one.
const IDLE: Duration = Duration::from_secs(60);

/// How long to wait before a broken stream is opened again.
const REOPEN: Duration = Duration::from_millis(250);

/// Where to begin to read results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At the oldest.
    Beginning,
    /// At the next one to come.
    New,
}

impl Bus {
    /// Follows the results in the order in which they were written.
    ///
    /// # Errors
    /// [`BusError`] when the stream cannot be read.
    pub async fn results(&self, from: From) -> Result<ResultStream, BusError> {
        let stream = self.result_stream();
        let next = match from {
            From::Beginning => 1,
            From::New => {
                subject_counts(&self.0.wire, &stream, None, "the results")
                    .await?
                    .last_sequence
                    + 1
            }
        };
        let mut results = ResultStream {
            bus: self.clone(),
            stream,
            feed: None,
            next,
            backlog: 0,
        };
        results.open().await?;
        Ok(results)
    }
}

/// Results as they come; see [`Bus::results`].
pub struct ResultStream {
    bus: Bus,
    stream: String,
    feed: Option<Feed>,
    /// The first sequence number not yet read.
    next: u64,
    backlog: u64,
}

/// One consumer, and the pull that is under way.
struct Feed {
    consumer: String,
    subscriber: Subscriber,
    /// When the pull ends at the latest.
    until: Instant,
    /// What the pull may still bring.
    left: u64,
    /// How often the connection had been lost when this began: the consumer does not outlive its server.
    losses: u64,
    /// The consumer's next number: a gap means that something was lost on the way to us.
    expected: u64,
}

impl std::fmt::Debug for ResultStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultStream")
            .field("next", &self.next)
            .field("backlog", &self.backlog)
            .finish_non_exhaustive()
    }
}

impl ResultStream {
    /// The next result, waiting for it as long as it takes. An unreadable one is an error, and the next call goes on
    /// behind it. Cancel safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<CallResult, BusError>> {
        loop {
            match self.step().await {
                Ok(Some(message)) => return Some(decode(&message.subject, &message.payload)),
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "results are followed anew");
                    self.feed = None;
                    tokio::time::sleep(REOPEN).await;
                }
            }
        }
    }

    /// How many results were already there, and not yet read, when the last one was read.
    #[must_use]
    pub const fn backlog(&self) -> u64 {
        self.backlog
    }

    /// Does what is next: opens, asks for more, or waits.
    async fn step(&mut self) -> Result<Option<Message>, BusError> {
        let Some(feed) = self.feed.as_mut() else {
            self.open().await?;
            return Ok(None);
        };
        let wire = &self.bus.0.wire;
        if feed.losses != wire.shared.losses() {
            self.feed = None;
            return Ok(None);
        }
        if feed.left == 0 {
            (feed.subscriber, feed.until) = pull(wire, &self.stream, &feed.consumer).await?;
            feed.left = BATCH;
        }
        let mut state = wire.shared.watch();
        let next = tokio::select! {
            biased;
            next = timeout_at(feed.until, feed.subscriber.next()) => next,
            _ = state.wait_for(|s| *s != Connection::Connected) => Ok(None),
        };
        match next.map(|next| next.map(said)) {
            Ok(Some(Said::Job(message))) => {
                let meta = message.reply.as_ref().and_then(|reply| Meta::parse(reply));
                let meta = meta.filter(|meta| meta.consumer_sequence == feed.expected);
                let meta = meta.ok_or_else(|| wire.silent("a result on its way"))?;
                feed.expected += 1;
                feed.left -= 1;
                self.next = meta.sequence + 1;
                self.backlog = meta.pending;
                Ok(Some(message))
            }
            Ok(Some(Said::Nothing)) => Ok(None),
            Ok(Some(Said::End)) => {
                feed.left = 0;
                Ok(None)
            }
            Ok(Some(Said::Refused(why))) => Err(wire.refused("the results", why)),
            Ok(Some(Said::Gone)) => Err(wire.missing("the results")),
            Ok(None) | Err(_) => Err(wire.silent("the results")),
        }
    }

    /// Makes a consumer that begins at the place.
    async fn open(&mut self) -> Result<(), BusError> {
        let wire = &self.bus.0.wire;
        let what = "the results";
        let losses = wire.shared.losses();
        let config = json!({
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self.next,
            "ack_policy": "none",
            "replay_policy": "instant",
            "max_deliver": 1,
            "mem_storage": true,
            "num_replicas": 1,
            "inactive_threshold": u64::try_from(IDLE.as_nanos()).unwrap_or(u64::MAX),
        });
        let create = json!({ "stream_name": self.stream, "config": config, "action": "create" });
        let info = wire
            .api(&format!("CONSUMER.CREATE.{}", self.stream), &create, what)
            .await?
            .map_err(|e| wire.refused(what, e.to_string()))?;
        let consumer = info["name"].as_str().unwrap_or_default().to_owned();
        let (subscriber, until) = pull(wire, &self.stream, &consumer).await?;
        self.backlog = info["num_pending"].as_u64().unwrap_or(0);
        self.feed = Some(Feed {
            consumer,
            subscriber,
            until,
            left: BATCH,
            losses,
            expected: 1,
        });
        Ok(())
    }
}

/// Asks for the next batch; it ends by itself at the instant returned, or the server is not there any more.
async fn pull(wire: &Wire, stream: &str, consumer: &str) -> Result<(Subscriber, Instant), BusError> {
    wire.ready(Instant::now() + wire.timeout).await?;
    let nanos = u64::try_from(WAIT.as_nanos()).unwrap_or(u64::MAX);
    let request = json!({ "batch": BATCH, "expires": nanos });
    let until = Instant::now() + WAIT + wire.timeout;
    match ask(wire, stream, consumer, &request).await {
        Ok(subscriber) => Ok((subscriber, until)),
        Err(PullError::Failed(e)) => Err(e),
        Err(PullError::NoConsumer) => Err(wire.missing("the results")),
    }
}
