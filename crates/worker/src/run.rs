//! The worker itself: pull while there is room, hand each job to a task of its own, drain when told.
//!
//! States: `Pulling` → (first stop signal) `Draining`: nothing new, live calls go on → (second signal, or the drain
//! deadline) `Stopping`: live calls are hung up politely and end as `interrupted` → done.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hark_bus::{Bus, BusError, JobSource};
use hark_line::Line;
use hark_outcome::{CampaignId, WorkerId};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::account::Author;
use crate::attempt::handle;
use crate::config::{Campaigns, WorkerConfig};
use crate::ears::Ears;
use crate::governor::{Change, Governor, Load};
use crate::live::LiveAttempts;
use crate::settle::Handled;
use crate::shared::Shared;
use crate::sounds::Sounds;

/// How long one pull waits for jobs.
const PULL_WAIT: Duration = Duration::from_secs(1);

/// Most jobs in one pull.
const PULL_MOST: usize = 64;

/// How often load is looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// A job is taken only if its call may start this soon: one that waits for its trunk's pace would hold a channel.
const AHEAD: Duration = Duration::from_millis(12);

/// How long nothing is pulled after a job found its own trunks full while others had room: it would only go round.
const PAUSE_WHEN_FULL: Duration = Duration::from_millis(250);

/// How soon to look again for a start in sight; a third of the distance between starts at 100 calls a second.
const NEXT_START: Duration = Duration::from_millis(3);

/// How often jobs of campaigns that nobody registered are looked for.
const SWEEP: Duration = Duration::from_secs(20);

/// How long the polite end may take once calls are told to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// Why a worker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// NATS refused or was wrong.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// No threads to listen on.
    #[error("the ear's threads did not start: {0}")]
    Ears(#[from] std::io::Error),
    /// A campaign it shall serve has no table.
    #[error("[worker] campaigns names {0:?}, but there is no [campaign.{0}]; add it or take the name out")]
    UnknownCampaign(String),
}

/// How to stop a worker.
#[derive(Debug, Clone, Default)]
pub struct StopSignals {
    /// No new calls; live ones go on.
    pub drain: CancellationToken,
    /// Live calls end now.
    pub stop: CancellationToken,
}

/// What a worker did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Results published.
    pub results: u64,
    /// Jobs found done already.
    pub already_done: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Jobs given back to the queue.
    pub given_back: u64,
}

/// A worker, ready to run.
pub struct Worker {
    shared: Arc<Shared>,
    source: JobSource,
    config: WorkerConfig,
    live: Arc<AtomicUsize>,
}

impl Worker {
    /// Joins the parts: makes sure that the streams exist, registers the campaigns, opens the queues.
    ///
    /// # Errors
    /// [`WorkerError`]; nothing has been dialled then.
    pub async fn new(
        bus: Bus,
        line: Line,
        config: WorkerConfig,
        campaigns: Campaigns,
        version: &'static str,
        signals: &StopSignals,
    ) -> Result<Self, WorkerError> {
        let serve = served(&config, &campaigns)?;
        bus.ensure().await?;
        for campaign in campaigns.ids() {
            bus.register_campaign(&campaign).await?;
        }
        let source = bus.source(&serve).await?;
        let worker = config.id.clone().unwrap_or_else(default_id);
        let shared = Shared {
            ears: Ears::start(config.ear_threads)?,
            sounds: Sounds::new(config.sounds.clone()),
            author: Author { worker, version },
            process: rand::random(),
            live: LiveAttempts::default(),
            heartbeat: bus.ack_wait() / 3,
            full_at: Mutex::default(),
            unreserved: AtomicUsize::new(0),
            draining: signals.drain.clone(),
            stop: signals.stop.clone(),
            bus,
            line,
            campaigns,
        };
        Ok(Self {
            shared: Arc::new(shared),
            source,
            config,
            live: Arc::new(AtomicUsize::new(0)),
        })
    }

    /// The worker's name.
    #[must_use]
    pub fn id(&self) -> &WorkerId {
        &self.shared.author.worker
    }

    /// Runs until `drain` and then the last call's end, or until `stop`.
    pub async fn run(mut self) -> Summary {
        let _presence = self.shared.bus.presence(&self.shared.author.worker).await;
        let mut tasks = JoinSet::new();
        let mut summary = Summary::default();
        info!(worker = %self.id(), "worker ready");
        self.pull_until_drained(&mut tasks, &mut summary).await;
        self.drain(&mut tasks, &mut summary).await;
        summary
    }

