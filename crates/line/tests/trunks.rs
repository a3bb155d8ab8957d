//! Limits and health of trunks, probes, and the INVITE shown before it is sent.

mod peer;

use std::time::{Duration, Instant};

use hark_line::{Barred, Full, Line, LineConfig, LineError, ProbeError, TrunkConfig};
use hark_outcome::Number;
use peer::*;

#[tokio::test]
async fn a_probe_tells_what_the_trunk_says() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let asked = async {
        let options = peer.any().await;
        assert!(options.is("OPTIONS"));
        let extra = "Server: TestPBX 1.0\r\nAllow: INVITE, BYE\r\n";
        peer.send(options.from, &options.response(200, "OK", "x", extra, ""))
            .await;
    };
    let id = trunk_id();
    let (report, ()) = tokio::join!(line.probe(&id), asked);
    let report = report.expect("an answer");
    assert_eq!(
        (report.code, report.server.as_deref()),
        (200, Some("TestPBX 1.0"))
    );
    assert_eq!(
        (report.target, report.allow.as_deref()),
        (peer.address(), Some("INVITE, BYE"))
    );
}

#[tokio::test]
async fn a_probe_of_a_silent_trunk_ends_and_says_what_to_check() {
    let peer = Peer::start().await;
    let line = line(vec![(
        TRUNK,
        TrunkConfig {
            setup_timeout_s: 0.2,
            ..trunk(peer.address())
        },
    )])
    .await;
    let error = line.probe(&trunk_id()).await.expect_err("silence");
    assert!(matches!(error, ProbeError::Silent { .. }), "{error}");
    assert!(error.to_string().contains("firewalls"));
}

#[tokio::test]
async fn a_trunk_that_says_503_gets_no_calls_until_it_recovers() {
    let mut peer = Peer::start().await;
    let line = line(vec![(
        TRUNK,
        TrunkConfig {
            options_interval_s: 1,
            ..trunk(peer.address())
        },
    )])
    .await;
    let route = line.route(&number(), &[], None).expect("allowed");
    for _ in 0..2 {
        let options = peer.any().await;
        peer.reply(&options, 503, "Service Unavailable", "x").await;
    }
    // The third question is asked after the second answer was taken.
    let options = peer.any().await;
    assert!(matches!(line.reserve(&route), Err(Full::Unhealthy { .. })));
    assert_eq!(line.free_channels(), 0);
    assert!(!line.trunks()[0].healthy);
    peer.reply(&options, 404, "Not Found", "x").await;
    // Any answer is life.
    tokio::time::timeout(PATIENCE, async {
        while line.free_channels() == 0 {
            line.channel_freed().await;
        }
    })
    .await
    .expect("it comes back and says so");
    assert!(line.reserve(&route).is_ok());
}

#[tokio::test]
async fn calls_start_at_the_trunks_pace() {
    let peer = Peer::start().await;
    let config = TrunkConfig {
        max_calls_per_second: 20.0,
        ..trunk(peer.address())
    };
    let line = line(vec![(TRUNK, config)]).await;
    let route = line.route(&number(), &[], None).expect("allowed");
    let begun = Instant::now();
    let mut held = Vec::new();
    for _ in 0..5 {
        let reservation = line.reserve(&route).expect("free");
        line.pace(&reservation, Duration::from_secs(5))
            .await
            .expect("a slot");
        held.push(reservation);
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(200),
        "{:?}",
        begun.elapsed()
    );
    let reservation = line.reserve(&route).expect("free");
    let error = line
        .pace(&reservation, Duration::ZERO)
        .await
        .expect_err("no slot at once");
    assert!(matches!(error, Full::Pace { .. }));
}

#[tokio::test]
async fn channels_are_counted_and_the_next_trunk_helps_out() {
    let peer = Peer::start().await;
    let one = TrunkConfig {
        max_channels: 1,
        ..trunk(peer.address())
    };
    let line = line(vec![("a", one.clone()), ("b", one)]).await;
    let route = line.route(&number(), &[], None).expect("allowed");
    let first = line.reserve(&route).expect("free");
    let second = line.reserve(&route).expect("free");
    assert_eq!((first.trunk().as_str(), second.trunk().as_str()), ("a", "b"));
    assert!(matches!(line.reserve(&route), Err(Full::Channels { .. })));
    drop(first);
    line.channel_freed().await;
    assert_eq!(line.free_channels(), 1);
}

#[tokio::test]
async fn the_preview_is_what_is_sent() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let preview = line.preview_invite(&trunk_id(), &number()).expect("allowed");
    let _call = dial(&line);
    let invite = peer.expect("INVITE").await;
    let names = |text: &str| -> Vec<String> {
        text.lines()
            .take_while(|l| !l.is_empty())
            .map(|l| l.split([':', ' ']).next().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(names(&preview), names(&invite.text));
    assert_eq!(preview.lines().next(), invite.text.lines().next());
    let from = |text: &str| {
        text.lines()
            .find(|l| l.starts_with("From:"))
            .map(|l| l.split(";tag").next().unwrap_or_default().to_owned())
    };
    assert_eq!(from(&preview), from(&invite.text));
    let emergency = Number::parse("110").expect("a number");
    assert_eq!(
        line.preview_invite(&trunk_id(), &emergency),
        Err(Barred::Emergency)
    );
}

#[tokio::test]
async fn a_taken_port_is_told_with_the_keys_to_change() {
    let taken = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let config = LineConfig {
        sip_port: port,
        ..config()
    };
    let error = Line::start(config, Default::default())
        .await
        .err()
        .expect("refused");
    assert!(matches!(error, LineError::Bind { .. }));
    assert!(error.to_string().contains("line.sip_port"), "{error}");
}

#[tokio::test]
async fn unknown_trunks_and_foreign_caller_ids_are_named() {
    let peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let nobody = hark_outcome::TrunkId::new("nobody").expect("valid");
    let error = line
        .route(&number(), std::slice::from_ref(&nobody), None)
        .expect_err("unknown");
    assert!(error.to_string().contains("known: main"), "{error}");
    let foreign = Number::parse("+8613911112222").expect("a number");
    assert!(matches!(
        line.route(&number(), &[], Some(&foreign)),
        Err(Barred::CallerId { .. })
    ));
    // Not by way of the request either.
    let route = line.route(&number(), &[], None).expect("allowed");
    let reservation = line.reserve(&route).expect("free");
    let mut call = line.dial(
        reservation,
        hark_line::CallRequest {
            caller_id: Some(foreign),
            ..request("job")
        },
    );
    assert!(!end(&mut call).await.1.invited);
}
