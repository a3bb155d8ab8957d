//! The judge, whatever it is told: always exactly one answer, and never a machine by timing or signalling.

mod common;

use std::time::Duration;

use common::calls::{silent_after_answer, spoke_after_answer};
use hark_ear::{EarlySound, Opinion, Signals, WhoEnded, judge};
use hark_outcome::{Cause, Disposition, Grade, Phase, Seconds};
use proptest::prelude::*;

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
        // But for one: sound could not be agreed on, so we hung up at once without having heard anything.
        let unheard = !s.media_seen && s.ended_by == WhoEnded::Network && j.cause == Cause::MediaMismatch;
        prop_assert!(unheard || matches!(j.disposition, Disposition::Answered | Disposition::Silence));
    }

    #[test]
    fn timing_or_signalling_alone_never_make_a_machine_of_an_answer(s in any_signals()) {
        let j = judge(&s, &spoke_after_answer());
        prop_assert_ne!(j.disposition, Disposition::Machine);
    }
}

#[test]
fn an_answer_on_which_no_sound_could_be_agreed_is_a_media_mismatch() {
    let signals = Signals {
        code: Some(200),
        answered: true,
        answered_for: Duration::from_millis(5),
        ended_by: WhoEnded::Network,
        ..Signals::default()
    };
    let judged = judge(&signals, &Opinion::default());
    assert_eq!(judged.cause, Cause::MediaMismatch, "{judged:?}");
    let later = Signals {
        answered_for: Duration::from_secs(9),
        ..signals
    };
    assert_eq!(
        judge(&later, &Opinion::default()).cause,
        Cause::NoMedia,
        "a line that broke later is another matter"
    );
}