    async fn pull_until_drained(&mut self, tasks: &mut JoinSet<Handled>, summary: &mut Summary) {
        let clock = Instant::now();
        let mut governor = Governor::default();
        let mut swept = Instant::now();
        let mut glanced = clock;
        let draining = self.shared.draining.clone();
        while !draining.is_cancelled() {
            reap(tasks, summary);
            if glanced.elapsed() >= GLANCE {
                glanced = Instant::now();
                self.glance(&mut governor, clock.elapsed());
            }
            let room = if governor.is_open() { self.room() } else { 0 };
            let starts = self.starts();
            if swept.elapsed() > SWEEP {
                swept = Instant::now();
                self.sweep();
            }
            if room > 0 && starts == 0 {
                tokio::time::sleep(NEXT_START).await;
                continue;
            }
            if room == 0 || self.shared.was_full_within(PAUSE_WHEN_FULL) {
                tokio::select! {
                    () = tokio::time::sleep(GLANCE) => {}
                    () = self.shared.line.channel_freed() => {}
                    () = draining.cancelled() => break,
                }
                continue;
            }
            let pulled = tokio::select! {
                pulled = self.source.pull(room.min(starts).min(PULL_MOST), PULL_WAIT) => pulled,
                // Jobs that this pull may still bring come again when the server's patience ends.
                () = draining.cancelled() => break,
            };
            match pulled {
                Ok(deliveries) => {
                    for delivery in deliveries {
                        self.take(tasks, delivery);
                    }
                }
                Err(e) => {
                    warn!(error = %e, "no jobs could be pulled; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn take(&self, tasks: &mut JoinSet<Handled>, delivery: hark_bus::Delivery) {
        let shared = Arc::clone(&self.shared);
        let live = Live::new(&self.live);
        tasks.spawn(async move {
            let _live = live;
            handle(&shared, delivery).await
        });
    }

    /// How many more jobs may be taken now: a free channel for each.
    fn room(&self) -> usize {
        let most = usize::try_from(self.config.max_calls).unwrap_or(usize::MAX);
        let own = most.saturating_sub(self.live.load(Ordering::Acquire));
        let waiting = self.shared.unreserved.load(Ordering::Acquire);
        own.min(self.shared.line.free_channels().saturating_sub(waiting))
    }

    /// How many of them could start right away.
    fn starts(&self) -> usize {
        let waiting = self.shared.unreserved.load(Ordering::Acquire);
        self.shared.line.ready_starts(AHEAD).saturating_sub(waiting)
    }

    fn glance(&self, governor: &mut Governor, now: Duration) {
        let media = self.shared.line.media_health();
        let load = Load {
            ticks: media.ticks,
            late: media.late,
            ear_lag: self.shared.ears.lag(),
        };
        match governor.observe(now, &load) {
            Some(Change::Shut(why)) => warn!(why, "overloaded: no new calls are taken until it is calm"),
            Some(Change::Opened) => info!("calm again: new calls are taken"),
            None => {}
        }
    }

    fn sweep(&self) {
        let bus = self.shared.bus.clone();
        let known = self.shared.campaigns.ids();
        tokio::spawn(async move {
            match bus.sweep_unknown_campaigns(&known).await {
                Ok(0) => {}
                Ok(n) => warn!(jobs = n, "jobs of unknown campaigns went to the dead letters"),
                Err(e) => warn!(error = %e, "unknown campaigns could not be looked for"),
            }
        });
    }

    async fn drain(&self, tasks: &mut JoinSet<Handled>, summary: &mut Summary) {
        let deadline = Duration::from_secs(u64::from(self.config.drain_s));
        info!(
            live = tasks.len(),
            deadline_s = deadline.as_secs(),
            "draining: live calls go on, nothing new is taken"
        );
        let stop = self.shared.stop.clone();
        tokio::select! {
            () = join_all(tasks, summary) => return,
            () = stop.cancelled() => warn!(live = tasks.len(), "told to stop: hanging up"),
            () = tokio::time::sleep(deadline) => {
                warn!(live = tasks.len(), "the drain deadline has passed: hanging up");
                stop.cancel();
            }
        }
        if tokio::time::timeout(STOP_DEADLINE, join_all(tasks, summary))
            .await
            .is_err()
        {
            error!(
                live = tasks.len(),
                "calls left at the last deadline; their claims will be found as interrupted"
            );
        }
    }
}

fn served(config: &WorkerConfig, campaigns: &Campaigns) -> Result<Vec<CampaignId>, WorkerError> {
    if config.campaigns.is_empty() {
        return Ok(campaigns.ids());
    }
    match config.campaigns.iter().find(|c| campaigns.get(c).is_none()) {
        Some(missing) => Err(WorkerError::UnknownCampaign(missing.to_string())),
        None => Ok(config.campaigns.clone()),
    }
}

/// `host-pid`, with every character that is no id replaced.
fn default_id() -> WorkerId {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host: String = host
        .trim()
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let host = if host.is_empty() { "hark".to_owned() } else { host };
    WorkerId::new(format!("{host}-{}", std::process::id()))
        .expect("letters, digits and '-', at most 51 of them")
}

fn reap(tasks: &mut JoinSet<Handled>, summary: &mut Summary) {
    while let Some(done) = tasks.try_join_next() {
        count(done, summary);
    }
}

async fn join_all(tasks: &mut JoinSet<Handled>, summary: &mut Summary) {
    while let Some(done) = tasks.join_next().await {
        count(done, summary);
    }
}

fn count(done: Result<Handled, tokio::task::JoinError>, summary: &mut Summary) {
    match done {
        Ok(Handled::Result) => summary.results += 1,
        Ok(Handled::AlreadyDone) => summary.already_done += 1,
        Ok(Handled::DeadLetter) => summary.dead_letters += 1,
        Ok(Handled::GivenBack) => summary.given_back += 1,
        Err(e) => error!(error = %e, "an attempt's task failed; its claim will be found as interrupted"),
    }
}

struct Live(Arc<AtomicUsize>);

impl Live {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
