//! One job in our hands. It comes again after the ack wait unless [`Delivery::in_progress`] keeps it, and it is gone
//! only by [`Delivery::done`] or [`Delivery::dead_letter`], each confirmed by the server.
//!
//! An acknowledgement does not fence: somebody else may have been given the job meanwhile, and both are answered OK.
//! What keeps a number from being dialled twice is the claim.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hark_outcome::{CampaignId, DialJob, JobError, Priority, Timestamp};
use tokio::time::{Instant, sleep};

use crate::BusError;
use crate::dead::{Corpse, bury};
use crate::headers::Headers;
use crate::subjects::{JobAddress, Names};
use crate::wire::{Wire, from_nanos};

/// How many request timeouts an acknowledgement is tried.
const TRIES: u32 = 3;

const PAUSE: Duration = Duration::from_millis(100);

/// A job that was given to us.
pub struct Delivery {
    /// Its campaign, from its subject.
    pub campaign: CampaignId,
    /// Its priority, from its subject.
    pub priority: Priority,
    /// The job, or why its bytes are none: then [`Delivery::dead_letter`] is the only way out.
    pub job: Result<DialJob, JobError>,
    /// How often it was delivered, this time included. May be wrong after a crash of the server.
    pub delivered: u64,
    /// When it was put.
    pub queued_at: Timestamp,
    pub(crate) wire: Arc<Wire>,
    pub(crate) names: Names,
    subject: String,
    reply: String,
    headers: Headers,
    body: Bytes,
    id: String,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("campaign", &self.campaign)
            .field("priority", &self.priority)
            .field("job", &self.job.as_ref().map(|job| &job.id))
            .field("delivered", &self.delivered)
            .finish_non_exhaustive()
    }
}

impl Delivery {
    /// From what a consumer sent; `None` when it is no delivery (no acknowledgement subject).
    pub(crate) fn read(
        wire: &Arc<Wire>,
        names: &Names,
        campaign: &CampaignId,
        priority: Priority,
        message: async_nats::Message,
    ) -> Option<Self> {
        let reply = message.reply?.to_string();
        let meta = Meta::parse(&reply)?;
        Some(Self {
            campaign: campaign.clone(),
            priority,
            job: DialJob::decode(&message.payload, campaign),
            delivered: meta.delivered,
            queued_at: from_nanos(meta.published_nanos),
            wire: Arc::clone(wire),
            names: names.clone(),
            subject: message.subject.to_string(),
            // As `Corpse::of` names it, which knows milliseconds only.
            id: format!(
                "job-{}-{}",
                meta.sequence,
                from_nanos(meta.published_nanos).unix_millis()
            ),
            reply,
            headers: message.headers.as_ref().map(Headers::from).unwrap_or_default(),
            body: message.payload,
        })
    }

    /// The bytes as they came.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Starts the ack wait anew; returns when the server has confirmed it.
    ///
    /// # Errors
    /// [`BusError`] when it was not confirmed within one request timeout. The job may come to somebody else.
    pub async fn in_progress(&self) -> Result<(), BusError> {
        self.say(Bytes::from_static(b"+WPI"), "a heartbeat of a job")
            .await
    }

    /// The job is finished and leaves the queue.
    ///
    /// # Errors
    /// [`BusError`] when it was not confirmed within three request timeouts. The job may come again.
    pub async fn done(&self) -> Result<(), BusError> {
        self.insist(&Bytes::from_static(b"+ACK"), "the acknowledgement of a job")
            .await
    }

    /// Gives the job back, to be delivered again after `delay`. For seconds, not for hours: it counts as pending.
    ///
    /// # Errors
    /// [`BusError`] when it was not confirmed within three request timeouts. It then comes again after the ack wait.
    pub async fn retry_after(&self, delay: Duration) -> Result<(), BusError> {
        let nak = match delay.as_nanos() {
            0 => Bytes::from_static(b"-NAK"),
            nanos => Bytes::from(format!("-NAK {{\"delay\":{nanos}}}")),
        };
        self.insist(&nak, "giving a job back").await
    }

    /// Moves the job to the dead letters, byte for byte, with the reason; only once it is stored there does it leave
    /// the queue.
    ///
    /// # Errors
    /// [`BusError`] when that is not certain. The job then comes again; buried twice within an hour, it is kept once.
    pub async fn dead_letter(&self, reason: &str) -> Result<(), BusError> {
        let address = JobAddress {
            campaign: Some(self.campaign.clone()),
            priority: Some(self.priority),
        };
        let corpse = Corpse {
            subject: &self.subject,
            address: &address,
            headers: self.headers.clone(),
            body: &self.body,
            id: self.id.clone(),
        };
        bury(&self.wire, &self.names, &corpse, reason).await?;
        self.insist(&Bytes::from_static(b"+TERM"), "the removal of a dead job")
            .await
    }

    async fn say(&self, word: Bytes, what: &str) -> Result<(), BusError> {
        self.wire.request(&self.reply, None, word, what).await.map(drop)
    }

    /// Repeating is harmless: a job that is gone, or given back, is answered OK and left alone.
    async fn insist(&self, word: &Bytes, what: &str) -> Result<(), BusError> {
        let deadline = Instant::now() + self.wire.timeout * TRIES;
        loop {
            match self.say(word.clone(), what).await {
                Err(e) if e.is_temporary() && Instant::now() + PAUSE < deadline => sleep(PAUSE).await,
                settled => return settled,
            }
        }
    }
}

/// What the acknowledgement subject says of its message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub delivered: u64,
    pub sequence: u64,
    pub consumer_sequence: u64,
    pub published_nanos: i128,
    /// What waits in the consumer behind this message.
    pub pending: u64,
}

impl Meta {
    /// `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<consumer sequence>.<nanoseconds>.<pending>`, with domain
    /// and account before the stream, and a token at the end, on servers that say so.
    pub(crate) fn parse(reply: &str) -> Option<Self> {
        let tokens: Vec<&str> = reply.strip_prefix("$JS.ACK.")?.split('.').collect();
        let facts = match tokens.len() {
            7 => &tokens[2..7],
            9.. => &tokens[4..9],
            _ => return None,
        };
        Some(Self {
            delivered: facts[0].parse().ok()?,
            sequence: facts[1].parse().ok()?,
            consumer_sequence: facts[2].parse().ok()?,
            published_nanos: facts[3].parse().ok()?,
            pending: facts[4].parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_an_acknowledgement_subject_are_read() {
        let meta = Meta {
            delivered: 3,
            sequence: 42,
            consumer_sequence: 7,
            published_nanos: 1_700_000_000_000_000_000,
            pending: 5,
        };
        let short = "$JS.ACK.HARK_JOB.a_high.3.42.7.1700000000000000000.5";
        assert_eq!(Meta::parse(short).as_ref(), Some(&meta));
        let long = "$JS.ACK._.hash.HARK_JOB.a_high.3.42.7.1700000000000000000.5.token";
        assert_eq!(Meta::parse(long), Some(meta));
        for bad in ["", "$JS.ACK.a.b", "_INBOX.x", "$JS.ACK.s.c.x.42.7.17.5"] {
            assert_eq!(Meta::parse(bad), None, "{bad}");
        }
    }
}
