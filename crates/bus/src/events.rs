//! Progress of calls, for whoever watches. Best effort: a call never waits for its own news. The queue is bounded;
//! what does not fit is dropped and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use hark_outcome::CallEvent;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::subjects::Names;
use crate::wire::Wire;
use crate::{Bus, BusError};

/// Events waiting to be sent: some seconds of a busy worker.
const QUEUE: usize = 4096;

pub(crate) struct EventQueue {
    queue: mpsc::Sender<Item>,
    dropped: Arc<AtomicU64>,
}

enum Item {
    Event(Box<CallEvent>),
    Drained(oneshot::Sender<()>),
}

impl Bus {
    /// Hands an event over to be published. Never waits and never fails: see [`Bus::events_dropped`].
    pub fn event(&self, event: CallEvent) {
        let events = &self.0.events;
        if events.queue.try_send(Item::Event(Box::new(event))).is_err() {
            events.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many events were dropped since the start, because NATS was away or too slow.
    #[must_use]
    pub fn events_dropped(&self) -> u64 {
        self.0.events.dropped.load(Ordering::Relaxed)
    }

    /// Everybody's events from now on, live.
    ///
    /// # Errors
    /// [`BusError::Down`] or [`BusError::Denied`].
    pub async fn events(&self) -> Result<EventStream, BusError> {
        Ok(EventStream {
            subscriber: self.subscribe_to_events().await?,
            bus: self.clone(),
        })
    }

    async fn subscribe_to_events(&self) -> Result<async_nats::Subscriber, BusError> {
        let wire = &self.0.wire;
        let what = "a subscription to events";
        wire.ready(Instant::now() + wire.timeout).await?;
        let client = wire.client();
        let subscriber = client
            .subscribe(self.0.names.every_event())
            .await
            .map_err(|e| wire.refused(what, e.to_string()))?;
        // In force only once the server has seen it: what it answers now, it answers after that.
        wire.request("$JS.API.INFO", None, Bytes::new(), what).await?;
        Ok(subscriber)
    }
}

/// Live events; see [`Bus::events`]. What happens while the connection is lost is missed.
#[derive(Debug)]
pub struct EventStream {
    subscriber: async_nats::Subscriber,
    bus: Bus,
}

/// How long to wait before a broken subscription is made again.
const AGAIN: Duration = Duration::from_millis(250);

impl EventStream {
    /// The next event, waiting for it as long as it takes. What is no event is skipped. Cancel safe.
    pub async fn next(&mut self) -> CallEvent {
        loop {
            match self.subscriber.next().await {
                Some(message) => match serde_json::from_slice(&message.payload) {
                    Ok(event) => return event,
                    Err(error) => tracing::debug!(subject = %message.subject, %error, "not an event"),
                },
                None => {
                    tokio::time::sleep(AGAIN).await;
                    match self.bus.subscribe_to_events().await {
                        Ok(subscriber) => self.subscriber = subscriber,
                        Err(error) => tracing::debug!(%error, "events cannot be watched yet"),
                    }
                }
            }
        }
    }
}

impl EventQueue {
    pub fn start(wire: &Arc<Wire>, names: Names) -> Self {
        let (queue, items) = mpsc::channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        // The task ends when the queue's sender, and so the bus, is gone.
        tokio::spawn(publish(Arc::clone(wire), names, items, Arc::clone(&dropped)));
        Self { queue, dropped }
    }

    /// Waits until all that was queued so far is handed to the client, at most `limit`.
    pub async fn drain(&self, limit: Duration) {
        let (done, drained) = oneshot::channel();
        let wait = async {
            if self.queue.send(Item::Drained(done)).await.is_ok() {
                let _ = drained.await;
            }
        };
        let _ = tokio::time::timeout(limit, wait).await;
    }
}

fn schema() -> async_nats::HeaderMap {
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Hark-Schema", hark_outcome::SCHEMA_VERSION.to_string());
    headers
}

async fn publish(wire: Arc<Wire>, names: Names, mut items: mpsc::Receiver<Item>, dropped: Arc<AtomicU64>) {
    while let Some(item) = items.recv().await {
        match item {
            Item::Drained(done) => {
                let _ = done.send(());
            }
            Item::Event(event) => {
                let body = serde_json::to_vec(&event).map(Bytes::from);
                let Ok(body) = body else {
                    dropped.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                // While NATS is away the queue fills, and overflows at its front door, where it is counted.
                while wire.ready(Instant::now() + wire.timeout).await.is_err() {
                    if items.is_closed() {
                        return;
                    }
                }
                let client = wire.client();
                let sent = client.publish_with_headers(names.event(&event.attempt), schema(), body);
                if !matches!(tokio::time::timeout(wire.timeout, sent).await, Ok(Ok(()))) {
                    dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}
