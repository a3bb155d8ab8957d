//! Calls that the network or the trunk refuses.

use hark_outcome::{Cause, Disposition, Flag};
use hark_tests::{ConfigFile, Hole, Lab, Place, Reads, Sipp, Sound, Worker, digest_is_right};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_404_is_a_vacant_number() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("vacant").await;

    result.reads(Disposition::Invalid, Cause::VacantNumber);
    assert_eq!(result.sip.as_ref().and_then(|s| s.code), Some(404));
    lab.customer.no_job_is_left().await;
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK"]);
}

#[tokio::test]
async fn a_603_is_a_declined_call_with_the_reason_as_it_came() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "decline", Sound::Silence).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("declined").await;

    result.reads(Disposition::Rejected, Cause::Declined);
    let sip = result.sip.expect("an INVITE left");
    assert_eq!((sip.code, sip.q850), (Some(603), Some(21)));
    assert!(sip.reason.is_some_and(|r| r.contains("Call rejected")));
    worker.stop().await;
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK"]);
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "redirect", Sound::Silence).await;
    let worker = lab.worker(peer.address());

    let result = lab.dial("redirect").await;

    result.reads(Disposition::Invalid, Cause::NumberChanged);
    assert!(result.flags.contains(&Flag::Redirected), "{:?}", result.flags);
    worker.stop().await;
    let wire = peer.finish().await;
    assert_eq!(wire.story(), ["INVITE", "ACK"]);
    assert!(
        !wire
            .0
            .iter()
            .any(|m| m.first_line.starts_with("INVITE sip:+882990001"))
    );
}

#[tokio::test]
async fn a_trunk_that_asks_with_401_gets_the_right_digest() {
    authenticated("auth_401", "Authorization").await;
}

#[tokio::test]
async fn a_trunk_that_asks_with_407_gets_the_right_digest() {
    authenticated("auth_407", "Proxy-Authorization").await;
}

async fn authenticated(scenario: &str, header: &str) {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, scenario, Sound::Greeting).await;
    let worker = Worker::start(
        &lab,
        &with_password(&lab, lab.config().trunk("main", peer.address()), "opensesame"),
    );

    let result = lab.dial("member").await;

    result.reads(Disposition::Answered, Cause::Person);
    worker.stop().await;
    let wire = peer.finish().await;
    assert_eq!(
        wire.dials().into_values().collect::<Vec<_>>(),
        [2],
        "one Call-ID, asked once and once more"
    );
    let invites = wire.requests("INVITE");
    assert!(
        invites[0].header(header).is_none(),
        "nothing is given away unasked"
    );
    let answer = invites[1].header(header).expect("the second INVITE answers");
    assert_eq!(digest_is_right(answer, "hark", "opensesame"), Ok(()));
}

#[tokio::test]
async fn a_wrong_password_is_the_trunks_refusal_and_not_the_callees() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "auth_refused", Sound::Silence).await;
    let worker = Worker::start(
        &lab,
        &with_password(&lab, lab.config().trunk("main", peer.address()), "wrong"),
    );

    let result = lab.dial("stranger").await;

    result.reads(Disposition::Network, Cause::TrunkRejected);
    assert!(
        !worker.log().contains("opensesame") && !worker.log().contains("response=\""),
        "secrets stay out of logs"
    );
    worker.stop().await;
    assert_eq!(peer.finish().await.count("INVITE"), 2);
}

#[tokio::test]
async fn a_trunk_that_keeps_asking_is_not_asked_for_ever() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "auth_again", Sound::Silence).await;
    let worker = Worker::start(
        &lab,
        &with_password(&lab, lab.config().trunk("main", peer.address()), "opensesame"),
    );

    let result = lab.dial("again").await;

    result.reads(Disposition::Network, Cause::TrunkRejected);
    worker.stop().await;
    assert_eq!(peer.finish().await.count("INVITE"), 2);
}

#[tokio::test]
async fn a_trunk_that_says_nothing_is_given_up_and_left_alone() {
    let lab = Lab::start().await;
    let peer = Hole::open(&lab.place).await;
    let config = lab
        .config()
        .trunk("main", peer.address())
        .set("trunk.main", "setup_timeout_s", json!(2));
    let worker = Worker::start(&lab, &config);

    let result = lab.dial("silent").await;

    result.reads(Disposition::Network, Cause::TrunkTimeout);
    let wire = peer.wire();
    assert_eq!(wire.dials().len(), 1, "{:?}", wire.dials());
    assert!(
        wire.requests("INVITE").len() > 1,
        "UDP loses packets: it was sent again"
    );
    assert!(
        peer.hears_nothing_for(Duration::from_secs(3)).await,
        "after the result the peer still heard {:?}",
        peer.wire().story()
    );
    worker.stop().await;
}

#[tokio::test]
async fn a_refused_tcp_connection_is_told_at_once() {
    let lab = Lab::start().await;
    let nobody = lab.place.port();
    let config = lab
        .config()
        .trunk("main", nobody)
        .set("trunk.main", "transport", json!("tcp"));
    let worker = Worker::start(&lab, &config);

    let result = lab.dial("refused").await;

    assert_eq!(result.disposition, Disposition::Network, "{result:?}");
    assert!(
        result.timing.line_s.get() < 6.0,
        "no half minute of waiting: {:?}",
        result.timing
    );
    assert!(!result.sip_answered);
    worker.stop().await;
}

/// Credentials, the password in a file.
fn with_password(lab: &Lab, config: ConfigFile, password: &str) -> ConfigFile {
    config.set("trunk.main", "username", json!("hark")).set(
        "trunk.main",
        "password_file",
        json!(secret(&lab.place, password)),
    )
}

fn secret(place: &Place, password: &str) -> std::path::PathBuf {
    let file = place.file("password");
    std::fs::write(&file, password).expect("the place's folder can be written");
    file
}
