//! A dial job as a producer writes it: only `id` and `to` are needed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::SchemaVersion;
use crate::{CampaignId, JobId, Number, NumberError, Seconds, Timestamp, TrunkId};

/// One number to reach. `{"id": "…", "to": "…"}` is a whole job; everything else has defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DialJob {
    /// The version of these words; see [`crate::SCHEMA_VERSION`].
    #[serde(default)]
    pub schema: SchemaVersion,
    /// The producer's name for the job. Unique in its campaign, for ever: the same id is the same job.
    /// It stands in subjects, so it must not be, or contain, the number.
    pub id: JobId,
    /// Whom to call.
    pub to: Number,
    /// The campaign. Default: the one in the subject; if both are given they must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// Where the record came from (a list, a CRM), for reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The callee's consent, as evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// What to say to a person. Default: the campaign's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
    /// Not to be dialled before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Not to be dialled from this instant on; ends as `refused/expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Which caller ID to show. Default: the trunk's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_id: Option<CallerIdChoice>,
    /// Which trunk to use. Default: the campaign's, then any that may dial the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<TrunkId>,
    /// How long to let it ring. Default: the campaign's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_timeout_s: Option<Seconds>,
    /// Short texts for reports, copied to the result.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Anything of the customer's own, copied to the result untouched.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub customer: serde_json::Map<String, serde_json::Value>,
}

/// Consent of the callee, kept as evidence and never judged here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Consent {
    /// When it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_at: Option<Timestamp>,
    /// How: a form, a recording, a contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// Where the proof is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// What to say when a person answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Script {
    /// A WAV file's name inside the worker's sound folder. Default: nothing is played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub play: Option<String>,
}

/// Which caller ID a job wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CallerIdChoice {
    /// This one; the trunk must own it.
    Number(Number),
}

/// Why bytes are no job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// Not JSON, or not of a job's shape.
    #[error(
        "the job is no valid JSON job: {0}; the least job is {{\"id\": \"order-1\", \"to\": \"+8613800138000\"}}"
    )]
    Json(String),
    /// Written by a version this one cannot read.
    #[error("the job is of schema {found}, this worker reads up to {known}; upgrade the worker")]
    Schema {
        /// What it says.
        found: u32,
        /// What we know.
        known: u32,
    },
    /// Subject and body disagree.
    #[error(
        "the job says campaign {body}, its subject says {subject}; publish it under its own campaign or leave the field out"
    )]
    Campaign {
        /// In the body.
        body: CampaignId,
        /// In the subject.
        subject: CampaignId,
    },
    /// The id would put a person's number into subjects and logs.
    #[error(
        "the job's id contains the number to dial; ids stand in subjects and logs, choose one that is no number"
    )]
    NumberInId,
    /// `not_before` is not before `expires_at`.
    #[error("the job expires at {expires_at}, before it may be dialled at {not_before}")]
    Window {
        /// The earliest instant.
        not_before: Timestamp,
        /// The end.
        expires_at: Timestamp,
    },
    /// The number is malformed.
    #[error("the job's field \"to\" is no number: {0}")]
    Number(#[from] NumberError),
}

/// Hides runs of digits that may be a person's number: this text goes into logs and headers.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() >= 6 { "***" } else { &run });
        run.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

impl DialJob {
    /// The least job.
    #[must_use]
    pub fn new(id: JobId, to: Number) -> Self {
        Self {
            schema: SchemaVersion::default(),
            id,
            to,
            campaign: None,
            source: None,
            consent: None,
            script: None,
            not_before: None,
            expires_at: None,
            caller_id: None,
            trunk: None,
            ring_timeout_s: None,
            labels: BTreeMap::new(),
            customer: serde_json::Map::new(),
        }
    }

    /// Parses the body of a job that came on `campaign`'s subject.
    ///
    /// # Errors
    /// [`JobError`] says what is wrong and how to mend it. The text never repeats the number.
    pub fn decode(bytes: &[u8], campaign: &CampaignId) -> Result<Self, JobError> {
        let job: Self =
            serde_json::from_slice(bytes).map_err(|e| JobError::Json(without_numbers(&e.to_string())))?;
        job.check(campaign)?;
        Ok(job)
    }

