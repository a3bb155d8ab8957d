//! The judge, row by row of signalling's table.

mod common;

use std::time::Duration;

use common::calls::{
    answered, expect_each, failed, heard, q850, rang, ruling, silent_after_answer, spoke_after_answer,
};
use hark_ear::{EarlySound, Opinion, Signals, WhoEnded, judge};
use hark_outcome::{Cause, Disposition, Flag, Grade, Phase};

#[test]
fn not_found_is_a_vacant_number() {
    expect_each(
        [
            failed(404),
            failed(604),
            failed(485),
            q850(480, 1),
            q850(500, 2),
            q850(503, 3),
        ],
        Cause::VacantNumber,
    );
}

#[test]
fn gone_is_a_changed_number() {
    expect_each([failed(410), q850(480, 22), q850(404, 23)], Cause::NumberChanged);
}

#[test]
fn an_incomplete_address_is_misdialled() {
    expect_each([failed(484), failed(414), q850(503, 28)], Cause::Misdialled);
}

#[test]
fn busy_here_and_busy_everywhere_are_busy() {
    expect_each([failed(486), failed(600), q850(503, 17)], Cause::UserBusy);
}

#[test]
fn unavailable_after_ringing_is_no_answer_and_else_unreachable() {
    expect_each(
        [
            rang(failed(480)),
            rang(q850(480, 18)),
            q850(480, 19),
            rang(q850(480, 31)),
        ],
        Cause::NotAnswered,
    );
    expect_each(
        [failed(480), q850(480, 18), q850(480, 20), q850(480, 31)],
        Cause::NotReachable,
    );
}

#[test]
fn ringback_heard_counts_as_ringing_as_much_as_a_180() {
    for early in [
        EarlySound {
            ringback: true,
            ..EarlySound::default()
        },
        EarlySound {
            music: true,
            ..EarlySound::default()
        },
    ] {
        let opinion = Opinion {
            early,
            ..Opinion::default()
        };
        let signals = Signals {
            media_seen: true,
            ..failed(480)
        };
        assert_eq!(judge(&signals, &opinion).cause, Cause::NotAnswered);
    }
}

#[test]
fn our_ring_timeout_is_no_answer_if_it_rang_and_a_trunk_timeout_if_not() {
    let cancelled = Signals {
        ended_by: WhoEnded::RingTimeout,
        ..failed(487)
    };
    expect_each(
        [
            rang(cancelled.clone()),
            rang(failed(408)),
            rang(q850(480, 102)),
            rang(failed(487)),
        ],
        Cause::RingTimeout,
    );
    expect_each(
        [cancelled.clone(), failed(408), q850(480, 102)],
        Cause::TrunkTimeout,
    );
    // Peers that never answer our CANCEL, or give it a Q.850 "normal" cause, change nothing.
    expect_each(
        [
            rang(Signals {
                code: None,
                ..cancelled.clone()
            }),
            rang(Signals {
                q850: Some(16),
                ..cancelled.clone()
            }),
            rang(Signals {
                q850: Some(31),
                ..cancelled
            }),
        ],
        Cause::RingTimeout,
    );
}

#[test]
fn unknown_speech_before_our_ring_timeout_counts_as_ringing() {
    let early = EarlySound {
        speech: true,
        ..EarlySound::default()
    };
    let signals = Signals {
        media_seen: true,
        ended_by: WhoEnded::RingTimeout,
        ..failed(487)
    };
    assert_eq!(
        judge(
            &signals,
            &Opinion {
                early,
                ..Opinion::default()
            }
        )
        .cause,
        Cause::RingTimeout
    );
}

#[test]
fn decline_is_declined() {
    expect_each([failed(603), q850(480, 21)], Cause::Declined);
}

#[test]
fn unwanted_and_rejected_are_blocked() {
    expect_each([failed(607), failed(608)], Cause::Blocked);
}

#[test]
fn a_403_with_cause_21_is_the_callees_refusal_and_without_it_the_trunks() {
    expect_each([q850(403, 21)], Cause::Declined);
    expect_each([failed(403)], Cause::TrunkRejected);
}

#[test]
fn a_redirect_is_a_changed_number_and_flagged() {
    for code in [301, 302] {
        let j = ruling(&failed(code));
        assert_eq!(j.cause, Cause::NumberChanged);
        assert_eq!(j.flags, [Flag::Redirected]);
    }
}

#[test]
fn refused_credentials_and_unpaid_trunks_are_the_trunks_refusal() {
    expect_each([failed(401), failed(407), failed(402)], Cause::TrunkRejected);
}

#[test]
fn server_failures_are_the_networks() {
    for code in 500..=504 {
        assert_eq!(ruling(&failed(code)).disposition, Disposition::Network, "{code}");
    }
    expect_each(
        [
            failed(503),
            q850(480, 34),
            q850(486, 42),
            q850(480, 44),
            q850(480, 47),
        ],
        Cause::Congestion,
    );
    expect_each(
        [failed(500), q850(480, 27), q850(480, 38), q850(503, 41)],
        Cause::LineFault,
    );
}

#[test]
fn nothing_in_common_is_a_media_mismatch() {
    expect_each(
        [
            failed(488),
            failed(415),
            q850(480, 65),
            q850(500, 79),
            q850(500, 88),
        ],
        Cause::MediaMismatch,
    );
}

#[test]
fn an_answer_ended_within_two_seconds_without_speech_is_dead_air_and_short() {
    for media_seen in [true, false] {
        let signals = Signals {
            answered_for: Duration::from_millis(1200),
            media_seen,
            ..answered(0)
        };
        let j = judge(&signals, &silent_after_answer());
        assert_eq!(
            (j.cause, j.flags.as_slice()),
            (Cause::DeadAir, &[Flag::ShortAnswer][..])
        );
    }
    let spoken = judge(
        &Signals {
            answered_for: Duration::from_millis(1200),
            ..answered(0)
        },
        &spoke_after_answer(),
    );
    assert_eq!((spoken.cause, spoken.flags), (Cause::Person, vec![]));
}

#[test]
fn an_answer_without_a_packet_is_no_media() {
    let j = judge(
        &Signals {
            media_seen: false,
            ..answered(20)
        },
        &silent_after_answer(),
    );
    assert_eq!(j.cause, Cause::NoMedia);
}

#[test]
fn a_silent_trunk_is_a_trunk_timeout() {
    let j = ruling(&Signals {
        ended_by: WhoEnded::SetupTimeout,
        ..Signals::default()
    });
    assert_eq!((j.cause, j.grade), (Cause::TrunkTimeout, Grade::Certain));
}

#[test]
fn a_failed_transport_is_a_line_fault() {
    let j = ruling(&Signals {
        ended_by: WhoEnded::Network,
        ..Signals::default()
    });
    assert_eq!(j.cause, Cause::LineFault);
}

#[test]
fn a_barred_number_is_refused_whatever_else_is_said() {
    let j = judge(
        &Signals {
            barred: Some("emergency number".to_owned()),
            ..answered(9)
        },
        &heard(Phase::Answered, Cause::Person, Grade::Likely, "short_utterance"),
    );
    assert_eq!((j.disposition, j.cause), (Disposition::Refused, Cause::BadNumber));
    assert_eq!(j.because, "emergency number");
}
