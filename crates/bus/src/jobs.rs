//! Jobs going in, and looked at while they wait.

use std::collections::BTreeMap;

use async_nats::HeaderMap;
use bytes::Bytes;
use hark_outcome::{CampaignId, DialJob, Priority, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::wire::{NotStored, Wire};
use crate::{Bus, BusError};

/// How many request timeouts a job is tried before its producer hears of it.
const PUT_TRIES: u32 = 3;

const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// What became of a job that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It waits in the queue.
    New,
    /// The same id was put in the same campaign within the last ten minutes; nothing was added.
    Duplicate,
}

/// A job that waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobListing {
    /// Its campaign; absent when the subject names none.
    pub campaign: Option<CampaignId>,
    /// Its priority; absent when the subject names none.
    pub priority: Option<Priority>,
    /// Its place in the stream.
    pub sequence: u64,
    /// When it was put.
    pub queued_at: Timestamp,
    /// The job, or why it will go to the dead letters.
    #[serde(serialize_with = "or_text")]
    pub job: Result<DialJob, String>,
}

fn or_text<S: serde::Serializer>(job: &Result<DialJob, String>, s: S) -> Result<S::Ok, S::Error> {
    match job {
        Ok(job) => job.serialize(s),
        Err(why) => json!({ "error": why }).serialize(s),
    }
}

impl Bus {
    /// Puts a job into its queue. A job put again within ten minutes is recognised here; one put again later is
    /// recognised by its claim and not dialled again.
    ///
    /// # Errors
    /// [`BusError::Job`] for a job that could never be dialled; otherwise [`BusError`] after three request timeouts:
    /// try again, it is harmless.
    pub async fn put_job(
        &self,
        campaign: &CampaignId,
        priority: Priority,
        job: &DialJob,
    ) -> Result<Put, BusError> {
        job.check(campaign)?;
        let wire = &self.0.wire;
        let what = format!("job {} of campaign {campaign}", job.id);
        let body = serde_json::to_vec(job)
            .map_err(|e| wire.refused(&what, format!("it cannot be written as JSON: {e}")))?;
        let body = Bytes::from(body);
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", format!("{campaign}.{}", job.id));
        headers.insert("Hark-Schema", hark_outcome::SCHEMA_VERSION.to_string());
        let subject = self.0.names.job(campaign, priority);
        let deadline = Instant::now() + wire.timeout * PUT_TRIES;
        let mut again = false;
        loop {
            match wire.store(&subject, headers.clone(), body.clone(), &what).await {
                // After a try without an answer, the duplicate is most likely our own.
                Ok(stored) if stored.duplicate && !again => return Ok(Put::Duplicate),
                Ok(_) => return Ok(Put::New),
                Err(NotStored::Failed(e)) if e.is_temporary() && Instant::now() + PAUSE < deadline => {
                    again = again || matches!(e, BusError::Timeout { .. });
                    sleep(PAUSE).await;
                }
                Err(NotStored::Failed(e)) => return Err(e),
                Err(NotStored::Taken) => {
                    return Err(wire.refused(
                        &what,
                        "the job stream keeps one job per subject; run `hark doctor`",
                    ));
                }
            }
        }
    }

    /// The oldest jobs that wait or are being dialled, at most `limit`.
    ///
    /// # Errors
    /// [`BusError`] when the stream cannot be read.
    pub async fn jobs(&self, limit: usize) -> Result<Vec<JobListing>, BusError> {
        let names = &self.0.names;
        let (stream, every) = (names.job_stream(), names.every_job());
        let mut jobs = Vec::new();
        let mut from = 1;
        while jobs.len() < limit {
            let Some(read) = self
                .0
                .wire
                .next(&stream, &every, from, "the waiting jobs")
                .await?
            else {
                break;
            };
            from = read.sequence + 1;
            let address = names.job_address(&read.subject);
            let job = match &address.campaign {
                Some(campaign) => DialJob::decode(&read.body, campaign).map_err(|e| e.to_string()),
                None => Err("its subject names no campaign".to_owned()),
            };
            jobs.push(JobListing {
                campaign: address.campaign,
                priority: address.priority,
                sequence: read.sequence,
                queued_at: read.at,
                job,
            });
        }
        Ok(jobs)
    }

    /// How many jobs wait or are being dialled.
    ///
    /// # Errors
    /// [`BusError`] when the stream cannot be read.
    pub async fn job_count(&self) -> Result<u64, BusError> {
        let stream = self.0.names.job_stream();
        Ok(subject_counts(&self.0.wire, &stream, None, "the waiting jobs")
            .await?
            .total)
    }

    /// How many jobs wait or are being dialled in each queue.
    ///
    /// # Errors
    /// [`BusError`] when the stream cannot be read.
    pub async fn queues(&self) -> Result<BTreeMap<(CampaignId, Priority), u64>, BusError> {
        let names = &self.0.names;
        let every = names.every_job();
        let counts = subject_counts(
            &self.0.wire,
            &names.job_stream(),
            Some(&every),
            "the waiting jobs",
        )
        .await?;
        let queues = counts.subjects.iter().filter_map(|(subject, count)| {
            let address = names.job_address(subject);
            Some(((address.campaign?, address.priority?), *count))
        });
        Ok(queues.collect())
    }
}

/// How many messages a stream holds.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub total: u64,
    /// Of the last message ever stored.
    pub last_sequence: u64,
    /// By subject; empty unless asked for.
    pub subjects: BTreeMap<String, u64>,
}

/// Counts a stream's messages, by subject if a filter is given.
pub(crate) async fn subject_counts(
    wire: &Wire,
    stream: &str,
    filter: Option<&str>,
    what: &str,
) -> Result<Counts, BusError> {
    let call = format!("STREAM.INFO.{stream}");
    let mut counts = Counts::default();
    loop {
        let ask = match filter {
            Some(filter) => json!({ "subjects_filter": filter, "offset": counts.subjects.len() }),
            None => json!({}),
        };
        let info = match wire.api(&call, &ask, what).await? {
            Ok(info) => info,
            Err(e) if e.code == crate::wire::ApiError::STREAM_NOT_FOUND => return Err(wire.missing(what)),
            Err(e) => return Err(wire.refused(what, e.to_string())),
        };
        counts.total = info["state"]["messages"].as_u64().unwrap_or(0);
        counts.last_sequence = info["state"]["last_seq"].as_u64().unwrap_or(0);
        let page = info["state"]["subjects"].as_object();
        let before = counts.subjects.len();
        counts.subjects.extend(
            page.into_iter()
                .flatten()
                .map(|(subject, n)| (subject.clone(), n.as_u64().unwrap_or(0))),
        );
        let all = info
            .get("total")
            .and_then(Value::as_u64)
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0);
        if counts.subjects.len() == before || counts.subjects.len() >= all {
            return Ok(counts);
        }
    }
}
