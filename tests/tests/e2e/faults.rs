//! Faults around the worker: NATS away, doors closed, ports taken.

use std::time::Duration;

use hark_outcome::{Cause, Disposition, Flag};
use hark_tests::{ConfigFile, Customer, Lab, NatsServer, Place, Reads, Sipp, Sound, Worker, hark, hark_with};
use serde_json::json;

#[tokio::test]
async fn nats_away_at_the_start_is_said_with_its_address() {
    let place = Place::new();
    let nowhere = place.port();
    let config = ConfigFile::new(&place, &format!("nats://{nowhere}")).trunk("main", place.port());
    let file = config.write();

    let end = hark(&["--config", &file.display().to_string(), "worker"]).await;

    assert!(!end.status.success());
    let said = end.stderr;
    assert!(
        said.contains(&nowhere.to_string()) && said.contains("nats.url"),
        "what, where, how to mend: {said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn a_wrong_nats_password_is_said_as_such() {
    let place = Place::new();
    let nats = NatsServer::start_closed(&place, "hark", "right").await;
    let config = ConfigFile::new(&place, &nats.url())
        .trunk("main", place.port())
        .set("nats", "user", json!("hark"))
        .set("nats", "password_env", json!("HARK_TEST_PASSWORD"));
    let file = config.write();

    let end = hark_with(
        &["--config", &file.display().to_string(), "worker"],
        &[("HARK_TEST_PASSWORD", "wrong")],
    )
    .await;

    assert!(!end.status.success());
    assert!(end.stderr.contains("password"), "{}", end.stderr);
    assert!(
        !end.stderr.contains("wrong\"") && !end.stderr.contains("panicked"),
        "{}",
        end.stderr
    );
}

#[tokio::test]
async fn the_right_nats_password_opens_the_door() {
    let place = Place::new();
    let nats = NatsServer::start_closed(&place, "hark", "right").await;
    let customer = Customer::connect(&nats).await;
    let lab = Lab {
        place,
        nats,
        customer,
    };
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let config = lab
        .config()
        .trunk("main", peer.address())
        .set("nats", "user", json!("hark"))
        .set("nats", "password_env", json!("HARK_TEST_PASSWORD"));
    let worker = Worker::start_with(&lab, &config, &[("HARK_TEST_PASSWORD", "right")]);

    lab.dial("inside")
        .await
        .reads(Disposition::Invalid, Cause::VacantNumber);

    worker.stop().await;
    let _ = peer.finish().await;
}

#[tokio::test]
async fn a_call_outlives_its_nats_server_and_its_result_follows() {
    let mut lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "answer_and_talk", Sound::Greeting).await;
    Sound::Monologue.write_wav(&lab.place.file("long.wav"));
    let config =
        lab.config()
            .trunk("main", peer.address())
            .set("campaign.default", "play", json!("long.wav"));
    let worker = Worker::start(&lab, &config);
    lab.publish("outlived", json!({})).await;
    peer.sees("an answered call", Duration::from_secs(20), |wire| {
        wire.count("ACK") == 1
    })
    .await;

    lab.nats.kill().await;
    peer.sees("its end, by us", Duration::from_secs(40), |wire| {
        wire.count("BYE") == 1
    })
    .await;
    lab.nats.restart().await;

    let result = lab.result("outlived").await;
    result.reads(Disposition::Answered, Cause::Person);
    assert!(
        result.flags.contains(&Flag::Played),
        "undisturbed: {:?}",
        result.flags
    );
    lab.customer.no_job_is_left().await;
    // And the worker goes on as before.
    lab.dial("after")
        .await
        .reads(Disposition::Answered, Cause::Person);
    worker.stop().await;
    assert_eq!(peer.finish().await.dials().len(), 2);
}

#[tokio::test]
async fn a_taken_sip_port_is_said_with_its_number() {
    let lab = Lab::start().await;
    let taken = lab.place.port();
    let _holder = std::net::UdpSocket::bind(taken).expect("a port of this place's own");
    let config = lab
        .config()
        .trunk("main", lab.place.port())
        .set("line", "sip_port", json!(taken.port()));
    let file = config.write();

    let end = hark(&["--config", &file.display().to_string(), "worker"]).await;

    assert!(!end.status.success());
    let said = end.stderr;
    assert!(
        said.contains(&taken.port().to_string()) && said.contains("sip_port"),
        "{said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}
