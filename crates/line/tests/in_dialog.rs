//! What peers ask of us, inside a call and outside.

mod peer;

use hark_line::{FactKind, HangUp, TrunkConfig};
use peer::*;
use tokio::net::UdpSocket;

async fn answered(call: &mut hark_line::Call) {
    until(call, |f| *f == FactKind::Answered).await;
}

#[tokio::test]
async fn hold_resume_and_a_new_address_are_answered_with_sdp() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let (invite, _) = peer.answer("t1").await;
    answered(&mut call).await;
    let hold = format!("{}a=sendonly\r\n", peer.sdp());
    let text = peer.request("INVITE", &invite, "t1", 1, "", &hold);
    peer.send(invite.from, &text).await;
    let response = peer.any().await;
    assert_eq!(response.start(), "SIP/2.0 200 OK");
    assert!(response.body().contains("a=recvonly"), "{}", response.text);
    assert!(response.header("Contact").is_some());
    let ack = peer.request("ACK", &invite, "t1", 1, "", "");
    peer.send(invite.from, &ack).await;
    until(
        &mut call,
        |f| matches!(f, FactKind::Note(n) if n.contains("re-INVITE")),
    )
    .await;
    // Resumed at another port: sound goes there.
    let moved = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let text = peer.request(
        "INVITE",
        &invite,
        "t1",
        2,
        "",
        &sdp(moved.local_addr().expect("bound")),
    );
    peer.send(invite.from, &text).await;
    assert_eq!(peer.any().await.start(), "SIP/2.0 200 OK");
    peer.send(invite.from, &peer.request("ACK", &invite, "t1", 2, "", ""))
        .await;
    let mut packet = [0; 2048];
    tokio::time::timeout(PATIENCE, moved.recv_from(&mut packet))
        .await
        .expect("RTP in time")
        .expect("readable");
    call.hang_up(HangUp::Done);
    peer.take_bye().await;
}

#[tokio::test]
async fn an_offer_that_cannot_be_used_is_488_and_the_call_goes_on() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let (invite, _) = peer.answer("t1").await;
    answered(&mut call).await;
    let video = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000\r\n";
    peer.send(invite.from, &peer.request("INVITE", &invite, "t1", 1, "", video))
        .await;
    assert!(peer.any().await.start().starts_with("SIP/2.0 488"));
    peer.send(invite.from, &peer.request("OPTIONS", &invite, "t1", 2, "", ""))
        .await;
    assert_eq!(peer.any().await.start(), "SIP/2.0 200 OK");
    call.hang_up(HangUp::Done);
    peer.take_bye().await;
}

#[tokio::test]
async fn requests_in_the_dialog_are_answered_and_refer_is_refused() {
    let mut peer = Peer::start().await;
    let mut elsewhere = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let (invite, _) = peer.answer("t1").await;
    answered(&mut call).await;
    let refer = format!("Refer-To: <sip:premium@{}>\r\n", elsewhere.address());
    for (cseq, method, extra, wanted) in [
        (1, "INFO", "", "200"),
        (2, "OPTIONS", "", "200"),
        (3, "NOTIFY", "Event: refer\r\n", "200"),
        (4, "UPDATE", "", "200"),
        (5, "REFER", refer.as_str(), "603"),
        (6, "MESSAGE", "", "405"),
    ] {
        peer.send(invite.from, &peer.request(method, &invite, "t1", cseq, extra, ""))
            .await;
        let response = peer.any().await;
        assert_eq!(
            response.start().split(' ').nth(1),
            Some(wanted),
            "{method}: {}",
            response.text
        );
    }
    until(
        &mut call,
        |f| matches!(f, FactKind::Note(n) if n.contains("REFER")),
    )
    .await;
    let nothing = tokio::time::timeout(std::time::Duration::from_millis(200), elsewhere.raw()).await;
    assert!(nothing.is_err(), "nobody was called");
    call.hang_up(HangUp::Done);
    peer.take_bye().await;
}

#[tokio::test]
async fn update_before_the_answer_is_answered() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    peer.reply_sdp(&invite, 183, "Session Progress", "t1").await;
    until(&mut call, |f| matches!(f, FactKind::Provisional { .. })).await;
    peer.send(
        invite.from,
        &peer.request("UPDATE", &invite, "t1", 1, "", &peer.sdp()),
    )
    .await;
    let response = peer.any().await;
    assert_eq!(response.start(), "SIP/2.0 200 OK");
    assert!(response.body().contains("m=audio"));
    call.hang_up(HangUp::Done);
    peer.expect("CANCEL").await;
}

