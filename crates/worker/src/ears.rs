//! The ears of all calls, on threads of their own, so that hearing never delays a packet.
//!
//! A call's media thread hands over frames in small batches; the ear thread hears them and leaves its newest opinion
//! in a watch. When a thread's queue is full the batch is shed, counted, and made up for by absent frames, so that the
//! sample clock stays true; the call is marked degraded.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hark_ear::{Ear, EarConfig, Opinion};
use hark_line::FrameSink;
use hark_outcome::{Heard, Phase};
use hark_sound::Frame;
use tokio::sync::{oneshot, watch};

/// Frames handed over at once: 60 ms. A verdict is at most that much later; three times fewer messages.
const BATCH: usize = 3;

/// Batches that may wait for one thread: 500 calls for a second and a quarter.
const QUEUE: usize = 10_000;

/// How far back [`Ears::lag`] looks.
const LAG_WINDOW: Duration = Duration::from_secs(1);

/// What an ear leaves behind.
#[derive(Debug, Clone)]
pub struct EarReport {
    /// Its last opinion.
    pub opinion: Opinion,
    /// What it heard, in time order.
    pub heard: Vec<Heard>,
    /// Whether sound was shed on the way to it.
    pub degraded: bool,
}

enum ToEar {
    Open {
        id: u64,
        ear: Box<Ear>,
        opinions: watch::Sender<Option<Opinion>>,
    },
    Frames {
        id: u64,
        handed_over: Instant,
        skipped: usize,
        frames: Vec<(Phase, Frame)>,
    },
    Close {
        id: u64,
        reply: oneshot::Sender<(Opinion, Vec<Heard>)>,
    },
}

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Ears {
    threads: Arc<Vec<EarThread>>,
    next: Arc<AtomicU64>,
}

struct EarThread {
    queue: SyncSender<ToEar>,
    calls: Arc<AtomicUsize>,
    lag: Arc<Lag>,
}

/// How often a thread with nothing to hear shows that it is there.
const BEAT: Duration = Duration::from_millis(100);

impl std::fmt::Debug for Ears {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ears")
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}

impl Ears {
    /// Starts `threads` threads; 0 means one per two cores, at least one.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = if threads == 0 { (cores / 2).max(1) } else { threads };
        let threads = (0..count)
            .map(|n| {
                let (queue, inbox) = sync_channel(QUEUE);
                let lag = Arc::new(Lag::default());
                let seen = Arc::clone(&lag);
                std::thread::Builder::new()
                    .name(format!("ear-{n}"))
                    .spawn(move || listen(&inbox, &seen))?;
                Ok(EarThread {
                    queue,
                    calls: Arc::default(),
                    lag,
                })
            })
            .collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self {
            threads: Arc::new(threads),
            next: Arc::new(AtomicU64::new(0)),
        })
    }

    /// An ear for one call: the sink its frames go into, and the listener that watches its opinions.
    #[must_use]
    pub fn open(&self, config: &EarConfig) -> (Box<dyn FrameSink>, Listener) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let thread = self.quietest();
        let queue = self.threads[thread].queue.clone();
        let (opinions, watch) = watch::channel(None);
        let ear = Box::new(Ear::new(config));
        let deaf = queue.try_send(ToEar::Open { id, ear, opinions }).is_err();
        let degraded = Arc::new(AtomicBool::new(deaf));
        let sink = Sink {
            id,
            queue,
            batch: Vec::with_capacity(BATCH),
            skipped: 0,
            degraded: Arc::clone(&degraded),
        };
        let place = Place::take(&self.threads[thread].calls);
        (
            Box::new(sink),
            Listener {
                ears: self.clone(),
                thread,
                id,
                watch,
                degraded,
                _place: place,
            },
        )
    }

    /// How far the slowest thread is behind the sound.
    #[must_use]
    pub fn lag(&self) -> Duration {
        self.threads
            .iter()
            .map(|t| t.lag.recent())
            .max()
            .unwrap_or_default()
    }

    /// The thread with the fewest calls, of those that keep up; of all, if none does.
    fn quietest(&self) -> usize {
        let key = |n: &usize| {
            let t = &self.threads[*n];
            (t.lag.recent() > BEAT * 10, t.calls.load(Ordering::Relaxed))
        };
        (0..self.threads.len()).min_by_key(key).unwrap_or(0)
    }
}

/// A call counted on a thread, until dropped.
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(calls: &Arc<AtomicUsize>) -> Self {
        calls.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(calls))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One call's side of its ear.
#[derive(Debug)]
pub struct Listener {
    ears: Ears,
    thread: usize,
    id: u64,
    watch: watch::Receiver<Option<Opinion>>,
    degraded: Arc<AtomicBool>,
    _place: Place,
}

impl Listener {
    /// The next opinion; never returns once the ear is gone.
    pub async fn next(&mut self) -> Opinion {
        loop {
            if self.watch.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(opinion) = self.watch.borrow_and_update().clone() {
                return opinion;
            }
        }
    }

