//! Peers that are wrong, slow or demanding, one fault each.

use hark_outcome::Cause;

use super::people::{ring, speak};
use super::{Draft, Floor, Playlist, Quirks, SdpQuirk, Step};
use crate::behaviour::{Fault, Faulty, Person, Ringback};
use crate::prompts::PromptKind;

pub(super) fn write(d: &mut Draft, f: &Faulty, quirks: &mut Quirks) -> Result<Vec<Cause>, String> {
    match f.how {
        Fault::Silent => {
            quirks.mute = true;
            return Ok(vec![Cause::TrunkTimeout]);
        }
        Fault::TryingOnly => return Ok(vec![Cause::TrunkTimeout]),
        Fault::NoTrying => quirks.no_trying = true,
        Fault::NoContact => quirks.no_contact = true,
        Fault::AnswersCancel => {
            quirks.answers_cancel = true;
            ring(d, Ringback::None, "cn", f.after_s, f.after_s)?;
            return Ok(vec![Cause::RingTimeout, Cause::NotAnswered]);
        }
        Fault::RepeatsAnswer => quirks.repeats_answer = true,
        Fault::IgnoresBye => quirks.ignores_bye = true,
        Fault::Challenge => quirks.challenges = true,
        Fault::RefusesCredentials => {
            quirks.refuses_credentials = true;
            return Ok(vec![Cause::TrunkRejected]);
        }
        Fault::PortZero => quirks.sdp = SdpQuirk::PortZero,
        Fault::NoCodec => quirks.sdp = SdpQuirk::NoCodec,
        Fault::NoSdp => quirks.sdp = SdpQuirk::Absent,
        Fault::Malformed => {
            d.wait("after_s", f.after_s)?;
            d.step(Step::Garbage);
            return Ok(vec![Cause::TrunkTimeout]);
        }
        Fault::TwoEarlyFirstAnswers
        | Fault::TwoEarlySecondAnswers
        | Fault::TwoAnswers
        | Fault::AnswerThenBye
        | Fault::DemandsPrack
        | Fault::Reinvites
        | Fault::ReinvitesWithoutSdp
        | Fault::Refers
        | Fault::UpdatesEarly
        | Fault::MediaStops => {}
    }
    answered(d, f)
}

/// The faults of peers that answer.
fn answered(d: &mut Draft, f: &Faulty) -> Result<Vec<Cause>, String> {
    d.wait("after_s", f.after_s)?;
    let early = |fork| Step::Early {
        code: 183,
        sdp: true,
        fork,
    };
    let person = Person::default();
    match f.how {
        Fault::TwoEarlyFirstAnswers | Fault::TwoEarlySecondAnswers => {
            d.step(early(0));
            d.wait("after_s", 0.2)?;
            d.step(early(1));
            d.wait("after_s", 0.5)?;
            let start = d.steps.len();
            speak(d, &person, PromptKind::Person)?;
            let winner = usize::from(f.how == Fault::TwoEarlySecondAnswers);
            d.steps[start] = Step::Answer { fork: winner };
        }
        Fault::TwoAnswers => {
            d.step(Step::Early {
                code: 180,
                sdp: false,
                fork: 0,
            });
            d.wait("after_s", 0.2)?;
            let start = d.steps.len();
            speak(d, &person, PromptKind::Person)?;
            d.steps.insert(start + 1, Step::Answer { fork: 1 });
        }
        Fault::AnswerThenBye => {
            d.step(Step::Answer { fork: 0 });
            d.step(Step::Play(Playlist::floor(Floor::Digital)));
            d.wait("after_s", 0.1)?;
            d.step(Step::Bye);
            return Ok(vec![Cause::DeadAir, Cause::NoMedia]);
        }
        Fault::PortZero | Fault::NoCodec | Fault::NoSdp => {
            d.step(Step::Answer { fork: 0 });
            d.wait("after_s", 32.0)?;
            d.step(Step::Bye);
            return Ok(vec![Cause::MediaMismatch]);
        }
        Fault::DemandsPrack => {
            d.step(Step::EarlyReliable { code: 183 });
            d.wait("after_s", 0.5)?;
            speak(d, &person, PromptKind::Person)?;
        }
        Fault::UpdatesEarly => {
            d.step(early(0));
            d.wait("after_s", 0.2)?;
            d.step(Step::Update);
            d.wait("after_s", 0.5)?;
            speak(d, &person, PromptKind::Person)?;
        }
        Fault::Reinvites | Fault::ReinvitesWithoutSdp | Fault::Refers | Fault::MediaStops => {
            let start = d.steps.len();
            speak(d, &person, PromptKind::Person)?;
            let step = match f.how {
                Fault::Reinvites => Step::Reinvite { sdp: true },
                Fault::ReinvitesWithoutSdp => Step::Reinvite { sdp: false },
                Fault::Refers => Step::Refer,
                _ => Step::Play(Playlist::floor(Floor::Nothing)),
            };
            // After the hello has been said: answer, play, wait, then this.
            d.steps.insert(start + 3, step);
        }
        _ => {
            if f.how == Fault::NoTrying {
                d.step(Step::Early {
                    code: 180,
                    sdp: false,
                    fork: 0,
                });
                d.wait("after_s", 0.5)?;
            }
            speak(d, &person, PromptKind::Person)?;
        }
    }
    Ok(vec![Cause::Person])
}
