//! One job from delivery to acknowledgement.
//!
//! Order, and why a crash between any two steps rings nobody twice:
//! decode → gate → route → channel → pace → *claim* (the point of no return) → dial → result → acknowledge.
//! Before the claim no INVITE has left: the job is simply delivered again. After it the next worker finds the claim and
//! never dials. A claim whose write is in doubt counts as somebody else's: we do not dial.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hark_bus::{Bus, BusError, Claim, Claimed, Delivery, Written};
use hark_ear::{EarConfig, UnknownPlan};
use hark_line::{Barred, Full, Line, Reservation, Route};
use hark_outcome::{
    Attempt, CallEvent, CallResult, CallerIdChoice, Cause, DialJob, EventKind, SchemaVersion, Timestamp,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::account::{Author, shorten, without_call};
use crate::conduct::Plan;
use crate::config::{CampaignConfig, Campaigns};
use crate::ears::Ears;
use crate::gate::{Gate, gate};
use crate::live::LiveAttempts;
use crate::place::{Order, Witness, place};
use crate::recover::{Found, Whose, judge_claim};
use crate::sounds::Sounds;
use crate::tones::ear_for;

/// How long to wait for a calls-per-second slot before giving the job back.
const PACE_DEADLINE: Duration = Duration::from_secs(10);

/// When to look again at a job whose trunks are full, and at one whose trunks have used up their day.
const SOON: Duration = Duration::from_secs(1);
const TOMORROW: Duration = Duration::from_secs(300);

/// How often a claim in doubt is asked for.
const CLAIM_TRIES: u32 = 3;

/// The largest job taken. Its result carries the customer's fields and the evidence, and NATS takes 1 MiB by default.
const LARGEST_JOB: usize = 512 * 1024;

/// What all attempts of one worker share.
pub(crate) struct Shared {
    pub bus: Bus,
    pub line: Line,
    pub ears: Ears,
    pub sounds: Sounds,
    pub campaigns: Campaigns,
    pub author: Author,
    /// Distinguishes this process from an earlier one of the same name.
    pub process: u64,
    /// Attempts on the line, or with a result still to publish.
    pub live: LiveAttempts,
    /// How often a delivery is confirmed to be in progress.
    pub heartbeat: Duration,
    /// When a job last found its trunks full, though some other trunk had room.
    pub full_at: Mutex<Option<Instant>>,
    /// Jobs taken that hold no channel yet.
    pub unreserved: AtomicUsize,
    /// Set when no new INVITE may leave.
    pub draining: CancellationToken,
    /// Set when live calls must end.
    pub stop: CancellationToken,
}

impl Shared {
    /// Whether a job found its trunks full within the last `span`.
    pub(crate) fn was_full_within(&self, span: Duration) -> bool {
        self.full_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|at| at.elapsed() < span)
    }

    fn full(&self, full: &Full) -> Stop {
        *self.full_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let wait = if matches!(full, Full::DailyCeiling { .. }) {
            TOMORROW
        } else {
            SOON
        };
        Stop::Later(wait, full.to_string())
    }

    fn whose(&self, attempt: &Attempt, claim: &Claim) -> Whose {
        if claim.worker != self.author.worker {
            Whose::Another
        } else if claim.process == self.process && self.live.has(attempt) {
            Whose::Ours
        } else {
            Whose::Nobody
        }
    }
}

/// How a job left the worker's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handled {
    /// A result is published.
    Result,
    /// It was done before.
    AlreadyDone,
    /// It is in the dead letters.
    DeadLetter,
    /// It went back to the queue.
    GivenBack,
}

/// Why a job goes no further now.
enum Stop {
    Later(Duration, String),
    Dead(String),
    Refuse(Cause, String),
}

/// Takes one delivery through.
pub(crate) async fn handle(shared: &Arc<Shared>, delivery: Delivery) -> Handled {
    let unreserved = Counted::new(shared);
    let taken_at = now();
    let job = match &delivery.job {
        Ok(job) => job.clone(),
        Err(e) => return bury(&delivery, &e.to_string()).await,
    };
    let attempt = Attempt::first(delivery.campaign.clone(), job.id.clone());
    let prepared = with_heartbeat(
        shared,
        &delivery,
        prepare(shared, &delivery, &job, taken_at, unreserved),
    )
    .await;
    match prepared {
        Ok(ready) => dial(shared, &delivery, attempt, &job, taken_at, ready).await,
        Err(Stop::Later(wait, why)) => {
            info!(%attempt, wait_s = wait.as_secs_f64(), why, "job given back");
            give_back(&delivery, wait).await
        }
        Err(Stop::Dead(why)) => bury(&delivery, &why).await,
        Err(Stop::Refuse(cause, why)) => {
            refuse(shared, &delivery, attempt, &job, taken_at, (cause, why)).await
        }
    }
}

