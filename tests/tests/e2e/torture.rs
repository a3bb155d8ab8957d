//! Messages that hurt SIP stacks do not hurt a worker.

use hark_outcome::{Cause, Disposition};
use hark_tests::{Lab, Reads, Sipp, Sound, Worker, torture, until};
use std::time::Duration;

#[tokio::test]
async fn a_worker_answers_or_refuses_every_torture_and_goes_on_calling() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let config = lab.config().trunk("main", peer.address());
    let mut worker = Worker::start(&lab, &config);
    lab.dial("before")
        .await
        .reads(Disposition::Invalid, Cause::VacantNumber);

    let told = torture(config.sip(), lab.place.port()).await;

    for case in &told {
        assert!(
            !case.due || !case.statuses.is_empty(),
            "{} must be answered",
            case.name
        );
        let taken = case.statuses.iter().any(|s| (180..300).contains(s));
        assert!(!(case.invite && taken), "nobody may call a worker: {case:?}");
    }
    assert!(worker.process().runs(), "it must live on");
    lab.dial("after")
        .await
        .reads(Disposition::Invalid, Cause::VacantNumber);
    worker.stop().await;
    assert_eq!(
        peer.finish().await.dials().len(),
        2,
        "none of it made a call of ours"
    );
}

#[tokio::test]
async fn a_call_from_outside_is_refused() {
    let lab = Lab::start().await;
    let peer = Sipp::start(&lab.place, "not_found", Sound::Silence).await;
    let config = lab.config().trunk("main", peer.address());
    let worker = Worker::start(&lab, &config);
    lab.dial("up")
        .await
        .reads(Disposition::Invalid, Cause::VacantNumber);
    let (me, you) = (lab.place.port(), config.sip());
    let socket = tokio::net::UdpSocket::bind(me)
        .await
        .expect("a port of this place's own");
    let invite = format!(
        "INVITE sip:someone@{you} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bKinbound\r\nFrom: <sip:x@{me}>;tag=1\r\n\
         To: <sip:someone@{you}>\r\nCall-ID: inbound@{me}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@{me}>\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    let mut buffer = vec![0; 65_536];

    let status = until("a final answer", Duration::from_secs(10), async || {
        socket.send_to(invite.as_bytes(), you).await.ok()?;
        let heard = tokio::time::timeout(Duration::from_millis(500), socket.recv_from(&mut buffer)).await;
        let (len, _) = heard.ok()?.ok()?;
        let status: u16 = String::from_utf8_lossy(&buffer[..len]).get(8..11)?.parse().ok()?;
        (status >= 200).then_some(status)
    })
    .await;

    assert!(status >= 400, "{status}");
    worker.stop().await;
    let _ = peer.finish().await;
}
