//! Which workers live: a key that expires by itself unless its worker keeps it fresh. What a dead worker claimed can
//! then be given up by others, who must still wait out its longest call.

use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use hark_outcome::WorkerId;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::campaigns::is_live;
use crate::wire::{NotStored, Wire, now};
use crate::{Bus, BusError};

/// Keeps a worker present while it lives. Dropped, the worker is gone at once; lost with its process, after the
/// presence's time to live.
#[derive(Debug)]
#[must_use = "the worker is present only while this lives"]
pub struct Presence {
    stop: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Bus {
    /// Makes `worker` present. The first sign of life is tried at once; failures are tried again for ever and logged.
    pub async fn presence(&self, worker: &WorkerId) -> Presence {
        let ttl = self.0.config.presence_ttl_s;
        let sign = Sign {
            wire: Arc::clone(&self.0.wire),
            subject: self.0.names.presence().worker(worker),
            ttl,
            what: format!("the presence of worker {worker}"),
        };
        sign.give().await;
        let stop = CancellationToken::new();
        let every = Duration::from_secs(u64::from(ttl)) / 3;
        let task = tokio::spawn(keep(sign, every, stop.clone()));
        Presence {
            stop,
            task: Some(task),
        }
    }

    /// Whether a worker lives, or was alive less than the presence's time to live ago.
    ///
    /// # Errors
    /// [`BusError`] when the bucket cannot be read: then nothing is known.
    pub async fn is_present(&self, worker: &WorkerId) -> Result<bool, BusError> {
        let bucket = self.0.names.presence();
        let what = format!("the presence of worker {worker}");
        let read = self
            .0
            .wire
            .last(&bucket.stream(), &bucket.worker(worker), &what)
            .await?;
        Ok(read.is_some_and(|read| is_live(&read)))
    }
}

impl Presence {
    /// Says goodbye and waits until it is said, at most one request timeout.
    pub async fn leave(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Sign {
    wire: Arc<Wire>,
    subject: String,
    ttl: u32,
    what: String,
}

impl Sign {
    async fn give(&self) {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-TTL", self.ttl.to_string());
        let body = Bytes::from(json!({ "at": now() }).to_string());
        self.publish(headers, body).await;
    }

    async fn take_back(&self) {
        let mut headers = HeaderMap::new();
        headers.insert("KV-Operation", "DEL");
        self.publish(headers, Bytes::new()).await;
    }

    async fn publish(&self, headers: HeaderMap, body: Bytes) {
        match self.wire.store(&self.subject, headers, body, &self.what).await {
            Ok(_) => {}
            Err(NotStored::Failed(error)) => tracing::warn!(%error, "presence not renewed; trying again"),
            Err(NotStored::Taken) => tracing::warn!(what = self.what, "presence refused"),
        }
    }
}

async fn keep(sign: Sign, every: Duration, stop: CancellationToken) {
    let mut tick = tokio::time::interval(every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await;
    loop {
        tokio::select! {
            _ = tick.tick() => sign.give().await,
            () = stop.cancelled() => break,
        }
    }
    sign.take_back().await;
}
