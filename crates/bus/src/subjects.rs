//! Every subject, stream, bucket and consumer name, made from validated ids alone. No function here takes a number,
//! so none can put one where it may not stand.

use hark_outcome::{Attempt, CampaignId, Priority, WorkerId};

/// The first token of every subject: a lower-case letter, then up to 31 lower-case letters, digits, `-`, `_`.
/// Lower case, because stream names are its upper case and two prefixes must not meet there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix(String);

impl Prefix {
    pub fn new(text: &str) -> Result<Self, String> {
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
        let fits = text.len() <= 32
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
        if starts && fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "{text:?} is no subject prefix; use a lower-case letter followed by up to 31 lower-case letters, digits, '-' or '_'"
            ))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a subject of the job stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobAddress {
    /// `None` when the token is no campaign id.
    pub campaign: Option<CampaignId>,
    /// `None` when the token is no priority.
    pub priority: Option<Priority>,
}

/// All names under one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names(Prefix);

impl Names {
    pub const fn new(prefix: Prefix) -> Self {
        Self(prefix)
    }

    pub fn prefix(&self) -> &str {
        self.0.as_str()
    }

    fn stream(&self, kind: &str) -> String {
        format!("{}_{kind}", self.prefix().to_ascii_uppercase())
    }

    pub fn job_stream(&self) -> String {
        self.stream("JOB")
    }

    pub fn result_stream(&self) -> String {
        self.stream("RESULT")
    }

    pub fn event_stream(&self) -> String {
        self.stream("EVENT")
    }

    pub fn dead_stream(&self) -> String {
        self.stream("DEAD")
    }

    /// Everything ever published as a job, well addressed or not: what the stream holds cannot be lost.
    pub fn every_job(&self) -> String {
        format!("{}.job.>", self.prefix())
    }

    pub fn job(&self, campaign: &CampaignId, priority: Priority) -> String {
        format!("{}.job.{campaign}.{priority}", self.prefix())
    }

    pub fn job_address(&self, subject: &str) -> JobAddress {
        let rest = subject
            .strip_prefix(self.prefix())
            .and_then(|s| s.strip_prefix(".job."));
        let tokens: Vec<&str> = rest.map(|r| r.split('.').collect()).unwrap_or_default();
        match tokens[..] {
            [campaign, priority] => JobAddress {
                campaign: CampaignId::new(campaign).ok(),
                priority: priority.parse().ok(),
            },
            [campaign, ..] => JobAddress {
                campaign: CampaignId::new(campaign).ok(),
                priority: None,
            },
            [] => JobAddress {
                campaign: None,
                priority: None,
            },
        }
    }

    pub fn every_result(&self) -> String {
        format!("{}.result.>", self.prefix())
    }

    pub fn result(&self, attempt: &Attempt) -> String {
        format!("{}.result.{}", self.prefix(), attempt.key())
    }

    pub fn every_event(&self) -> String {
        format!("{}.event.>", self.prefix())
    }

    pub fn event(&self, attempt: &Attempt) -> String {
        format!("{}.event.{}", self.prefix(), attempt.key())
    }

    pub fn every_dead(&self) -> String {
        format!("{}.dead.>", self.prefix())
    }

    pub fn dead(&self, address: &JobAddress) -> String {
        let campaign = address.campaign.as_ref().map_or("unknown", CampaignId::as_str);
        let priority = address.priority.map_or("unknown", Priority::as_str);
        format!("{}.dead.{campaign}.{priority}", self.prefix())
    }

    pub fn claims(&self) -> Bucket {
        Bucket(format!("{}_claims", self.prefix()))
    }

    pub fn campaigns(&self) -> Bucket {
        Bucket(format!("{}_campaigns", self.prefix()))
    }

    pub fn presence(&self) -> Bucket {
        Bucket(format!("{}_presence", self.prefix()))
    }

    /// The durable consumer of one campaign and priority. No priority holds '_', so no two pairs share a name.
    pub fn consumer(campaign: &CampaignId, priority: Priority) -> String {
        format!("{campaign}_{priority}")
    }
}

/// A key-value bucket, named as every NATS client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket(String);

impl Bucket {
    pub fn stream(&self) -> String {
        format!("KV_{}", self.0)
    }

    pub fn every_key(&self) -> String {
        format!("$KV.{}.>", self.0)
    }

