use super::*;

#[test]
fn hanging_up_while_it_rings_cancels_and_ends_with_487() {
    let mut phone = Phone::calling();
    phone.reply(180, "a", None);
    phone.on(Event::HangUp(HangUp::Verdict));
    assert_eq!(phone.said, [Command::Cancel { cseq: 1 }]);
    phone.reply(487, "a", None);
    let end = phone.end();
    assert_eq!((end.code, &end.by), (Some(487), &EndedBy::Us(HangUp::Verdict)));
    assert!(phone.machine.is_settled());
    phone.pass(Duration::from_secs(32));
    assert!(phone.machine.is_over());
}

#[test]
fn cancel_waits_for_the_first_provisional() {
    let mut phone = Phone::calling();
    assert_eq!(phone.on(Event::HangUp(HangUp::Done)), []);
    phone.reply(100, "", None);
    assert_eq!(phone.said, [Command::Cancel { cseq: 1 }]);
}

#[test]
fn hanging_up_on_a_silent_peer_ends_at_the_setup_deadline() {
    let mut phone = Phone::calling();
    phone.on(Event::HangUp(HangUp::Shutdown));
    phone.pass(Duration::from_secs(5));
    assert_eq!(phone.end().by, EndedBy::Us(HangUp::Shutdown));
}

#[test]
fn hanging_up_before_the_invite_sends_nothing() {
    let mut phone = Phone::new();
    phone.on(Event::HangUp(HangUp::Shutdown));
    assert!(!phone.end().invited);
    assert!(phone.machine.is_over());
    assert_eq!(phone.on(Event::Connected), []);
}

#[test]
fn an_answer_that_crosses_our_cancel_gets_ack_and_bye_and_says_so() {
    let mut phone = Phone::calling();
    phone.reply(180, "a", None);
    phone.on(Event::HangUp(HangUp::Verdict));
    phone.reply(200, "a", Some("sdp"));
    assert!(phone.said_ack_to("a") && phone.said_bye_to("a"));
    let end = phone.end();
    assert!(end.crossed && end.answered);
    assert_eq!(end.by, EndedBy::Us(HangUp::Verdict));
    let ack = phone.said.iter().position(|c| matches!(c, Command::Ack(_)));
    let bye = phone.said.iter().position(|c| matches!(c, Command::Bye { .. }));
    assert!(ack < bye, "first the ACK");
    phone.reply(200, "a", Some("sdp"));
    assert!(
        phone.said_ack_to("a") && !phone.said_bye_to("a"),
        "a repeated 200 is acknowledged again"
    );
    phone.bye_outcome("a", 200, false);
    assert_eq!(phone.said, [Command::Release]);
}

#[test]
fn an_answer_passed_on_after_the_487_gets_ack_and_bye() {
    let mut phone = Phone::calling();
    phone.reply(180, "a", None);
    phone.on(Event::HangUp(HangUp::Verdict));
    phone.reply(487, "proxy", None);
    assert_eq!(phone.end().code, Some(487));
    assert!(!phone.machine.is_over(), "it still listens");
    phone.reply(200, "a", Some("sdp"));
    assert!(
        phone.said_ack_to("a") && phone.said_bye_to("a"),
        "{:?}",
        phone.said
    );
    assert!(
        !phone
            .said
            .iter()
            .any(|c| matches!(c, Command::End(_) | Command::Tell(_)))
    );
}

#[test]
fn it_rings_to_the_deadline_and_not_longer() {
    let mut phone = Phone::calling();
    phone.reply(180, "a", None);
    phone.pass(RING - Duration::from_millis(1));
    assert_eq!(phone.said, []);
    phone.pass(Duration::from_millis(1));
    assert_eq!(phone.said, [Command::Cancel { cseq: 1 }]);
    phone.reply(487, "a", None);
    assert_eq!(phone.end().by, EndedBy::RingTimeout);
}

#[test]
fn no_final_response_after_cancel_ends_anyway_and_a_late_answer_is_sent_bye() {
    let mut phone = Phone::calling();
    phone.reply(180, "a", None);
    phone.on(Event::HangUp(HangUp::Verdict));
    phone.pass(Duration::from_secs(10));
    assert!(
        phone.said.contains(&Command::Abandon),
        "no transaction is left behind"
    );
    assert_eq!(phone.end().by, EndedBy::Us(HangUp::Verdict));
    assert_eq!(phone.end().code, None);
    assert_eq!(phone.reply(180, "a", None), [], "one CANCEL is enough");
    phone.reply(200, "a", Some("sdp"));
    assert!(phone.said_ack_to("a") && phone.said_bye_to("a"));
}

#[test]
fn a_487_after_the_end_of_patience_is_acknowledged() {
    let mut phone = Phone::calling();
    phone.reply(180, "a", None);
    phone.on(Event::HangUp(HangUp::Verdict));
    phone.pass(Duration::from_secs(10));
    phone.reply(487, "a", None);
    let (cseq, tag) = (1, "a".into());
    assert_eq!(phone.said, [Command::AckRefusal { cseq, tag }]);
}

#[test]
fn the_ring_deadline_counts_over_challenge_and_failover() {
    let mut phone = Phone::calling();
    phone.pass(Duration::from_secs(4));
    let refused = Reply {
        challenge: Some(challenge(false)),
        ..phone.response(401, "a")
    };
    phone.on(Event::Reply(refused));
    phone.reply(180, "a", None);
    phone.pass(RING - Duration::from_secs(4));
    assert_eq!(phone.said, [Command::Cancel { cseq: 2 }]);
}
