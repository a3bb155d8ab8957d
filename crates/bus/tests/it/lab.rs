//! A nats-server for each test, a wire between that can be cut or muted, and the words to speak with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hark_bus::{Bus, BusConfig, Claim, Delivery, JobSource, NatsChild, NatsOptions};
use hark_outcome::*;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// Far more than anything here takes; a hang becomes a failure.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const NUMBER: &str = "+8613800138000";

/// `$HARK_NATS_SERVER`, else the one that `make setup` fetched, else the one on the path.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("HARK_NATS_SERVER") {
        return path.into();
    }
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = vec![root.join(".cache/nats-server")];
    places.extend(std::env::split_paths(&path).map(|dir| dir.join("nats-server")));
    places.into_iter().find(|p| p.is_file()).expect(
        "these tests need a nats-server of version 2.12 or newer: run `make setup`, or set HARK_NATS_SERVER",
    )
}

pub struct Server {
    pub dir: TempDir,
    pub child: Option<NatsChild>,
    pub port: u16,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut NatsOptions)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = NatsOptions::new(binary(), dir.path());
        change(&mut options);
        let child = NatsChild::start_with(&options).await.unwrap();
        Self {
            port: child.port(),
            dir,
            child: Some(child),
        }
    }

    pub fn config(&self) -> BusConfig {
        BusConfig {
            url: format!("nats://127.0.0.1:{}", self.port),
            request_timeout_s: 2.0,
            ..BusConfig::default()
        }
    }

    /// Connected, with streams made.
    pub async fn bus(&self) -> Bus {
        bus(&self.config()).await
    }

    /// A client that knows nothing of Hark.
    pub async fn raw(&self) -> async_nats::Client {
        async_nats::connect(format!("nats://127.0.0.1:{}", self.port))
            .await
            .unwrap()
    }

    pub fn crash(&mut self) {
        self.child.take().unwrap().kill();
    }

    pub async fn restart(&mut self) {
        self.child = Some(
            NatsChild::start(&binary(), self.dir.path(), Some(self.port))
                .await
                .unwrap(),
        );
    }
}

pub async fn bus(config: &BusConfig) -> Bus {
    let bus = Bus::connect(config, "test").await.unwrap();
    bus.ensure().await.unwrap();
    bus
}

pub fn campaign(name: &str) -> CampaignId {
    CampaignId::new(name).unwrap()
}

pub fn job(id: &str) -> DialJob {
    DialJob::new(JobId::new(id).unwrap(), Number::parse(NUMBER).unwrap())
}

pub fn attempt(id: &str) -> Attempt {
    Attempt::first(campaign("spring"), JobId::new(id).unwrap())
}

pub fn claim(attempt: &Attempt, worker: &str) -> Claim {
    let at = "2026-11-24T09:00:00Z".parse().unwrap();
    Claim::new(
        WorkerId::new(worker).unwrap(),
        1,
        attempt,
        &Number::parse(NUMBER).unwrap(),
        at,
    )
}

pub fn result(attempt: &Attempt) -> CallResult {
    let json = serde_json::json!({
        "attempt": attempt, "to": NUMBER, "disposition": "busy", "cause": "user_busy", "confidence": 0.9,
        "grade": "certain", "sip_answered": false, "billable_s": 0, "worker": "w1",
        "timing": { "taken_at": "2026-11-24T09:00:00Z", "ended_at": "2026-11-24T09:00:05Z", "line_s": 5 },
        "evidence": { "ruling": { "rule": "sip", "because": "486" } },
    });
    serde_json::from_value(json).unwrap()
}

/// Publishes bytes as any producer might, and waits until they are stored.
pub async fn put_raw(client: &async_nats::Client, subject: &str, body: &[u8]) {
    let js = async_nats::jetstream::new(client.clone());
    js.publish(subject.to_owned(), Bytes::copy_from_slice(body))
        .await
        .unwrap()
        .await
        .unwrap();
}

/// Exactly one job, within patience.
pub async fn pull_one(source: &mut JobSource) -> Delivery {
    let mut jobs = source.pull(1, PATIENCE).await.unwrap();
    assert_eq!(jobs.len(), 1, "a job within {PATIENCE:?}");
    jobs.remove(0)
}

/// Nothing that waits: asks once, without waiting.
pub async fn pull_none(source: &mut JobSource) {
    let jobs = source.pull(10, Duration::ZERO).await.unwrap();
    assert!(jobs.is_empty(), "{jobs:?}");
}

/// Asks again until it holds; fails after [`PATIENCE`].
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// A wire to a server, which can be muted (what the server says is lost), cut, and led elsewhere.
pub struct Proxy {
    pub port: u16,
    muted: Arc<AtomicBool>,
    to: Arc<watch::Sender<u16>>,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let muted = Arc::new(AtomicBool::new(false));
        let to = Arc::new(watch::Sender::new(port));
        tokio::spawn(accept(listener, Arc::clone(&to), Arc::clone(&muted)));
        Self { port: own, muted, to }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// From now on the server hears us and we do not hear it.
    pub fn mute(&self) {
        self.muted.store(true, Ordering::SeqCst);
    }

    /// Cuts every connection, and lets new ones through to `port`.
    pub fn reconnect_to(&self, port: u16) {
        self.muted.store(false, Ordering::SeqCst);
        self.to.send_replace(port);
    }
}

async fn accept(listener: TcpListener, to: Arc<watch::Sender<u16>>, muted: Arc<AtomicBool>) {
    while let Ok((client, _)) = listener.accept().await {
        let mut cut = to.subscribe();
        let port = *cut.borrow_and_update();
        let muted = Arc::clone(&muted);
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
                return;
            };
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let up = tokio::io::copy(&mut from_client, &mut to_server);
            let down = async {
                let mut buffer = vec![0; 65536];
                while let Ok(n @ 1..) = from_server.read(&mut buffer).await {
                    if !muted.load(Ordering::SeqCst) && to_client.write_all(&buffer[..n]).await.is_err() {
                        break;
                    }
                }
            };
            tokio::select! {
                _ = up => {}
                () = down => {}
                _ = cut.changed() => {}
            }
        });
    }
}

/// A server that says it is of `version` and answers nothing but PING. Returns its port.
pub async fn fake_server(version: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let info = format!(
                    "INFO {{\"server_id\":\"F\",\"server_name\":\"f\",\"version\":\"{version}\",\"go\":\"go1\",\"host\":\"127.0.0.1\",\"port\":{port},\"headers\":true,\"max_payload\":1048576,\"proto\":1}}\r\n"
                );
                let mut buffer = vec![0; 4096];
                if stream.write_all(info.as_bytes()).await.is_err() {
                    return;
                }
                while let Ok(n @ 1..) = stream.read(&mut buffer).await {
                    let pings = buffer[..n].windows(6).filter(|w| w == b"PING\r\n").count();
                    for _ in 0..pings {
                        if stream.write_all(b"PONG\r\n").await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    port
}
