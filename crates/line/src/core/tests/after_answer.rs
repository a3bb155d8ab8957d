use super::*;

#[test]
fn the_peer_hangs_up_and_its_reason_is_kept() {
    let mut phone = Phone::live("a");
    phone.pass(Duration::from_secs(7));
    let bye = Incoming {
        reason: Some("Q.850;cause=16".into()),
        ..incoming(Method::Bye, "a", 1)
    };
    phone.on(Event::Request(bye));
    assert_eq!(phone.answers(), [200]);
    let end = phone.end();
    assert_eq!(
        (&end.by, end.q850, end.code),
        (&EndedBy::Peer, Some(16), Some(200))
    );
    assert_eq!(end.answered_for, Duration::from_secs(7));
    assert!(phone.said.contains(&Command::Release));
    assert!(!phone.said_bye_to("a"));
}

#[test]
fn we_hang_up_with_bye_and_the_channel_is_free_when_it_is_answered() {
    let mut phone = Phone::live("a");
    phone.on(Event::HangUp(HangUp::Done));
    assert!(phone.said_bye_to("a"));
    assert_eq!(phone.end().by, EndedBy::Us(HangUp::Done));
    assert!(!phone.said.contains(&Command::Release));
    phone.bye_outcome("a", 200, false);
    assert_eq!(phone.said, [Command::Release]);
}

#[test]
fn an_unanswered_bye_is_tried_again_until_its_deadline() {
    let mut phone = Phone::live("a");
    phone.on(Event::HangUp(HangUp::Done));
    phone.pass(Duration::from_secs(32));
    phone.bye_outcome("a", 408, true);
    phone.pass(Duration::from_secs(2));
    assert!(phone.said_bye_to("a"), "again");
    phone.pass(Duration::from_secs(31));
    assert!(
        phone.said.contains(&Command::Release),
        "the deadline: {:?}",
        phone.said
    );
    assert!(phone.machine.is_over());
}

#[test]
fn a_challenged_bye_is_repeated_with_credentials_once() {
    let mut phone = Phone::live("a");
    phone.on(Event::HangUp(HangUp::Done));
    let challenged = Reply {
        code: 407,
        challenge: Some(challenge(false)),
        ..Reply::default()
    };
    phone.on(Event::Outcome(Asked::Bye("a".into()), challenged.clone()));
    assert!(matches!(&phone.said[..], [Command::Bye { dialog, .. }] if dialog.challenge.is_some()));
    phone.on(Event::Outcome(Asked::Bye("a".into()), challenged));
    assert_eq!(phone.said, [Command::Release]);
}

#[test]
fn both_hang_up_at_once() {
    let mut phone = Phone::live("a");
    phone.on(Event::HangUp(HangUp::Done));
    phone.request(Method::Bye, "a", 1);
    assert_eq!(phone.answers(), [200]);
    assert!(phone.said.contains(&Command::Release));
}

#[test]
fn the_call_ends_at_its_maximum_duration() {
    let mut phone = Phone::live("a");
    phone.pass(TALK - Duration::from_millis(1));
    assert_eq!(phone.said, []);
    phone.pass(Duration::from_millis(1));
    assert_eq!(phone.end().by, EndedBy::MaxDuration);
    assert_eq!(phone.end().answered_for, TALK);
    assert!(phone.said_bye_to("a"));
}

#[test]
fn a_re_invite_is_answered_and_refer_is_refused_and_the_call_goes_on() {
    let mut phone = Phone::live("a");
    let hold = Incoming {
        sdp: Some(b"hold".to_vec()),
        contact: Some("sip:moved@peer".into()),
        ..incoming(Method::Invite, "a", 5)
    };
    phone.on(Event::Request(hold));
    assert_eq!(phone.answers(), [200]);
    phone.request(Method::Refer, "a", 6);
    assert_eq!(phone.answers(), [603]);
    assert_eq!(phone.notes().len(), 1);
    phone.request(Method::Invite, "a", 7);
    assert!(matches!(
        &phone.said[..],
        [Command::Answer(Answer {
            code: 200,
            body: Body::Offer,
            ..
        })]
    ));
    phone.on(Event::HangUp(HangUp::Done));
    let to = phone.said.iter().find_map(|c| {
        if let Command::Bye { dialog, .. } = c {
            dialog.target.clone()
        } else {
            None
        }
    });
    assert_eq!(
        to.as_deref(),
        Some("sip:moved@peer"),
        "a re-INVITE moves the peer"
    );
}

#[test]
fn small_requests_in_the_dialog_are_answered() {
    let mut phone = Phone::live("a");
    for (cseq, method, code) in [
        (1, Method::Info, 200),
        (2, Method::Options, 200),
        (3, Method::Notify, 200),
        (4, Method::Update, 200),
        (5, Method::Other, 405),
    ] {
        phone.request(method, "a", cseq);
        assert_eq!(phone.answers(), [code], "{method:?}");
    }
    phone.request(Method::Info, "a", 4);
    assert_eq!(phone.answers(), [500], "an older CSeq");
}

#[test]
fn a_bye_that_overtakes_its_200_ends_the_call_when_the_200_comes() {
    let mut phone = Phone::calling();
    phone.reply(180, "a", None);
    phone.request(Method::Bye, "a", 1);
    assert_eq!(phone.answers(), [200]);
    phone.reply(200, "a", Some("sdp"));
    assert!(phone.said_ack_to("a"));
    let end = phone.end();
    assert_eq!((&end.by, end.answered), (&EndedBy::Peer, true));
}

#[test]
fn an_answer_with_unusable_sound_is_hung_up() {
    let mut phone = Phone::live("a");
    phone.on(Event::NoMedia("no codec in common".into()));
    assert!(phone.said_bye_to("a"));
    assert_eq!(phone.end().by, EndedBy::Network("no codec in common".into()));
}
