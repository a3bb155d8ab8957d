//! What each stream and bucket must be, in the words of the JetStream API.

use serde_json::{Value, json};

use super::{Bucket, Names};
use crate::BusConfig;

const SECOND: u64 = 1_000_000_000;

/// One stream as we ask for it.
pub(super) struct Plan {
    pub config: Value,
    /// Fields an operator may set as they like: they cost history, never a promise.
    pub free: &'static [&'static str],
}

impl Plan {
    pub fn name(&self) -> &str {
        self.config["name"].as_str().unwrap_or_default()
    }
}

pub(super) fn all(names: &Names, config: &BusConfig) -> Vec<Plan> {
    vec![
        jobs(names, config),
        results(names, config),
        events(names, config),
        dead(names, config),
        claims(&names.claims(), config),
        campaigns(&names.campaigns(), config),
        presence(&names.presence(), config),
    ]
}

/// A stream without limits, kept on disk, that refuses rather than forgets.
fn stream(name: &str, subject: String, config: &BusConfig, extra: Value) -> Value {
    let mut base = json!({
        "name": name,
        "subjects": [subject],
        "retention": "limits",
        "storage": "file",
        "num_replicas": config.replicas,
        "discard": "new",
        "max_msgs": -1,
        "max_bytes": -1,
        "max_age": 0,
        "max_msgs_per_subject": -1,
        "max_msg_size": -1,
        "max_consumers": -1,
        "duplicate_window": 120 * SECOND,
        "allow_direct": true,
    });
    if let (Some(base), Value::Object(extra)) = (base.as_object_mut(), extra) {
        base.extend(extra);
    }
    base
}

/// Work queue: a job is gone once it is acknowledged, and not before.
fn jobs(names: &Names, config: &BusConfig) -> Plan {
    let extra = json!({
        "description": "Hark: jobs waiting to be dialled",
        "retention": "workqueue",
        "duplicate_window": 600 * SECOND,
    });
    Plan {
        config: stream(&names.job_stream(), names.every_job(), config, extra),
        free: &[],
    }
}

/// One message per subject, the first, for ever: twice assured, by this stream and by each publish.
fn results(names: &Names, config: &BusConfig) -> Plan {
    let extra = json!({
        "description": "Hark: one result per attempt",
        "max_msgs_per_subject": 1,
        "discard_new_per_subject": true,
    });
    Plan {
        config: stream(&names.result_stream(), names.every_result(), config, extra),
        free: &[],
    }
}

fn events(names: &Names, config: &BusConfig) -> Plan {
    let extra = json!({
        "description": "Hark: progress of calls",
        "discard": "old",
        "max_age": 24 * 3600 * SECOND,
    });
    Plan {
        config: stream(&names.event_stream(), names.every_event(), config, extra),
        free: &["max_age", "max_bytes", "max_msgs"],
    }
}

fn dead(names: &Names, config: &BusConfig) -> Plan {
    let extra = json!({
        "description": "Hark: jobs that cannot be dialled, as they came, with the reason",
        // A dead letter that is written twice (a crash before its job was removed) is one dead letter.
        "duplicate_window": 3600 * SECOND,
    });
    Plan {
        config: stream(&names.dead_stream(), names.every_dead(), config, extra),
        free: &["duplicate_window"],
    }
}

/// A key-value bucket as every NATS client knows it.
fn bucket(bucket: &Bucket, config: &BusConfig, extra: Value) -> Value {
    let mut base = stream(
        &bucket.stream(),
        bucket.every_key(),
        config,
        json!({
            "max_msgs_per_subject": 1,
            "allow_rollup_hdrs": true,
            "deny_delete": true,
        }),
    );
    if let (Some(base), Value::Object(extra)) = (base.as_object_mut(), extra) {
        base.extend(extra);
    }
    base
}

/// No age: a claim outlives every job, so that a job published again years later is not dialled again. No second
/// value and no delete marker: what is claimed stays claimed.
fn claims(name: &Bucket, config: &BusConfig) -> Plan {
    let extra = json!({
        "description": "Hark: who dialled which attempt",
        "discard_new_per_subject": true,
        "allow_rollup_hdrs": false,
    });
    Plan {
        config: bucket(name, config, extra),
        free: &[],
    }
}

fn campaigns(name: &Bucket, config: &BusConfig) -> Plan {
    Plan {
        config: bucket(
            name,
            config,
            json!({ "description": "Hark: campaigns that exist" }),
        ),
        free: &[],
    }
}

fn presence(name: &Bucket, config: &BusConfig) -> Plan {
    let extra = json!({
        "description": "Hark: workers that live; keys expire by themselves",
        "allow_msg_ttl": true,
        "subject_delete_marker_ttl": 60 * SECOND,
    });
    Plan {
        config: bucket(name, config, extra),
        free: &["subject_delete_marker_ttl"],
    }
}
