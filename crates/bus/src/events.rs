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
        let wire = &self.0.wire;
        wire.ready(Instant::now() + wire.timeout).await?;
        let subscriber = wire
            .client
            .subscribe(self.0.names.every_event())
            .await
            .map_err(|e| wire.refused("a subscription to events", e.to_string()))?;
        // The subscription is only in force once the server has seen it.
        let flushed = tokio::time::timeout(wire.timeout, wire.client.flush()).await;
        if !matches!(flushed, Ok(Ok(()))) {
            return Err(wire.silent("a subscription to events"));
        }
        Ok(EventStream { subscriber })
    }
}

/// Live events; see [`Bus::events`].
#[derive(Debug)]
pub struct EventStream {
    subscriber: async_nats::Subscriber,
}

impl EventStream {
    /// The next event; `None` once the bus is gone. What is no event is skipped.
    pub async fn next(&mut self) -> Option<CallEvent> {
        loop {
            let message = self.subscriber.next().await?;
            match serde_json::from_slice(&message.payload) {
                Ok(event) => return Some(event),
                Err(error) => tracing::debug!(subject = %message.subject, %error, "not an event"),
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
                let sent = wire.client.publish(names.event(&event.attempt), body);
                if !matches!(tokio::time::timeout(wire.timeout, sent).await, Ok(Ok(()))) {
                    dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}
