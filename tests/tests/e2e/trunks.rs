//! Transports, and which trunk is tried when.

use hark_outcome::{Cause, Disposition};
use hark_tests::{Lab, Reads, Sipp, Sound, Worker};
use serde_json::json;

#[tokio::test]
async fn a_call_over_tcp_is_a_call() {
    let lab = Lab::start().await;
    let peer = Sipp::start_tcp(&lab.place, "answer_and_talk", Sound::Greeting).await;
    let config = lab
        .config()
        .trunk("main", peer.address())
        .set("trunk.main", "transport", json!("tcp"));
    let worker = Worker::start(&lab, &config);

    let result = lab.dial("tcp").await;

    result.reads(Disposition::Answered, Cause::Person);
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK", "BYE"]);
}

#[tokio::test]
async fn after_503_with_nothing_before_it_the_next_trunk_is_tried() {
    let lab = Lab::start().await;
    let full = Sipp::start(&lab.place, "unavailable", Sound::Silence).await;
    let free = Sipp::start(&lab.place, "answer_and_talk", Sound::Greeting).await;
    let worker = Worker::start(&lab, &two_trunks(&lab, &full, &free));

    let result = lab.dial("failover").await;

    result.reads(Disposition::Answered, Cause::Person);
    assert_eq!(result.trunk.as_ref().map(|t| t.as_str()), Some("b"));
    worker.stop().await;
    assert_eq!(full.finish().await.story(), ["INVITE", "ACK"]);
    assert_eq!(free.finish().await.story(), ["INVITE", "ACK", "BYE"]);
}

#[tokio::test]
async fn after_ringing_no_other_trunk_is_tried() {
    let lab = Lab::start().await;
    let rang = Sipp::start(&lab.place, "ring_then_unavailable", Sound::Silence).await;
    let other = Sipp::start(&lab.place, "answer_and_talk", Sound::Greeting).await;
    let worker = Worker::start(&lab, &two_trunks(&lab, &rang, &other));

    let result = lab.dial("rang").await;

    assert_eq!(result.disposition, Disposition::Network, "{result:?}");
    worker.stop().await;
    assert_eq!(rang.finish().await.story(), ["INVITE", "ACK"]);
    assert_eq!(
        other.finish().await.story(),
        Vec::<&str>::new(),
        "somebody may have heard it ring: once is enough"
    );
}

fn two_trunks(lab: &Lab, a: &Sipp, b: &Sipp) -> hark_tests::ConfigFile {
    lab.config().trunk("a", a.address()).trunk("b", b.address()).set(
        "campaign.default",
        "trunks",
        json!(["a", "b"]),
    )
}
