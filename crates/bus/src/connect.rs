//! Getting hold of a NATS server that can keep our promises, and saying plainly why when there is none.
//!
//! Connecting never waits for a server to appear: a missing server at start is an error with its mend. A server lost
//! later is another matter: it is tried again for ever, and looked at anew each time (a mixed cluster may answer with
//! an older one).

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_nats::client::FlushErrorKind;
use async_nats::{Client, ConnectErrorKind, ConnectOptions};

use crate::config::{Checked, redact, wrong};
use crate::events::EventQueue;
use crate::state::{Connection, ConnectionWatch, Shared};
use crate::subjects::Names;
use crate::version::{NEEDED, is_enough};
use crate::wire::{ApiError, Wire};
use crate::{BusConfig, BusError};

/// How often the connection is looked at when nobody asks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A connection to NATS. Clones share it.
#[derive(Clone)]
pub struct Bus(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub wire: Arc<Wire>,
    pub names: Names,
    pub config: BusConfig,
    pub checked: Checked,
    pub events: EventQueue,
    link: Link,
}

/// How to get a client.
struct Link {
    servers: Vec<String>,
    options: ConnectOptions,
    url: String,
    limit: Duration,
}

impl Link {
    async fn open(&self) -> Result<Client, BusError> {
        let connecting = self.options.clone().connect(self.servers.clone());
        match tokio::time::timeout(self.limit, connecting).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(e)) => Err(explain(&self.url, &e)),
            Err(_) => Err(BusError::Down {
                url: self.url.clone(),
                why: format!("no answer within {} s", self.limit.as_secs()),
            }),
        }
    }
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus")
            .field("url", &self.0.wire.url)
            .field("prefix", &self.0.names.prefix())
            .finish()
    }
}

impl Bus {
    /// Connects as `name` (shown in the server's connection list) and checks the server: its version and JetStream.
    ///
    /// # Errors
    /// [`BusError::Config`] for a wrong setting, [`BusError::Down`], [`BusError::Unauthorized`], [`BusError::Tls`],
    /// [`BusError::TooOld`], [`BusError::NoJetStream`], [`BusError::Denied`]: each says how to mend it.
    pub async fn connect(config: &BusConfig, name: &str) -> Result<Self, BusError> {
        let checked = config.checked()?;
        let names = Names::new(checked.prefix.clone());
        let shared = Arc::new(Shared::new());
        let options = options(config, &checked, name, &shared).await?;
        let url = checked
            .servers
            .iter()
            .map(|s| redact(s))
            .collect::<Vec<_>>()
            .join(",");
        // One deadline over all servers, so that a list of dead ones cannot hold a start for ever.
        let servers = u32::try_from(checked.servers.len()).unwrap_or(u32::MAX);
        let limit = checked.connect_timeout.saturating_mul(servers) + Duration::from_secs(1);
        let link = Link {
            servers: checked.servers.clone(),
            options,
            url: url.clone(),
            limit,
        };
        let client = link.open().await?;
        let found = client.server_info().version;
        if !is_enough(&found) {
            return Err(BusError::TooOld {
                url,
                found,
                needed: NEEDED,
            });
        }
        shared.set(Connection::Connected);

        let prefix = names.prefix().to_owned();
        let wire = Arc::new(Wire::new(client, shared, url, prefix, checked.request_timeout));
        check_jetstream(&wire).await?;
        let events = EventQueue::start(&wire, names.clone());
        let inner = Arc::new(Inner {
            wire,
            names,
            config: config.clone(),
            checked,
            events,
            link,
        });
        tokio::spawn(keep_looking(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    /// The version of the server we are connected to now.
    #[must_use]
    pub fn server_version(&self) -> String {
        self.0.wire.client().server_info().version
    }

    /// How long the server waits for a word about a delivery before it gives the job to somebody else.
    #[must_use]
    pub fn ack_wait(&self) -> Duration {
        self.0.checked.ack_wait
    }

    /// Where we are connected to, without any password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.wire.url
    }

    /// Whether requests go through now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.wire.look() == Connection::Connected
    }

    /// How it stands with the connection, to be followed.
    #[must_use]
    pub fn connection(&self) -> ConnectionWatch {
        ConnectionWatch(self.0.wire.shared.watch())
    }

    /// Waits until requests do not go through; at once if they do not now.
    pub async fn connection_lost(&self) -> Connection {
        let mut watch = self.connection();
        loop {
            let state = self.0.wire.look();
            if state != Connection::Connected {
                return state;
            }
            // `None` is impossible while `self` holds the sender; looking again would be right even then.
            let _ = watch.changed().await;
        }
    }

    /// Sends what is still buffered (events, above all), at most for one request timeout.
    ///
    /// # Errors
    /// [`BusError::Timeout`] or [`BusError::Down`]: it may not all have gone out.
    pub async fn flush(&self) -> Result<(), BusError> {
        self.0.events.drain(self.0.wire.timeout).await;
        let wire = &self.0.wire;
        wire.ready(tokio::time::Instant::now() + wire.timeout).await?;
        match tokio::time::timeout(wire.timeout, wire.client().flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(BusError::Down {
                url: wire.url.clone(),
                why: e.to_string(),
            }),
            Err(_) => Err(wire.silent("a flush")),
        }
    }
}

/// Looks at the connection until the bus is gone: its watchers hear of a server that came back too old, and a client
/// whose own task died (a panic in the library) is replaced, because live calls still have results to publish.
async fn keep_looking(bus: Weak<Inner>) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Some(bus) = bus.upgrade() else { return };
        if bus.wire.look() == Connection::Connected && is_dead(&bus.wire.client()).await {
            tracing::error!("the NATS client died; making another");
            bus.wire.shared.lose();
            match bus.link.open().await {
                Ok(client) => bus.wire.replace(client),
                Err(error) => tracing::warn!(%error, "no other client yet; trying again"),
            }
        }
    }
}