    /// Ends the hearing; `None` if the ear never was, or does not answer within a second.
    pub async fn close(self) -> Option<EarReport> {
        let thread = &self.ears.threads[self.thread];
        let (reply, answer) = oneshot::channel();
        let deadline = Duration::from_secs(1);
        let mut message = ToEar::Close { id: self.id, reply };
        let started = Instant::now();
        loop {
            match thread.queue.try_send(message) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) if started.elapsed() < deadline => message = back,
                Err(_) => return None,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (opinion, heard) = tokio::time::timeout(deadline, answer).await.ok()?.ok()?;
        Some(EarReport {
            opinion,
            heard,
            degraded: self.degraded.load(Ordering::Relaxed),
        })
    }
}

struct Sink {
    id: u64,
    queue: SyncSender<ToEar>,
    batch: Vec<(Phase, Frame)>,
    skipped: usize,
    degraded: Arc<AtomicBool>,
}

impl FrameSink for Sink {
    fn frame(&mut self, phase: Phase, frame: &Frame) {
        self.batch.push((phase, frame.clone()));
        if self.batch.len() < BATCH {
            return;
        }
        let frames = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        let count = frames.len();
        let message = ToEar::Frames {
            id: self.id,
            handed_over: Instant::now(),
            skipped: self.skipped,
            frames,
        };
        if self.queue.try_send(message).is_ok() {
            self.skipped = 0;
        } else {
            self.skipped += count;
            self.degraded.store(true, Ordering::Relaxed);
        }
    }
}

type OpenEars = HashMap<u64, (Box<Ear>, watch::Sender<Option<Opinion>>)>;

/// One ear thread: hears until the pool is gone. An ear that panics is lost with its call's evidence, no other.
fn listen(inbox: &Receiver<ToEar>, lag: &Lag) {
    let mut ears = OpenEars::new();
    loop {
        lag.beat();
        match inbox.recv_timeout(BEAT) {
            Ok(message) => {
                let id = message.id();
                if catch_unwind(AssertUnwindSafe(|| take(&mut ears, message, lag))).is_err() {
                    ears.remove(&id);
                }
            }
            // Calls that were dropped without closing their ear.
            Err(RecvTimeoutError::Timeout) => ears.retain(|_, (_, opinions)| !opinions.is_closed()),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn take(ears: &mut OpenEars, message: ToEar, lag: &Lag) {
    match message {
        ToEar::Open { id, ear, opinions } => {
            ears.insert(id, (ear, opinions));
        }
        ToEar::Frames {
            id,
            handed_over,
            skipped,
            frames,
        } => {
            if let Some((ear, opinions)) = ears.get_mut(&id) {
                hear(ear, opinions, skipped, &frames);
            }
            lag.saw(handed_over.elapsed());
        }
        ToEar::Close { id, reply } => {
            if let Some((mut ear, _)) = ears.remove(&id) {
                ear.finish();
                // The call may have stopped waiting.
                let _ = reply.send((ear.opinion(), ear.heard()));
            }
        }
    }
}

impl ToEar {
    const fn id(&self) -> u64 {
        match self {
            Self::Open { id, .. } | Self::Frames { id, .. } | Self::Close { id, .. } => *id,
        }
    }
}

fn hear(ear: &mut Ear, opinions: &watch::Sender<Option<Opinion>>, skipped: usize, frames: &[(Phase, Frame)]) {
    let Some((first, _)) = frames.first() else { return };
    let lost = std::iter::repeat_n(&Frame::ABSENT, skipped).map(|f| (*first, f));
    for (phase, frame) in lost.chain(frames.iter().map(|(p, f)| (*p, f))) {
        if let Some(opinion) = ear.hear(phase, frame) {
            opinions.send_replace(Some(opinion));
        }
    }
}

/// The worst lag of the last second or two: two buckets, swapped when the older is out of the window. A thread that
/// shows no sign of life lags by as long as it has been silent.
#[derive(Default)]
struct Lag(Mutex<LagBuckets>);

#[derive(Default)]
struct LagBuckets {
    since: Option<Instant>,
    beat: Option<Instant>,
    now: Duration,
    before: Duration,
}

impl Lag {
    /// The thread is about to take the next message.
    fn beat(&self) {
        let now = Instant::now();
        self.with(now, |b| b.beat = Some(now));
    }

    fn saw(&self, lag: Duration) {
        self.with(Instant::now(), |b| b.now = b.now.max(lag));
    }

    fn recent(&self) -> Duration {
        self.recent_at(Instant::now())
    }

    fn recent_at(&self, now: Instant) -> Duration {
        self.with(now, |b| {
            let silent = b
                .beat
                .map_or(Duration::ZERO, |beat| now.saturating_duration_since(beat));
            b.now.max(b.before).max(silent.saturating_sub(BEAT))
        })
    }

    fn with<T>(&self, now: Instant, f: impl FnOnce(&mut LagBuckets) -> T) -> T {
        let mut b = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = b
            .since
            .map_or(LAG_WINDOW * 2, |s| now.saturating_duration_since(s));
        if age >= LAG_WINDOW {
            b.before = if age >= LAG_WINDOW * 2 {
                Duration::ZERO
            } else {
                b.now
            };
            b.now = Duration::ZERO;
            b.since = Some(now);
        }
        f(&mut b)
    }
}

#[cfg(test)]
mod tests;
