//! Peers with a fault: each of the carrier's, called once. No call stays up, nothing is asked twice, and nobody is
//! taken for somebody else.

use hark_carrier::behaviour::Fault;
use hark_carrier::{Behaviour, Impairment, Side};
use hark_outcome::{Cause, Disposition, Flag, Grade};
use hark_tests::Lab;
use serde_json::json;

use crate::behaviours::{Judged, judged};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_of_a_peer_leaves_a_call_up_or_is_taken_for_a_person() {
    let lab = Lab::start().await;
    let password = lab.place.file("password");
    std::fs::write(&password, "opensesame").expect("the place's folder can be written");
    let cases = Fault::ALL
        .iter()
        .map(|fault| ("brief", Behaviour::faulty(*fault)))
        .collect();

    let judged = judged(
        &lab,
        Impairment::default(),
        |config| {
            config.set("trunk.main", "username", json!("hark")).set(
                "trunk.main",
                "password_file",
                json!(password),
            )
        },
        cases,
    )
    .await;

    for (fault, call) in Fault::ALL.iter().zip(&judged) {
        check(*fault, call);
    }
}

fn check(fault: Fault, call: &Judged) {
    let (result, seen) = (&call.result, &call.seen);
    match fault {
        // The 200 that crossed our CANCEL was somebody.
        Fault::AnswersCancel => {
            assert!(result.sip_answered && call.has(Flag::DroppedByUs), "{call}");
            assert_eq!(seen.byed_by, Some(Side::Caller), "{call}");
            return;
        }
        Fault::PortZero | Fault::NoCodec | Fault::NoSdp => {
            let who = result.disposition;
            assert!(
                !matches!(who, Disposition::Answered | Disposition::Machine),
                "{call}"
            );
            assert_eq!(seen.byed_by, Some(Side::Caller), "{call}");
            assert!(
                result.billable_s.get() < 2.0,
                "a call without sound is ended at once: {call}"
            );
            return;
        }
        Fault::MediaStops => {
            assert_ne!(
                (result.disposition, result.grade),
                (Disposition::Machine, Grade::Certain),
                "{call}"
            );
            assert!(
                result.billable_s.get() > 1.0 && !call.has(Flag::EndedEarly),
                "{call}"
            );
            return;
        }
        Fault::Refers => assert_eq!(seen.answered_us, [("REFER".to_owned(), 603)], "{call}"),
        Fault::Reinvites | Fault::ReinvitesWithoutSdp => {
            assert_eq!(seen.answered_us, [("INVITE".to_owned(), 200)], "{call}");
        }
        Fault::UpdatesEarly => assert_eq!(seen.answered_us, [("UPDATE".to_owned(), 200)], "{call}"),
        Fault::DemandsPrack => assert_eq!(seen.pracks, 1, "{call}"),
        Fault::TwoAnswers => assert_eq!(seen.dialogs.answered, 2, "{call}"),
        Fault::RefusesCredentials => assert!((1..=2).contains(&seen.challenged), "{call}"),
        Fault::AnswerThenBye => assert!(call.has(Flag::ShortAnswer), "{call}"),
        _ => {}
    }
    call.is_one_of(&seen.truth);
    assert_eq!(result.sip_answered, seen.answered.is_some(), "{call}");
    let person = result.cause == Cause::Person;
    assert!(!person || seen.dialogs.answered > 0, "{call}");
}
