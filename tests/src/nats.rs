//! The real nats-server, and a customer who speaks NATS as any program would: plain subjects and JSON.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::{self, message::StreamMessage};
use bytes::Bytes;
use hark_outcome::CallResult;

use crate::{Child, Place, until};

const START: Duration = Duration::from_secs(20);
/// A worker makes the streams; until then a job finds no taker.
const STREAMS: Duration = Duration::from_secs(30);

/// A server with JetStream, its data in the place's folder.
#[derive(Debug)]
pub struct NatsServer {
    child: Option<Child>,
    config: PathBuf,
    log: PathBuf,
    address: String,
    login: Option<(String, String)>,
}

impl NatsServer {
    /// One that lets everybody in.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(place: &Place) -> Self {
        Self::prepare(place, None).started().await
    }

    /// One that wants a user and a password.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_closed(place: &Place, user: &str, password: &str) -> Self {
        Self::prepare(place, Some((user.to_owned(), password.to_owned())))
            .started()
            .await
    }

    /// Writes its configuration; it runs after [`NatsServer::started`] or [`NatsServer::restart`].
    ///
    /// # Panics
    /// When the configuration cannot be written.
    #[must_use]
    pub fn prepare(place: &Place, login: Option<(String, String)>) -> Self {
        let address = place.port().to_string();
        let (config, store) = (place.file("nats.conf"), place.file("nats"));
        let closed = login.as_ref().map_or(String::new(), |(user, password)| {
            format!("authorization {{ user: \"{user}\", password: \"{password}\" }}\n")
        });
        let text = format!("listen: \"{address}\"\njetstream {{ store_dir: {store:?} }}\n{closed}");
        std::fs::write(&config, text).unwrap_or_else(|e| panic!("{}: {e}", config.display()));
        Self {
            child: None,
            config,
            log: place.file("nats.log"),
            address,
            login,
        }
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it does not come up in time.
    #[must_use]
    pub async fn started(mut self) -> Self {
        self.restart().await;
        self
    }

    /// Starts it, or starts it again after [`NatsServer::kill`], with the data it had.
    ///
    /// # Panics
    /// When it does not come up in time.
    pub async fn restart(&mut self) {
        let _ = std::fs::remove_file(&self.log);
        let child = Child::start("nats-server", &binary(), self.log.clone(), |c| {
            c.arg("-c").arg(&self.config);
        });
        child.says("Server is ready", START).await;
        self.child = Some(child);
    }

    /// Ends it at once, as a crash would.
    ///
    /// # Panics
    /// When it does not go.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.signal("KILL");
            child.ended(START).await;
        }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }
}

/// A customer: publishes jobs, reads results.
#[derive(Debug, Clone)]
pub struct Customer {
    context: jetstream::Context,
}

/// A job that could not be taken.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Where it lies.
    pub subject: String,
    /// The bytes.
    pub payload: Bytes,
    /// Its headers, as one text for assertions.
    pub headers: String,
}

impl Customer {
    /// Connects.
    ///
    /// # Panics
    /// When the server does not let it in.
    pub async fn connect(nats: &NatsServer) -> Self {
        let mut options = async_nats::ConnectOptions::new().retry_on_initial_connect();
        if let Some((user, password)) = nats.login.clone() {
            options = options.user_and_password(user, password);
        }
        let client = options
            .connect(nats.url())
            .await
            .expect("retries until it is there");
        Self {
            context: jetstream::new(client),
        }
    }

    /// Publishes bytes as a job, and waits for the server's word that it is stored.
    ///
    /// # Panics
    /// When no stream takes it in time.
    pub async fn publish(&self, campaign: &str, priority: &str, job: &[u8]) {
        let subject = format!("hark.job.{campaign}.{priority}");
        until(&format!("a stream takes {subject}"), STREAMS, async || {
            self.context
                .publish(subject.clone(), Bytes::copy_from_slice(job))
                .await
                .ok()?
                .await
                .ok()
        })
        .await;
    }

    /// Waits for the result of a job's first attempt.
    ///
    /// # Panics
    /// When none comes in time, or it is no [`CallResult`], or its headers say something else than its body.
    pub async fn result(&self, campaign: &str, job: &str, deadline: Duration) -> CallResult {
        let subject = format!("hark.result.{campaign}.{job}.1");
        let message = until(&format!("a result on {subject}"), deadline, async || {
            self.last("HARK_RESULT", &subject).await
        })
        .await;
        let result: CallResult = serde_json::from_slice(&message.payload)
            .unwrap_or_else(|e| panic!("no result: {e}: {:?}", message.payload));
        let header = |name: &str| message.headers.get(name).map(ToString::to_string);
        assert_eq!(
            header("Hark-Disposition").as_deref(),
            Some(result.disposition.as_str())
        );
        assert_eq!(header("Hark-Cause").as_deref(), Some(result.cause.as_str()));
        assert!(header("Hark-Schema").is_some());
        result
    }

    /// Whether there is a result of a job's first attempt now.
    pub async fn has_result(&self, campaign: &str, job: &str) -> bool {
        self.last("HARK_RESULT", &format!("hark.result.{campaign}.{job}.1"))
            .await
            .is_some()
    }

    /// How many messages a stream holds; `None` if there is no such stream.
    pub async fn count(&self, stream: &str) -> Option<u64> {
        let mut stream = self.context.get_stream(stream).await.ok()?;
        Some(stream.info().await.ok()?.state.messages)
    }

    /// Waits until no job is waiting or in work: each was acknowledged.
    ///
    /// # Panics
    /// When some job stays.
    pub async fn no_job_is_left(&self) {
        until("every job is acknowledged", Duration::from_secs(20), async || {
            (self.count("HARK_JOB").await == Some(0)).then_some(())
        })
        .await;
    }

    /// Waits for `wanted` dead letters, and returns all there are.
    ///
    /// # Panics
    /// When there are fewer at the deadline.
    pub async fn dead_letters(&self, wanted: u64, deadline: Duration) -> Vec<DeadLetter> {
        until(&format!("{wanted} dead letters"), deadline, async || {
            (self.count("HARK_DEAD").await? >= wanted).then_some(())
        })
        .await;
        let stream = self
            .context
            .get_stream("HARK_DEAD")
            .await
            .expect("it was there a moment ago");
        let last = stream.cached_info().state.last_sequence;
        let mut letters = Vec::new();
        for sequence in stream.cached_info().state.first_sequence..=last {
            let Ok(message) = stream.get_raw_message(sequence).await else {
                continue;
            };
            letters.push(DeadLetter {
                subject: message.subject.to_string(),
                payload: message.payload,
                headers: format!("{:?}", message.headers),
            });
        }
        letters
    }

    async fn last(&self, stream: &str, subject: &str) -> Option<StreamMessage> {
        let stream = self.context.get_stream(stream).await.ok()?;
        stream.get_last_raw_message_by_subject(subject).await.ok()
    }
}

/// `HARK_NATS_SERVER`, else what `make setup` fetched.
fn binary() -> PathBuf {
    let path = std::env::var_os("HARK_NATS_SERVER").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.cache/nats-server")),
        PathBuf::from,
    );
    assert!(
        path.is_file(),
        "{} is not there; `make setup` brings it",
        path.display()
    );
    path
}
