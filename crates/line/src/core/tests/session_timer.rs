use super::*;

/// Answered with a session timer of 100 s.
fn live(refresher: Option<Refresher>, allows_update: bool) -> Phone {
    let mut phone = Phone::calling();
    phone.machine.limits.talk = Duration::from_secs(3600);
    let reply = Reply {
        session: Some(Session {
            seconds: 100,
            refresher,
        }),
        allows_update,
        sdp: Some(b"sdp".to_vec()),
        ..phone.response(200, "a")
    };
    phone.on(Event::Reply(reply));
    phone
}

fn refresh(phone: &Phone) -> Option<(u32, bool)> {
    phone.said.iter().find_map(|c| match c {
        Command::Refresh { dialog, update, .. } => Some((dialog.cseq, *update)),
        _ => None,
    })
}

#[test]
fn we_refresh_at_half_the_interval_by_re_invite_and_acknowledge() {
    let mut phone = live(Some(Refresher::Uac), false);
    phone.pass(Duration::from_secs(49));
    assert_eq!(refresh(&phone), None);
    phone.pass(Duration::from_secs(1));
    let (cseq, update) = refresh(&phone).expect("a refresh");
    assert!(!update);
    let reply = Reply {
        cseq,
        session: Some(Session {
            seconds: 100,
            refresher: Some(Refresher::Uac),
        }),
        ..phone.response(200, "a")
    };
    phone.on(Event::Reply(reply));
    assert!(phone.said_ack_to("a"));
    phone.pass(Duration::from_secs(50));
    assert!(refresh(&phone).is_some(), "and again");
}

#[test]
fn we_refresh_by_update_where_the_peer_allows_it() {
    let mut phone = live(None, true);
    phone.pass(Duration::from_secs(50));
    let (cseq, update) = refresh(&phone).expect("a refresh");
    assert!(update);
    phone.on(Event::Outcome(
        Asked::Update,
        Reply {
            code: 200,
            cseq,
            ..Reply::default()
        },
    ));
    phone.pass(Duration::from_secs(99));
    assert!(
        !phone.said.iter().any(|c| matches!(c, Command::End(_))),
        "the call goes on"
    );
}

#[test]
fn a_peer_that_does_not_know_update_is_asked_by_re_invite() {
    let mut phone = live(None, true);
    phone.pass(Duration::from_secs(50));
    let (cseq, _) = refresh(&phone).expect("a refresh");
    phone.on(Event::Outcome(
        Asked::Update,
        Reply {
            code: 481,
            cseq,
            ..Reply::default()
        },
    ));
    let (cseq, update) = refresh(&phone).expect("at once");
    assert!(!update);
    let reply = Reply {
        cseq,
        ..phone.response(481, "a")
    };
    phone.on(Event::Reply(reply));
    assert!(phone.said_bye_to("a"));
    assert_eq!(phone.end().by, EndedBy::Peer);
}

#[test]
fn a_failed_refresh_is_no_reason_to_hang_up_before_the_interval_is_over() {
    let mut phone = live(None, false);
    phone.pass(Duration::from_secs(50));
    for code in [408, 500, 488, 491] {
        let (cseq, _) = refresh(&phone).expect("a refresh");
        let reply = Reply {
            cseq,
            local: code == 408,
            ..phone.response(code, "a")
        };
        phone.on(Event::Reply(reply));
        assert!(!phone.said.iter().any(|c| matches!(c, Command::End(_))), "{code}");
        while refresh(&phone).is_none() {
            let before = phone.now;
            phone.pass(Duration::from_secs(1));
            assert!(phone.now > before);
        }
    }
    let mut phone = live(None, false);
    phone.pass(Duration::from_secs(100));
    assert!(matches!(&phone.end().by, EndedBy::Network(why) if why.contains("session timer")));
    assert!(phone.said_bye_to("a"));
}

#[test]
fn a_peer_that_promised_to_refresh_is_given_the_whole_interval() {
    let mut phone = live(Some(Refresher::Uas), false);
    phone.pass(Duration::from_secs(99));
    assert_eq!(phone.said, []);
    let update = Incoming {
        session: Some(Session {
            seconds: 100,
            refresher: Some(Refresher::Uac),
        }),
        ..incoming(Method::Update, "a", 1)
    };
    phone.on(Event::Request(update));
    assert_eq!(phone.answers(), [200]);
    phone.pass(Duration::from_secs(99));
    assert_eq!(phone.said, []);
    phone.pass(Duration::from_secs(1));
    assert!(phone.said_bye_to("a"));
}

#[test]
fn a_shorter_interval_than_the_standard_allows_does_not_hurry_us() {
    let mut phone = Phone::calling();
    let reply = Reply {
        session: Some(Session {
            seconds: 1,
            refresher: None,
        }),
        sdp: Some(b"sdp".to_vec()),
        ..phone.response(200, "a")
    };
    phone.on(Event::Reply(reply));
    phone.pass(Duration::from_secs(44));
    assert_eq!(phone.said, []);
}

#[test]
fn offers_that_cross_are_refused_with_491() {
    let mut phone = live(None, false);
    phone.pass(Duration::from_secs(50));
    assert!(refresh(&phone).is_some());
    phone.request(Method::Invite, "a", 1);
    assert_eq!(phone.answers(), [491]);
}

#[test]
fn a_challenged_refresh_is_repeated_with_credentials() {
    let mut phone = live(None, false);
    phone.pass(Duration::from_secs(50));
    let (cseq, _) = refresh(&phone).expect("a refresh");
    let reply = Reply {
        cseq,
        challenge: Some(challenge(false)),
        ..phone.response(401, "a")
    };
    phone.on(Event::Reply(reply));
    assert!(refresh(&phone).is_some_and(|(next, _)| next == cseq + 1));
}