    /// What holds for every job, however it was made.
    ///
    /// # Errors
    /// The first [`JobError`] found.
    pub fn check(&self, campaign: &CampaignId) -> Result<(), JobError> {
        self.schema
            .check()
            .map_err(|(found, known)| JobError::Schema { found, known })?;
        if let Some(body) = self.campaign.as_ref().filter(|c| *c != campaign) {
            return Err(JobError::Campaign {
                body: body.clone(),
                subject: campaign.clone(),
            });
        }
        if self.to.is_in(self.id.as_str()) {
            return Err(JobError::NumberInId);
        }
        match (self.not_before, self.expires_at) {
            (Some(not_before), Some(expires_at)) if expires_at <= not_before => Err(JobError::Window {
                not_before,
                expires_at,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(text: &str) -> Result<DialJob, JobError> {
        DialJob::decode(text.as_bytes(), &CampaignId::default())
    }

    #[test]
    fn id_and_number_are_a_whole_job() {
        let job = decode(r#"{"id":"a1","to":"+86 138 0013 8000"}"#).expect("the least job");
        assert_eq!(job.to.to_string(), "+8613800138000");
        assert!(job.labels.is_empty() && job.customer.is_empty());
    }

    #[test]
    fn unknown_fields_are_ignored_and_customer_fields_come_back_untouched() {
        let job = decode(r#"{"id":"a","to":"+1555","colour":"red","customer":{"deep":{"n":[1,2.5,null]}}}"#)
            .expect("tolerant");
        assert_eq!(job.customer["deep"], serde_json::json!({"n": [1, 2.5, null]}));
    }

    #[test]
    fn id_that_carries_the_number_is_refused_without_repeating_it() {
        let err =
            decode(r#"{"id":"x-13800138000","to":"+8613800138000"}"#).expect_err("a number in a subject");
        assert_eq!(err, JobError::NumberInId);
        assert!(!err.to_string().contains("138001"), "{err}");
    }

    #[test]
    fn number_written_as_an_integer_is_refused_without_repeating_it() {
        let err = decode(r#"{"id":"a","to":13912345678}"#)
            .expect_err("must be text")
            .to_string();
        assert!(!err.contains("139123") && err.contains("line 1"), "{err}");
        let err = decode(r#"{"id":"+8613912345678","to":"+1555"}"#)
            .expect_err("no id")
            .to_string();
        assert!(!err.contains("139123"), "{err}");
    }

    #[test]
    fn a_newer_schema_is_refused_with_what_to_do() {
        let err = decode(r#"{"schema":99,"id":"a","to":"+1555"}"#)
            .expect_err("from the future")
            .to_string();
        assert!(err.contains("99") && err.contains("upgrade"), "{err}");
    }

    #[test]
    fn subject_and_body_must_agree_on_the_campaign() {
        assert!(matches!(
            decode(r#"{"id":"a","to":"+1555","campaign":"other"}"#),
            Err(JobError::Campaign { .. })
        ));
    }

    #[test]
    fn window_that_never_opens_is_refused() {
        let text = r#"{"id":"a","to":"+1555","not_before":"2026-01-02T00:00:00Z","expires_at":"2026-01-01T00:00:00Z"}"#;
        assert!(matches!(decode(text), Err(JobError::Window { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_decode_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = DialJob::decode(&bytes, &CampaignId::default());
        }

        #[test]
        fn a_job_round_trips(id in "[A-Za-z0-9_-]{1,64}", to in "\\+[1-9][0-9]{7,14}", label in ".{0,20}") {
            let mut job = DialJob::new(JobId::new(id).expect("by pattern"), Number::parse(&to).expect("by pattern"));
            job.labels.insert("k".into(), label);
            if job.check(&CampaignId::default()).is_ok() {
                let bytes = serde_json::to_vec(&job).expect("serialises");
                prop_assert_eq!(DialJob::decode(&bytes, &CampaignId::default()), Ok(job));
            }
        }
    }
}
