//! The judge, row by row: signalling's table, the fusion rules, and that there is always exactly one answer.

use std::time::Duration;

use hark_ear::{EarlySound, Judgement, Opinion, Signals, WhoEnded, judge};
use hark_outcome::{Cause, Confidence, Disposition, Flag, Grade, Phase, Seconds};
use proptest::prelude::*;

fn failed(code: u16) -> Signals {
    Signals {
        code: Some(code),
        ..Signals::default()
    }
}

fn q850(code: u16, cause: u8) -> Signals {
    Signals {
        q850: Some(cause),
        ..failed(code)
    }
}

fn answered(seconds: u64) -> Signals {
    Signals {
        code: Some(200),
        answered: true,
        answered_for: Duration::from_secs(seconds),
        media_seen: true,
        ..Signals::default()
    }
}

fn rang(signals: Signals) -> Signals {
    Signals {
        ringing_seen: true,
        ..signals
    }
}

fn heard(phase: Phase, cause: Cause, grade: Grade, rule: &'static str) -> Opinion {
    Opinion {
        phase,
        reading: Some((cause.disposition(), cause)),
        grade,
        confidence: Confidence::new(0.9),
        rule,
        decided_at: Some(Seconds::from(Duration::from_secs(1))),
        ..Opinion::default()
    }
}

fn silent_after_answer() -> Opinion {
    Opinion {
        phase: Phase::Answered,
        ..Opinion::default()
    }
}

fn spoke_after_answer() -> Opinion {
    Opinion {
        voice: Seconds::from(Duration::from_millis(900)),
        ..silent_after_answer()
    }
}

fn ruling(signals: &Signals) -> Judgement {
    judge(signals, &Opinion::default())
}

#[track_caller]
fn expect_each(signals: impl IntoIterator<Item = Signals>, cause: Cause) {
    for s in signals {
        let j = ruling(&s);
        assert_eq!(
            (j.disposition, j.cause),
            (cause.disposition(), cause),
            "{s:?}\n{j:?}"
        );
    }
}

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

#[test]
fn a_q850_cause_beats_the_sip_code_which_is_told_as_the_alternative() {
    let j = ruling(&q850(486, 1));
    assert_eq!((j.cause, j.rule.as_str()), (Cause::VacantNumber, "q850"));
    assert_eq!(j.instead_of[0].cause, Cause::UserBusy);
}

#[test]
fn a_certain_tone_beats_the_codes_that_mean_anything() {
    let tone = heard(Phase::Early, Cause::VacantNumber, Grade::Certain, "tone_vacant");
    for code in [480, 486, 487, 503] {
        let j = judge(
            &Signals {
                media_seen: true,
                ..failed(code)
            },
            &tone,
        );
        assert_eq!(
            (j.cause, j.rule.as_str()),
            (Cause::VacantNumber, "tone_vacant"),
            "{code}"
        );
        let with_busy = judge(
            &Signals {
                media_seen: true,
                ..q850(code, 17)
            },
            &tone,
        );
        assert_eq!(with_busy.cause, Cause::VacantNumber, "{code} with Q.850 17");
    }
}

#[test]
fn a_certain_tone_does_not_beat_a_code_that_means_one_thing() {
    let tone = heard(Phase::Early, Cause::BusyTone, Grade::Certain, "tone_busy");
    for (signals, cause) in [
        (failed(404), Cause::VacantNumber),
        (failed(603), Cause::Declined),
        (q850(480, 1), Cause::VacantNumber),
    ] {
        let j = judge(
            &Signals {
                media_seen: true,
                ..signals
            },
            &tone,
        );
        assert_eq!(j.cause, cause);
        assert!(
            j.instead_of.iter().any(|a| a.cause == Cause::BusyTone),
            "the tone is told"
        );
    }
}

#[test]
fn a_likely_reading_of_early_media_does_not_beat_the_code() {
    let guess = heard(Phase::Early, Cause::PoweredOff, Grade::Likely, "model");
    let j = judge(
        &Signals {
            media_seen: true,
            ..failed(486)
        },
        &guess,
    );
    assert_eq!(j.cause, Cause::UserBusy);
}

#[test]
fn sound_counts_for_nothing_when_no_media_came() {
    let tone = heard(Phase::Early, Cause::BusyTone, Grade::Certain, "tone_busy");
    assert_eq!(judge(&failed(503), &tone).cause, Cause::Congestion);
    let person = heard(Phase::Answered, Cause::Person, Grade::Likely, "short_utterance");
    assert_eq!(
        judge(
            &Signals {
                media_seen: false,
                ..answered(9)
            },
            &person
        )
        .cause,
        Cause::NoMedia
    );
}

#[test]
fn a_call_we_end_on_a_tone_has_the_tones_cause_and_is_flagged() {
    let tone = heard(Phase::Early, Cause::BusyTone, Grade::Certain, "tone_busy");
    let signals = Signals {
        media_seen: true,
        ended_by: WhoEnded::Us { early: true },
        ..rang(failed(487))
    };
    let j = judge(&signals, &tone);
    assert_eq!(
        (j.cause, j.flags.as_slice()),
        (Cause::BusyTone, &[Flag::EndedEarly][..])
    );
}

