//! Calls that somebody answers.

use std::time::Duration;

use hark_outcome::{Cause, Disposition, Flag};
use hark_tests::{Lab, Reads, Sipp, Sound, Wire, Worker};
use serde_json::json;

#[tokio::test]
async fn a_person_is_spoken_to_and_then_hung_up_on() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "answer_and_talk", Sound::Greeting).await;
    Sound::Monologue.write_wav(&lab.place.file("hello.wav"));
    let config =
        lab.config()
            .trunk("main", peer.address())
            .set("campaign.default", "play", json!("hello.wav"));
    let worker = Worker::start(&lab, &config);

    let result = lab.dial("person").await;

    result.reads(Disposition::Answered, Cause::Person);
    assert!(
        result.sip_answered && result.billable_s.get() > 10.0,
        "{result:?}"
    );
    assert!(result.flags.contains(&Flag::Played), "{:?}", result.flags);
    let media = result.media.clone().expect("a call with sound");
    assert!(media.received > 400 && media.sent > 400, "{media:?}");
    lab.customer.no_job_is_left().await;
    worker.stop().await;
    let wire = peer.finish().await;
    assert_eq!(wire.story(), ["INVITE", "ACK", "BYE"]);
    let named = result
        .sip
        .and_then(|s| s.call_id)
        .expect("the result names the call");
    assert_eq!(wire.requests("INVITE")[0].call_id(), named);
    assert!(
        named.starts_with(result.attempt.call_id().as_str()),
        "derived from the attempt: {named}"
    );
}

#[tokio::test]
async fn of_two_early_dialogs_the_first_may_answer() {
    forked("a").await;
}

#[tokio::test]
async fn of_two_early_dialogs_the_second_may_answer() {
    forked("b").await;
}

async fn forked(who: &str) {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, &format!("forked_{who}"), Sound::Greeting).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("forked").await;

    result.reads(Disposition::Answered, Cause::Person);
    worker.stop().await;
    let wire = peer.finish().await;
    assert_eq!(wire.story(), ["INVITE", "ACK", "BYE"]);
    for request in wire.requests("ACK").iter().chain(&wire.requests("BYE")) {
        assert!(
            request.tag("To").is_some_and(|tag| tag.starts_with(who)),
            "{request:?}"
        );
    }
}

#[tokio::test]
async fn each_of_two_answers_is_acknowledged_and_ended() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "two_answers", Sound::Greeting).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("twice").await;

    assert_eq!(result.disposition, Disposition::Answered, "{result:?}");
    worker.stop().await;
    let wire = peer.finish().await;
    assert_eq!(wire.count("INVITE"), 1);
    for tag in ["a", "b"] {
        for method in ["ACK", "BYE"] {
            assert!(
                has_tag(&wire, method, tag),
                "{method} for the answer of {tag}: {:?}",
                wire.story()
            );
        }
    }
}

fn has_tag(wire: &Wire, method: &str, tag: &str) -> bool {
    wire.requests(method)
        .iter()
        .any(|m| m.tag("To").is_some_and(|to| to.starts_with(tag)))
}

#[tokio::test]
async fn an_answer_that_crosses_our_cancel_is_acknowledged_and_ended() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "crossing", Sound::Silence).await;
    let config =
        lab.config()
            .trunk("main", peer.address())
            .set("campaign.default", "ring_timeout_s", json!(1));
    let worker = Worker::start(&lab, &config);

    let result = lab.dial("crossing").await;

    assert!(result.sip_answered, "a 200 came, whatever we wanted: {result:?}");
    assert!(result.flags.contains(&Flag::DroppedByUs), "{:?}", result.flags);
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "CANCEL", "ACK", "BYE"]);
}

#[tokio::test]
async fn an_answer_that_ends_at_once_without_a_word_is_dead_air() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "answer_then_bye", Sound::Silence).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("short").await;

    result.reads(Disposition::Silence, Cause::DeadAir);
    assert!(result.flags.contains(&Flag::ShortAnswer), "{:?}", result.flags);
    assert_eq!(
        result.sip.as_ref().and_then(|s| s.q850),
        Some(16),
        "the BYE's Reason is kept"
    );
    worker.stop().await;
    let wire = peer.finish().await;
    assert_eq!(wire.story(), ["INVITE", "ACK"]);
    assert_eq!(wire.answers("BYE"), [200]);
}

#[tokio::test]
async fn an_answer_without_one_packet_of_sound_is_no_media() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "answer_without_media", Sound::Silence).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("deaf").await;

    result.reads(Disposition::Silence, Cause::NoMedia);
    assert_eq!(result.media.as_ref().map(|m| m.received), Some(0));
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK", "BYE"]);
}

#[tokio::test]
async fn an_answer_without_contact_does_not_stay_up() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "answer_without_contact", Sound::Silence).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("nameless").await;

    assert!(result.sip_answered, "{result:?}");
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK", "BYE"]);
}

#[tokio::test]
async fn a_session_changed_by_the_callee_goes_on() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "reinvite", Sound::Greeting).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("changed").await;

    result.reads(Disposition::Answered, Cause::Person);
    worker.stop().await;
    let wire = peer.finish().await;
    assert_eq!(wire.answers("INVITE").last(), Some(&200));
    assert_eq!(wire.story(), ["INVITE", "ACK", "BYE"]);
}

#[tokio::test]
async fn a_transfer_asked_by_the_callee_is_refused() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "refer", Sound::Greeting).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("transfer").await;

    result.reads(Disposition::Answered, Cause::Person);
    worker.stop().await;
    let wire = peer.finish().await;
    assert_eq!(wire.answers("REFER"), [603]);
    assert_eq!(wire.count("INVITE"), 1, "nobody else was called");
}

#[tokio::test]
async fn a_call_longer_than_its_maximum_is_ended() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "answer_and_talk", Sound::Greeting).await;
    Sound::Monologue.write_wav(&lab.place.file("long.wav"));
    let config = lab
        .config()
        .trunk("main", peer.address())
        .set("campaign.default", "play", json!("long.wav"))
        .set("campaign.default", "max_call_s", json!(6));
    let worker = Worker::start(&lab, &config);

    let result = lab.dial("long").await;

    assert!(result.flags.contains(&Flag::MaxDuration), "{:?}", result.flags);
    let billed = Duration::from(result.billable_s).as_secs_f64();
    assert!((5.5..8.0).contains(&billed), "{billed}");
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK", "BYE"]);
}
