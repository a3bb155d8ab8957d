//! Jobs coming out: one durable consumer for each campaign and priority, pulled only when somebody has room.
//!
//! No consumer has a limit of deliveries: beyond one, a job would stay in the stream for ever and nobody would hear of
//! it. What cannot be dialled goes to the dead letters by decision, never by count.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use hark_outcome::{CampaignId, Priority};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::delivery::Delivery;
use crate::poison::bury_poison;
use crate::pull::{PullError, pull_first, pull_now};
use crate::scheduler::Scheduler;
use crate::setup::{Kind, first_difference};
use crate::subjects::Names;
use crate::wire::{ApiError, Wire};
use crate::{Bus, BusError};

/// Deliveries that may be unacknowledged in one queue: a backstop, far above any cluster's calls.
const MAX_ACK_PENDING: u32 = 100_000;

/// Pulls that may wait at one consumer: workers of one campaign.
const MAX_WAITING: u32 = 4096;

/// Most jobs handed out by one pull, whatever was asked.
const MAX_BATCH: usize = 1000;

/// A wait is asked for anew after this, so that none hangs on a consumer whose leader was lost.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Gives out jobs; see [`Bus::source`].
pub struct JobSource {
    wire: Arc<Wire>,
    names: Names,
    ack_wait: Duration,
    queues: Vec<Queue>,
    scheduler: Scheduler,
    /// Up to which loss of the connection the queues were looked through for what may have caused it.
    looked_through: Option<u64>,
}

struct Queue {
    campaign: CampaignId,
    priority: Priority,
    consumer: String,
}

impl std::fmt::Debug for JobSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let consumers: Vec<_> = self.queues.iter().map(|q| &q.consumer).collect();
        f.debug_struct("JobSource")
            .field("consumers", &consumers)
            .finish_non_exhaustive()
    }
}

impl Bus {
    /// Opens the queues of these campaigns, registers them, and makes or checks their consumers. A campaign given
    /// twice counts once.
    ///
    /// # Errors
    /// [`BusError::Setup`] when a consumer is there and different; otherwise when it cannot be made.
    pub async fn source(&self, campaigns: &[CampaignId]) -> Result<JobSource, BusError> {
        let mut campaigns = campaigns.to_vec();
        campaigns.sort();
        campaigns.dedup();
        if campaigns.is_empty() {
            return Err(self
                .0
                .wire
                .refused("to pull jobs", "no campaign is given; name at least one"));
        }
        for campaign in &campaigns {
            self.register_campaign(campaign).await?;
        }
        let queues: Vec<Queue> = campaigns
            .iter()
            .flat_map(|campaign| Priority::ALL.map(|priority| (campaign.clone(), priority)))
            .map(|(campaign, priority)| {
                let consumer = Names::consumer(&campaign, priority);
                Queue {
                    campaign,
                    priority,
                    consumer,
                }
            })
            .collect();
        let source = JobSource {
            wire: Arc::clone(&self.0.wire),
            names: self.0.names.clone(),
            ack_wait: self.0.checked.ack_wait,
            scheduler: Scheduler::new(queues.iter().map(|q| q.priority)),
            queues,
            looked_through: None,
        };
        source.ensure_consumers().await?;
        Ok(source)
    }
}

