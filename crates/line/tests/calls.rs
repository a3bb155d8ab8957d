//! Whole calls over UDP against a peer that is scripted by hand: what the owner is told, and what the peer saw.

mod peer;

use std::time::Duration;

use hark_line::{EndedBy, FactKind, HangUp};
use peer::*;

#[tokio::test]
async fn an_answered_call_tells_its_story_and_we_hang_up() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let (invite, ack) = peer.answer("t1").await;
    assert!(invite.body().contains("m=audio"));
    assert_eq!(ack.cseq(), invite.cseq());
    assert_ne!(
        ack.branch(),
        invite.branch(),
        "the ACK of a 2xx is a transaction of its own"
    );
    assert_eq!(ack.tag("To"), Some("t1"));
    assert_eq!(
        ack.uri(),
        format!("sip:peer@{}", peer.address()),
        "to the Contact"
    );
    let told = fact(&mut call).await.what;
    let FactKind::Invited {
        trunk,
        caller_id,
        call_id,
    } = told
    else {
        panic!("{told:?}")
    };
    assert_eq!(
        (trunk, caller_id.is_some(), call_id.as_str()),
        (trunk_id(), true, invite.call_id())
    );
    until(&mut call, |f| {
        matches!(
            f,
            FactKind::Provisional {
                code: 180,
                sdp: false,
                ..
            }
        )
    })
    .await;
    until(&mut call, |f| *f == FactKind::Answered).await;
    assert_eq!(line.free_channels(), 9);
    call.hang_up(HangUp::Done);
    let bye = peer.take_bye().await;
    assert_eq!((bye.tag("To"), bye.cseq()), (Some("t1"), invite.cseq() + 1));
    let (_, ended) = end(&mut call).await;
    assert!(ended.invited && ended.answered && ended.ringing_seen && !ended.crossed);
    assert_eq!((ended.by, ended.code), (EndedBy::Us(HangUp::Done), Some(200)));
    assert!(ended.media.is_some());
    line.channel_freed().await;
    assert_eq!(line.free_channels(), 10);
}

#[tokio::test]
async fn the_peer_hangs_up_with_a_reason() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let (invite, _) = peer.answer("t1").await;
    until(&mut call, |f| *f == FactKind::Answered).await;
    let bye = peer.request(
        "BYE",
        &invite,
        "t1",
        1,
        "Reason: Q.850;cause=16;text=\"Normal\"\r\n",
        "",
    );
    peer.send(invite.from, &bye).await;
    assert_eq!(peer.any().await.start(), "SIP/2.0 200 OK");
    let (_, ended) = end(&mut call).await;
    assert_eq!((ended.by, ended.q850), (EndedBy::Peer, Some(16)));
    assert_eq!(ended.reason.as_deref(), Some("Q.850;cause=16;text=\"Normal\""));
}

#[tokio::test]
async fn early_media_then_busy() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    peer.reply_sdp(&invite, 183, "Session Progress", "t1").await;
    until(&mut call, |f| {
        matches!(
            f,
            FactKind::Provisional {
                code: 183,
                sdp: true,
                ..
            }
        )
    })
    .await;
    // We send from the moment the SDP is known: some trunks send nothing before.
    let mut packet = [0; 2048];
    let got = tokio::time::timeout(PATIENCE, peer.rtp.recv_from(&mut packet))
        .await
        .expect("RTP in time")
        .expect("readable");
    assert!(got.0 >= 12);
    let busy = invite.response(486, "Busy Here", "t1", "Reason: Q.850;cause=17\r\n", "");
    peer.send(invite.from, &busy).await;
    let ack = peer.expect("ACK").await;
    assert_eq!(
        ack.branch(),
        invite.branch(),
        "the ACK of a refusal belongs to the INVITE"
    );
    let (_, ended) = end(&mut call).await;
    assert_eq!(
        (ended.code, ended.q850, ended.answered),
        (Some(486), Some(17), false)
    );
    assert_eq!(ended.phrase.as_deref(), Some("Busy Here"));
    assert_eq!(line.free_channels(), 10);
}

#[tokio::test]
async fn refusals_are_told_as_sent() {
    for (code, phrase, extra) in [
        (404, "Not Found", ""),
        (
            603,
            "Decline",
            "Reason: Q.850;cause=21;text=\"call rejected\"\r\n",
        ),
        (403, "Caller Not Allowed Here", ""),
    ] {
        let mut peer = Peer::start().await;
        let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
        let mut call = dial(&line);
        let invite = peer.expect("INVITE").await;
        peer.send(invite.from, &invite.response(code, phrase, "t1", extra, ""))
            .await;
        peer.expect("ACK").await;
        let (_, ended) = end(&mut call).await;
        assert_eq!((ended.code, ended.phrase.as_deref()), (Some(code), Some(phrase)));
        assert_eq!(ended.q850, (code == 603).then_some(21));
    }
}

