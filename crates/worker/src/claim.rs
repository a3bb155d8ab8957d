//! The point of no return: the attempt is claimed, or it is somebody else's and this is what to do with the job.

use std::time::Duration;

use hark_bus::{Claim, Claimed, Delivery};
use hark_outcome::{Attempt, Cause, DialJob, Timestamp};
use tracing::{info, warn};

use crate::account::without_call;
use crate::config::CampaignConfig;
use crate::recover::{Found, judge_claim};
use crate::settle::{Handled, acknowledge, bury, conclude, give_back};
use crate::shared::{Shared, now};

/// How often a claim in doubt is asked for.
const CLAIM_TRIES: u32 = 3;

/// `None` when the attempt is ours to dial; otherwise what became of the job.
pub(crate) async fn claim(
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
    let longest = campaign.longest_attempt(job);
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
