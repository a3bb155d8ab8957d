//! The few things asked of a NATS server, each with a deadline and each error told apart: a request, a JetStream API
//! call, a stored publish, and a read from a stream's leader. All else is built of these.
//!
//! Nothing is sent while the connection is down: the client would keep it and send it whenever the server comes back,
//! long after its caller gave up.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::connection::State;
use async_nats::{Client, HeaderMap, Message, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hark_outcome::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::BusError;
use crate::headers::Headers;
use crate::state::{Connection, Shared};
use crate::version::{NEEDED, is_enough};

/// How often a lost connection is looked at again while somebody waits for it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

pub(crate) struct Wire {
    client: RwLock<Client>,
    pub shared: Arc<Shared>,
    pub url: String,
    pub prefix: String,
    pub timeout: Duration,
}

/// A stored publish that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    /// The server knew the message id already.
    pub duplicate: bool,
}

/// A stored publish that was not.
#[derive(Debug)]
pub(crate) enum NotStored {
    /// The subject already holds a message.
    Taken,
    /// Anything else; see [`BusError`].
    Failed(BusError),
}

/// A message read from a stream.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub subject: String,
    pub sequence: u64,
    pub headers: Headers,
    /// The header block as it is stored.
    pub raw_headers: Vec<u8>,
    pub body: Bytes,
    pub at: Timestamp,
}

impl Read {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }
}

impl Wire {
    pub fn new(client: Client, shared: Arc<Shared>, url: String, prefix: String, timeout: Duration) -> Self {
        Self {
            client: RwLock::new(client),
            shared,
            url,
            prefix,
            timeout,
        }
    }

    pub fn client(&self) -> Client {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another client in the place of one that died.
    pub fn replace(&self, client: Client) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
    }

    /// Waits until requests go through, at most until `deadline`.
    pub async fn ready(&self, deadline: Instant) -> Result<(), BusError> {
        let mut watch = self.shared.watch();
        loop {
            let state = self.look();
            if state == Connection::Connected {
                return Ok(());
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(match state {
                    Connection::TooOld(found) => BusError::TooOld {
                        url: self.url.clone(),
                        found,
                        needed: NEEDED,
                    },
                    _ => BusError::Down {
                        url: self.url.clone(),
                        why: "the connection is lost".to_owned(),
                    },
                });
            }
            let _ = tokio::time::timeout(LOOK_AGAIN.min(deadline - now), watch.changed()).await;
        }
    }

    /// The state now, with the version of a server that came back looked at.
    pub fn look(&self) -> Connection {
        let client = self.client();
        let state = if client.connection_state() == State::Connected {
            let version = client.server_info().version;
            if is_enough(&version) {
                Connection::Connected
            } else {
                Connection::TooOld(version)
            }
        } else {
            Connection::Lost
        };
        if self.shared.now() != state {
            self.shared.set(state.clone());
        }
        state
    }

