//! Asked against echoed, field by field. Pure.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// Fields in which a difference could break a promise. Whatever is not here (descriptions, placement, compression,
/// metadata, features of later servers) an operator may set.
const GUARDED: &[&str] = &[
    // streams
    "subjects",
    "retention",
    "storage",
    "num_replicas",
    "discard",
    "discard_new_per_subject",
    "max_msgs",
    "max_bytes",
    "max_age",
    "max_msgs_per_subject",
    "max_msg_size",
    "max_consumers",
    "duplicate_window",
    "allow_rollup_hdrs",
    "deny_delete",
    "deny_purge",
    "allow_msg_ttl",
    "subject_delete_marker_ttl",
    "no_ack",
    "sealed",
    "mirror",
    "sources",
    "subject_transform",
    // consumers
    "durable_name",
    "deliver_policy",
    "deliver_subject",
    "ack_policy",
    "ack_wait",
    "max_deliver",
    "backoff",
    "filter_subject",
    "filter_subjects",
    "max_ack_pending",
    "headers_only",
    "priority_policy",
];

/// Fields counted in nanoseconds.
const SPANS: &[&str] = &[
    "max_age",
    "duplicate_window",
    "subject_delete_marker_ttl",
    "ack_wait",
];

/// A stream or a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Stream,
    Consumer,
}

/// A stream, bucket or consumer that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Its name: `HARK_JOB`, or `HARK_JOB spring_high` for a consumer.
    pub name: String,
    /// The field, as the NATS API spells it.
    pub field: String,
    /// What it must be.
    pub asked: String,
    /// What it is.
    pub found: String,
    /// What to do.
    pub mend: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            field,
            asked,
            found,
            mend,
        } = self;
        write!(
            f,
            "{name} on NATS has {field} = {found}, but Hark needs {asked}; {mend}"
        )
    }
}

/// The first guarded field in which the two differ.
pub(crate) fn first_difference(
    kind: Kind,
    name: &str,
    asked: &Value,
    echoed: &Value,
    free: &[&str],
) -> Option<Mismatch> {
    let field = GUARDED
        .iter()
        .filter(|field| !free.contains(field))
        .find(|field| meaning(asked.get(**field)) != meaning(echoed.get(**field)))?;
    Some(Mismatch {
        name: name.to_owned(),
        field: (*field).to_owned(),
        asked: show(field, asked.get(*field)),
        found: show(field, echoed.get(*field)),
        mend: mend(kind, name, field, asked.get(*field)),
    })
}

/// A missing field, `null`, `false`, 0, "" and [] all mean "not set".
fn meaning(value: Option<&Value>) -> Option<&Value> {
    value.filter(|v| match v {
        Value::Null | Value::Bool(false) => false,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::Bool(true) | Value::Object(_) => true,
    })
}

fn show(field: &str, value: Option<&Value>) -> String {
    match meaning(value) {
        None => "nothing".to_owned(),
        Some(value) => match value.as_u64().filter(|_| SPANS.contains(&field)) {
            Some(nanos) => format!("{:?}", Duration::from_nanos(nanos)),
            None => value.to_string(),
        },
    }
}

fn mend(kind: Kind, name: &str, field: &str, asked: Option<&Value>) -> String {
    let span = || {
        let nanos = asked.and_then(Value::as_u64).unwrap_or(0);
        format!("{}s", Duration::from_nanos(nanos).as_secs_f64())
    };
    let plain = || asked.map(ToString::to_string).unwrap_or_default();
    match (kind, field) {
        (Kind::Stream, "num_replicas") => {
            format!(
                "set nats.replicas to what it is, or run `nats stream edit {name} --replicas {}`",
                plain()
            )
        }
        (Kind::Stream, "duplicate_window") => {
            format!("run `nats stream edit {name} --dupe-window {}`", span())
        }
        (Kind::Stream, "max_age") => format!("run `nats stream edit {name} --max-age {}`", span()),
        (Kind::Stream, "max_msgs") => format!("run `nats stream edit {name} --max-msgs {}`", plain()),
        (Kind::Stream, "max_bytes") => format!("run `nats stream edit {name} --max-bytes {}`", plain()),
        (Kind::Stream, "discard") => format!(
            "run `nats stream edit {name} --discard {}`",
            plain().replace('"', "")
        ),
        (Kind::Stream, "subjects") => {
            format!(
                "run `nats stream edit {name} --subjects '{}'`",
                plain().replace(['"', '[', ']'], "")
            )
        }
        (Kind::Stream, _) => format!(
            "this cannot be changed in place: save what it holds with `nats stream backup {name} DIR`, then choose another nats.prefix, or remove it with `nats stream rm {name}` and start Hark again"
        ),
        (Kind::Consumer, "ack_wait") => {
            format!(
                "set nats.ack_wait_s to what it is, or run `nats consumer edit {name} --wait {}`",
                span()
            )
        }
        (Kind::Consumer, _) => {
            format!(
                "stop all workers, run `nats consumer rm {name}` (no job is lost by it), and start them again"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differ(asked: &Value, echoed: &Value) -> Option<Mismatch> {
        first_difference(Kind::Stream, "HARK_JOB", asked, echoed, &[])
    }

    #[test]
    fn a_default_left_out_is_no_difference() {
        let asked = json!({ "max_age": 0, "sealed": false, "sources": [] });
        assert_eq!(differ(&asked, &json!({})), None);
    }

    #[test]
    fn a_field_the_server_ignored_is_a_difference() {
        let m = differ(&json!({ "allow_msg_ttl": true }), &json!({})).expect("ignored in silence");
        assert_eq!((m.field.as_str(), m.found.as_str()), ("allow_msg_ttl", "nothing"));
    }

    #[test]
    fn a_field_somebody_set_is_a_difference_though_it_was_not_asked() {
        let m = differ(&json!({}), &json!({ "sealed": true })).expect("a sealed stream takes nothing");
        assert_eq!(m.field, "sealed");
    }

    #[test]
    fn the_message_names_stream_field_both_values_and_the_mend() {
        let asked = json!({ "duplicate_window": 600_000_000_000u64 });
        let echoed = json!({ "duplicate_window": 120_000_000_000u64 });
        let text = differ(&asked, &echoed).expect("different").to_string();
        for part in [
            "HARK_JOB",
            "duplicate_window",
            "600s",
            "120s",
            "nats stream edit HARK_JOB --dupe-window 600s",
        ] {
            assert!(text.contains(part), "{part} in: {text}");
        }
    }

    #[test]
    fn what_an_operator_may_set_is_no_difference() {
        let asked = json!({ "description": "ours" });
        let echoed = json!({ "description": "theirs", "metadata": { "a": "b" }, "compression": "s2" });
        assert_eq!(differ(&asked, &echoed), None);
        let free = first_difference(
            Kind::Stream,
            "S",
            &json!({ "max_age": 1 }),
            &json!({ "max_age": 2 }),
            &["max_age"],
        );
        assert_eq!(free, None);
    }
}
