//! The point of no return: an attempt is dialled only by who claimed it, and a claim is for ever.

use async_nats::HeaderMap;
use bytes::Bytes;
use hark_outcome::{Attempt, CallId, Number, Timestamp, WorkerId};
use serde::{Deserialize, Serialize};

use crate::once::{Once, Write, write_once};
use crate::{Bus, BusError};

/// Who took an attempt, as it stands on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The worker's name.
    pub worker: WorkerId,
    /// Which run of that worker: a restarted worker keeps its name but not this.
    #[serde(default)]
    pub process: u64,
    /// Drawn for this claim alone; how a claim whose acknowledgement was lost is known again.
    pub nonce: u64,
    /// When, by the worker's clock.
    pub at: Timestamp,
    /// The Call-ID under which the INVITE goes out.
    pub call_id: CallId,
    /// Which number, as a keyed digest: tells whether a job id was used again for another number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_digest: Option<String>,
}

impl Claim {
    /// A claim on `attempt` by this run (`process`) of `worker`. After [`Claimed::Unknown`], the *same* claim may be
    /// tried again: if its write had landed, it is recognised.
    #[must_use]
    pub fn new(worker: WorkerId, process: u64, attempt: &Attempt, to: &Number, at: Timestamp) -> Self {
        let call_id = attempt.call_id();
        let to_digest = Some(digest(&call_id, to));
        Self {
            worker,
            process,
            nonce: rand::random(),
            at,
            call_id,
            to_digest,
        }
    }

    /// Whether the claim was made to dial `to`. A claim that does not say counts as one.
    #[must_use]
    pub fn is_for(&self, to: &Number) -> bool {
        self.to_digest
            .as_ref()
            .is_none_or(|d| *d == digest(&self.call_id, to))
    }
}

/// Short on purpose: enough to notice a different number, too little to look numbers up by it with certainty.
fn digest(call_id: &CallId, to: &Number) -> String {
    // FNV-1a, 32 bits, seeded with the attempt: stable across versions and machines, unlike std's hasher.
    let bytes = call_id.as_str().bytes().chain(to.digits().bytes());
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:08x}")
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Ours: dial.
    Ours,
    /// Somebody (perhaps an earlier run of this worker) took it before: do not dial.
    Theirs(Claim),
    /// Nobody can say now, for this reason: do not dial.
    Unknown(String),
}

impl Bus {
    /// Claims `attempt`. Of any number of contenders one gets [`Claimed::Ours`], and none ever after.
    pub async fn claim(&self, attempt: &Attempt, claim: &Claim) -> Claimed {
        let bucket = self.0.names.claims();
        let what = format!("the claim on {attempt}");
        let body = match serde_json::to_vec(claim) {
            Ok(body) => Bytes::from(body),
            Err(e) => return Claimed::Unknown(format!("{what} cannot be written as JSON: {e}")),
        };
        let write = Write {
            stream: &bucket.stream(),
            subject: &bucket.attempt(attempt),
            headers: HeaderMap::new(),
            body,
            what: &what,
        };
        let ours = |body: &[u8]| {
            read(body).is_ok_and(|c| {
                c.nonce == claim.nonce && c.process == claim.process && c.worker == claim.worker
            })
        };
        match write_once(&self.0.wire, write, self.0.wire.timeout * 2, |r| ours(&r.body)).await {
            Once::Ours => Claimed::Ours,
            Once::Theirs(there) => match read(&there.body) {
                Ok(theirs) => Claimed::Theirs(theirs),
                Err(e) => Claimed::Unknown(format!("{what} stands there but cannot be read: {e}")),
            },
            Once::Unknown(e) => Claimed::Unknown(e.to_string()),
        }
    }

    /// Who claimed `attempt`, for showing. `None` proves nothing: only [`Bus::claim`] decides.
    ///
    /// # Errors
    /// [`BusError`] when the bucket cannot be read, [`BusError::Unreadable`] when what stands there is no claim.
    pub async fn claim_of(&self, attempt: &Attempt) -> Result<Option<Claim>, BusError> {
        let bucket = self.0.names.claims();
        let subject = bucket.attempt(attempt);
        let what = format!("the claim on {attempt}");
        match self.0.wire.last(&bucket.stream(), &subject, &what).await? {
            None => Ok(None),
            Some(there) => read(&there.body).map(Some).map_err(|e| BusError::Unreadable {
                subject,
                why: e.to_string(),
            }),
        }
    }
}

fn read(body: &[u8]) -> Result<Claim, serde_json::Error> {
    serde_json::from_slice(body)
}

#[cfg(test)]
mod tests {
    use hark_outcome::{CampaignId, JobId};

    use super::*;

    fn claim(to: &str) -> Claim {
        let attempt = Attempt::first(CampaignId::default(), JobId::new("j").expect("valid"));
        let to = Number::parse(to).expect("valid");
        Claim::new(
            WorkerId::new("w").expect("valid"),
            7,
            &attempt,
            &to,
            crate::wire::now(),
        )
    }

    #[test]
    fn a_claim_knows_its_number_without_holding_it() {
        let c = claim("+8613800138000");
        assert!(c.is_for(&Number::parse("+8613800138000").expect("valid")));
        assert!(!c.is_for(&Number::parse("+8613800138001").expect("valid")));
        let json = serde_json::to_string(&c).expect("serialises");
        assert!(!json.contains("1380013"), "{json}");
    }

    #[test]
    fn a_claim_of_another_version_is_read() {
        let json = r#"{"worker":"w","nonce":1,"at":"2026-01-01T00:00:00Z","call_id":"c","later_field":[1]}"#;
        let c = read(json.as_bytes()).expect("additive");
        assert!(
            c.is_for(&Number::parse("+15551234").expect("valid")),
            "an old claim names no number"
        );
    }

    #[test]
    fn no_two_claims_share_a_nonce() {
        assert_ne!(claim("+15551234").nonce, claim("+15551234").nonce);
    }
}
