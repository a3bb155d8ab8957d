//! Which behaviour a number has: the first rule that fits, else a draw by weight; and a mix as campaigns meet it.

use hark_outcome::Cause;

use crate::behaviour::{
    Announcement, Fault, Machine, NoAnswer, Person, Refuse, Ringback, Silence, SilenceKind, Slow, Tone,
    Voicemail,
};
use crate::dice::Dice;
use crate::{Behaviour, CarrierConfig, Language, Weighted};

/// What an outbound campaign meets, in the languages given (Mandarin if none): about a quarter persons, a fifth
/// voicemail, announcements of many causes, busy and unanswered lines, refusals, a little silence and network trouble.
#[must_use]
pub fn realistic_mix(languages: &[Language]) -> Vec<Weighted> {
    let languages = if languages.is_empty() {
        &[Language::Zh]
    } else {
        languages
    };
    let share = 1.0 / languages.len() as f64;
    languages
        .iter()
        .flat_map(|&l| of_language(l))
        .map(|w| Weighted::new(w.weight * share, w.behave))
        .collect()
}

fn of_language(l: Language) -> Vec<Weighted> {
    let plan = match l {
        Language::Zh => "cn",
        Language::En => "us",
    };
    let tone = || Tone {
        plan: Some(plan.into()),
        ..Tone::default()
    };
    let person = |answer_after_s, ringback| Person {
        answer_after_s,
        ringback,
        plan: plan.into(),
        language: Some(l),
        ..Person::default()
    };
    let voicemail = |answer_after_s, ringback| Voicemail {
        answer_after_s,
        ringback,
        plan: plan.into(),
        language: Some(l),
        ..Voicemail::default()
    };
    let machine = |cause| {
        Behaviour::Machine(Machine {
            cause,
            language: Some(l),
            ..Machine::default()
        })
    };
    let no_answer = |ringback| {
        Behaviour::NoAnswer(NoAnswer {
            ringback,
            plan: plan.into(),
            ..NoAnswer::default()
        })
    };
    let said = |cause| Announcement {
        cause,
        language: Some(l),
        ..Announcement::default()
    };
    let ann = |weight, cause| Weighted::new(weight, Behaviour::Announcement(said(cause)));
    let w = Weighted::new;

    let mut mix = vec![
        // Persons: 25.
        w(7.0, Behaviour::Person(person(6.0, Ringback::None))),
        w(8.0, Behaviour::Person(person(9.0, Ringback::Tone))),
        w(5.0, Behaviour::ColourRingBack(person(8.0, Ringback::Music))),
        w(3.0, Behaviour::Talkative(person(7.0, Ringback::Tone))),
        w(
            1.0,
            Behaviour::Person(Person {
                delay_s: Some(3.0),
                ..person(5.0, Ringback::None)
            }),
        ),
        w(
            1.0,
            Behaviour::Slow(Slow {
                nothing_for_s: 4.0,
                person: person(6.0, Ringback::None),
            }),
        ),
        // Machines: 23.
        w(12.0, Behaviour::Voicemail(voicemail(20.0, Ringback::Tone))),
        w(8.0, Behaviour::Voicemail(voicemail(3.0, Ringback::None))),
        w(1.5, machine(Cause::Ivr)),
        // Busy: 9.
        w(4.0, Behaviour::Busy(Refuse::default())),
        w(3.0, Behaviour::BusyTone(tone())),
        // Nobody comes: 10.
        w(6.0, no_answer(Ringback::Tone)),
        w(4.0, no_answer(Ringback::None)),
        // Refused: 4.
        w(
            4.0,
            Behaviour::Reject(Refuse {
                ringing: true,
                after_s: 3.0,
                ..Refuse::default()
            }),
        ),
        // Silence: 2.
        w(1.0, Behaviour::Silence(Silence::default())),
        w(
            0.5,
            Behaviour::Silence(Silence {
                sends: SilenceKind::Noise,
                ..Silence::default()
            }),
        ),
        w(
            0.5,
            Behaviour::Silence(Silence {
                sends: SilenceKind::NoMedia,
                ..Silence::default()
            }),
        ),
        // Network trouble: 3.
        w(1.0, Behaviour::Unavailable(Refuse::default())),
        w(1.0, Behaviour::CongestionTone(tone())),
        w(0.5, Behaviour::NotFound(Refuse::default())),
        w(0.5, Behaviour::faulty(Fault::AnswerThenBye)),
    ];
    // Announcements: the rest.
    mix.extend([
        ann(5.0, Cause::VacantNumber),
        ann(3.0, Cause::NotReachable),
        ann(2.0, Cause::OutOfService),
        ann(4.0, Cause::PoweredOff),
        ann(0.5, Cause::Congestion),
        ann(0.5, Cause::Misdialled),
        ann(0.5, Cause::NumberChanged),
        ann(0.5, Cause::Declined),
        ann(0.5, Cause::IncomingBarred),
    ]);
    match l {
        Language::Zh => mix.extend([
            w(1.5, machine(Cause::Assistant)),
            ann(2.0, Cause::OnAnotherCall),
            ann(1.5, Cause::OutOfCoverage),
            ann(1.0, Cause::Suspended),
            ann(1.0, Cause::CallReminder),
            ann(0.5, Cause::ForwardFailed),
            ann(0.5, Cause::UserBusy),
            w(
                2.0,
                Behaviour::Announcement(Announcement {
                    rings_s: 25.0,
                    ..said(Cause::NotAnswered)
                }),
            ),
            w(0.5, Behaviour::VacantTone(tone())),
        ]),
        Language::En => mix.extend([
            w(1.5, machine(Cause::CallScreening)),
            w(1.0, machine(Cause::MailboxFull)),
            w(
                2.0,
                Behaviour::Announcement(Announcement {
                    sit: true,
                    ..said(Cause::OutOfService)
                }),
            ),
            w(1.0, Behaviour::FastBusy(Tone::default())),
            ann(0.5, Cause::Blocked),
        ]),
    }
    mix
}