    /// One request, one answer, within one request timeout.
    pub async fn request(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        body: Bytes,
        what: &str,
    ) -> Result<Message, BusError> {
        self.ready(Instant::now() + self.timeout).await?;
        let mut request = Request::new().payload(body).timeout(Some(self.timeout));
        if let Some(headers) = headers {
            request = request.headers(headers);
        }
        let client = self.client();
        let answer = client.send_request(subject.to_owned(), request);
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(e)) => Err(match e.kind() {
                RequestErrorKind::TimedOut => self.silent(what),
                RequestErrorKind::NoResponders => self.unanswered(what),
                RequestErrorKind::MaxPayloadExceeded => BusError::TooLarge {
                    what: what.to_owned(),
                    why: e.to_string(),
                },
                RequestErrorKind::InvalidSubject => self.refused(what, e.to_string()),
                RequestErrorKind::Other => BusError::Down {
                    url: self.url.clone(),
                    why: format!("the client cannot send ({e})"),
                },
            }),
            Err(_) => Err(self.silent(what)),
        }
    }

    /// One JetStream API call; the server's own error is [`ApiError`].
    pub async fn api(
        &self,
        call: &str,
        body: &Value,
        what: &str,
    ) -> Result<Result<Value, ApiError>, BusError> {
        let body = Bytes::from(body.to_string());
        let answer = self.request(&format!("$JS.API.{call}"), None, body, what).await?;
        let mut answer: Value = serde_json::from_slice(&answer.payload)
            .map_err(|e| self.refused(what, format!("its answer is no JSON: {e}")))?;
        Ok(match answer.get_mut("error").map(Value::take) {
            Some(error) => Err(ApiError::read(&error)),
            None => Ok(answer),
        })
    }

    /// Publishes into a stream and waits for its acknowledgement.
    pub async fn store(
        &self,
        subject: &str,
        headers: HeaderMap,
        body: Bytes,
        what: &str,
    ) -> Result<Stored, NotStored> {
        let answer = self
            .request(subject, Some(headers), body, what)
            .await
            .map_err(NotStored::Failed)?;
        let mut answer: Value = serde_json::from_slice(&answer.payload).map_err(|e| {
            NotStored::Failed(self.refused(what, format!("the acknowledgement is no JSON: {e}")))
        })?;
        match answer.get_mut("error").map(Value::take) {
            Some(error) => {
                let error = ApiError::read(&error);
                Err(if error.is_taken() {
                    NotStored::Taken
                } else if error.is_passing() {
                    // No quorum or a new leader just now: as good as silence.
                    NotStored::Failed(self.silent(what))
                } else {
                    NotStored::Failed(self.refused(what, error.to_string()))
                })
            }
            None => Ok(Stored {
                duplicate: answer.get("duplicate").and_then(Value::as_bool).unwrap_or(false),
            }),
        }
    }

    /// The last message on a subject, from the stream's leader: never an old copy from a replica.
    pub async fn last(&self, stream: &str, subject: &str, what: &str) -> Result<Option<Read>, BusError> {
        self.read(stream, &json!({ "last_by_subj": subject }), what).await
    }

    /// The first message at or after `sequence` on subjects that match, from the stream's leader.
    pub async fn next(
        &self,
        stream: &str,
        subject: &str,
        sequence: u64,
        what: &str,
    ) -> Result<Option<Read>, BusError> {
        self.read(stream, &json!({ "seq": sequence, "next_by_subj": subject }), what)
            .await
    }

    async fn read(&self, stream: &str, ask: &Value, what: &str) -> Result<Option<Read>, BusError> {
        match self.api(&format!("STREAM.MSG.GET.{stream}"), ask, what).await? {
            Ok(answer) => read(&answer["message"])
                .map(Some)
                .ok_or_else(|| self.refused(what, "the stored message it sent is incomplete")),
            Err(e) if e.code == ApiError::NO_MESSAGE => Ok(None),
            Err(e) if e.code == ApiError::STREAM_NOT_FOUND => Err(self.missing(what)),
            Err(e) if e.is_passing() => Err(self.silent(what)),
            Err(e) => Err(self.refused(what, e.to_string())),
        }
    }

    /// No answer: a denial, a lost connection, or plain silence.
    pub fn silent(&self, what: &str) -> BusError {
        if let Some(why) = self.shared.denied() {
            return BusError::Denied {
                what: what.to_owned(),
                why,
                prefix: self.prefix.clone(),
            };
        }
        BusError::Timeout {
            what: what.to_owned(),
            after: self.timeout,
        }
    }

    /// Nobody listens on the subject: a stream or consumer is missing, or its leader is not elected yet.
    fn unanswered(&self, what: &str) -> BusError {
        self.shared.denied().map_or_else(
            || self.missing(what),
            |why| BusError::Denied {
                what: what.to_owned(),
                why,
                prefix: self.prefix.clone(),
            },
        )
    }

    pub fn missing(&self, what: &str) -> BusError {
        BusError::Missing {
            what: what.to_owned(),
        }
    }

    pub fn refused(&self, what: &str, why: impl Into<String>) -> BusError {
        BusError::Refused {
            what: what.to_owned(),
            why: why.into(),
        }
    }
}

/// A message as the API sends it: headers and body in base64, each absent when empty.
fn read(message: &Value) -> Option<Read> {
    let bytes = |field: &str| match message.get(field).and_then(Value::as_str) {
        Some(text) => STANDARD.decode(text).ok(),
        None => Some(Vec::new()),
    };
    let raw_headers = bytes("hdrs")?;
    Some(Read {
        subject: message.get("subject")?.as_str()?.to_owned(),
        sequence: message.get("seq")?.as_u64()?,
        headers: Headers::parse(&raw_headers),
        raw_headers,
        body: Bytes::from(bytes("data")?),
        at: message.get("time")?.as_str()?.parse().ok()?,
    })
}

/// An error of the JetStream API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{description} (error {code})")]
pub(crate) struct ApiError {
    pub code: u64,
    pub description: String,
}

impl ApiError {
    pub const NO_MESSAGE: u64 = 10037;
    pub const STREAM_NOT_FOUND: u64 = 10059;
    pub const STREAM_NAME_IN_USE: u64 = 10058;
    pub const CONSUMER_EXISTS: u64 = 10148;
    pub const NOT_CLUSTERED: u64 = 10074;
    pub const CONSUMER_NOT_UNIQUE: u64 = 10100;
    pub const JETSTREAM_OFF: [u64; 2] = [10076, 10039];

    fn read(error: &Value) -> Self {
        Self {
            code: error.get("err_code").and_then(Value::as_u64).unwrap_or(0),
            description: error
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or("an error without a description")
                .to_owned(),
        }
    }

    /// The subject holds a message: by expected sequence (10071, 10164), or because the stream keeps one per subject
    /// for ever (10077).
    fn is_taken(&self) -> bool {
        matches!(self.code, 10071 | 10164) || (self.code == 10077 && self.description.contains("per subject"))
    }

    /// The cluster is electing or catching up (10008, 10009, 10163).
    fn is_passing(&self) -> bool {
        matches!(self.code, 10008 | 10009 | 10163)
    }
}

/// A server's time, in nanoseconds since the Unix epoch.
pub(crate) fn from_nanos(nanos: i128) -> Timestamp {
    let millis = i64::try_from(nanos / 1_000_000).unwrap_or(0);
    Timestamp::from_unix_millis(millis).unwrap_or_else(now)
}

/// The time now, by this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis())
        .ok()
        .and_then(Timestamp::from_unix_millis)
        .expect("a clock between 1970 and 9999 is in range")
}

/// Text made fit for a header: one line, without control characters, at most 1,000 characters.
pub(crate) fn header_text(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(1000)
        .collect()
}