/// A channel, and what to do with it.
struct Ready {
    reservation: Reservation,
    campaign: CampaignConfig,
    sound: Option<Arc<[i16]>>,
    ear: EarConfig,
}

/// Everything that can be known before the point of no return.
async fn prepare(
    shared: &Shared,
    delivery: &Delivery,
    job: &DialJob,
    taken_at: Timestamp,
    unreserved: Counted,
) -> Result<Ready, Stop> {
    if delivery.body().len() > LARGEST_JOB {
        let (size, most) = (delivery.body().len(), LARGEST_JOB);
        return Err(Stop::Dead(format!(
            "the job is {size} bytes long, at most {most} are taken; shorten its customer fields"
        )));
    }
    let Some(campaign) = shared.campaigns.get(&delivery.campaign) else {
        let known: Vec<_> = shared.campaigns.ids().iter().map(ToString::to_string).collect();
        return Err(Stop::Dead(format!(
            "campaign {} is not configured on this worker; add [campaign.{}] to its file (it knows {})",
            delivery.campaign,
            delivery.campaign,
            known.join(", ")
        )));
    };
    match gate(job, taken_at) {
        Gate::Dial => {}
        Gate::Later(wait) => return Err(Stop::Later(wait, "its time has not come".to_owned())),
        Gate::Refuse(cause, why) => return Err(Stop::Refuse(cause, why)),
    }
    let script = job
        .script
        .as_ref()
        .and_then(|s| s.play.as_ref())
        .or(campaign.play.as_ref());
    let sound = match script {
        Some(name) => Some(shared.sounds.load(name).map_err(|e| Stop::Dead(e.to_string()))?),
        None => None,
    };
    let route = route(&shared.line, job, campaign)?;
    let reservation = shared.line.reserve(&route).map_err(|full| shared.full(&full))?;
    drop(unreserved);
    let ear = ear(campaign, &reservation).map_err(|e| Stop::Dead(e.to_string()))?;
    tokio::select! {
        paced = shared.line.pace(&reservation, PACE_DEADLINE) =>
            paced.map_err(|full| Stop::Later(Duration::from_millis(200), full.to_string()))?,
        () = shared.draining.cancelled() => {
            return Err(Stop::Later(Duration::ZERO, "the worker is draining".to_owned()));
        }
    }
    Ok(Ready {
        reservation,
        campaign: campaign.clone(),
        sound,
        ear,
    })
}

fn route(line: &Line, job: &DialJob, campaign: &CampaignConfig) -> Result<Route, Stop> {
    let asked = job.trunk.as_ref().map(std::slice::from_ref);
    let wanted = asked.unwrap_or(&campaign.trunks);
    line.route(&job.to, wanted, caller_id(job, campaign))
        .map_err(|barred| {
            let why = barred.to_string();
            match barred {
                Barred::UnknownTrunk { .. } | Barred::CallerId { .. } | Barred::NoTrunk => Stop::Dead(why),
                _ => Stop::Refuse(Cause::BadNumber, why),
            }
        })
}

fn ear(campaign: &CampaignConfig, reservation: &Reservation) -> Result<EarConfig, UnknownPlan> {
    if campaign.tone_plans.is_empty() {
        let of_trunk: Vec<String> = reservation
            .tone_plan()
            .map(ToOwned::to_owned)
            .into_iter()
            .collect();
        return ear_for(&of_trunk);
    }
    ear_for(&campaign.tone_plans)
}

fn caller_id<'a>(job: &'a DialJob, campaign: &'a CampaignConfig) -> Option<&'a hark_outcome::Number> {
    match &job.caller_id {
        Some(CallerIdChoice::Number(number)) => Some(number),
        None => campaign.caller_id.as_ref(),
    }
}

