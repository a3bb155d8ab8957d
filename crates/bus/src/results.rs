//! Results: one per attempt, for ever.

use async_nats::HeaderMap;
use bytes::Bytes;
use hark_outcome::{Attempt, CallResult};

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
}

pub(crate) fn decode(subject: &str, body: &[u8]) -> Result<CallResult, BusError> {
    serde_json::from_slice(body).map_err(|e| BusError::Unreadable {
        subject: subject.to_owned(),
        why: e.to_string(),
    })
}
