//! Joins sockets, calls and media: each message goes to its call, or begins one, or is answered on the spot.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;

use crate::call::{Machine, Output, Setting, respond};
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::media::{Engine, Heard, Line};
use crate::mix::behaviour_of;
use crate::net::Peer;
use crate::report::{CallSeen, PeerFault};
use crate::script::Script;
use crate::sip::{Message, NameAddr, Start, user_of};
use crate::{CarrierConfig, DigestConfig};

/// Messages waiting for one call; a call that is further behind loses them, as UDP would.
const INBOX: usize = 32;

/// What all tasks of a carrier share.
#[derive(Debug)]
pub(crate) struct Switch {
    config: CarrierConfig,
    digest: Option<Arc<DigestConfig>>,
    engine: Engine,
    ledger: Ledger,
    calls: Mutex<HashMap<Key, mpsc::Sender<(Message, Peer)>>>,
    epoch: Instant,
    salt: u64,
    count: AtomicU64,
    mute: AtomicBool,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Call-ID and the caller's tag.
type Key = (String, String);

impl Switch {
    pub(crate) fn new(config: CarrierConfig, engine: Engine) -> Arc<Self> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Arc::new(Self {
            digest: config.digest.clone().map(Arc::new),
            config,
            engine,
            ledger: Ledger::default(),
            calls: Mutex::default(),
            epoch: Instant::now(),
            // Tags must differ from those of an earlier run; behaviour draws from the seed, not from this.
            salt: since_1970.as_nanos() as u64,
            count: AtomicU64::new(0),
            mute: AtomicBool::new(false),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// Since the carrier started.
    pub(crate) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    pub(crate) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn mute(&self, mute: bool) {
        self.mute.store(mute, Ordering::Relaxed);
    }

    pub(crate) fn stopped(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }

    /// Tells every task to stop, without waiting.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
    }

    /// Waits until every task has stopped, then stops the media.
    pub(crate) async fn wait(&self) {
        self.tasks.wait().await;
        self.engine.stop();
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    pub(crate) fn malformed(&self) {
        self.ledger.malformed();
    }

    /// One message, as it came.
    pub(crate) fn datagram(self: &Arc<Self>, bytes: &[u8], peer: &Peer) {
        if self.mute.load(Ordering::Relaxed) || bytes.iter().all(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return;
        }
        match Message::parse(bytes) {
            Ok(message) => self.take(message, peer),
            Err(error) => {
                tracing::debug!(peer = %peer.address, %error, "what came is no SIP message");
                self.ledger.malformed();
            }
        }
    }

    fn take(self: &Arc<Self>, message: Message, peer: &Peer) {
        let is_request = matches!(message.start, Start::Request { .. });
        let tag = if is_request {
            message.caller_tag()
        } else {
            message.to_tag().unwrap_or_default()
        };
        let key = (message.call_id().to_owned(), tag.to_owned());
        let known = self.calls().get(&key).cloned();
        match known {
            Some(call) => {
                let behind = call.try_send((message, peer.clone())).is_err();
                if behind {
                    tracing::debug!("a call is behind; a message of it was dropped");
                }
            }
            None if message.method() == "INVITE" && is_request && message.to_tag().is_none() => {
                self.begin(key, message, peer);
            }
            None if is_request => self.answer_outside(&message, peer),
            None => {} // an answer to a request of a call that is gone
        }
    }

    /// A request that belongs to no call.
    fn answer_outside(&self, request: &Message, peer: &Peer) {
        let outside = |fault| {
            self.ledger.stray(self.now(), fault);
            481
        };
        let code = match request.method() {
            "ACK" => return self.ledger.stray(self.now(), PeerFault::AckOutsideDialog),
            "BYE" => outside(PeerFault::ByeOutsideDialog),
            "CANCEL" => outside(PeerFault::CancelOutsideTransaction),
            "OPTIONS" => {
                self.ledger.options();
                200
            }
            "REGISTER" => {
                self.ledger.register();
                200
            }
            _ if request.to_tag().is_some() => 481,
            _ => 501,
        };
        let text = respond(request, peer.address, code, &self.dice().token());
        peer.send(
            text.header("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS")
                .body(None),
        );
    }

    fn begin(self: &Arc<Self>, key: Key, invite: Message, peer: &Peer) {
        let now = self.now();
        let Start::Request { uri, .. } = &invite.start else {
            return;
        };
        let number = user_of(uri).to_owned();
        let (behaviour, dice) = behaviour_of(&self.config, &number);
        // Checked at start for every behaviour there is.
        let script = match Script::of(&behaviour, dice, self.config.time_scale, self.config.language) {
            Ok(script) => script,
            Err(error) => return tracing::error!(error, "a behaviour cannot be played"),
        };
        let line = match self.open(peer) {
            Ok(line) => line,
            Err(error) => {
                tracing::error!(%error, ports = %self.config.rtp_ports, "the carrier has no RTP port left");
                return peer.send(respond(&invite, peer.address, 503, &self.dice().token()).body(None));
            }
        };
        let seen = CallSeen {
            call_id: key.0.clone(),
            number,
            from: invite
                .header("from")
                .map(|f| user_of(NameAddr::read(f).uri).to_owned())
                .unwrap_or_default(),
            transport: peer.transport.into(),
            behaviour: behaviour.name(),
            truth: script.truth.clone(),
            started: now,
            would_have_ended_after: script.ends_by_itself().then_some(script.lasts),
            ..CallSeen::default()
        };
        let ip = self.advertised(peer);
        let setting = Setting {
            transport: peer.transport,
            source: peer.address,
            local: SocketAddr::new(ip, peer.local.port()),
            rtp: SocketAddr::new(ip, line.address().port()),
            t1: Duration::from_millis(self.config.t1_ms.into()),
            digest: self.digest.clone(),
            codecs: self.config.codecs.clone(),
            dice: self.dice(),
        };
        let machine = Machine::new(now, setting, script, seen);
        let (call, inbox) = mpsc::channel(INBOX);
        // The inbox is empty and has room.
        let _ = call.try_send((invite, peer.clone()));
        self.calls().insert(key.clone(), call);
        let switch = self.clone();
        self.spawn(async move { switch.drive(key, machine, inbox, line).await });
    }

    /// Drives one call from its first INVITE until nothing of it is left.
    async fn drive(
        &self,
        key: Key,
        mut machine: Machine,
        mut inbox: mpsc::Receiver<(Message, Peer)>,
        line: Line,
    ) {
        let mut line = Some(line);
        let mut way: Option<Peer> = None;
        loop {
            tokio::select! {
                biased;
                () = self.stopped() => break,
                came = inbox.recv() => {
                    let Some((message, peer)) = came else { break };
                    if line.is_none() && machine.begins_again(&message) {
                        line = self.open(&peer).ok();
                        let port = line.as_ref().map_or(0, |l| l.address().port());
                        machine.use_rtp_port(port);
                    }
                    way = Some(peer);
                    machine.on_message(self.now(), message);
                }
                () = tokio::time::sleep_until(self.epoch + machine.deadline()) => {
                    let silent = Heard { voice_ms: 0, quiet_for: Duration::MAX };
                    let heard = line.as_ref().map_or(silent, |l| l.counters().heard());
                    machine.on_time(self.now(), heard);
                }
            }
            let counters = line.as_ref().map(|l| l.counters().clone());
            for output in machine.take_outputs() {
                self.carry_out(output, way.as_ref(), &mut line);
            }
            let now = self.now();
            self.ledger
                .put(&key.1, machine.seen(now), counters.as_ref(), machine.is_live());
            if machine.is_gone(now) {
                break;
            }
        }
        self.calls().remove(&key);
    }

    fn carry_out(&self, output: Output, way: Option<&Peer>, line: &mut Option<Line>) {
        match (output, line.as_ref()) {
            (Output::Send(bytes), _) => {
                if let Some(way) = way
                    && !self.mute.load(Ordering::Relaxed)
                {
                    way.send(bytes);
                }
            }
            (Output::Hush, _) => *line = None,
            (Output::Connect(remote), Some(line)) => line.connect(remote),
            (Output::Play(list), Some(line)) => line.play(list),
            (Output::Answered, Some(line)) => line.answered(),
            (_, None) => {}
        }
    }

    fn open(&self, peer: &Peer) -> std::io::Result<Line> {
        let listen = self.config.listen.ip();
        let ip = if listen.is_unspecified() {
            listen
        } else {
            peer.local.ip()
        };
        self.engine.open(ip, self.dice())
    }

    /// The address by which a caller reaches us.
    fn advertised(&self, peer: &Peer) -> IpAddr {
        let local = peer.local.ip();
        if let Some(ip) = self.config.advertise {
            return ip;
        }
        if !local.is_unspecified() {
            return local;
        }
        // Connecting a UDP socket sends nothing; it only picks the address that faces the peer.
        let facing = std::net::UdpSocket::bind((local, 0)).and_then(|s| {
            s.connect(peer.address)?;
            s.local_addr()
        });
        facing.map_or(local, |a| a.ip())
    }

    fn dice(&self) -> Dice {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        Dice::of(self.salt, &n.to_string())
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<Key, mpsc::Sender<(Message, Peer)>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