/// What a number does under a configuration, and the dice for what is left open.
pub(crate) fn behaviour_of(config: &CarrierConfig, number: &str) -> (Behaviour, Dice) {
    let mut dice = Dice::of(config.seed, number.trim_start_matches('+'));
    if let Some(rule) = config.numbers.iter().find(|r| r.fits(number)) {
        return (rule.behave.clone(), dice);
    }
    let people = Weighted::people();
    let mix = if config.mix.is_empty() {
        &people
    } else {
        &config.mix
    };
    let sum: f64 = mix.iter().map(|w| w.weight).sum();
    let mut left = dice.unit() * sum;
    let drawn = mix.iter().find(|w| {
        left -= w.weight;
        left < 0.0
    });
    let behave = drawn
        .or(mix.last())
        .map_or_else(|| people[0].behave.clone(), |w| w.behave.clone());
    (behave, dice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> CarrierConfig {
        CarrierConfig {
            mix: realistic_mix(&[Language::Zh, Language::En]),
            ..CarrierConfig::default()
        }
    }

    #[test]
    fn every_behaviour_of_the_mix_can_be_played() {
        config().check().expect("sound");
        for w in config().mix {
            w.behave.check().expect("playable");
        }
    }

    #[test]
    fn two_hundred_numbers_meet_what_a_campaign_meets() {
        let config = config();
        let names: Vec<String> = (0..200)
            .map(|n| behaviour_of(&config, &format!("+86139{n:08}")).0.name())
            .collect();
        let share = |kinds: &[&str]| {
            names
                .iter()
                .filter(|n| kinds.iter().any(|k| n.split('/').next() == Some(k)))
                .count() as f64
                / 200.0
        };
        let persons = share(&["person", "talkative", "colour_ring_back", "slow"]);
        assert!((0.17..=0.33).contains(&persons), "persons {persons}");
        assert!(
            (0.12..=0.28).contains(&share(&["voicemail"])),
            "voicemail {}",
            share(&["voicemail"])
        );
        assert!(
            (0.15..=0.35).contains(&share(&["announcement"])),
            "announcements {}",
            share(&["announcement"])
        );
        assert!(share(&["busy", "busy_tone"]) > 0.02 && share(&["no_answer"]) > 0.04);
        let kinds: std::collections::BTreeSet<_> = names.iter().collect();
        assert!(kinds.len() >= 20, "{kinds:?}");
    }

    #[test]
    fn a_number_does_the_same_every_time_under_one_seed() {
        let config = config();
        for n in 0..50 {
            let number = format!("+86139{n:08}");
            assert_eq!(
                behaviour_of(&config, &number).0,
                behaviour_of(&config, number.trim_start_matches('+')).0
            );
        }
        let other = CarrierConfig {
            seed: 2,
            ..config.clone()
        };
        let differs = (0..50)
            .map(|n| format!("+86139{n:08}"))
            .filter(|n| behaviour_of(&config, n).0 != behaviour_of(&other, n).0)
            .count();
        assert!(differs > 25, "{differs}");
    }
}