/// Whether nobody takes the client's commands any more.
async fn is_dead(client: &Client) -> bool {
    match tokio::time::timeout(LOOK_EVERY, client.flush()).await {
        Ok(Err(e)) => e.kind() == FlushErrorKind::SendError,
        Ok(Ok(())) | Err(_) => false,
    }
}

async fn options(
    config: &BusConfig,
    checked: &Checked,
    name: &str,
    shared: &Arc<Shared>,
) -> Result<ConnectOptions, BusError> {
    // Several TLS back ends may be linked into one binary; without a choice the library would panic. An earlier
    // choice stands.
    let _ = async_nats::rustls::crypto::ring::default_provider().install_default();

    let shared = Arc::clone(shared);
    let mut options = ConnectOptions::new()
        .name(name)
        .connection_timeout(checked.connect_timeout)
        .request_timeout(Some(checked.request_timeout))
        .ping_interval(Duration::from_secs(10))
        .max_reconnects(None)
        .reconnect_delay_callback(reconnect_delay)
        .require_tls(config.tls_required)
        .event_callback(move |event| {
            shared.on_event(event);
            std::future::ready(())
        });
    if let Some(path) = &config.tls_ca_file {
        read("tls_ca_file", path).await?;
        options = options.add_root_certificates(path.clone());
    }
    if let Some(path) = &config.credentials_file {
        let text = read("credentials_file", path).await?;
        options = options.credentials(&text).map_err(|e| {
            wrong(
                "credentials_file",
                format!("{} is no credentials file: {e}", path.display()),
            )
        })?;
    }
    if let Some(path) = &config.nkey_file {
        options = options.nkey(read("nkey_file", path).await?.trim().to_owned());
    }
    if let (Some(user), Some(variable)) = (&config.user, &config.password_env) {
        options = options.user_and_password(user.clone(), secret("password_env", variable)?);
    }
    if let Some(variable) = &config.token_env {
        options = options.token(secret("token_env", variable)?);
    }
    if let Some((user, password)) = checked.url_login.clone() {
        options = match password {
            Some(password) => options.user_and_password(user, password),
            None => options.token(user),
        };
    }
    Ok(options)
}

/// At once, then slower up to 2 s, each worker at its own moment so that a cluster is not stormed.
fn reconnect_delay(attempt: usize) -> Duration {
    if attempt <= 1 {
        return Duration::ZERO;
    }
    let base = u64::try_from(attempt)
        .unwrap_or(u64::MAX)
        .saturating_mul(50)
        .min(2000);
    Duration::from_millis(base / 2 + rand::random_range(0..=base / 2))
}

async fn read(field: &'static str, path: &Path) -> Result<String, BusError> {
    tokio::fs::read_to_string(path)
        .await
        .map_err(|e| wrong(field, format!("{} cannot be read: {e}", path.display())))
}

fn secret(field: &'static str, variable: &str) -> Result<String, BusError> {
    std::env::var(variable).map_err(|_| {
        wrong(
            field,
            format!(
                "names the environment variable {variable}, which is not set (or is no UTF-8); export it"
            ),
        )
    })
}

fn explain(url: &str, error: &async_nats::ConnectError) -> BusError {
    let url = url.to_owned();
    let why = chain(error);
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            BusError::Unauthorized { url, why }
        }
        ConnectErrorKind::Tls => BusError::Tls { url, why },
        _ => BusError::Down { url, why },
    }
}

/// An error with its causes, on one line and without repeating itself.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

async fn check_jetstream(wire: &Wire) -> Result<(), BusError> {
    let off = |why: String| BusError::NoJetStream {
        url: wire.url.clone(),
        why,
    };
    match wire
        .api("INFO", &serde_json::Value::Null, "the JetStream account")
        .await
    {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(e)) if ApiError::JETSTREAM_OFF.contains(&e.code) => Err(off(e.to_string())),
        Ok(Err(e)) => Err(wire.refused("the JetStream account", e.to_string())),
        Err(BusError::Missing { .. }) => Err(off("nothing answers on $JS.API.INFO".to_owned())),
        Err(e) => Err(e),
    }
}
