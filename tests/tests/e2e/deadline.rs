//! A drain that takes too long.

use std::time::Duration;

use hark_outcome::{Cause, Disposition};
use hark_tests::{Lab, Reads, Sipp, Sound, Worker};
use serde_json::json;

#[tokio::test]
async fn a_drain_past_its_deadline_hangs_up_politely_and_says_interrupted() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "answer_and_talk", Sound::Greeting).await;
    Sound::Monologue.write_wav(&lab.place.file("long.wav"));
    let config = lab
        .config()
        .trunk("main", peer.address())
        .set("worker", "drain_s", json!(1))
        .set("campaign.default", "play", json!("long.wav"));
    let mut worker = Worker::start(&lab, &config);
    lab.publish("live", json!({})).await;
    peer.sees("an answered call", Duration::from_secs(20), |wire| {
        wire.count("ACK") == 1
    })
    .await;

    // Once only: what ends the call is the deadline.
    worker.terminate();

    let status = worker.process().ended(Duration::from_secs(15)).await;
    assert_eq!(status.code(), Some(0));
    let log = worker.log();
    assert!(log.contains("the drain deadline has passed"), "{log}");
    let result = lab.result("live").await;
    result.reads(Disposition::Interrupted, Cause::WorkerLost);
    assert!(result.sip_answered, "somebody had picked up: {result:?}");
    lab.customer.no_job_is_left().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK", "BYE"]);
}