impl JobSource {
    /// Up to `max` jobs. What is there comes at once, shared 6 : 3 : 1 over the priorities and in turn over the
    /// campaigns; if nothing is there, the first job that comes within `wait`. Empty when none did.
    ///
    /// If the future is dropped, jobs that were on their way come again after the ack wait.
    ///
    /// # Errors
    /// [`BusError::Down`] when NATS was away all the time; others when a queue cannot be read and nothing was pulled.
    pub async fn pull(&mut self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BusError> {
        let max = max.min(MAX_BATCH);
        let until = Instant::now() + wait;
        let mut mended = false;
        if max == 0 {
            return Ok(Vec::new());
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            self.wire
                .ready(Instant::now() + left.max(Duration::from_millis(1)))
                .await?;
            self.bury_poison().await?;
            let pulled = match self.pull_now(max).await {
                Ok(found) if found.is_empty() && !left.is_zero() => self.pull_first(max, until).await,
                other => other,
            };
            match pulled {
                Ok(found) if found.is_empty() && Instant::now() < until => {}
                Ok(found) => return Ok(found),
                // Somebody removed a consumer, or the server lost its data: make it again, once.
                Err(PullError::NoConsumer) if !mended => {
                    mended = true;
                    self.ensure_consumers().await?;
                }
                Err(PullError::NoConsumer) => return Err(self.wire.missing("a pull of jobs")),
                Err(PullError::Failed(e)) => return Err(e),
            }
        }
    }

    /// After each loss of the connection, and before the first pull.
    async fn bury_poison(&mut self) -> Result<(), BusError> {
        let losses = self.wire.shared.losses();
        if self.looked_through == Some(losses) {
            return Ok(());
        }
        for queue in &self.queues {
            let subject = self.names.job(&queue.campaign, queue.priority);
            match bury_poison(&self.wire, &self.names, &queue.consumer, &subject).await {
                Ok(_) => {}
                Err(e) if e.is_temporary() => return Err(e),
                // A consumer that is gone is made again by the pull itself.
                Err(error) => tracing::debug!(%error, consumer = queue.consumer, "not looked through"),
            }
        }
        self.looked_through = Some(losses);
        Ok(())
    }

    /// What waits now. Queues that had less than their share are left out of the next round, and their places go to
    /// the others, until all places are filled or all queues are empty.
    async fn pull_now(&mut self, max: usize) -> Result<Vec<Delivery>, PullError> {
        let stream = self.names.job_stream();
        let mut open = vec![true; self.queues.len()];
        let mut found = Vec::new();
        while found.len() < max && open.contains(&true) {
            let shares = self.scheduler.share(max - found.len(), &open);
            let asks = shares
                .iter()
                .enumerate()
                .filter(|(_, share)| **share > 0)
                .map(|(i, share)| {
                    let pull = pull_now(&self.wire, &stream, &self.queues[i].consumer, *share);
                    async move { (i, *share, pull.await) }
                });
            let mut failed = None;
            for (i, share, pulled) in join_all(asks).await {
                match pulled {
                    Ok(messages) => {
                        open[i] = messages.len() >= share;
                        found.extend(messages.into_iter().filter_map(|m| self.delivery(i, m)));
                    }
                    Err(e) => {
                        open[i] = false;
                        failed = Some(e);
                    }
                }
            }
            if let Some(failed) = failed.filter(|_| found.is_empty()) {
                return Err(failed);
            }
        }
        Ok(found)
    }

    /// The first that comes. What came at the same moment beyond `max` is given back at once.
    async fn pull_first(&self, max: usize, until: Instant) -> Result<Vec<Delivery>, PullError> {
        let until = until.min(Instant::now() + LONGEST_WAIT);
        let consumers: Vec<&str> = self.queues.iter().map(|q| q.consumer.as_str()).collect();
        let mut found: Vec<Delivery> = pull_first(&self.wire, &self.names.job_stream(), &consumers, until)
            .await?
            .into_iter()
            .filter_map(|(i, message)| self.delivery(i, message))
            .collect();
        let surplus = found.split_off(max.min(found.len()));
        for delivery in surplus {
            if let Err(error) = delivery.retry_after(Duration::ZERO).await {
                tracing::debug!(%error, "a surplus job comes again after the ack wait");
            }
        }
        Ok(found)
    }

    fn delivery(&self, queue: usize, message: async_nats::Message) -> Option<Delivery> {
        let queue = &self.queues[queue];
        Delivery::read(&self.wire, &self.names, &queue.campaign, queue.priority, message)
    }

    async fn ensure_consumers(&self) -> Result<(), BusError> {
        for queue in &self.queues {
            self.ensure_consumer(queue).await?;
        }
        Ok(())
    }

    async fn ensure_consumer(&self, queue: &Queue) -> Result<(), BusError> {
        let stream = self.names.job_stream();
        let asked = self.asked(queue);
        let what = format!("consumer {} of stream {stream}", queue.consumer);
        let subject = self.names.job(&queue.campaign, queue.priority);
        let create = format!("CONSUMER.CREATE.{stream}.{}.{subject}", queue.consumer);
        let ask = json!({ "stream_name": stream, "config": asked, "action": "create" });
        let wire = &self.wire;
        let info = match wire.api(&create, &ask, &what).await? {
            Ok(info) => info,
            // There, but different in something: look whether it matters.
            Err(e) if e.code == ApiError::CONSUMER_EXISTS => {
                let info = format!("CONSUMER.INFO.{stream}.{}", queue.consumer);
                wire.api(&info, &json!({}), &what)
                    .await?
                    .map_err(|e| wire.refused(&what, e.to_string()))?
            }
            Err(e) if e.code == ApiError::STREAM_NOT_FOUND => return Err(wire.missing(&what)),
            Err(e) if e.code == ApiError::CONSUMER_NOT_UNIQUE => {
                let hint = format!(
                    "{e}: another consumer already takes jobs from {subject}; find it with `nats consumer ls {stream}` and remove it"
                );
                return Err(wire.refused(&what, hint));
            }
            Err(e) => return Err(wire.refused(&what, e.to_string())),
        };
        let echoed = info.get("config").unwrap_or(&Value::Null);
        let name = format!("{stream} {}", queue.consumer);
        match first_difference(Kind::Consumer, &name, &asked, echoed, &["num_replicas"]) {
            Some(mismatch) => Err(BusError::Setup(Box::new(mismatch))),
            None => Ok(()),
        }
    }

    fn asked(&self, queue: &Queue) -> Value {
        json!({
            "durable_name": queue.consumer,
            "name": queue.consumer,
            "filter_subject": self.names.job(&queue.campaign, queue.priority),
            "deliver_policy": "all",
            "replay_policy": "instant",
            "ack_policy": "explicit",
            "ack_wait": u64::try_from(self.ack_wait.as_nanos()).unwrap_or(u64::MAX),
            "max_deliver": -1,
            "max_ack_pending": MAX_ACK_PENDING,
            "max_waiting": MAX_WAITING,
        })
    }
}
