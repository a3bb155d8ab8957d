//! Calls that end before anybody answers, with or without sound.

use hark_outcome::{Cause, Disposition, Flag};
use hark_tests::{Lab, Reads, Sipp, Sound, Worker};
use serde_json::json;

#[tokio::test]
async fn sound_and_then_486_is_busy_with_the_sound_as_evidence() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "media_then_busy", Sound::Ringback).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("busy").await;

    result.reads(Disposition::Busy, Cause::UserBusy);
    let sip = result.sip.clone().expect("an INVITE left");
    assert_eq!((sip.code, sip.q850), (Some(486), Some(17)));
    assert!(
        sip.reason.is_some_and(|r| r.contains("User busy")),
        "the Reason as it came"
    );
    assert!(!result.sip_answered && result.billable_s.get() == 0.0);
    assert!(
        result.media.clone().is_some_and(|m| m.received > 100),
        "{:?}",
        result.media
    );
    assert!(
        result.evidence.heard.iter().any(|h| h.what == "ringback"),
        "{:?}",
        result.evidence.heard
    );
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK"]);
}

#[tokio::test]
async fn a_busy_tone_before_the_answer_ends_the_call_early() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "media_until_cancel", Sound::Busy).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("tone").await;

    result.reads(Disposition::Busy, Cause::BusyTone);
    assert!(result.flags.contains(&Flag::EndedEarly), "{:?}", result.flags);
    assert!(
        result.timing.line_s.get() < 10.0,
        "that was the point: {:?}",
        result.timing
    );
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "CANCEL", "ACK"]);
}

#[tokio::test]
async fn a_busy_tone_does_not_end_the_call_where_the_campaign_forbids_it() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "media_until_cancel", Sound::Busy).await;
    let config = lab
        .config()
        .trunk("main", peer.address())
        .set("campaign.default", "end_early", json!(false))
        .set("campaign.default", "ring_timeout_s", json!(7));
    let worker = Worker::start(&lab, &config);

    let result = lab.dial("tone").await;

    assert!(!result.flags.contains(&Flag::EndedEarly), "{:?}", result.flags);
    assert!(result.timing.line_s.get() > 6.5, "{:?}", result.timing);
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "CANCEL", "ACK"]);
}

#[tokio::test]
async fn ringing_that_nobody_answers_is_given_up_at_the_deadline() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "ring_until_cancel", Sound::Silence).await;
    let config =
        lab.config()
            .trunk("main", peer.address())
            .set("campaign.default", "ring_timeout_s", json!(2));
    let worker = Worker::start(&lab, &config);

    let result = lab.dial("ringing").await;

    result.reads(Disposition::NoAnswer, Cause::RingTimeout);
    assert_eq!(result.sip.as_ref().and_then(|s| s.code), Some(487));
    let line_s = result.timing.line_s.get();
    assert!((1.9..4.0).contains(&line_s), "{line_s}");
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "CANCEL", "ACK"]);
}
