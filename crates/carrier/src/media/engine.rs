//! The threads that pace all RTP: each wakes every 5 ms and serves a quarter of its calls, so that load is even and no
//! call has a timer of its own.

use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::hearing::Counters;
use super::impair::fate;
use super::session::{Remote, Session};
use super::source::Playlist;
use crate::dice::Dice;
use crate::{Impairment, PortRange};

/// A thread's beat; four of them are one frame.
const BEAT: Duration = Duration::from_millis(5);
const BEATS: u64 = 4;
/// Orders waiting for a thread; it takes them every beat.
const MAILBOX: usize = 16_384;

/// All media threads of a carrier.
#[derive(Debug)]
pub(crate) struct Engine {
    threads: Vec<SyncSender<Order>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
    stop: Arc<AtomicBool>,
    next: AtomicUsize,
    ids: AtomicU64,
    ports: PortRange,
    next_port: AtomicUsize,
    record_s: f64,
}

/// The RTP of one call, as the call holds it; dropping it closes the port.
#[derive(Debug)]
pub(crate) struct Line {
    id: u64,
    address: SocketAddr,
    counters: Arc<Counters>,
    orders: SyncSender<Order>,
}

enum Order {
    Open(u64, Box<Session>),
    Connect(u64, Remote),
    Play(u64, Playlist),
    Answered(u64),
    Close(u64),
}

impl Engine {
    /// Starts the threads.
    pub(crate) fn start(
        threads: usize,
        ports: PortRange,
        impair: Impairment,
        record_s: f64,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut senders, mut handles) = (Vec::new(), Vec::new());
        for n in 0..threads.max(1) {
            let (orders, mailbox) = sync_channel(MAILBOX);
            let stop = stop.clone();
            let thread = std::thread::Builder::new()
                .name(format!("carrier-rtp-{n}"))
                .spawn(move || Pacer::new(mailbox, impair).run(&stop))?;
            senders.push(orders);
            handles.push(thread);
        }
        Ok(Self {
            threads: senders,
            handles: Mutex::new(handles),
            stop,
            next: AtomicUsize::new(0),
            ids: AtomicU64::new(0),
            ports,
            next_port: AtomicUsize::new(std::process::id() as usize),
            record_s,
        })
    }

    /// Opens a port for one call.
    pub(crate) fn open(&self, ip: IpAddr, dice: Dice) -> io::Result<Line> {
        let socket = self.bind(ip)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let counters = Arc::new(Counters::new(self.record_s));
        let thread = self.next.fetch_add(1, Ordering::Relaxed) % self.threads.len();
        let orders = self.threads[thread].clone();
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let line = Line {
            id,
            address,
            counters: counters.clone(),
            orders,
        };
        line.order(Order::Open(id, Box::new(Session::new(socket, counters, dice))));
        Ok(line)
    }

    /// Stops the threads.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        let handles = std::mem::take(&mut *self.handles.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in handles {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }

    fn bind(&self, ip: IpAddr) -> io::Result<UdpSocket> {
        if self.ports == PortRange::ANY {
            return UdpSocket::bind((ip, 0));
        }
        let pairs = usize::from(self.ports.pairs());
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..pairs.min(2_000) {
            let n = self.next_port.fetch_add(1, Ordering::Relaxed) % pairs;
            match UdpSocket::bind((ip, self.ports.first() + 2 * n as u16)) {
                Ok(socket) => return Ok(socket),
                Err(e) => last = e,
            }
        }
        Err(last)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Line {
    /// Our port.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was sent and heard.
    pub(crate) const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Sends there from now on.
    pub(crate) fn connect(&self, remote: Remote) {
        self.order(Order::Connect(self.id, remote));
    }

    /// Plays this from now on.
    pub(crate) fn play(&self, list: Playlist) {
        self.order(Order::Play(self.id, list));
    }

    /// The call is answered.
    pub(crate) fn answered(&self) {
        self.order(Order::Answered(self.id));
    }

    fn order(&self, order: Order) {
        if let Err(TrySendError::Full(_)) = self.orders.try_send(order) {
            tracing::error!("a media thread of the carrier is {MAILBOX} orders behind; one was dropped");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.orders.try_send(Order::Close(self.id));
    }
}

/// One media thread.
struct Pacer {
    mailbox: Receiver<Order>,
    impair: Impairment,
    sessions: HashMap<u64, Session>,
    late: BinaryHeap<Late>,
    order: u64,
}

impl Pacer {
    fn new(mailbox: Receiver<Order>, impair: Impairment) -> Self {
        Self {
            mailbox,
            impair,
            sessions: HashMap::new(),
            late: BinaryHeap::new(),
            order: 0,
        }
    }

    fn run(mut self, stop: &AtomicBool) {
        let mut due = Instant::now();
        let mut buffer = vec![0u8; 2048];
        for beat in 0u64.. {
            let mut now = Instant::now();
            if now > due + Duration::from_secs(1) {
                due = now; // the machine slept; no use in sending a second of packets at once
            }
            while now < due && !stop.load(Ordering::Relaxed) {
                std::thread::park_timeout(due - now);
                now = Instant::now();
            }
            if stop.load(Ordering::Relaxed) {
                return;
            }
            self.take_orders();
            self.serve(beat, &mut buffer);
            self.send_late();
            if beat.is_multiple_of(2_000) {
                self.sessions.retain(|_, s| !s.is_orphan());
            }
            due += BEAT;
        }
    }

    fn take_orders(&mut self) {
        while let Ok(order) = self.mailbox.try_recv() {
            match order {
                Order::Open(id, session) => drop(self.sessions.insert(id, *session)),
                Order::Close(id) => drop(self.sessions.remove(&id)),
                Order::Connect(id, remote) => self.with(id, |s| s.connect(remote)),
                Order::Play(id, list) => self.with(id, |s| s.play(list)),
                Order::Answered(id) => self.with(id, |s| s.answered()),
            }
        }
    }

    fn with(&mut self, id: u64, f: impl FnOnce(&mut Session)) {
        if let Some(session) = self.sessions.get_mut(&id) {
            f(session);
        }
    }

    fn serve(&mut self, beat: u64, buffer: &mut [u8]) {
        let now = Instant::now();
        for (&id, session) in &mut self.sessions {
            if id % BEATS != beat % BEATS {
                continue;
            }
            session.receive(buffer);
            let Some(packet) = session.next_packet() else {
                continue;
            };
            for late in fate(&mut session.dice, &self.impair).into_iter().flatten() {
                if late.is_zero() {
                    session.send(&packet);
                } else {
                    self.order += 1;
                    self.late.push(Late {
                        due: now + late,
                        order: self.order,
                        id,
                        packet: packet.clone(),
                    });
                }
            }
        }
    }

    fn send_late(&mut self) {
        let now = Instant::now();
        while self.late.peek().is_some_and(|l| l.due <= now) {
            if let Some(late) = self.late.pop()
                && let Some(session) = self.sessions.get(&late.id)
            {
                session.send(&late.packet);
            }
        }
    }
}

/// A packet that a bad line holds back.
struct Late {
    due: Instant,
    order: u64,
    id: u64,
    packet: Vec<u8>,
}

impl Ord for Late {
    /// The earliest is the greatest, for a heap that gives the greatest first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.due, other.order).cmp(&(self.due, self.order))
    }
}

impl PartialOrd for Late {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Late {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Late {}
