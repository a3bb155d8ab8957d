//! What a worker is told: who it is, which campaigns it serves, and how each of them behaves.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use hark_outcome::{CampaignId, DialJob, Number, TrunkId, WorkerId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[worker]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerConfig {
    /// The worker's name in claims, results and presence. Default: host name and process id.
    pub id: Option<WorkerId>,
    /// Campaigns to serve. Default: every `[campaign.…]` of the file, and `default`.
    pub campaigns: Vec<CampaignId>,
    /// Most calls at once, over all trunks.
    pub max_calls: u32,
    /// The folder in which scripts' WAV files are looked for.
    pub sounds: PathBuf,
    /// Seconds that live calls may still take after SIGTERM.
    pub drain_s: u32,
    /// Threads that listen. 0: one per two cores, at least one.
    pub ear_threads: usize,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            id: None,
            campaigns: Vec::new(),
            max_calls: 200,
            sounds: PathBuf::from("sounds"),
            drain_s: 300,
            ear_threads: 0,
        }
    }
}

/// `[campaign.NAME]`: how its calls are placed and handled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CampaignConfig {
    /// Seconds from INVITE to answer, then CANCEL.
    pub ring_timeout_s: u32,
    /// Seconds from answer to BYE, whatever happens.
    pub max_call_s: u32,
    /// Seconds after the answer in which the ear may make up its mind. Then whoever is there is treated as a person.
    pub listen_s: f64,
    /// Trunks to use, in this order. Default: every trunk that may dial the number.
    pub trunks: Vec<TrunkId>,
    /// The caller ID to show. Default: the trunk's first.
    pub caller_id: Option<Number>,
    /// A WAV file in the sound folder to play to a person. Default: nothing is played, the call ends with the verdict.
    pub play: Option<String>,
    /// Whether a certain verdict (a busy tone, a machine's beep) may end the call.
    pub end_early: bool,
    /// Tone plans to listen for, by name. Default: the trunk's, else every plan known.
    pub tone_plans: Vec<String>,
}

impl Default for CampaignConfig {
    fn default() -> Self {
        Self {
            ring_timeout_s: 45,
            max_call_s: 120,
            listen_s: 8.0,
            trunks: Vec::new(),
            caller_id: None,
            play: None,
            end_early: true,
            tone_plans: Vec::new(),
        }
    }
}

impl CampaignConfig {
    /// How long this job may ring.
    #[must_use]
    pub fn ring_timeout(&self, job: &DialJob) -> Duration {
        let own = Duration::from_secs(u64::from(self.ring_timeout_s));
        let asked = job.ring_timeout_s.map_or(own, Into::into);
        asked.clamp(Duration::from_secs(1), Duration::from_secs(600))
    }

    /// The longest an attempt at this job can take: ringing, talking, and a margin for set-up and hanging up.
    #[must_use]
    pub fn longest_attempt(&self, job: &DialJob) -> Duration {
        self.ring_timeout(job) + Duration::from_secs(u64::from(self.max_call_s) + 60)
    }

    /// What is wrong with it, if anything: (key, why).
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, String)> {
        if self.ring_timeout_s == 0 || self.ring_timeout_s > 600 {
            return Some((
                "ring_timeout_s",
                format!("is {}; use 1 to 600 seconds", self.ring_timeout_s),
            ));
        }
        if self.max_call_s == 0 || self.max_call_s > 14_400 {
            return Some((
                "max_call_s",
                format!("is {}; use 1 to 14400 seconds", self.max_call_s),
            ));
        }
        if !(0.5..=60.0).contains(&self.listen_s) {
            return Some(("listen_s", format!("is {}; use 0.5 to 60 seconds", self.listen_s)));
        }
        None
    }
}

/// Every campaign a worker knows how to serve; `default` is always among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaigns(BTreeMap<CampaignId, CampaignConfig>);

impl Campaigns {
    /// From the file's tables.
    #[must_use]
    pub fn new(mut table: BTreeMap<CampaignId, CampaignConfig>) -> Self {
        table.entry(CampaignId::default()).or_default();
        Self(table)
    }

    /// One campaign's behaviour.
    #[must_use]
    pub fn get(&self, id: &CampaignId) -> Option<&CampaignConfig> {
        self.0.get(id)
    }

    /// Their names.
    #[must_use]
    pub fn ids(&self) -> Vec<CampaignId> {
        self.0.keys().cloned().collect()
    }
}
