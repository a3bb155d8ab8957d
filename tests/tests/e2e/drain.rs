//! How a worker goes: politely, at once, or by a crash.

use std::time::Duration;

use hark_outcome::{Cause, Disposition, Flag};
use hark_tests::{Lab, Reads, Sipp, Sound, Worker};
use serde_json::json;

const ANSWERED: Duration = Duration::from_secs(20);

/// A worker in the middle of a call that goes on for some ten seconds more.
async fn in_a_call(lab: &Lab) -> (Sipp, Worker) {
    let peer = Sipp::start(&lab.place, "answer_and_talk", Sound::Greeting).await;
    Sound::Monologue.write_wav(&lab.place.file("long.wav"));
    let config = lab
        .config()
        .trunk("main", peer.address())
        .set("campaign.default", "play", json!("long.wav"))
        .set("campaign.default", "ring_timeout_s", json!(3))
        .set("campaign.default", "max_call_s", json!(20));
    let worker = Worker::start(lab, &config);
    lab.publish("live", json!({})).await;
    peer.sees("an answered call", ANSWERED, |wire| wire.count("ACK") == 1)
        .await;
    (peer, worker)
}

#[tokio::test]
async fn sigterm_lets_the_live_call_end_and_takes_no_other() {
    let lab = Lab::start().await;
    let (peer, mut worker) = in_a_call(&lab).await;
    worker.terminate();
    worker.process().says("drain", Duration::from_secs(5)).await;
    lab.publish("waiting", json!({})).await;

    let result = lab.result("live").await;

    result.reads(Disposition::Answered, Cause::Person);
    assert!(
        result.flags.contains(&Flag::Played),
        "played to its end: {:?}",
        result.flags
    );
    let status = worker.process().ended(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(0));
    assert!(!lab.customer.has_result("default", "waiting").await);
    assert_eq!(
        lab.customer.count("HARK_JOB").await,
        Some(1),
        "it waits for the next worker"
    );
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK", "BYE"]);
}

#[tokio::test]
async fn a_second_sigterm_hangs_up_politely_and_says_interrupted() {
    let lab = Lab::start().await;
    let (peer, mut worker) = in_a_call(&lab).await;
    worker.terminate();
    worker.process().says("drain", Duration::from_secs(5)).await;
    worker.terminate();

    let result = lab.result("live").await;

    assert_eq!(result.disposition, Disposition::Interrupted, "{result:?}");
    let status = worker.process().ended(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(0));
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK", "BYE"]);
    lab.customer.no_job_is_left().await;
}

#[tokio::test]
async fn a_crashed_workers_call_is_reported_and_never_dialled_again() {
    let lab = Lab::start().await;
    let (peer, mut worker) = in_a_call(&lab).await;
    worker.process().signal("KILL");
    worker.process().ended(Duration::from_secs(5)).await;

    let config = lab
        .config()
        .trunk("main", peer.address())
        .set("worker", "id", json!("worker-2"))
        .set("campaign.default", "ring_timeout_s", json!(3))
        .set("campaign.default", "max_call_s", json!(20));
    let second = Worker::start(&lab, &config);
    let result = lab
        .customer
        .result("default", "live", Duration::from_secs(150))
        .await;

    result.reads(Disposition::Interrupted, Cause::WorkerLost);
    lab.customer.no_job_is_left().await;
    second.stop().await;
    assert_eq!(
        peer.wire().count("INVITE"),
        1,
        "the crash may have come after somebody picked up"
    );
}
