//! The engine: sockets, dedicated threads, and the handle by which signalling steers a session.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hark_outcome::MediaStats;
use tokio::sync::mpsc;

use super::pacer::{self, Pacer};
use super::seat::{Orders, Seat, Shared};
use super::session::{Core, Seed};
use super::socket::Pair;
use super::{PortRange, Remote, locked};
use crate::sink::FrameSink;

/// Where and with how many threads media runs.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// The address sockets are bound to.
    pub bind: IpAddr,
    /// The ports they may take.
    pub ports: PortRange,
    /// How many threads pace the sessions; at least 1.
    pub threads: usize,
}

/// Why media cannot run.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The system gave no thread.
    #[error("cannot start a media thread: {0}")]
    Thread(#[source] std::io::Error),
    /// Every pair of ports is in use.
    #[error(
        "every RTP port pair of {ports} on {bind} is taken ({pairs} pairs): widen line.rtp_ports or lower the number of calls"
    )]
    PortsTaken {
        /// The address.
        bind: IpAddr,
        /// The range.
        ports: PortRange,
        /// How many pairs it holds.
        pairs: u16,
    },
    /// The system refused a socket for another reason.
    #[error(
        "cannot open an RTP socket on {bind}:{port}: {source}; check line.bind and the limit on open files (ulimit -n)"
    )]
    Socket {
        /// The address.
        bind: IpAddr,
        /// The port tried.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Something signalling should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaEvent {
    /// The first valid RTP packet came.
    FirstPacket,
    /// The sound given to [`MediaSession::play`] was sent to its end.
    Played,
    /// For 5 s nothing came, and nothing excused it.
    Lost,
    /// Sound came again after [`Self::Lost`].
    Back,
    /// The peer pressed a key.
    Dtmf(char),
}

/// How punctual media was over the last 5 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MediaHealth {
    /// Ticks of all sessions: one session makes 50 a second.
    pub ticks: u64,
    /// Of these, ticks more than 5 ms late.
    pub late: u64,
    /// Sessions open now.
    pub sessions: usize,
}

/// All media of a process. Dropping it ends its threads, and every session with a goodbye.
#[derive(Debug)]
pub struct MediaEngine {
    config: MediaConfig,
    epoch: Instant,
    /// The time since 1970 at `epoch`.
    epoch_wall: Duration,
    next_pair: AtomicU32,
    pacers: Vec<Arc<Pacer>>,
    threads: Vec<JoinHandle<()>>,
}

impl MediaEngine {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(config: MediaConfig) -> Result<Self, MediaError> {
        let epoch = Instant::now();
        let epoch_wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut engine = Self {
            next_pair: AtomicU32::new(rand::random()),
            config,
            epoch,
            epoch_wall,
            pacers: Vec::new(),
            threads: Vec::new(),
        };
        for number in 0..engine.config.threads.max(1) {
            let pacer = Arc::new(Pacer::new(epoch));
            engine
                .threads
                .push(pacer::start(&pacer, number).map_err(MediaError::Thread)?);
            engine.pacers.push(pacer);
        }
        Ok(engine)
    }

    /// Opens a session on a free pair of ports. It drains them and sends nothing until [`MediaSession::connect`].
    ///
    /// # Errors
    /// When no pair of ports is free or the system refuses a socket.
    pub fn open(
        &self,
        sink: Box<dyn FrameSink>,
        events: mpsc::Sender<MediaEvent>,
    ) -> Result<MediaSession, MediaError> {
        let MediaConfig { bind, ports, .. } = self.config;
        let (pair, taken) = Pair::bind(bind, ports, self.next_pair.load(Ordering::Relaxed))?;
        // Two calls at once may begin at the same pair; the second then finds it taken.
        self.next_pair.store(taken + 1, Ordering::Relaxed);

        let port = pair.port;
        let shared = Arc::new(Shared::default());
        let core = Core::new(Seed {
            ssrc: rand::random(),
            sequence: rand::random(),
            timestamp: rand::random(),
            reports: rand::random(),
            epoch: self.epoch_wall,
        });
        let seat = Seat::new(core, pair, bind.is_ipv6(), sink, events, Arc::clone(&shared));
        let pacer = self.pacers.iter().min_by_key(|pacer| pacer.sessions());
        pacer.expect("start makes at least one").seat(seat);
        Ok(MediaSession { port, shared })
    }

    /// How punctual the threads were over the last 5 s.
    #[must_use]
    pub fn health(&self) -> MediaHealth {
        let now = self.epoch.elapsed();
        self.pacers
            .iter()
            .map(|pacer| pacer.health(now))
            .fold(MediaHealth::default(), |sum, one| MediaHealth {
                ticks: sum.ticks + one.ticks,
                late: sum.late + one.late,
                sessions: sum.sessions + one.sessions,
            })
    }
}

impl Drop for MediaEngine {
    fn drop(&mut self) {
        for pacer in &self.pacers {
            pacer.stop();
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; there is nothing to add.
            let _ = thread.join();
        }
    }
}

/// The sound of one call. What it is told takes effect within a tick. Dropping it closes it.
#[derive(Debug)]
pub struct MediaSession {
    port: u16,
    shared: Arc<Shared>,
}

impl MediaSession {
    /// The port to put into our SDP.
    #[must_use]
    pub fn rtp_port(&self) -> u16 {
        self.port
    }

    /// The peer is known: starts sending, silence first, and handing frames to the sink. Again whenever a later SDP
    /// changes anything.
    pub fn connect(&self, remote: Remote) {
        self.order().connect = Some(remote);
    }

    /// Frames from here on are of the answered phase.
    pub fn answered(&self) {
        self.order().answered = true;
    }

    /// Plays 8 kHz samples, in place of whatever is playing; [`MediaEvent::Played`] tells when they were sent.
    pub fn play(&self, sound: Arc<[i16]>) {
        self.order().play = Some(Some(sound));
    }

    /// Back to silence. No [`MediaEvent::Played`] comes.
    pub fn stop_playing(&self) {
        self.order().play = Some(None);
    }

    /// What became of the sound so far.
    #[must_use]
    pub fn stats(&self) -> MediaStats {
        (*locked(&self.shared.books)).into()
    }

    /// Says goodbye (RTCP BYE) and frees the ports, within a tick. At most one more frame reaches the sink.
    pub fn close(self) -> MediaStats {
        self.stats()
    }

    fn order(&self) -> MutexGuard<'_, Orders> {
        locked(&self.shared.orders)
    }
}

impl Drop for MediaSession {
    fn drop(&mut self) {
        self.order().close = true;
    }
}