#[tokio::test]
async fn hanging_up_while_it_rings_cancels_with_the_same_branch() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    peer.reply(&invite, 180, "Ringing", "t1").await;
    until(&mut call, |f| matches!(f, FactKind::Provisional { .. })).await;
    call.hang_up(HangUp::Verdict);
    let cancel = peer.expect("CANCEL").await;
    assert_eq!((cancel.branch(), cancel.cseq()), (invite.branch(), invite.cseq()));
    peer.reply(&cancel, 200, "OK", "t1").await;
    peer.reply(&invite, 487, "Request Terminated", "t1").await;
    peer.expect("ACK").await;
    let (_, ended) = end(&mut call).await;
    assert_eq!((ended.by, ended.code), (EndedBy::Us(HangUp::Verdict), Some(487)));
}

#[tokio::test]
async fn a_lost_cancel_is_repeated() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    peer.reply(&invite, 180, "Ringing", "t1").await;
    until(&mut call, |f| matches!(f, FactKind::Provisional { .. })).await;
    call.hang_up(HangUp::Verdict);
    peer.expect("CANCEL").await;
    let again = tokio::time::timeout(PATIENCE, peer.raw())
        .await
        .expect("a repetition");
    assert!(again.is("CANCEL"));
    peer.reply(&again, 200, "OK", "t1").await;
    peer.reply(&invite, 487, "Request Terminated", "t1").await;
    let (_, ended) = end(&mut call).await;
    assert_eq!(ended.code, Some(487));
}

#[tokio::test]
async fn an_answer_that_crosses_our_cancel_gets_ack_and_bye() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    peer.reply(&invite, 180, "Ringing", "t1").await;
    until(&mut call, |f| matches!(f, FactKind::Provisional { .. })).await;
    call.hang_up(HangUp::Verdict);
    let cancel = peer.expect("CANCEL").await;
    peer.reply_sdp(&invite, 200, "OK", "t1").await;
    peer.expect("ACK").await;
    peer.take_bye().await;
    peer.reply(&cancel, 481, "Call/Transaction Does Not Exist", "t1")
        .await;
    let (_, ended) = end(&mut call).await;
    assert!(ended.crossed && ended.answered);
    assert_eq!(ended.by, EndedBy::Us(HangUp::Verdict));
}

#[tokio::test]
async fn two_early_forks_and_the_first_one_answers() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    peer.reply_sdp(&invite, 183, "Session Progress", "f1").await;
    peer.reply_sdp(&invite, 183, "Session Progress", "f2").await;
    peer.reply_sdp(&invite, 200, "OK", "f1").await;
    let ack = peer.expect("ACK").await;
    assert_eq!(ack.tag("To"), Some("f1"));
    until(&mut call, |f| *f == FactKind::Answered).await;
    drop(call);
    assert_eq!(peer.take_bye().await.tag("To"), Some("f1"));
}

#[tokio::test]
async fn two_forks_answer_and_neither_stays_up() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    // In one breath: the stack's transaction ends at the first.
    peer.reply_sdp(&invite, 200, "OK", "f1").await;
    peer.reply_sdp(&invite, 200, "OK", "f2").await;
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 3 {
        let message = peer.any().await;
        let tag = message.tag("To").unwrap_or_default().to_owned();
        if message.is("BYE") {
            peer.reply(&message, 200, "OK", "").await;
        }
        seen.insert((message.method().to_owned(), tag));
    }
    let wanted = [("ACK", "f1"), ("ACK", "f2"), ("BYE", "f2")].map(|(m, t)| (m.to_owned(), t.to_owned()));
    assert_eq!(seen, wanted.into());
    until(&mut call, |f| *f == FactKind::Answered).await;
    call.hang_up(HangUp::Done);
    assert_eq!(peer.take_bye().await.tag("To"), Some("f1"));
}

#[tokio::test]
async fn a_repeated_200_is_acknowledged_again() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let (invite, ack) = peer.answer("t1").await;
    until(&mut call, |f| *f == FactKind::Answered).await;
    peer.reply_sdp(&invite, 200, "OK", "t1").await;
    let again = peer.expect("ACK").await;
    assert_eq!((again.cseq(), again.tag("To")), (ack.cseq(), ack.tag("To")));
}

#[tokio::test]
async fn a_200_without_contact_gets_ack_and_bye() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    peer.send(invite.from, &invite.response(200, "OK", "t1", "", &peer.sdp()))
        .await;
    let ack = peer.expect("ACK").await;
    assert_eq!(ack.uri(), invite.uri(), "no Contact: the INVITE's own target");
    until(&mut call, |f| *f == FactKind::Answered).await;
    call.hang_up(HangUp::Done);
    peer.take_bye().await;
    let (_, ended) = end(&mut call).await;
    assert!(ended.answered);
}

