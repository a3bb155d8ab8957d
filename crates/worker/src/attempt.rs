//! One job from delivery to acknowledgement.
//!
//! Order, and why a crash between any two steps rings nobody twice:
//! decode → gate → route → channel → pace → *claim* (the point of no return) → dial → result → acknowledge.
//! Before the claim no INVITE has left: the job is simply delivered again. After it the next worker finds the claim and
//! never dials. A claim whose write is in doubt counts as somebody else's: we do not dial.

use std::sync::Arc;
use std::time::Duration;

use hark_bus::Delivery;
use hark_ear::{EarConfig, UnknownPlan};
use hark_line::{Barred, Full, Line, Reservation, Route};
use hark_outcome::{Attempt, CallerIdChoice, Cause, DialJob, Timestamp};
use tracing::{info, warn};

use crate::account::without_call;
use crate::claim::claim;
use crate::conduct::Plan;
use crate::config::CampaignConfig;
use crate::gate::{Gate, gate};
use crate::place::{Order, place};
use crate::settle::{Handled, bury, conclude, give_back};
use crate::shared::{BusWitness, Counted, Shared, now};
use crate::tones::ear_for;

/// How long to wait for a calls-per-second slot before giving the job back.
const PACE_DEADLINE: Duration = Duration::from_secs(10);

/// When to look again at a job whose trunks are full, and at one whose trunks have used up their day.
const SOON: Duration = Duration::from_secs(1);
const TOMORROW: Duration = Duration::from_secs(300);

/// The largest job taken. Its result carries the customer's fields and the evidence, and NATS takes 1 MiB by default.
const LARGEST_JOB: usize = 512 * 1024;

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
    let reservation = shared
        .line
        .reserve(&route)
        .map_err(|full| full_for_now(shared, &full))?;
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

fn full_for_now(shared: &Shared, full: &Full) -> Stop {
    shared.found_full();
    let wait = if matches!(full, Full::DailyCeiling { .. }) {
        TOMORROW
    } else {
        SOON
    };
    Stop::Later(wait, full.to_string())
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
        ring_timeout: ready.campaign.ring_timeout(job),
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
