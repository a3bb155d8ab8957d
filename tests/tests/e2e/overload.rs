//! More work than a worker can do, and a machine that stalls: new calls wait, live calls do not notice.

use std::time::Duration;

use hark_outcome::{Cause, Disposition, Flag};
use hark_tests::{Lab, Reads, Sipp, Sound, Worker, until};
use serde_json::json;

use crate::network::{carrier, settled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_twice_its_capacity_no_live_call_is_harmed() {
    const CHANNELS: usize = 8;
    let lab = Lab::start().await;
    let carrier = carrier(&lab, Vec::new()).await;
    let config = lab
        .config()
        .trunk("main", carrier.address())
        .set("trunk.main", "max_channels", json!(CHANNELS))
        .set("trunk.main", "max_calls_per_second", json!(50));
    let worker = Worker::start(&lab, &config);

    for i in 0..2 * CHANNELS {
        let job = json!({"id": format!("j{i}"), "to": format!("+86138000002{i:02}")}).to_string();
        lab.customer.publish("default", "normal", job.as_bytes()).await;
    }

    for i in 0..2 * CHANNELS {
        let result = lab.result(&format!("j{i}")).await;
        result.reads(Disposition::Answered, Cause::Person);
        let media = result.media.clone().expect("a call with sound");
        assert_eq!(media.lost, 0, "{media:?}");
        assert!(media.concealed_s.get() < 0.2, "its sound came whole: {media:?}");
    }
    lab.customer.no_job_is_left().await;
    worker.stop().await;
    let report = settled(&carrier).await;
    assert!(report.peak_calls <= CHANNELS, "{} at once", report.peak_calls);
    assert_eq!(report.calls.len(), 2 * CHANNELS);
    assert!(report.numbers.values().all(|n| *n == 1), "{:?}", report.numbers);
}

#[tokio::test]
async fn a_worker_that_stalls_takes_no_new_call_and_keeps_its_live_one() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "answer_and_talk", Sound::Greeting).await;
    Sound::Monologue.write_wav(&lab.place.file("long.wav"));
    let config =
        lab.config()
            .trunk("main", peer.address())
            .set("campaign.default", "play", json!("long.wav"));
    let mut worker = Worker::start(&lab, &config);
    lab.publish("live", json!({})).await;
    peer.sees("an answered call", Duration::from_secs(20), |wire| {
        wire.count("ACK") == 1
    })
    .await;

    // The machine stalls: the process gets no time, again and again, until it notices.
    until(
        "the worker notices that its sound runs late",
        Duration::from_secs(20),
        async || {
            worker.process().signal("STOP");
            tokio::time::sleep(Duration::from_millis(120)).await;
            worker.process().signal("CONT");
            tokio::time::sleep(Duration::from_millis(60)).await;
            worker.log().contains("overloaded").then_some(())
        },
    )
    .await;
    lab.publish("waits", json!({})).await;

    worker.process().says("calm again", Duration::from_secs(30)).await;
    peer.sees("the second call", Duration::from_secs(20), |wire| {
        wire.dials().len() == 2
    })
    .await;
    let log = worker.log();
    let (calm, second) = (log.find("calm again"), log.rfind("INVITE sent"));
    assert!(
        calm.is_some() && calm < second,
        "it was dialled while the worker was overloaded"
    );
    for job in ["live", "waits"] {
        let result = lab.result(job).await;
        result.reads(Disposition::Answered, Cause::Person);
        assert!(
            result.flags.contains(&Flag::Played),
            "{job} was played to its end: {:?}",
            result.flags
        );
    }
    worker.stop().await;
    let _ = peer.finish().await;
}
