//! Jobs: good ones, broken ones, and the same one twice.

use std::time::Duration;

use hark_outcome::{Cause, Disposition};
use hark_tests::{Lab, Reads, Sipp, Sound, hark};
use serde_json::json;

const DEAD: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_the_customer_wrote_comes_back_untouched() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let worker = lab.worker(peer.address());
    let customer = json!({"order": 17, "deep": {"list": [1, 2.5, null, "ü"]}});
    lab.publish(
        "carried",
        json!({"labels": {"list": "spring"}, "source": "crm", "customer": customer, "of_a_later_version": true}),
    )
    .await;

    let result = lab.result("carried").await;

    assert_eq!(serde_json::Value::Object(result.customer), customer);
    assert_eq!(
        (result.labels["list"].as_str(), result.source.as_deref()),
        ("spring", Some("crm"))
    );
    worker.stop().await;
    let _ = peer.finish().await;
}

#[tokio::test]
async fn broken_json_is_kept_byte_for_byte_with_the_reason() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let worker = lab.worker(peer.address());
    let broken = b"{\"id\": \"x\", \"to\": \xff\xfe";
    lab.customer.publish("default", "normal", broken).await;
    lab.customer
        .publish("default", "high", br#"{"id":"no-number","to":"call me"}"#)
        .await;
    lab.customer
        .publish("default", "low", br#"{"to":"+8613800000001"}"#)
        .await;

    let letters = lab.customer.dead_letters(3, DEAD).await;

    let find = |subject: &str| {
        letters
            .iter()
            .find(|l| l.headers.contains(subject))
            .expect("a letter of each")
    };
    assert_eq!(find("hark.job.default.normal").payload.as_ref(), broken);
    assert!(
        find("hark.job.default.normal").headers.contains("JSON"),
        "{letters:?}"
    );
    assert!(
        find("hark.job.default.high").headers.contains("number"),
        "{letters:?}"
    );
    assert!(find("hark.job.default.low").headers.contains("id"), "{letters:?}");
    lab.customer.no_job_is_left().await;
    // A good job still goes through.
    lab.dial("good")
        .await
        .reads(Disposition::Invalid, Cause::VacantNumber);
    worker.stop().await;
    assert_eq!(peer.finish().await.count("INVITE"), 1);
}

#[tokio::test]
async fn a_job_of_a_campaign_nobody_knows_is_not_dropped_silently() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let worker = lab.worker(peer.address());
    lab.customer
        .publish("sprign", "normal", br#"{"id":"lost","to":"+8613800000001"}"#)
        .await;

    let letters = lab.customer.dead_letters(1, Duration::from_secs(90)).await;

    let letter = &letters[0];
    assert_eq!(letter.payload.as_ref(), br#"{"id":"lost","to":"+8613800000001"}"#);
    assert!(
        letter.headers.contains("sprign") && letter.headers.contains("default"),
        "{letter:?}"
    );
    lab.customer.no_job_is_left().await;
    worker.stop().await;
    assert_eq!(peer.finish().await.count("INVITE"), 0);
}

#[tokio::test]
async fn numbers_that_must_not_be_dialled_never_leave() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let worker = lab.worker(peer.address());
    // Emergency, premium, and a country the trunk is not open for.
    for (job, to) in [
        ("fire", "119"),
        ("police", "+86110"),
        ("premium", "+8616812345678"),
        ("abroad", "+14155550100"),
    ] {
        lab.customer
            .publish(
                "default",
                "normal",
                json!({"id": job, "to": to}).to_string().as_bytes(),
            )
            .await;
        lab.result(job)
            .await
            .reads(Disposition::Refused, Cause::BadNumber);
    }
    lab.customer.no_job_is_left().await;
    worker.stop().await;
    assert_eq!(peer.finish().await.count("INVITE"), 0);
}

#[tokio::test]
async fn the_same_job_twice_is_dialled_once() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let worker = lab.worker(peer.address());
    let first = lab.dial("once").await;

    // Again, on another subject and outside any dedupe window: the server stores it as a new message.
    lab.customer
        .publish("default", "high", br#"{"id":"once","to":"+8613800000001"}"#)
        .await;
    lab.customer.no_job_is_left().await;

    assert_eq!(lab.result("once").await, first, "one result, for ever");
    worker.stop().await;
    assert_eq!(peer.finish().await.count("INVITE"), 1);
}

#[tokio::test]
async fn a_job_that_wants_a_trunk_nobody_has_goes_to_the_dead_letters() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let worker = lab.worker(peer.address());
    lab.publish("trunkless", json!({"trunk": "mian"})).await;

    let letters = lab.customer.dead_letters(1, DEAD).await;

    let reason = &letters[0].headers;
    assert!(reason.contains("mian") && reason.contains("main"), "{reason}");
    worker.stop().await;
    assert_eq!(peer.finish().await.count("INVITE"), 0);
}

#[tokio::test]
async fn a_job_whose_time_has_passed_is_not_dialled() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let worker = lab.worker(peer.address());
    lab.publish("late", json!({"expires_at": "2020-01-01T00:00:00Z"}))
        .await;

    lab.result("late")
        .await
        .reads(Disposition::Refused, Cause::Expired);

    worker.stop().await;
    assert_eq!(peer.finish().await.count("INVITE"), 0);
}

#[tokio::test]
async fn a_worker_without_a_trunk_does_not_start_and_takes_no_job() {
    let lab = Lab::start().await;
    let config = lab.config().write();
    let config = config.to_str().expect("a path in UTF-8");
    let said = hark(&["--config", config, "worker"]).await;
    assert!(!said.status.success(), "{said:?}");
    assert!(said.stderr.contains("[trunk.NAME]"), "{}", said.stderr);
}