#[tokio::test]
async fn a_200_without_sdp_is_acknowledged_and_hung_up() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    peer.reply(&invite, 200, "OK", "t1").await;
    peer.expect("ACK").await;
    peer.take_bye().await;
    let (_, ended) = end(&mut call).await;
    assert!(matches!(ended.by, EndedBy::Network(_)));
}

#[tokio::test]
async fn a_silent_peer_is_left_at_the_setup_deadline_and_a_late_answer_is_cleaned_up() {
    let mut peer = Peer::start().await;
    let quick = hark_line::TrunkConfig {
        setup_timeout_s: 0.3,
        ..trunk(peer.address())
    };
    let line = line(vec![(TRUNK, quick)]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    let (_, ended) = end(&mut call).await;
    assert_eq!(
        (ended.by, ended.code, ended.invited),
        (EndedBy::SetupTimeout, None, true)
    );
    assert_eq!(line.free_channels(), 10);
    peer.reply_sdp(&invite, 200, "OK", "late").await;
    peer.expect("ACK").await;
    peer.take_bye().await;
    assert_eq!(peer.repeated, 0, "the INVITE is not repeated after the deadline");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut peer = Peer::start().await;
    let mut elsewhere = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    let contact = format!("Contact: <sip:premium@{}>\r\n", elsewhere.address());
    peer.send(
        invite.from,
        &invite.response(302, "Moved Temporarily", "t1", &contact, ""),
    )
    .await;
    peer.expect("ACK").await;
    let (_, ended) = end(&mut call).await;
    assert!(ended.redirected);
    assert!(
        tokio::time::timeout(Duration::from_millis(300), elsewhere.raw())
            .await
            .is_err(),
        "nothing went there"
    );
}

#[tokio::test]
async fn dropping_the_call_hangs_up_and_the_bye_is_repeated_until_answered() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    peer.answer("t1").await;
    until(&mut call, |f| *f == FactKind::Answered).await;
    drop(call);
    peer.expect("BYE").await;
    let again = tokio::time::timeout(PATIENCE, peer.raw())
        .await
        .expect("a repetition");
    assert!(again.is("BYE"));
    peer.reply(&again, 200, "OK", "").await;
}

#[tokio::test]
async fn it_rings_to_the_deadline_and_is_cancelled() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial_with(
        &line,
        hark_line::CallRequest {
            ring_timeout: Duration::from_millis(400),
            ..request("job")
        },
    );
    let invite = peer.expect("INVITE").await;
    peer.reply(&invite, 180, "Ringing", "t1").await;
    let cancel = peer.expect("CANCEL").await;
    peer.reply(&cancel, 200, "OK", "t1").await;
    peer.reply(&invite, 487, "Request Terminated", "t1").await;
    let (_, ended) = end(&mut call).await;
    assert_eq!(ended.by, EndedBy::RingTimeout);
    assert!(ended.ringing_seen);
}

#[tokio::test]
async fn the_call_ends_at_its_maximum_duration() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial_with(
        &line,
        hark_line::CallRequest {
            max_duration: Duration::from_millis(400),
            ..request("job")
        },
    );
    peer.answer("t1").await;
    peer.take_bye().await;
    let (_, ended) = end(&mut call).await;
    assert_eq!(ended.by, EndedBy::MaxDuration);
    assert!(ended.answered_for >= Duration::from_millis(400));
}

#[tokio::test]
async fn the_same_attempt_is_never_on_the_line_twice() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut first = dial(&line);
    peer.expect("INVITE").await;
    let mut second = dial(&line);
    let (_, ended) = end(&mut second).await;
    assert!(!ended.invited);
    until(&mut first, |f| matches!(f, FactKind::Invited { .. })).await;
    assert_eq!(line.free_channels(), 9, "the second gave its channel back");
}

#[tokio::test]
async fn shutdown_hangs_up_live_calls_and_waits_for_their_goodbye() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    peer.answer("t1").await;
    until(&mut call, |f| *f == FactKind::Answered).await;
    let (_, bye) = tokio::join!(line.shutdown(PATIENCE), peer.take_bye());
    assert_eq!(bye.tag("To"), Some("t1"));
    let (_, ended) = end(&mut call).await;
    assert_eq!(ended.by, EndedBy::Us(HangUp::Shutdown));
    let route = line.route(&number(), &[], None).expect("allowed");
    assert!(line.reserve(&route).is_err(), "nothing new after the end");
}
