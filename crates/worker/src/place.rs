//! One call from dial to result: the line's facts and the ear's opinions go through the conductor, its acts back to
//! the line. Used by the worker and by `hark call` alike.

use std::sync::Arc;
use std::time::Duration;

use hark_ear::EarConfig;
use hark_line::{Call, CallRequest, Ended, Fact, FactKind, HangUp, Line, Reservation};
use hark_outcome::{Attempt, CallResult, DialJob, EventKind, Number, Seconds, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::account::{Account, Author, Handling};
use crate::conduct::{Act, Conductor, Plan};
use crate::ears::{EarReport, Ears, Listener};

/// The line promises an end for every call; should its task die without one, an INVITE may have left.
const LOST: &str = "the call's task ended without saying how";

/// Everything one call needs.
pub struct Order<'a> {
    /// The attempt.
    pub attempt: Attempt,
    /// The job.
    pub job: &'a DialJob,
    /// When the worker took it.
    pub taken_at: Timestamp,
    /// The channel it goes out on.
    pub reservation: Reservation,
    /// The caller ID, already owned by the trunk.
    pub caller_id: Option<Number>,
    /// INVITE to answer.
    pub ring_timeout: Duration,
    /// Answer to BYE.
    pub max_duration: Duration,
    /// How to handle it.
    pub plan: Plan,
    /// What to play.
    pub sound: Option<Arc<[i16]>>,
    /// What to listen for.
    pub ear: EarConfig,
}

/// Where a call's steps are told.
pub trait Witness: Send {
    /// One step, as it happens.
    fn saw(&mut self, kind: EventKind);
}

/// Places the call and stays with it to its end. `stop` hangs up politely; the result is then `interrupted`.
///
/// Never returns early: the line's own deadlines (set-up, ring, maximum duration, hang-up) bound it.
pub async fn place(
    line: &Line,
    ears: &Ears,
    author: &Author,
    order: Order<'_>,
    witness: &mut dyn Witness,
    stop: &CancellationToken,
) -> CallResult {
    let trunk = order.reservation.trunk().clone();
    let simulated = order.reservation.simulated();
    let (sink, mut listener) = ears.open(&order.ear);
    let dialled_at = Timestamp::from(jiff::Timestamp::now());
    let mut account = Account::open(order.attempt.clone(), order.taken_at, dialled_at);
    let mut conductor = Conductor::new(order.plan);
    let mut call = line.dial(
        order.reservation,
        CallRequest {
            attempt: order.attempt,
            caller_id: order.caller_id,
            ring_timeout: order.ring_timeout,
            max_duration: order.max_duration,
            sink,
        },
    );
    let clock = tokio::time::Instant::now();
    let mut wake: Option<Duration> = None;
    let mut told_stop = false;
    let mut told = None;
    let (at, ended) = loop {
        let timer = wake.map_or(clock + order.ring_timeout + order.max_duration * 2, |w| clock + w);
        let acts = tokio::select! {
            biased;
            fact = call.next() => match fact {
                Some(Fact { at, what: FactKind::Ended(ended) }) => break (at, ended),
                Some(Fact { at, what }) => {
                    tell(witness, &what);
                    account.enter(at, &what);
                    conductor.on_fact(at, &what)
                }
                None => break (clock.elapsed(), Ended::failed(trunk, true, LOST.to_owned())),
            },
            opinion = listener.next() => {
                // That somebody began or stopped to speak is news for the conductor only.
                if told.as_ref() != Some(&(opinion.reading, opinion.grade)) {
                    tell_opinion(witness, &opinion);
                    told = Some((opinion.reading, opinion.grade));
                }
                conductor.on_opinion(clock.elapsed(), &opinion)
            }
            () = stop.cancelled(), if !told_stop => {
                told_stop = true;
                vec![Act::HangUp(HangUp::Shutdown)]
            }
            () = tokio::time::sleep_until(timer), if wake.is_some() => {
                wake = None;
                conductor.on_time(clock.elapsed())
            }
        };
        for act in acts {
            match act {
                Act::WakeAt(at) => wake = Some(at),
                Act::HangUp(why) => call.hang_up(why),
                Act::Play => begin_to_play(&call, order.sound.as_ref(), witness),
            }
        }
    };
    witness.saw(EventKind::Ended {
        line_s: Seconds::from(at),
    });
    let mut ear = report(listener).await;
    ear.opinion = conductor.settled(&ear.opinion);
    let handling = Handling {
        played: conductor.played(),
        spoke: conductor.spoke(),
        simulated,
    };
    account.close(order.job, author, at, &ended, &ear, handling)
}

async fn report(listener: Listener) -> EarReport {
    let lost = EarReport {
        opinion: hark_ear::Opinion::default(),
        heard: Vec::new(),
        degraded: true,
    };
    listener.close().await.unwrap_or(lost)
}

fn begin_to_play(call: &Call, sound: Option<&Arc<[i16]>>, witness: &mut dyn Witness) {
    if let Some(sound) = sound {
        call.play(Arc::clone(sound));
        witness.saw(EventKind::Playing);
    }
}

fn tell(witness: &mut dyn Witness, fact: &FactKind) {
    match fact {
        FactKind::Invited { trunk, .. } => witness.saw(EventKind::Dialling { trunk: trunk.clone() }),
        FactKind::Provisional { code, .. } if *code > 100 => witness.saw(EventKind::Ringing { code: *code }),
        FactKind::Media => witness.saw(EventKind::EarlyMedia),
        FactKind::Answered => witness.saw(EventKind::Answered),
        _ => {}
    }
}

fn tell_opinion(witness: &mut dyn Witness, opinion: &hark_ear::Opinion) {
    if let Some((disposition, cause)) = opinion.reading {
        let rule = opinion.rule.to_owned();
        witness.saw(EventKind::Verdict {
            disposition,
            cause,
            grade: opinion.grade,
            rule,
        });
    }
}
