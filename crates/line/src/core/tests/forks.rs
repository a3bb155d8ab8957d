use super::*;

#[test]
fn two_forks_ring_and_either_may_answer() {
    for winner in ["a", "b"] {
        let mut phone = Phone::calling();
        phone.reply(183, "a", Some("sdp a"));
        phone.reply(183, "b", Some("sdp b"));
        assert!(phone.said.contains(&Command::Media {
            sdp: b"sdp b".to_vec(),
            settled: false
        }));
        // The 200 repeats no SDP: the winner's early one holds.
        phone.reply(200, winner, None);
        assert!(phone.said_ack_to(winner));
        let sdp = format!("sdp {winner}").into_bytes();
        assert!(
            phone.said.contains(&Command::Media { sdp, settled: true }),
            "{:?}",
            phone.said
        );
    }
}

#[test]
fn an_answer_without_sdp_keeps_what_another_fork_sent() {
    let mut phone = Phone::calling();
    phone.reply(183, "a", Some("sdp a"));
    phone.reply(200, "b", None);
    assert!(
        !phone.said_bye_to("b"),
        "a person may have answered: {:?}",
        phone.said
    );
}

#[test]
fn two_forks_answer_and_the_unwanted_one_is_acknowledged_and_sent_bye() {
    let mut phone = Phone::live("a");
    phone.reply(200, "b", Some("sdp b"));
    assert!(phone.said_ack_to("b") && phone.said_bye_to("b"));
    assert!(!phone.said_bye_to("a"), "the call goes on");
    phone.reply(200, "b", Some("sdp b"));
    assert!(phone.said_ack_to("b") && !phone.said_bye_to("b"));
    phone.request(Method::Bye, "b", 1);
    assert_eq!(phone.answers(), [200]);
    assert!(
        !phone.said.iter().any(|c| matches!(c, Command::End(_))),
        "the other fork's BYE ends nothing"
    );
    phone.on(Event::HangUp(HangUp::Done));
    assert!(phone.said_bye_to("a"));
}

#[test]
fn a_flood_of_forks_is_bounded_and_answers_are_still_minded() {
    let mut phone = Phone::calling();
    for n in 0..1000 {
        phone.reply(180, &format!("fork{n}"), None);
    }
    phone.reply(200, "fork3", Some("sdp"));
    assert!(phone.said_ack_to("fork3"));
    assert!(phone.said.contains(&Command::MediaAnswered));
}

#[test]
fn a_repeated_200_is_acknowledged_again_and_told_once() {
    let mut phone = Phone::live("a");
    phone.reply(200, "a", Some("sdp"));
    assert_eq!(phone.said.len(), 1);
    assert!(phone.said_ack_to("a"));
}

#[test]
fn an_answer_without_contact_gets_ack_and_bye_by_the_invites_way() {
    let mut phone = Phone::calling();
    let reply = Reply {
        contact: None,
        sdp: None,
        ..phone.response(200, "a")
    };
    phone.on(Event::Reply(reply));
    assert!(
        phone
            .said
            .iter()
            .any(|c| matches!(c, Command::Ack(d) if d.target.is_none()))
    );
    assert!(
        phone
            .said
            .iter()
            .any(|c| matches!(c, Command::Bye { dialog, .. } if dialog.target.is_none()))
    );
    assert!(matches!(phone.end().by, EndedBy::Network(_)), "no SDP, no talk");
}

#[test]
fn an_answer_to_the_invite_of_a_target_given_up_is_sent_bye() {
    let mut phone = Phone::calling();
    phone.reply(503, "a", None);
    phone.on(Event::Connected);
    let ghost = Reply {
        cseq: 1,
        ..phone.response(200, "ghost")
    };
    phone.on(Event::Reply(ghost));
    assert!(phone.said_ack_to("ghost"), "{:?}", phone.said);
    assert!(phone.said_bye_to("ghost"));
    assert!(
        !phone.said.iter().any(|c| matches!(c, Command::End(_))),
        "the new target still rings"
    );
    phone.reply(200, "real", Some("sdp"));
    assert!(phone.said.contains(&Command::MediaAnswered));
}

#[test]
fn a_challenged_bye_to_an_unwanted_fork_is_repeated_with_credentials_once() {
    let mut phone = Phone::live("a");
    phone.reply(200, "b", Some("sdp b"));
    let challenged = Reply {
        code: 407,
        challenge: Some(challenge(false)),
        ..Reply::default()
    };
    phone.on(Event::Outcome(Asked::Bye("b".into()), challenged.clone()));
    assert!(phone.said_bye_to("b"));
    assert_eq!(phone.on(Event::Outcome(Asked::Bye("b".into()), challenged)), []);
}

#[test]
fn a_fork_that_answers_after_the_refusal_of_another_gets_ack_and_bye() {
    for code in [486, 302, 603] {
        let mut phone = Phone::calling();
        phone.reply(180, "a", None);
        phone.reply(code, "b", None);
        assert_eq!(phone.end().code, Some(code));
        phone.pass(Duration::from_secs(31));
        assert!(!phone.machine.is_over(), "{code}: it still listens");
        phone.reply(200, "a", Some("sdp"));
        assert!(
            phone.said_ack_to("a") && phone.said_bye_to("a"),
            "{code}: {:?}",
            phone.said
        );
        phone.reply(200, "a", Some("sdp"));
        assert!(
            phone.said_ack_to("a") && !phone.said_bye_to("a"),
            "{code}: a repeated 200"
        );
        phone.pass(Duration::from_secs(1));
        assert!(phone.machine.is_over());
    }
}
