//! Jobs nobody would ever pull: of a campaign nobody registered, of a priority that does not exist, or on a subject of
//! another shape. They go to the dead letters, so that their producer can find them, and find out why.

use std::collections::BTreeSet;
use std::time::Duration;

use hark_outcome::{CampaignId, Priority};

use crate::dead::{Corpse, bury, remove};
use crate::jobs::subject_counts;
use crate::subjects::JobAddress;
use crate::wire::now;
use crate::{Bus, BusError};

/// How long a job may wait for its campaign to be registered: a producer may be a little ahead of the first worker.
const GRACE: Duration = Duration::from_secs(60);

/// Most jobs moved by one sweep; the next one goes on.
const MOST: u64 = 10_000;

impl Bus {
    /// Moves jobs that nobody would pull to the dead letters once they are a minute old. `known` are the campaigns of
    /// the caller; those registered by others are known, too. Returns how many were moved.
    ///
    /// # Errors
    /// [`BusError`] when it could not be finished; what was moved is moved, and nothing is lost.
    pub async fn sweep_unknown_campaigns(&self, known: &[CampaignId]) -> Result<u64, BusError> {
        self.sweep_unknown_campaigns_after(known, GRACE).await
    }

    /// The same with another grace than a minute.
    ///
    /// # Errors
    /// As [`Bus::sweep_unknown_campaigns`].
    pub async fn sweep_unknown_campaigns_after(
        &self,
        known: &[CampaignId],
        grace: Duration,
    ) -> Result<u64, BusError> {
        let names = &self.0.names;
        let every = names.every_job();
        // Looked at before the known campaigns are: one registered in between is known.
        let counts = subject_counts(
            &self.0.wire,
            &names.job_stream(),
            Some(&every),
            "the waiting jobs",
        )
        .await?;
        let mut all: BTreeSet<CampaignId> = known.iter().cloned().collect();
        all.extend(self.campaigns().await?);
        let mut moved = 0;
        for subject in counts.subjects.keys() {
            let address = names.job_address(subject);
            let well_addressed = address.priority.is_some() && names_a_queue(&names.every_job(), subject);
            if well_addressed && address.campaign.as_ref().is_some_and(|c| all.contains(c)) {
                continue;
            }
            let reason = reason(&address, &all);
            moved += self
                .sweep_subject(subject, &address, &reason, grace, MOST - moved)
                .await?;
            if moved >= MOST {
                break;
            }
        }
        Ok(moved)
    }

    async fn sweep_subject(
        &self,
        subject: &str,
        address: &JobAddress,
        reason: &str,
        grace: Duration,
        most: u64,
    ) -> Result<u64, BusError> {
        let wire = &self.0.wire;
        let stream = self.0.names.job_stream();
        let mut moved = 0;
        let mut from = 1;
        while moved < most {
            let Some(read) = wire.next(&stream, subject, from, "the waiting jobs").await? else {
                break;
            };
            if Duration::from(now().since(read.at)) < grace {
                break;
            }
            from = read.sequence + 1;
            bury(wire, &self.0.names, &Corpse::of(&read, address), reason).await?;
            remove(wire, &stream, read.sequence).await?;
            moved += 1;
        }
        Ok(moved)
    }
}

/// `<prefix>.job.<campaign>.<priority>`: as many tokens as a queue's subject has.
fn names_a_queue(every: &str, subject: &str) -> bool {
    subject.split('.').count() == every.split('.').count() + 1
}

fn reason(address: &JobAddress, known: &BTreeSet<CampaignId>) -> String {
    let list = || {
        known
            .iter()
            .map(CampaignId::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (&address.campaign, address.priority) {
        (Some(campaign), Some(_)) if !known.contains(campaign) => format!(
            "campaign {campaign} is not known; known are: {}; add [campaign.{campaign}] to a worker's configuration, or publish the job under a known campaign",
            if known.is_empty() {
                "none".to_owned()
            } else {
                list()
            }
        ),
        (Some(_), _) => format!(
            "the subject names no queue; publish jobs on <prefix>.job.<campaign>.<priority> with priority {}",
            Priority::ALL.map(Priority::as_str).join(", ")
        ),
        (None, _) => format!(
            "the subject's campaign is no campaign id (letters, digits, '-', '_'); known are: {}",
            list()
        ),
    }
}
