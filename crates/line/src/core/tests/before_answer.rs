use super::*;

#[test]
fn early_media_then_busy_ends_with_the_code_the_reason_and_no_answer() {
    let mut phone = Phone::calling();
    phone.reply(183, "a", Some("sdp"));
    assert!(phone.said.contains(&Command::Media {
        sdp: b"sdp".to_vec(),
        settled: false
    }));
    assert!(phone.said.contains(&Command::Tell(FactKind::Provisional {
        code: 183,
        phrase: "phrase 183".into(),
        sdp: true
    })));
    let reply = Reply {
        reason: Some("Q.850;cause=17;text=\"busy\"".into()),
        ..phone.response(486, "a")
    };
    phone.on(Event::Reply(reply));
    let end = phone.end();
    assert_eq!(
        (end.code, end.q850, end.answered, &end.by),
        (Some(486), Some(17), false, &EndedBy::Peer)
    );
    assert!(!end.ringing_seen && end.invited);
    assert!(phone.said.contains(&Command::Release));
    assert!(phone.machine.is_settled());
    phone.pass(Duration::from_secs(32));
    assert!(phone.machine.is_over());
}

#[test]
fn a_retransmitted_provisional_is_told_once() {
    let mut phone = Phone::calling();
    phone.reply(180, "a", None);
    assert_eq!(phone.said.len(), 1);
    assert_eq!(phone.reply(180, "a", None), []);
    phone.reply(183, "a", Some("sdp"));
    assert_eq!(phone.said.len(), 2);
    assert_eq!(phone.reply(183, "a", Some("sdp")), []);
}

#[test]
fn a_100_is_no_ringing() {
    let mut phone = Phone::calling();
    assert_eq!(phone.reply(100, "", None), []);
    phone.reply(404, "a", None);
    let end = phone.end();
    assert_eq!((end.code, end.ringing_seen), (Some(404), false));
}

#[test]
fn a_challenge_is_answered_once_with_the_next_cseq() {
    let mut phone = Phone::calling();
    let refused = Reply {
        challenge: Some(challenge(false)),
        ..phone.response(401, "a")
    };
    phone.on(Event::Reply(refused));
    assert_eq!(
        phone.said,
        [Command::Invite(Invite {
            cseq: 2,
            challenge: Some(challenge(false)),
            session: None,
            min_se: None,
            reliable: false
        })]
    );
    let again = Reply {
        challenge: Some(challenge(false)),
        ..phone.response(401, "b")
    };
    phone.on(Event::Reply(again));
    assert_eq!(phone.end().code, Some(401));
}

#[test]
fn a_stale_nonce_gets_a_second_answer_but_no_third() {
    let mut phone = Phone::calling();
    for (cseq, stale) in [(2, false), (3, true)] {
        let refused = Reply {
            challenge: Some(challenge(stale)),
            ..phone.response(407, "a")
        };
        phone.on(Event::Reply(refused));
        assert!(matches!(&phone.said[..], [Command::Invite(i)] if i.cseq == cseq));
    }
    let refused = Reply {
        challenge: Some(challenge(true)),
        ..phone.response(407, "a")
    };
    phone.on(Event::Reply(refused));
    assert_eq!(phone.end().code, Some(407));
}

#[test]
fn without_credentials_a_challenge_is_final() {
    let mut phone = Phone::calling();
    phone.machine.limits.credentials = false;
    let refused = Reply {
        challenge: Some(challenge(false)),
        ..phone.response(401, "a")
    };
    phone.on(Event::Reply(refused));
    assert_eq!(phone.end().code, Some(401));
}

#[test]
fn a_repeated_401_to_the_first_invite_does_not_hurt_the_second() {
    let mut phone = Phone::calling();
    let refused = Reply {
        challenge: Some(challenge(false)),
        ..phone.response(401, "a")
    };
    phone.on(Event::Reply(refused.clone()));
    assert_eq!(phone.on(Event::Reply(refused)), []);
    phone.reply(200, "b", Some("sdp"));
    assert!(phone.said.contains(&Command::MediaAnswered));
}