/// Claim, dial, publish, acknowledge.
async fn dial(
    shared: &Arc<Shared>,
    delivery: &Delivery,
    attempt: Attempt,
    job: &DialJob,
    taken_at: Timestamp,
    ready: Ready,
) -> Handled {
    // The server must know that the job is still ours before the point of no return.
    if let Err(e) = delivery.in_progress().await {
        warn!(%attempt, error = %e, "job not dialled: its delivery could not be confirmed");
        return Handled::GivenBack;
    }
    if shared.draining.is_cancelled() {
        return give_back(delivery, Duration::ZERO).await;
    }
    if let Some(handled) = claim(shared, delivery, &attempt, job, taken_at, &ready.campaign).await {
        return handled;
    }
    let _live = shared.live.enter(&attempt);
    // Waiting for a slot and for NATS took time, and the attempt is ours now: what may not be dialled any more gets its
    // result here.
    if let Gate::Refuse(cause, why) = gate(job, now()) {
        let result = without_call(
            attempt,
            job,
            &shared.author,
            (taken_at, now()),
            cause,
            ("gate", why),
        );
        return conclude(shared, delivery, &result).await;
    }
    if shared.stop.is_cancelled() {
        let why = "the worker was told to stop before the INVITE left".to_owned();
        let result = without_call(
            attempt,
            job,
            &shared.author,
            (taken_at, now()),
            Cause::WorkerLost,
            ("shutdown", why),
        );
        return conclude(shared, delivery, &result).await;
    }
    let order = Order {
        attempt: attempt.clone(),
        job,
        taken_at,
        caller_id: caller_id(job, &ready.campaign).cloned(),
        ring_timeout: ring_timeout(job, &ready.campaign),
        max_duration: Duration::from_secs(u64::from(ready.campaign.max_call_s)),
        plan: Plan {
            end_early: ready.campaign.end_early,
            listen: Duration::from_secs_f64(ready.campaign.listen_s),
            script: ready.sound.is_some(),
        },
        sound: ready.sound,
        ear: ready.ear,
        reservation: ready.reservation,
    };
    let mut witness = BusWitness {
        shared: Arc::clone(shared),
        attempt: attempt.clone(),
    };
    let call = place(
        &shared.line,
        &shared.ears,
        &shared.author,
        order,
        &mut witness,
        &shared.stop,
    );
    let result = with_heartbeat(shared, delivery, call).await;
    conclude(shared, delivery, &result).await
}

fn ring_timeout(job: &DialJob, campaign: &CampaignConfig) -> Duration {
    let of_campaign = Duration::from_secs(u64::from(campaign.ring_timeout_s));
    let asked = job.ring_timeout_s.map_or(of_campaign, Into::into);
    asked.clamp(Duration::from_secs(1), Duration::from_secs(600))
}

/// The longest this attempt can hold its job: ringing, talking, and a margin for set-up and hanging up.
fn longest_attempt(job: &DialJob, campaign: &CampaignConfig) -> Duration {
    ring_timeout(job, campaign) + Duration::from_secs(u64::from(campaign.max_call_s) + 60)
}

/// `None` when the attempt is ours to dial; otherwise what became of the job.
async fn claim(
    shared: &Shared,
    delivery: &Delivery,
    attempt: &Attempt,
    job: &DialJob,
    taken_at: Timestamp,
    campaign: &CampaignConfig,
) -> Option<Handled> {
    let claim = Claim::new(
        shared.author.worker.clone(),
        shared.process,
        attempt,
        &job.to,
        now(),
    );
    match insist(shared, delivery, attempt, &claim).await {
        Claimed::Ours => None,
        Claimed::Unknown(why) => {
            warn!(%attempt, why, "job not dialled: whether the claim was written is unknown");
            Some(give_back(delivery, Duration::from_secs(5)).await)
        }
        Claimed::Theirs(theirs) => {
            Some(after_theirs(shared, delivery, attempt, job, taken_at, campaign, theirs).await)
        }
    }
}

/// Claims. A write whose fate is unknown is tried again with the same nonce: if it had landed, it is ours.
async fn insist(shared: &Shared, delivery: &Delivery, attempt: &Attempt, claim: &Claim) -> Claimed {
    for _ in 1..CLAIM_TRIES {
        match shared.bus.claim(attempt, claim).await {
            Claimed::Unknown(why) => warn!(%attempt, why, "claim in doubt; asking again"),
            settled => return settled,
        }
        if let Err(e) = delivery.in_progress().await {
            warn!(%attempt, error = %e, "heartbeat not confirmed");
        }
    }
    shared.bus.claim(attempt, claim).await
}

async fn after_theirs(
    shared: &Shared,
    delivery: &Delivery,
    attempt: &Attempt,
    job: &DialJob,
    taken_at: Timestamp,
    campaign: &CampaignConfig,
    theirs: Claim,
) -> Handled {
    if !theirs.is_for(&job.to) {
        let why = format!(
            "job {} of campaign {} was dialled before with another number; a job id names one number for ever, use a new id",
            attempt.job, attempt.campaign
        );
        return bury(delivery, &why).await;
    }
    let whose = shared.whose(attempt, &theirs);
    let longest = longest_attempt(job, campaign);
    let found = judge_claim(&shared.bus, attempt, &theirs, whose, longest, now()).await;
    match found {
        Found::Done => {
            info!(%attempt, "job has its result already; not dialled again");
            acknowledge(delivery).await;
            Handled::AlreadyDone
        }
        Found::Alive(wait) => give_back(delivery, wait).await,
        Found::Lost => {
            warn!(%attempt, worker = %theirs.worker, "a worker was lost during this attempt; not dialled again");
            let because = format!(
                "worker {} claimed the attempt at {} and left no result; whether the phone rang is unknown",
                theirs.worker, theirs.at
            );
            let result = without_call(
                attempt.clone(),
                job,
                &shared.author,
                (taken_at, now()),
                Cause::WorkerLost,
                ("claim_without_result", because),
            );
            conclude(shared, delivery, &result).await
        }
    }
}

