//! Answers that come late, or are written oddly, or demand more than was offered: nobody is hung up on for them, and
//! nothing stays up.

mod peer;

use hark_line::{EndedBy, FactKind, HangUp};
use peer::*;

#[tokio::test]
async fn an_answer_after_the_487_is_acknowledged_and_sent_bye() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    peer.reply(&invite, 180, "Ringing", "fork").await;
    until(&mut call, |f| {
        matches!(f, FactKind::Provisional { code: 180, .. })
    })
    .await;
    call.hang_up(HangUp::Verdict);
    let cancel = peer.expect("CANCEL").await;
    peer.reply(&cancel, 200, "OK", "proxy").await;
    peer.reply(&invite, 487, "Request Terminated", "proxy").await;
    peer.expect("ACK").await;
    let (_, ended) = end(&mut call).await;
    assert_eq!(ended.code, Some(487));
    peer.reply_sdp(&invite, 200, "OK", "fork").await;
    let ack = peer.expect("ACK").await;
    assert_eq!(ack.tag("To"), Some("fork"));
    let bye = peer.take_bye().await;
    assert_eq!(bye.tag("To"), Some("fork"));
}

#[tokio::test]
async fn a_trunk_that_demands_100rel_is_offered_it_and_gets_its_prack() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let first = peer.expect("INVITE").await;
    assert_eq!(
        first.header("Supported"),
        Some("timer"),
        "not before it is demanded"
    );
    let text = first.response(421, "Extension Required", "p", "Require: 100rel\r\n", "");
    peer.send(first.from, &text).await;
    peer.expect("ACK").await;
    let second = peer.expect("INVITE").await;
    assert_eq!(second.header("Supported"), Some("timer, 100rel"));
    assert_eq!(
        (second.call_id(), second.cseq()),
        (first.call_id(), first.cseq() + 1)
    );
    let extra = format!("{}Require: 100rel\r\nRSeq: 7\r\n", peer.contact());
    let progress = second.response(183, "Session Progress", "t1", &extra, &peer.sdp());
    peer.send(second.from, &progress).await;
    let prack = peer.expect("PRACK").await;
    let rack = format!("7 {} INVITE", second.cseq());
    assert_eq!(prack.header("RAck"), Some(rack.as_str()));
    peer.reply(&prack, 200, "OK", "").await;
    peer.reply_sdp(&second, 200, "OK", "t1").await;
    peer.expect("ACK").await;
    until(&mut call, |f| *f == FactKind::Answered).await;
    assert_eq!(line.trunks()[0].calls_today, 1);
    call.hang_up(HangUp::Done);
    peer.take_bye().await;
}

/// The peer's SDP, with a name for its address and an RTCP line nobody can read.
fn odd(sdp: &str) -> String {
    sdp.replace("c=IN IP4 127.0.0.1", "c=IN IP4 media.invalid") + "a=rtcp:none IN IP4 media.invalid\r\n"
}

#[tokio::test]
async fn an_answer_with_a_host_name_and_odd_lines_is_talked_to() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    let text = invite.response(200, "OK", "t1", &peer.contact(), &odd(&peer.sdp()));
    peer.send(invite.from, &text).await;
    peer.expect("ACK").await;
    until(&mut call, |f| *f == FactKind::Answered).await;
    let mut packet = [0; 200];
    tokio::time::timeout(PATIENCE, peer.rtp.recv_from(&mut packet))
        .await
        .expect("sound, sent to where the signalling is")
        .expect("readable");
    call.hang_up(HangUp::Done);
    peer.take_bye().await;
    let (_, ended) = end(&mut call).await;
    assert_eq!(ended.by, EndedBy::Us(HangUp::Done));
}

#[tokio::test]
async fn an_unreadable_answer_after_early_media_ends_no_call() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    peer.reply_sdp(&invite, 183, "Session Progress", "t1").await;
    until(&mut call, |f| {
        matches!(f, FactKind::Provisional { sdp: true, .. })
    })
    .await;
    let text = invite.response(200, "OK", "t1", &peer.contact(), "v=0\r\nm=audio what\r\n");
    peer.send(invite.from, &text).await;
    peer.expect("ACK").await;
    until(
        &mut call,
        |f| matches!(f, FactKind::Note(note) if note.contains("m=audio what")),
    )
    .await;
    call.hang_up(HangUp::Done);
    peer.take_bye().await;
    let (_, ended) = end(&mut call).await;
    assert!(ended.answered);
    assert_eq!(ended.by, EndedBy::Us(HangUp::Done));
}
