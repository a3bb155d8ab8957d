//! What is known of the connection, shared between the client's callbacks and everybody who asks.
//!
//! `Connected` → `Lost` (the client tries again by itself, for ever) → `Connected`, or `TooOld` when it came back to a
//! server that cannot keep our promises; from there a better server leads back to `Connected`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// How it stands with NATS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// Requests go through.
    Connected,
    /// The connection is lost; it is tried again without end.
    Lost,
    /// It came back to a server of this version, which is too old; nothing is sent to it.
    TooOld(String),
}

/// How long a "permission denied" explains a request that got no answer.
const DENIED_FRESH: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(crate) struct Shared {
    state: watch::Sender<Connection>,
    denied: Mutex<Option<(Instant, String)>>,
    losses: AtomicU64,
}

impl Shared {
    pub fn new() -> Self {
        Self {
            state: watch::Sender::new(Connection::Lost),
            denied: Mutex::new(None),
            losses: AtomicU64::new(0),
        }
    }

    pub fn now(&self) -> Connection {
        self.state.borrow().clone()
    }

    pub fn watch(&self) -> watch::Receiver<Connection> {
        self.state.subscribe()
    }

    pub fn set(&self, next: Connection) {
        self.state.send_if_modified(|state| {
            let changed = *state != next;
            if changed {
                match &next {
                    Connection::Connected => tracing::info!("connected to NATS"),
                    Connection::Lost => tracing::warn!("connection to NATS lost; trying again"),
                    Connection::TooOld(version) => {
                        tracing::error!(%version, "NATS came back too old; sending nothing to it");
                    }
                }
                *state = next;
            }
            changed
        });
    }

    /// The connection broke, or its client died.
    pub fn lose(&self) {
        self.losses.fetch_add(1, Ordering::AcqRel);
        self.set(Connection::Lost);
    }

    /// How often the connection was lost since the start.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::Acquire)
    }

    /// What the client reports by itself.
    pub fn on_event(&self, event: async_nats::Event) {
        use async_nats::Event as E;
        match event {
            // Not yet `Connected` here: the version is looked at first, by `Wire::ready`.
            E::Connected => {}
            E::Disconnected => self.lose(),
            // Our own end closes it; a client that died by itself is found by the watch over it.
            E::Closed => {
                self.losses.fetch_add(1, Ordering::AcqRel);
                self.state.send_replace(Connection::Lost);
            }
            E::SlowConsumer(_) => {
                tracing::warn!("a subscription could not keep up; NATS messages were dropped")
            }
            E::ServerError(error) => {
                let text = error.to_string();
                if text.to_ascii_lowercase().contains("permissions violation") {
                    tracing::error!(error = %text, "NATS denies a permission");
                    if let Ok(mut denied) = self.denied.lock() {
                        *denied = Some((Instant::now(), text));
                    }
                } else {
                    tracing::warn!(error = %text, "NATS reports an error");
                }
            }
            E::ClientError(error) => tracing::debug!(%error, "NATS client"),
            E::LameDuckMode | E::Draining => tracing::info!(%event, "NATS"),
        }
    }

    /// The last denial, if it is fresh enough to be the reason of a silence now.
    pub fn denied(&self) -> Option<String> {
        let denied = self.denied.lock().ok()?;
        denied
            .as_ref()
            .filter(|(at, _)| at.elapsed() < DENIED_FRESH)
            .map(|(_, text)| text.clone())
    }
}

/// Follows the state of the connection.
#[derive(Debug, Clone)]
pub struct ConnectionWatch(pub(crate) watch::Receiver<Connection>);

impl ConnectionWatch {
    /// The state now.
    #[must_use]
    pub fn now(&self) -> Connection {
        self.0.borrow().clone()
    }

    /// Waits for the next change; `None` once the bus is gone.
    pub async fn changed(&mut self) -> Option<Connection> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}
