//! Old writer and new reader, new writer and old reader: messages live for years on a stream, and workers of two
//! versions run side by side.

use hark_outcome::{
    CallEvent, CallResult, CampaignId, Cause, DialJob, Disposition, EventKind, Flag, schemas,
};
use serde_json::{Value, json};

/// What the first version wrote. Never edited: add a file beside it when the words grow.
const JOB_V1: &str = include_str!("v1/job.json");
const RESULT_V1: &str = include_str!("v1/result.json");
const EVENT_V1: &str = include_str!("v1/event.json");

#[test]
fn a_job_of_the_first_version_is_still_read() {
    let job =
        DialJob::decode(JOB_V1.as_bytes(), &CampaignId::new("spring").expect("valid")).expect("readable");
    assert_eq!(job.customer["crm"]["id"], 7);
    assert_eq!(
        serde_json::to_value(&job).expect("writes"),
        serde_json::from_str::<Value>(JOB_V1).expect("JSON")
    );
}

#[test]
fn a_result_of_the_first_version_is_still_read_and_written_back_the_same() {
    let result: CallResult = serde_json::from_str(RESULT_V1).expect("readable");
    assert_eq!(result.cause, Cause::BusyTone);
    assert_eq!(
        serde_json::to_value(&result).expect("writes"),
        serde_json::from_str::<Value>(RESULT_V1).expect("JSON")
    );
}

#[test]
fn an_event_of_the_first_version_is_still_read() {
    let event: CallEvent = serde_json::from_str(EVENT_V1).expect("readable");
    assert!(matches!(event.kind, EventKind::Ringing { code: 180 }));
}

#[test]
fn this_version_reads_what_a_newer_one_adds() {
    let mut result: Value = serde_json::from_str(RESULT_V1).expect("JSON");
    result["new_field"] = json!({"deep": true});
    result["evidence"]["heard"][0]["model"] = json!("x");
    result["cause"] = json!("teleported");
    result["disposition"] = json!("elsewhere");
    result["flags"] = json!(["played", "sung"]);
    let read: CallResult = serde_json::from_value(result).expect("readable");
    assert_eq!(
        (read.disposition, read.cause),
        (Disposition::Unknown, Cause::Unknown)
    );
    assert_eq!(read.flags, [Flag::Played, Flag::Unknown]);

    let mut event: Value = serde_json::from_str(EVENT_V1).expect("JSON");
    event["event"] = json!("sang");
    let read: CallEvent = serde_json::from_value(event).expect("readable");
    assert_eq!(read.kind, EventKind::Unknown);
}

#[test]
fn fields_that_a_newer_version_may_leave_out_are_not_needed() {
    let mut result: Value = serde_json::from_str(RESULT_V1).expect("JSON");
    let object = result.as_object_mut().expect("an object");
    for optional in [
        "schema",
        "sip",
        "media",
        "flags",
        "labels",
        "source",
        "consent",
        "customer",
        "caller_id",
        "trunk",
    ] {
        object.remove(optional);
    }
    serde_json::from_value::<CallResult>(result).expect("readable");
}

#[test]
fn the_schemas_accept_what_is_written_and_refuse_what_is_wrong() {
    for (name, schema) in schemas() {
        let text = match name {
            "dial-job" => JOB_V1,
            "call-result" => RESULT_V1,
            "call-event" => EVENT_V1,
            other => panic!("no example of {other}"),
        };
        let check = jsonschema::validator_for(&schema.to_value()).expect("a schema");
        let mut message: Value = serde_json::from_str(text).expect("JSON");
        let faults: Vec<_> = check.iter_errors(&message).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
        let needed = if name == "dial-job" { "to" } else { "attempt" };
        message.as_object_mut().expect("an object").remove(needed);
        assert!(
            !check.is_valid(&message),
            "{name} without {needed} must be refused"
        );
    }
}

/// The published schemas change only on purpose: run with `HARK_WRITE_SCHEMAS=1` to write them anew, and read the diff.
#[test]
fn the_schemas_are_the_published_ones() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for (name, schema) in schemas() {
        let file = folder.join(format!("{name}.json"));
        let now = serde_json::to_string_pretty(&schema).expect("writes") + "\n";
        if std::env::var_os("HARK_WRITE_SCHEMAS").is_some() {
            std::fs::write(&file, &now).expect("written");
        }
        let published = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(now, published, "{name} differs from {}", file.display());
    }
}