/// Refuses a job with a result. The attempt is claimed first, so that it can never be dialled later under this name.
async fn refuse(
    shared: &Arc<Shared>,
    delivery: &Delivery,
    attempt: Attempt,
    job: &DialJob,
    taken_at: Timestamp,
    (cause, why): (Cause, String),
) -> Handled {
    let campaign = shared
        .campaigns
        .get(&delivery.campaign)
        .cloned()
        .unwrap_or_default();
    if let Some(handled) = claim(shared, delivery, &attempt, job, taken_at, &campaign).await {
        return handled;
    }
    info!(%attempt, %cause, why, "job refused");
    let result = without_call(
        attempt,
        job,
        &shared.author,
        (taken_at, now()),
        cause,
        ("gate", why),
    );
    conclude(shared, delivery, &result).await
}

/// Publishes the result, however long NATS is away, then acknowledges the job. A result that NATS finds too large goes
/// out without its evidence, and if need be without the customer's fields: how the call ended is never lost.
async fn conclude(shared: &Shared, delivery: &Delivery, result: &CallResult) -> Handled {
    let mut wait = Duration::from_millis(200);
    let mut result = Cow::Borrowed(result);
    loop {
        match shared.bus.publish_result(&result).await {
            Ok(written) => {
                info!(attempt = %result.attempt, disposition = %result.disposition, cause = %result.cause, ?written, "result");
                if written == Written::AlreadyThere {
                    correct(shared, result.into_owned());
                }
                break;
            }
            Err(e) => {
                warn!(attempt = %result.attempt, error = %e, "result not published yet; trying again");
                if matches!(e, BusError::TooLarge { .. }) && shorten(result.to_mut()) {
                    continue;
                }
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(5));
    }
    acknowledge(delivery).await;
    Handled::Result
}

/// Somebody else's result stands for this attempt, written while we could not reach NATS. Ours is the late truth of a call
/// we made; it goes out as an event, for a result is never replaced.
fn correct(shared: &Shared, result: CallResult) {
    if result.timing.invited_at.is_none() {
        return;
    }
    warn!(attempt = %result.attempt, disposition = %result.disposition, "another result stands; ours goes out as a correction");
    shared.bus.event(CallEvent {
        schema: SchemaVersion::default(),
        attempt: result.attempt.clone(),
        at: now(),
        worker: shared.author.worker.clone(),
        kind: EventKind::Corrected {
            result: Box::new(result),
        },
    });
}

/// Keeps the delivery ours while `call` runs. A lost heartbeat only means that another worker will find our claim.
async fn with_heartbeat<T>(shared: &Shared, delivery: &Delivery, call: impl Future<Output = T>) -> T {
    tokio::pin!(call);
    loop {
        tokio::select! {
            done = &mut call => return done,
            () = tokio::time::sleep(shared.heartbeat) => {
                tokio::select! {
                    done = &mut call => return done,
                    beat = delivery.in_progress() => if let Err(e) = beat {
                        warn!(error = %e, "heartbeat not confirmed");
                    },
                }
            }
        }
    }
}

async fn acknowledge(delivery: &Delivery) {
    if let Err(e) = delivery.done().await {
        // The job comes again, is found done, and is acknowledged then.
        warn!(error = %e, "job not acknowledged; it will be found done when it comes again");
    }
}

async fn give_back(delivery: &Delivery, wait: Duration) -> Handled {
    if let Err(e) = delivery.retry_after(wait).await {
        warn!(error = %e, "job not given back; the server will redeliver it by itself");
    }
    Handled::GivenBack
}

async fn bury(delivery: &Delivery, why: &str) -> Handled {
    warn!(campaign = %delivery.campaign, why, "job to the dead letters");
    match delivery.dead_letter(why).await {
        Ok(()) => Handled::DeadLetter,
        Err(e) => {
            warn!(error = %e, "dead letter not written; the job stays in the queue");
            Handled::GivenBack
        }
    }
}

/// Counts a job as holding no channel, until dropped.
struct Counted(Arc<Shared>);

impl Counted {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.unreserved.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(shared))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.unreserved.fetch_sub(1, Ordering::AcqRel);
    }
}

struct BusWitness {
    shared: Arc<Shared>,
    attempt: Attempt,
}

impl Witness for BusWitness {
    fn saw(&mut self, kind: EventKind) {
        self.shared.bus.event(CallEvent {
            schema: SchemaVersion::default(),
            attempt: self.attempt.clone(),
            at: now(),
            worker: self.shared.author.worker.clone(),
            kind,
        });
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from(jiff::Timestamp::now())
}