#[test]
fn too_small_a_session_interval_is_raised_once() {
    let mut phone = Phone::calling();
    phone.machine.limits.session = Some(120);
    let refused = Reply {
        min_se: Some(600),
        ..phone.response(422, "a")
    };
    phone.on(Event::Reply(refused));
    assert!(
        matches!(&phone.said[..], [Command::Invite(i)] if (i.cseq, i.session, i.min_se) == (2, Some(600), Some(600)))
    );
    let refused = Reply {
        min_se: Some(900),
        ..phone.response(422, "a")
    };
    phone.on(Event::Reply(refused));
    assert_eq!(phone.end().code, Some(422));
}

#[test]
fn a_demand_for_100rel_is_met_once() {
    let mut phone = Phone::calling();
    let refused = |phone: &Phone| Reply {
        demands_reliable: true,
        ..phone.response(421, "a")
    };
    let first = refused(&phone);
    phone.on(Event::Reply(first));
    assert!(matches!(&phone.said[..], [Command::Invite(i)] if i.cseq == 2 && i.reliable));
    let again = refused(&phone);
    phone.on(Event::Reply(again));
    assert_eq!(phone.end().code, Some(421));
}

#[test]
fn a_demand_for_another_extension_is_final() {
    let mut phone = Phone::calling();
    phone.reply(421, "a", None);
    assert_eq!(phone.end().code, Some(421));
}

#[test]
fn a_redirect_is_never_followed() {
    let mut phone = Phone::calling();
    phone.reply(302, "a", None);
    let end = phone.end();
    assert!(end.redirected);
    assert_eq!(end.code, Some(302));
    assert!(
        !phone
            .said
            .iter()
            .any(|c| matches!(c, Command::Connect | Command::Invite(_)))
    );
}

#[test]
fn a_refused_connection_goes_to_the_next_target_and_then_ends_without_invite() {
    let mut phone = Phone::new();
    phone.on(Event::Unreachable("connection refused".into()));
    assert!(phone.said.contains(&Command::Connect));
    phone.on(Event::Exhausted);
    let end = phone.end();
    assert!(!end.invited);
    assert_eq!(end.by, EndedBy::Network("connection refused".into()));
}

#[test]
fn a_503_before_ringing_goes_to_the_next_target_with_a_higher_cseq() {
    let mut phone = Phone::calling();
    phone.reply(100, "", None);
    phone.reply(503, "a", None);
    assert!(phone.said.contains(&Command::Connect) && phone.notes().len() == 1);
    phone.on(Event::Connected);
    assert!(matches!(&phone.said[..], [Command::Invite(i)] if i.cseq == 2));
    phone.reply(200, "b", Some("sdp"));
    assert!(phone.said.contains(&Command::MediaAnswered));
}

#[test]
fn the_last_503_is_told_when_no_target_is_left() {
    let mut phone = Phone::calling();
    phone.reply(503, "a", None);
    phone.on(Event::Unreachable("connection refused".into()));
    phone.on(Event::Exhausted);
    assert_eq!((phone.end().code, &phone.end().by), (Some(503), &EndedBy::Peer));
}

#[test]
fn a_503_after_ringing_is_final() {
    let mut phone = Phone::calling();
    phone.reply(180, "a", None);
    phone.reply(503, "a", None);
    assert_eq!(phone.end().code, Some(503));
    assert!(!phone.said.contains(&Command::Connect));
}

