//! One try at one job, named so that the same try always has the same name.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{CampaignId, JobId};

/// Which try at a job this is, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AttemptNo(std::num::NonZeroU32);

impl AttemptNo {
    /// The first try.
    pub const FIRST: Self = Self(std::num::NonZeroU32::MIN);

    /// From a count; `None` for 0.
    #[must_use]
    pub const fn new(no: u32) -> Option<Self> {
        match std::num::NonZeroU32::new(no) {
            Some(no) => Some(Self(no)),
            None => None,
        }
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for AttemptNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of one attempt: campaign, job and number. Derived, never drawn: the same job published again names
/// the same attempt, which is what keeps it from being dialled again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The campaign.
    pub campaign: CampaignId,
    /// The job.
    pub job: JobId,
    /// Which try at it.
    pub no: AttemptNo,
}

impl Attempt {
    /// The first attempt of a job.
    #[must_use]
    pub const fn first(campaign: CampaignId, job: JobId) -> Self {
        Self {
            campaign,
            job,
            no: AttemptNo::FIRST,
        }
    }

    /// `campaign.job.no`: three subject tokens, also the key of the claim.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}.{}.{}", self.campaign, self.job, self.no)
    }

    /// The SIP Call-ID's left side, the same for every retransmission and every re-INVITE with credentials.
    /// A digest, so that a carrier learns no customer's id.
    #[must_use]
    pub fn call_id(&self) -> CallId {
        let digest = Sha256::digest(self.key().as_bytes());
        CallId(digest.iter().take(16).map(|b| format!("{b:02x}")).collect())
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.campaign, self.job, self.no)
    }
}

/// The left side of a SIP Call-ID: 32 lower-case hex digits when derived from an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(String);

impl CallId {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for CallId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CallId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_job_always_names_the_same_attempt_and_call() {
        let a = Attempt::first(CampaignId::default(), JobId::new("j1").expect("valid"));
        let b = Attempt::first(CampaignId::default(), JobId::new("j1").expect("valid"));
        assert_eq!(a.call_id(), b.call_id());
        assert_eq!(a.key(), "default.j1.1");
        let c = Attempt {
            no: AttemptNo::new(2).expect("not 0"),
            ..a.clone()
        };
        assert_ne!(a.call_id(), c.call_id());
    }
}
