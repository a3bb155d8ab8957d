//! The other roles of the program, as a person uses them.

use hark_outcome::{Cause, Disposition};
use hark_tests::{Lab, Place, Reads, Sipp, Sound, Worker, hark};
use serde_json::{Value, json};

#[tokio::test]
async fn one_call_now_prints_its_result() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "decline", Sound::Silence).await;
    let file = lab.config().trunk("main", peer.address()).write();

    let end = hark(&[
        "--config",
        &file.display().to_string(),
        "call",
        "+8613800000001",
        "--json",
    ])
    .await;

    let result: hark_outcome::CallResult = serde_json::from_str(&end.stdout)
        .unwrap_or_else(|e| panic!("{e}; stdout: {}; stderr: {}", end.stdout, end.stderr));
    assert_eq!(
        (result.disposition, result.cause),
        (Disposition::Rejected, Cause::Declined)
    );
    assert_eq!(peer.finish().await.story(), ["INVITE", "ACK"]);
}

#[tokio::test]
async fn one_call_now_keeps_the_gate_too() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "decline", Sound::Silence).await;
    let file = lab.config().trunk("main", peer.address()).write();

    for number in ["110", "+86119", "+14155550100"] {
        let end = hark(&["--config", &file.display().to_string(), "call", number, "--json"]).await;
        let said = format!("{}{}", end.stdout, end.stderr);
        assert!(!said.contains("panicked"), "{said}");
        assert!(
            !end.status.success() || said.contains("bad_number"),
            "{number}: {said}"
        );
    }
    assert_eq!(peer.finish().await.count("INVITE"), 0);
}

#[tokio::test]
async fn a_wrong_number_is_said_to_be_one() {
    let place = Place::new();
    let file = hark_tests::ConfigFile::new(&place, "nats://127.0.0.1:1").write();
    let end = hark(&["--config", &file.display().to_string(), "call", "call-me"]).await;
    assert!(!end.status.success());
    assert!(
        end.stderr.contains("number") && !end.stderr.contains("panicked"),
        "{}",
        end.stderr
    );
}

#[tokio::test]
async fn a_busy_tone_in_a_file_is_heard() {
    let place = Place::new();
    let wav = place.file("busy.wav");
    Sound::Busy.write_wav(&wav);

    let end = hark(&[
        "classify",
        &wav.display().to_string(),
        "--phase",
        "early",
        "--json",
    ])
    .await;

    let told: Value =
        serde_json::from_str(end.stdout.trim()).unwrap_or_else(|e| panic!("{e}: {}", end.stdout));
    assert_eq!(
        (told["disposition"].as_str(), told["cause"].as_str()),
        (Some("busy"), Some("busy_tone")),
        "{told}"
    );
    for field in ["file", "confidence", "decided_at_s", "heard", "evidence"] {
        assert!(!told[field].is_null(), "{field} is missing: {told}");
    }
}

#[tokio::test]
async fn ringback_in_a_file_decides_nothing() {
    let place = Place::new();
    let wav = place.file("ringback.wav");
    Sound::Ringback.write_wav(&wav);
    let end = hark(&[
        "classify",
        &wav.display().to_string(),
        "--phase",
        "early",
        "--json",
    ])
    .await;
    let told: Value =
        serde_json::from_str(end.stdout.trim()).unwrap_or_else(|e| panic!("{e}: {}", end.stdout));
    assert!(told["disposition"].is_null(), "{told}");
}

#[tokio::test]
async fn files_that_are_no_sound_are_named_and_the_others_still_heard() {
    let place = Place::new();
    let (good, text, gone) = (
        place.file("busy.wav"),
        place.file("notes.wav"),
        place.file("gone.wav"),
    );
    Sound::Busy.write_wav(&good);
    std::fs::write(&text, "this is no sound").expect("can be written");
    let names = [&text, &gone, &good].map(|p| p.display().to_string());

    let end = hark(&[
        "classify", &names[0], &names[1], &names[2], "--phase", "early", "--json",
    ])
    .await;

    assert!(!end.status.success(), "a script must notice");
    for name in &names[..2] {
        assert!(
            end.stderr.contains(name.as_str()) || end.stdout.contains(name.as_str()),
            "{}",
            end.stderr
        );
    }
    assert!(end.stdout.contains("busy_tone"), "{}", end.stdout);
    assert!(!end.stderr.contains("panicked"), "{}", end.stderr);
}

#[tokio::test]
async fn an_unknown_key_is_an_error_that_names_the_nearest() {
    let place = Place::new();
    let file = place.file("hark.toml");
    std::fs::write(&file, "[nats]\nulr = \"nats://127.0.0.1:4222\"\n").expect("can be written");

    let end = hark(&["--config", &file.display().to_string(), "worker"]).await;

    assert!(!end.status.success());
    assert!(
        end.stderr.contains("ulr") && end.stderr.contains("url"),
        "{}",
        end.stderr
    );
    assert!(end.stderr.contains("hark.toml:2"), "the line: {}", end.stderr);
}

#[tokio::test]
async fn every_schema_is_json() {
    let all = hark(&["schema"]).await;
    assert!(all.status.success(), "{}", all.stderr);
    let told: Value = serde_json::from_str(&all.stdout).unwrap_or_else(|e| panic!("{e}: {}", all.stdout));
    assert!(told.is_object(), "{told}");
}

#[tokio::test]
async fn the_doctor_names_what_is_wrong_and_how_to_mend_it() {
    let lab = Lab::start().await;
    let nobody = lab.place.port();
    let file = lab.config().trunk("main", nobody).write();

    let end = hark(&[
        "--config",
        &file.display().to_string(),
        "doctor",
        "--number",
        "+8613800000001",
    ])
    .await;

    assert!(!end.status.success(), "a trunk that does not answer is a fault");
    let said = format!("{}{}", end.stdout, end.stderr);
    assert!(said.contains("2.15.1"), "the NATS version: {said}");
    assert!(
        said.contains("main") && said.contains(&nobody.to_string()),
        "the trunk: {said}"
    );
    assert!(
        said.contains("INVITE sip:"),
        "the INVITE it would be sent: {said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn no_number_and_no_credentials_reach_the_log() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "auth_401", Sound::Greeting).await;
    std::fs::write(lab.place.file("password"), "opensesame").expect("can be written");
    // As an operator sets it who looks for a fault.
    let config = lab
        .config()
        .trunk("main", peer.address())
        .set("trunk.main", "username", json!("hark"))
        .set("trunk.main", "password_file", json!(lab.place.file("password")))
        .set("log", "filter", json!("debug"));
    let worker = Worker::start(&lab, &config);

    lab.dial("private")
        .await
        .reads(Disposition::Answered, Cause::Person);

    let log = worker.log();
    assert!(log.contains("private"), "the call is there, by its job's name");
    for secret in ["13800000001", "opensesame", "response="] {
        let line = log.lines().find(|l| l.contains(secret)).unwrap_or_default();
        assert!(line.is_empty(), "{secret} stands in: {line}");
    }
    worker.stop().await;
    let _ = peer.finish().await;
}