#[tokio::test]
async fn a_demanded_prack_goes_to_the_forks_contact_along_its_routes() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    assert!(
        !invite.header("Supported").unwrap_or_default().contains("100rel"),
        "not offered, still acknowledged"
    );
    let extra = format!(
        "Contact: <sip:gateway@10.99.99.99:5999>\r\nRecord-Route: <sip:{};lr>\r\nRequire: 100rel\r\nRSeq: 731\r\n",
        peer.address()
    );
    peer.send(
        invite.from,
        &invite.response(183, "Session Progress", "t1", &extra, &peer.sdp()),
    )
    .await;
    let prack = peer.expect("PRACK").await;
    assert_eq!(
        prack.header("RAck"),
        Some(format!("731 {} INVITE", invite.cseq()).as_str())
    );
    assert_eq!(prack.uri(), "sip:gateway@10.99.99.99:5999");
    assert_eq!(
        prack.header("Route"),
        Some(format!("<sip:{};lr>", peer.address()).as_str())
    );
    assert_eq!(prack.tag("To"), Some("t1"));
    peer.reply(&prack, 200, "OK", "").await;
    peer.send(
        invite.from,
        &invite.response(
            200,
            "OK",
            "t1",
            &extra.replace("Require: 100rel\r\nRSeq: 731\r\n", ""),
            "",
        ),
    )
    .await;
    let ack = peer.expect("ACK").await;
    assert_eq!(
        ack.header("Route"),
        prack.header("Route"),
        "record routes are kept"
    );
    answered(&mut call).await;
    call.hang_up(HangUp::Done);
    assert_eq!(peer.take_bye().await.uri(), "sip:gateway@10.99.99.99:5999");
}

#[tokio::test]
async fn a_session_timer_of_the_peer_is_kept_by_us() {
    let mut peer = Peer::start().await;
    let config = TrunkConfig {
        session_expires_s: Some(90),
        ..trunk(peer.address())
    };
    let line = line(vec![(TRUNK, config)]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    assert_eq!(invite.header("Session-Expires"), Some("90"));
    let extra = "Min-SE: 120\r\n";
    peer.send(
        invite.from,
        &invite.response(422, "Session Interval Too Small", "p", extra, ""),
    )
    .await;
    peer.expect("ACK").await;
    let again = peer.expect("INVITE").await;
    assert_eq!(
        (again.header("Session-Expires"), again.header("Min-SE")),
        (Some("120"), Some("120"))
    );
    assert_eq!(
        (again.call_id(), again.cseq()),
        (invite.call_id(), invite.cseq() + 1)
    );
    peer.reply_sdp(&again, 200, "OK", "t1").await;
    peer.expect("ACK").await;
    answered(&mut call).await;
    // The peer refreshes; we agree.
    let update = peer.request(
        "UPDATE",
        &again,
        "t1",
        1,
        "Session-Expires: 120;refresher=uac\r\nSupported: timer\r\n",
        "",
    );
    peer.send(again.from, &update).await;
    let response = peer.any().await;
    assert_eq!(response.header("Session-Expires"), Some("120;refresher=uac"));
    call.hang_up(HangUp::Done);
    peer.take_bye().await;
}

#[tokio::test]
async fn nobody_can_call_us() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    // A call, so that we know where the line listens.
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    let to = invite.from;
    let us = peer.address();
    let outside = |method: &str, tag: &str| {
        format!(
            "{method} sip:x@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKout{method}{}\r\nMax-Forwards: 70\r\n\
             From: <sip:thief@x>;tag=th\r\nTo: <sip:x@{to}>{tag}\r\nCall-ID: out{method}\r\nCSeq: 1 {method}\r\n\
             Refer-To: <sip:premium@x>\r\nContact: <sip:thief@{}>\r\nContent-Length: 0\r\n\r\n",
            us,
            tag.len(),
            us
        )
    };
    for (method, tag, wanted) in [
        ("INVITE", "", "403"),
        ("REFER", "", "405"),
        ("REGISTER", "", "405"),
        ("SUBSCRIBE", "", "405"),
        ("MESSAGE", "", "405"),
        ("OPTIONS", "", "200"),
        ("BYE", ";tag=x", "481"),
        ("INVITE", ";tag=x", "481"),
        ("UPDATE", ";tag=x", "481"),
    ] {
        peer.send(to, &outside(method, tag)).await;
        let response = peer.any().await;
        assert_eq!(
            response.start().split(' ').nth(1),
            Some(wanted),
            "{method}{tag}: {}",
            response.text
        );
        if wanted == "405" {
            assert!(response.header("Allow").is_some());
        }
    }
    // A stranger who knows the Call-ID but not the tags ends nothing.
    let bye = peer
        .request("BYE", &invite, "t1", 1, "", "")
        .replace(invite.tag("From").expect("our tag"), "guessed");
    peer.send(to, &bye).await;
    assert!(peer.any().await.start().starts_with("SIP/2.0 481"));
    peer.reply_sdp(&invite, 200, "OK", "t1").await;
    peer.expect("ACK").await;
    answered(&mut call).await;
}