    pub fn attempt(&self, attempt: &Attempt) -> String {
        format!("$KV.{}.{}", self.0, attempt.key())
    }

    pub fn campaign(&self, campaign: &CampaignId) -> String {
        format!("$KV.{}.{campaign}", self.0)
    }

    pub fn worker(&self, worker: &WorkerId) -> String {
        format!("$KV.{}.{worker}", self.0)
    }

    /// The key in a subject of this bucket.
    pub fn key<'a>(&self, subject: &'a str) -> Option<&'a str> {
        subject
            .strip_prefix("$KV.")?
            .strip_prefix(self.0.as_str())?
            .strip_prefix('.')
    }
}

#[cfg(test)]
mod tests {
    use hark_outcome::{DialJob, JobError, JobId, Number};
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        Names::new(Prefix::new("hark").expect("valid"))
    }

    #[test]
    fn subjects_are_as_documented() {
        let n = names();
        let campaign = CampaignId::new("spring").expect("valid");
        let attempt = Attempt::first(campaign.clone(), JobId::new("order-1").expect("valid"));
        assert_eq!(n.job(&campaign, Priority::High), "hark.job.spring.high");
        assert_eq!(n.result(&attempt), "hark.result.spring.order-1.1");
        assert_eq!(n.event(&attempt), "hark.event.spring.order-1.1");
        assert_eq!(n.claims().attempt(&attempt), "$KV.hark_claims.spring.order-1.1");
        assert_eq!(n.job_stream(), "HARK_JOB");
        assert_eq!(n.claims().stream(), "KV_hark_claims");
    }

    #[test]
    fn prefix_with_subject_syntax_or_capitals_is_refused() {
        for bad in ["", "a.b", "*", ">", "a b", "Hark", "1a", "号", &"a".repeat(33)] {
            assert!(Prefix::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_badly_addressed_job_is_addressed_to_the_unknown() {
        let n = names();
        let dead = |subject: &str| n.dead(&n.job_address(subject));
        assert_eq!(dead("hark.job.spring.high"), "hark.dead.spring.high");
        assert_eq!(dead("hark.job.spring.urgent"), "hark.dead.spring.unknown");
        assert_eq!(dead("hark.job.spring"), "hark.dead.spring.unknown");
        assert_eq!(dead("hark.job.+8613800138000.high"), "hark.dead.unknown.high");
        assert_eq!(dead("elsewhere"), "hark.dead.unknown.unknown");
    }

    #[test]
    fn no_two_queues_share_a_consumer_name() {
        let a = CampaignId::new("a").expect("valid");
        let a_high = CampaignId::new("a_high").expect("valid");
        assert_ne!(
            Names::consumer(&a, Priority::High),
            Names::consumer(&a_high, Priority::High)
        );
        assert_ne!(
            Names::consumer(&a_high, Priority::Low),
            Names::consumer(&a, Priority::Low)
        );
    }

    proptest! {
        #[test]
        fn subjects_never_contain_the_number(id in "[0-9A-Za-z_-]{1,40}", number in "\\+[1-9][0-9]{7,14}") {
            let campaign = CampaignId::default();
            let to = Number::parse(&number).expect("by pattern");
            let job = DialJob::new(JobId::new(id).expect("by pattern"), to.clone());
            // A job whose id carries its number never gets past the check every job goes through.
            if job.check(&campaign) != Err(JobError::NumberInId) {
                let attempt = Attempt::first(campaign.clone(), job.id.clone());
                let n = names();
                for subject in [
                    n.job(&campaign, Priority::Normal),
                    n.result(&attempt),
                    n.event(&attempt),
                    n.claims().attempt(&attempt),
                    n.dead(&n.job_address(&n.job(&campaign, Priority::Low))),
                ] {
                    prop_assert!(!subject.contains(to.digits()), "{}", subject);
                }
            }
        }

        #[test]
        fn an_address_comes_back_from_its_subject(campaign in "[A-Za-z0-9_-]{1,64}", p in 0usize..3) {
            let n = names();
            let campaign = CampaignId::new(campaign).expect("by pattern");
            let priority = Priority::ALL[p];
            let address = n.job_address(&n.job(&campaign, priority));
            prop_assert_eq!(address, JobAddress { campaign: Some(campaign), priority: Some(priority) });
        }
    }
}
