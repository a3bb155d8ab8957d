//! Whole campaigns against the simulated carrier, whose report is the truth.

use std::net::SocketAddr;

use hark_carrier::behaviour::{NoAnswer, Person, Refuse, Silence, Tone};
use hark_carrier::{Behaviour, Carrier, CarrierConfig, NumberRule, Report};
use hark_outcome::{Cause, Disposition};
use hark_tests::{Lab, Reads, Worker, until};
use serde_json::json;
use std::time::Duration;

/// A carrier at this lab's address; ring and talk times a fifth of real ones.
pub(crate) async fn carrier(lab: &Lab, numbers: Vec<NumberRule>) -> Carrier {
    let config = CarrierConfig {
        listen: lab.place.port(),
        time_scale: 0.2,
        numbers,
        ..CarrierConfig::on_loopback(Vec::new())
    };
    Carrier::start(config).await.expect("ports of this place's own")
}

/// Waits until the carrier has no call up, and returns what it saw, with no fault in it.
pub(crate) async fn settled(carrier: &Carrier) -> Report {
    until(
        "every call is over at the carrier too",
        Duration::from_secs(20),
        async || (carrier.live_calls() == 0).then_some(()),
    )
    .await;
    let report = carrier.report();
    let faults: Vec<_> = report.faults().collect();
    assert!(
        faults.is_empty(),
        "the carrier found fault with our SIP: {faults:?}"
    );
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_behaviour_of_the_network_is_judged_as_it_was_meant() {
    let lab = Lab::start().await;
    let behaviours = [
        Behaviour::Person(Person::default()),
        Behaviour::Busy(Refuse::default()),
        Behaviour::Reject(Refuse::default()),
        Behaviour::NotFound(Refuse::default()),
        Behaviour::Unavailable(Refuse::default()),
        Behaviour::BusyTone(Tone::default()),
        Behaviour::CongestionTone(Tone::default()),
        Behaviour::VacantTone(Tone::default()),
        Behaviour::Silence(Silence::default()),
        Behaviour::NoAnswer(NoAnswer::default()),
    ];
    let number = |i: usize| format!("+86138000001{i:02}");
    let rules = behaviours
        .iter()
        .enumerate()
        .map(|(i, b)| NumberRule::new(number(i), b.clone()))
        .collect();
    let carrier = carrier(&lab, rules).await;
    let config = lab
        .config()
        .trunk("main", carrier.address())
        .set("trunk.main", "max_calls_per_second", json!(50))
        .set("campaign.default", "ring_timeout_s", json!(10));
    let worker = Worker::start(&lab, &config);

    for i in 0..behaviours.len() {
        let job = json!({"id": format!("n{i}"), "to": number(i)}).to_string();
        lab.customer.publish("default", "normal", job.as_bytes()).await;
    }

    let mut wrong = Vec::new();
    for (i, behaviour) in behaviours.iter().enumerate() {
        let result = lab.result(&format!("n{i}")).await;
        let report = carrier.report();
        let number = number(i);
        let seen: Vec<_> = report.calls_to(&number).collect();
        assert_eq!(
            seen.iter().map(|c| c.invites).sum::<u32>(),
            1,
            "{behaviour:?} was dialled once"
        );
        if !seen[0].truth.contains(&result.cause) {
            wrong.push(format!(
                "{behaviour:?}: {} instead of {:?}: {:?}",
                result.cause, seen[0].truth, result.evidence
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    lab.customer.no_job_is_left().await;
    worker.stop().await;
    let report = settled(&carrier).await;
    assert_eq!(report.calls.len(), behaviours.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_over_tls_is_a_call_and_a_stranger_is_not_trusted() {
    let lab = Lab::start().await;
    let (ours, theirs) = (certificate(), certificate());
    let file = |name: &str, text: &str| {
        let file = lab.place.file(name);
        std::fs::write(&file, text).expect("the place's folder can be written");
        file
    };
    let tls = hark_carrier::TlsConfig {
        listen: lab.place.port(),
        cert_file: file("cert.pem", &ours.0),
        key_file: file("key.pem", &ours.1),
    };
    let config = CarrierConfig {
        listen: lab.place.port(),
        tls: Some(tls),
        time_scale: 0.2,
        ..CarrierConfig::on_loopback(Vec::new())
    };
    let carrier = Carrier::start(config).await.expect("ports of this place's own");
    let at = carrier.tls_address().expect("TLS was asked for");
    let worker = Worker::start(&lab, &secure(&lab, at, "good", &file("good.pem", &ours.0)));

    lab.dial("secure")
        .await
        .reads(Disposition::Answered, Cause::Person);

    worker.stop().await;
    let report = settled(&carrier).await;
    assert_eq!(report.calls.len(), 1);
    assert_eq!(report.calls[0].transport, "tls");

    // The same carrier, and a worker that trusts another certificate only.
    let worker = Worker::start(&lab, &secure(&lab, at, "bad", &file("bad.pem", &theirs.0)));
    let result = lab.dial("stranger").await;
    assert_eq!(result.disposition, Disposition::Network, "{result:?}");
    worker.stop().await;
    assert_eq!(
        carrier.report().calls.len(),
        1,
        "not one byte of SIP for a stranger"
    );
}

fn secure(lab: &Lab, at: SocketAddr, name: &str, trusted: &std::path::Path) -> hark_tests::ConfigFile {
    lab.config()
        .trunk(name, at)
        .set(&format!("trunk.{name}"), "transport", json!("tls"))
        .set(&format!("trunk.{name}.tls"), "ca_file", json!(trusted))
        .set(&format!("trunk.{name}.tls"), "server_name", json!("carrier.test"))
}

/// A self-signed certificate for `carrier.test`, and its key.
fn certificate() -> (String, String) {
    let made =
        rcgen::generate_simple_self_signed(["carrier.test".to_owned()]).expect("a certificate can be made");
    (made.cert.pem(), made.signing_key.serialize_pem())
}