#[test]
fn a_200_that_crosses_our_cancel_is_answered_and_dropped_by_us() {
    let tone = heard(Phase::Early, Cause::BusyTone, Grade::Certain, "tone_busy");
    let signals = Signals {
        crossed: true,
        ended_by: WhoEnded::Us { early: true },
        ..answered(0)
    };
    let j = judge(&signals, &tone);
    assert_eq!((j.disposition, j.grade), (Disposition::Answered, Grade::Unsure));
    assert!(j.flags.contains(&Flag::DroppedByUs));
}

#[test]
fn what_was_heard_after_the_answer_decides_an_answered_call() {
    for (cause, grade) in [
        (Cause::Person, Grade::Likely),
        (Cause::AnsweringMachine, Grade::Likely),
        (Cause::Voicemail, Grade::Certain),
        (Cause::DeadAir, Grade::Likely),
    ] {
        let j = judge(&answered(8), &heard(Phase::Answered, cause, grade, "rule"));
        assert_eq!((j.cause, j.grade), (cause, grade));
    }
}

#[test]
fn an_answered_call_that_decides_nothing_is_a_persons() {
    let j = judge(&answered(8), &spoke_after_answer());
    assert_eq!(
        (j.cause, j.grade, j.rule.as_str()),
        (Cause::Person, Grade::Unsure, "fail_open")
    );
}

#[test]
fn an_early_reading_does_not_speak_of_an_answered_call() {
    let tone = heard(Phase::Early, Cause::BusyTone, Grade::Certain, "tone_busy");
    assert_eq!(judge(&answered(8), &tone).cause, Cause::Person);
}

#[test]
fn a_call_at_its_longest_is_flagged() {
    let j = judge(
        &Signals {
            ended_by: WhoEnded::MaxDuration,
            ..answered(120)
        },
        &heard(Phase::Answered, Cause::Person, Grade::Likely, "short_utterance"),
    );
    assert_eq!(
        (j.cause, j.flags.as_slice()),
        (Cause::Person, &[Flag::MaxDuration][..])
    );
}

prop_compose! {
    fn any_signals()(
        code in prop::option::of(prop_oneof![Just(200u16), 300u16..700, any::<u16>()]),
        cause in prop::option::of(any::<u8>()),
        answered in any::<bool>(),
        for_ms in 0u64..200_000,
        crossed in any::<bool>(), redirected in any::<bool>(), ringing_seen in any::<bool>(), media_seen in any::<bool>(),
        ended_by in prop_oneof![
            Just(WhoEnded::Us { early: true }), Just(WhoEnded::Us { early: false }), Just(WhoEnded::RingTimeout),
            Just(WhoEnded::SetupTimeout), Just(WhoEnded::MaxDuration), Just(WhoEnded::Peer), Just(WhoEnded::Network),
        ],
        barred in prop::option::of("[a-z]{1,9}"),
    ) -> Signals {
        Signals {
            code, phrase: None, reason: None, q850: cause, answered, answered_for: Duration::from_millis(for_ms),
            crossed, redirected, ringing_seen, media_seen, ended_by, barred,
        }
    }
}

prop_compose! {
    fn any_opinion()(
        early in any::<bool>(),
        cause in prop::option::of(prop::sample::select(Cause::ALL)),
        grade in prop::sample::select(vec![Grade::Unsure, Grade::Likely, Grade::Certain]),
        voice_ms in 0u64..20_000,
        sounds in any::<(bool, bool, bool)>(),
    ) -> Opinion {
        Opinion {
            phase: if early { Phase::Early } else { Phase::Answered },
            reading: cause.map(|c| (c.disposition(), c)),
            grade,
            voice: Seconds::from(Duration::from_millis(voice_ms)),
            early: EarlySound { ringback: sounds.0, speech: sounds.1, music: sounds.2 },
            ..Opinion::default()
        }
    }
}

proptest! {
    #[test]
    fn every_call_has_one_answer_whose_cause_belongs_to_its_disposition(s in any_signals(), o in any_opinion()) {
        let j = judge(&s, &o);
        prop_assert_eq!(j.disposition, j.cause.disposition());
        prop_assert!(!j.rule.is_empty() && !j.because.is_empty());
        prop_assert!(j.instead_of.iter().all(|a| a.cause != j.cause && a.disposition == a.cause.disposition()));
    }

    #[test]
    fn an_answered_call_is_never_put_down_to_the_network_by_signalling(s in any_signals()) {
        let s = Signals { answered: true, barred: None, ..s };
        let j = judge(&s, &silent_after_answer());
        prop_assert!(matches!(j.disposition, Disposition::Answered | Disposition::Silence));
    }

    #[test]
    fn timing_or_signalling_alone_never_make_a_machine_of_an_answer(s in any_signals()) {
        let j = judge(&s, &spoke_after_answer());
        prop_assert_ne!(j.disposition, Disposition::Machine);
    }
}
