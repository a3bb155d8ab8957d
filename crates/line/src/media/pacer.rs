//! One media thread: hundreds of sessions, each due every 20 ms on a schedule that does not drift.
//!
//! The 20 ms are cut into ten steps; a session keeps its step, so that the work spreads and no session waits for all
//! others. A thread that fell behind catches up step by step; if the machine stood still, the missed ticks are
//! skipped, and counted as late.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

use super::health::{LATE, Window};
use super::seat::Seat;
use super::socket::Batch;
use super::{MediaHealth, locked, priority};

/// The schedule's grain: 2 ms.
const STEP: Duration = Duration::from_millis(2);

/// Steps in a tick.
pub(super) const STEPS: usize = 10;

/// Missed steps worth catching up with: 200 ms. Later packets would not be played anyway.
const CATCH_UP: u64 = 100;

/// What others see of a media thread.
#[derive(Debug)]
pub(super) struct Pacer {
    epoch: Instant,
    inbox: Mutex<Inbox>,
    window: Mutex<Window>,
    /// When the thread means to work next, in microseconds; never while it has nothing to do.
    next_due: AtomicU64,
    stop: AtomicBool,
}

#[derive(Debug)]
struct Inbox {
    seats: Vec<(usize, Seat)>,
    /// How many sessions each step has.
    taken: [usize; STEPS],
    thread: Option<Thread>,
}

impl Pacer {
    pub(super) fn new(epoch: Instant) -> Self {
        let inbox = Inbox {
            seats: Vec::new(),
            taken: [0; STEPS],
            thread: None,
        };
        Self {
            epoch,
            inbox: Mutex::new(inbox),
            window: Mutex::default(),
            next_due: AtomicU64::new(u64::MAX),
            stop: AtomicBool::new(false),
        }
    }

    /// Sessions here.
    pub(super) fn sessions(&self) -> usize {
        locked(&self.inbox).taken.iter().sum()
    }

    /// Takes a session, at the step with the fewest.
    pub(super) fn seat(&self, seat: Seat) {
        let mut inbox = locked(&self.inbox);
        let step = (0..STEPS).min_by_key(|step| inbox.taken[*step]).unwrap_or(0);
        inbox.taken[step] += 1;
        inbox.seats.push((step, seat));
        if let Some(thread) = &inbox.thread {
            thread.unpark();
        }
    }

    /// How punctual it was; ticks that are overdue right now count too, or a thread that hangs would look well.
    pub(super) fn health(&self, now: Duration) -> MediaHealth {
        let health = locked(&self.window).health(now);
        let sessions = self.sessions();
        let next = Duration::from_micros(self.next_due.load(Ordering::Relaxed));
        let overdue = now.saturating_sub(next);
        let ticks = if overdue > LATE {
            (overdue.as_millis() / 20 + 1) as u64 * sessions as u64
        } else {
            0
        };
        MediaHealth {
            ticks: health.ticks + ticks,
            late: health.late + ticks,
            sessions,
        }
    }

    /// Ends the thread, each of its sessions with a goodbye.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = &locked(&self.inbox).thread {
            thread.unpark();
        }
    }

    /// The thread's life.
    pub(super) fn run(&self) {
        locked(&self.inbox).thread = Some(thread::current());
        priority::raise();
        let mut steps: [Vec<Seat>; STEPS] = Default::default();
        let mut batch = Batch::new();
        let mut next = self.step_now();
        while !self.stop.load(Ordering::Acquire) {
            for (step, seat) in locked(&self.inbox).seats.drain(..) {
                steps[step].push(seat);
            }
            next = next.max(self.step_now().saturating_sub(CATCH_UP));
            let Some(ahead) = (0..STEPS as u64).find(|ahead| !steps[index(next + ahead)].is_empty()) else {
                self.next_due.store(u64::MAX, Ordering::Relaxed);
                thread::park();
                continue;
            };
            let step = next + ahead;
            let due = at(step);
            self.next_due.store(due.as_micros() as u64, Ordering::Relaxed);
            let now = self.epoch.elapsed();
            if now < due {
                // Also ends when a session comes; it may be due sooner.
                thread::park_timeout(due - now);
                continue;
            }
            self.pass(step, &mut steps[index(step)], &mut batch);
            next = step + 1;
        }
        for seat in steps.iter_mut().flatten() {
            seat.close(self.epoch.elapsed());
        }
    }

    /// One tick of every session of a step.
    fn pass(&self, step: u64, seats: &mut Vec<Seat>, batch: &mut Batch) {
        let due = at(step);
        let (mut ticks, mut late) = (0, 0);
        let before = seats.len();
        seats.retain_mut(|seat| {
            let now = self.epoch.elapsed();
            let missed = seat.missed(step);
            ticks += 1 + missed;
            late += missed + u64::from(now.saturating_sub(due) > LATE);
            let tick = || seat.tick(now, SystemTime::now(), missed, batch);
            // One call's fault must not silence the hundreds that share the thread.
            catch_unwind(AssertUnwindSafe(tick)).unwrap_or_else(|_| {
                tracing::error!("a frame sink panicked; its call has no sound any more");
                false
            })
        });
        let gone = before - seats.len();
        if gone > 0 {
            locked(&self.inbox).taken[index(step)] -= gone;
        }
        locked(&self.window).record(self.epoch.elapsed(), ticks, late);
    }

    fn step_now(&self) -> u64 {
        (self.epoch.elapsed().as_micros() / STEP.as_micros()) as u64
    }
}

/// When a step is due. (As a count of 2 ms, 64 bits do not overflow.)
fn at(step: u64) -> Duration {
    Duration::from_millis(step * STEP.as_millis() as u64)
}

fn index(step: u64) -> usize {
    (step % STEPS as u64) as usize
}

/// Starts the thread of a pacer.
pub(super) fn start(pacer: &Arc<Pacer>, number: usize) -> std::io::Result<thread::JoinHandle<()>> {
    let pacer = Arc::clone(pacer);
    thread::Builder::new()
        .name(format!("media-{number}"))
        .spawn(move || pacer.run())
}