#[test]
fn a_silent_peer_ends_at_the_setup_deadline_and_a_late_answer_gets_ack_and_bye() {
    let mut phone = Phone::calling();
    assert_eq!(phone.pass(Duration::from_millis(4_999)), []);
    phone.pass(Duration::from_millis(1));
    assert!(phone.said.contains(&Command::Abandon));
    assert_eq!(phone.end().by, EndedBy::SetupTimeout);
    assert_eq!(phone.end().code, None);
    assert!(phone.said.contains(&Command::Release));
    phone.pass(Duration::from_secs(20));
    phone.reply(200, "late", Some("sdp"));
    assert!(phone.said_ack_to("late") && phone.said_bye_to("late"));
    phone.pass(Duration::from_secs(40));
    assert!(phone.machine.is_over());
}

#[test]
fn a_silent_peer_that_rings_late_is_cancelled() {
    let mut phone = Phone::calling();
    phone.pass(Duration::from_secs(5));
    phone.reply(180, "late", None);
    assert_eq!(phone.said, [Command::Cancel { cseq: 1 }]);
    assert_eq!(phone.reply(180, "late", None), []);
    phone.reply(487, "late", None);
    assert_eq!(
        phone.said,
        [Command::AckRefusal {
            cseq: 1,
            tag: "late".into()
        }]
    );
}

#[test]
fn a_connection_that_broke_after_the_invite_is_not_tried_elsewhere() {
    let mut phone = Phone::calling();
    let broken = Reply {
        local: true,
        ..phone.response(503, "")
    };
    phone.on(Event::Reply(broken));
    assert!(matches!(phone.end().by, EndedBy::Network(_)));
    assert!(phone.end().invited);
    assert_eq!(phone.end().code, None, "nobody sent a 503");
    assert!(!phone.said.contains(&Command::Connect));
}

#[test]
fn prack_goes_to_the_fork_that_demands_it_once_and_in_order() {
    let mut phone = Phone::calling();
    let reliable = |phone: &Phone, rseq| Reply {
        rseq: Some(rseq),
        sdp: Some(b"s".to_vec()),
        ..phone.response(183, "a")
    };
    let first = reliable(&phone, 7);
    phone.on(Event::Reply(first.clone()));
    let prack = phone.said.iter().find_map(|c| match c {
        Command::Prack {
            dialog,
            rseq,
            invite_cseq,
        } => Some((dialog.clone(), *rseq, *invite_cseq)),
        _ => None,
    });
    let (dialog, rseq, invite_cseq) = prack.expect("a PRACK");
    assert_eq!(
        (dialog.cseq, dialog.target.as_deref(), rseq, invite_cseq),
        (2, Some("sip:a@peer"), 7, 1)
    );
    assert_eq!(phone.on(Event::Reply(first)), [], "a retransmission");
    let gap = reliable(&phone, 9);
    assert_eq!(phone.on(Event::Reply(gap)), [], "out of order");
    let next = reliable(&phone, 8);
    phone.on(Event::Reply(next));
    assert!(matches!(&phone.said[..], [Command::Prack { rseq: 8, .. }, ..]));
}

#[test]
fn update_in_the_early_dialog_is_answered() {
    let mut phone = Phone::calling();
    phone.reply(183, "a", Some("sdp"));
    let update = Incoming {
        sdp: Some(b"new".to_vec()),
        ..incoming(Method::Update, "a", 1)
    };
    phone.on(Event::Request(update));
    assert!(phone.said.iter().any(
        |c| matches!(c, Command::Answer(Answer { code: 200, body: Body::AnswerTo(offer), .. }) if offer == b"new")
    ));
}

#[test]
fn a_request_with_a_foreign_tag_is_no_part_of_the_call() {
    let mut phone = Phone::live("a");
    let foreign = Incoming {
        to_tag: Some("somebody".into()),
        ..incoming(Method::Bye, "a", 1)
    };
    phone.on(Event::Request(foreign));
    assert_eq!(phone.answers(), [481]);
    let unknown = incoming(Method::Bye, "z", 1);
    phone.on(Event::Request(unknown));
    assert_eq!(phone.answers(), [481]);
}
