//! Dead letters: jobs that cannot be dialled, kept byte for byte as they came, with the reason beside them.

use std::collections::BTreeMap;

use async_nats::{HeaderMap, HeaderName};
use bytes::Bytes;
use hark_outcome::{CampaignId, Priority, Timestamp};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::headers::Headers;
use crate::subjects::{JobAddress, Names};
use crate::wire::{ApiError, NotStored, Read, Wire, header_text, now};
use crate::{Bus, BusError};

const REASON: &str = "Hark-Reason";
const SUBJECT: &str = "Hark-Subject";
const AT: &str = "Hark-At";
/// Before the name of each header the job came with.
const ORIGINAL: &str = "Hark-Original-";

/// How many request timeouts a dead letter is tried.
const TRIES: u32 = 3;

const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// A job that could not be dialled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its place in the dead letter stream.
    pub sequence: u64,
    /// Its campaign; absent when its subject named none.
    pub campaign: Option<CampaignId>,
    /// Its priority; absent when its subject named none.
    pub priority: Option<Priority>,
    /// Why it is here, and how to mend it.
    pub reason: String,
    /// The subject it came on.
    pub subject: String,
    /// When it was given up.
    pub at: Timestamp,
    /// The headers it came with.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Its body, byte for byte.
    #[serde(serialize_with = "as_text")]
    pub body: Vec<u8>,
}

fn as_text<S: serde::Serializer>(body: &[u8], s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&String::from_utf8_lossy(body))
}

impl Bus {
    /// The oldest dead letters, at most `limit`.
    ///
    /// # Errors
    /// [`BusError`] when the stream cannot be read.
    pub async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, BusError> {
        let names = &self.0.names;
        let (stream, every) = (names.dead_stream(), names.every_dead());
        let mut letters = Vec::new();
        let mut from = 1;
        while letters.len() < limit {
            let Some(read) = self
                .0
                .wire
                .next(&stream, &every, from, "the dead letters")
                .await?
            else {
                break;
            };
            from = read.sequence + 1;
            letters.push(letter(names, &read));
        }
        Ok(letters)
    }
}

fn letter(names: &Names, read: &Read) -> DeadLetter {
    let subject = read.header(SUBJECT).unwrap_or_default().to_owned();
    let address = names.job_address(&subject);
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &read.headers.0 {
        if let Some(name) = name.strip_prefix(ORIGINAL) {
            headers.entry(name.to_owned()).or_default().push(value.clone());
        }
    }
    DeadLetter {
        sequence: read.sequence,
        campaign: address.campaign,
        priority: address.priority,
        reason: read.header(REASON).unwrap_or("no reason was written").to_owned(),
        at: read.header(AT).and_then(|at| at.parse().ok()).unwrap_or(read.at),
        headers,
        body: read.body.to_vec(),
        subject,
    }
}

/// A job as it came, to be written to the dead letters.
pub(crate) struct Corpse<'a> {
    pub subject: &'a str,
    pub address: &'a JobAddress,
    pub headers: Headers,
    pub body: &'a Bytes,
    /// Names this very message, so that writing it twice keeps one.
    pub id: String,
}

impl<'a> Corpse<'a> {
    /// A job read from the store.
    pub fn of(read: &'a Read, address: &'a JobAddress) -> Self {
        Self {
            subject: &read.subject,
            address,
            headers: read.headers.clone(),
            body: &read.body,
            id: format!("job-{}-{}", read.sequence, read.at.unix_millis()),
        }
    }
}

/// Writes a dead letter and returns when it is stored.
pub(crate) async fn bury(
    wire: &Wire,
    names: &Names,
    corpse: &Corpse<'_>,
    reason: &str,
) -> Result<(), BusError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &corpse.headers.0 {
        // A name that is no header name (only malformed jobs have such) cannot be kept.
        if let Ok(name) = format!("{ORIGINAL}{name}").parse::<HeaderName>() {
            headers.append(name, header_text(value));
        }
    }
    headers.insert(REASON, header_text(reason));
    headers.insert(SUBJECT, header_text(corpse.subject));
    headers.insert(AT, now().to_string());
    headers.insert("Nats-Msg-Id", corpse.id.as_str());
    let subject = names.dead(corpse.address);
    let what = "a dead letter";
    let deadline = Instant::now() + wire.timeout * TRIES;
    loop {
        match wire
            .store(&subject, headers.clone(), corpse.body.clone(), what)
            .await
        {
            Ok(_) => return Ok(()),
            Err(NotStored::Failed(e)) if e.is_temporary() && Instant::now() + PAUSE < deadline => {
                sleep(PAUSE).await
            }
            // The job came at the size limit, and the reason on top is too much: the bytes matter more than the rest.
            Err(NotStored::Failed(BusError::TooLarge { .. })) if headers.len() > 1 => {
                headers = HeaderMap::new();
                headers.insert(REASON, header_text(reason).chars().take(60).collect::<String>());
            }
            Err(NotStored::Failed(e)) => return Err(e),
            Err(NotStored::Taken) => {
                return Err(wire.refused(
                    what,
                    "the dead letter stream keeps one per subject; run `hark doctor`",
                ));
            }
        }
    }
}

/// Takes a job out of its stream, whoever holds it. One that is gone already is no error.
pub(crate) async fn remove(wire: &Wire, stream: &str, sequence: u64) -> Result<(), BusError> {
    let what = "the removal of a dead job";
    let ask = json!({ "seq": sequence, "no_erase": true });
    match wire
        .api(&format!("STREAM.MSG.DELETE.{stream}"), &ask, what)
        .await?
    {
        Ok(_) => Ok(()),
        Err(e) if e.code == ApiError::NO_MESSAGE || e.description.contains("no message found") => Ok(()),
        Err(e) => Err(wire.refused(what, e.to_string())),
    }
}
