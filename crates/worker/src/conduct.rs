//! What to do on one call, as a state machine without I/O: facts of the line and opinions of the ear in, acts out.
//!
//! States: `Ringing` (INVITE sent, not answered) → `Listening` (answered, who is it?) → `Speaking` (the script plays)
//! → `Ending` (we hung up; only the end is still awaited). Time is seconds since dial, an argument.
//!
//! Two rules stand above the others. Before the answer, only a *certain* verdict ends a call. After it, only a certain
//! machine does; everything else, silence and doubt included, is treated as a person once `listen` is over: a person
//! who hears our message by mistake is spared nothing, a person hung up on is.

use std::time::Duration;

use hark_ear::Opinion;
use hark_line::{FactKind, HangUp};
use hark_outcome::{Disposition, Grade, Phase};

/// What the conductor may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Play the script.
    Play,
    /// CANCEL or BYE.
    HangUp(HangUp),
    /// Call [`Conductor::on_time`] at this time since dial.
    WakeAt(Duration),
}

/// What a campaign and a job ask for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Whether a certain verdict may end the call.
    pub end_early: bool,
    /// How long after the answer the ear may think.
    pub listen: Duration,
    /// Whether there is something to play.
    pub script: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ringing,
    Listening { until: Duration },
    Speaking,
    Ending,
}

/// One call's conductor.
#[derive(Debug)]
pub struct Conductor {
    plan: Plan,
    state: State,
    opinion: Option<Opinion>,
    acted_on: Option<Opinion>,
    played: bool,
}

impl Conductor {
    /// At the moment of dialling.
    #[must_use]
    pub const fn new(plan: Plan) -> Self {
        Self {
            plan,
            state: State::Ringing,
            opinion: None,
            acted_on: None,
            played: false,
        }
    }

    /// `Ringing → Listening` on the answer; `Speaking → Ending` when the script is over; anything → `Ending` at the end.
    pub fn on_fact(&mut self, now: Duration, fact: &FactKind) -> Vec<Act> {
        match (self.state, fact) {
            (State::Ringing, FactKind::Answered) => {
                let until = now + self.plan.listen;
                self.state = State::Listening { until };
                // What was heard before the answer says who rang, not who answered.
                self.opinion = None;
                vec![Act::WakeAt(until)]
            }
            (State::Speaking, FactKind::Played) => {
                self.played = true;
                self.end(HangUp::Done)
            }
            (_, FactKind::Ended(_)) => {
                self.state = State::Ending;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Acts on a new opinion, if the state allows it to matter.
    pub fn on_opinion(&mut self, _now: Duration, opinion: &Opinion) -> Vec<Act> {
        let matters = match self.state {
            State::Ringing => opinion.phase == Phase::Early,
            State::Listening { .. } | State::Speaking => opinion.phase == Phase::Answered,
            State::Ending => false,
        };
        if !matters {
            return Vec::new();
        }
        self.opinion = Some(opinion.clone());
        let Some((disposition, _)) = opinion.reading else {
            return Vec::new();
        };
        let certain = opinion.grade == Grade::Certain;
        match self.state {
            State::Ringing if certain && self.plan.end_early => self.act_on(opinion, HangUp::Verdict),
            State::Listening { .. } | State::Speaking
                if certain
                    && disposition == Disposition::Machine
                    && self.plan.end_early
                    && !self.speaks_to_a_person() =>
            {
                self.act_on(opinion, HangUp::Verdict)
            }
            State::Listening { .. }
                if disposition == Disposition::Answered
                    && opinion.grade >= Grade::Likely
                    && !opinion.speaking =>
            {
                self.acted_on = Some(opinion.clone());
                self.speak()
            }
            _ => Vec::new(),
        }
    }

    /// `Listening → Speaking` when the time to think is over.
    pub fn on_time(&mut self, now: Duration) -> Vec<Act> {
        match self.state {
            State::Listening { until } if now >= until => {
                self.acted_on.clone_from(&self.opinion);
                self.speak()
            }
            State::Listening { until } => vec![Act::WakeAt(until)],
            _ => Vec::new(),
        }
    }

    /// The opinion that counts at the end: the one acted on, unless the ear became surer since.
    #[must_use]
    pub fn settled(&self, last: &Opinion) -> Opinion {
        match &self.acted_on {
            Some(acted) if acted.reading.is_some() && acted.grade >= last.grade => acted.clone(),
            _ => last.clone(),
        }
    }

    /// Whether the script began to play and came to its end.
    #[must_use]
    pub const fn played(&self) -> bool {
        self.played
    }

    /// Whether the script is playing, or was when the call ended.
    #[must_use]
    pub fn spoke(&self) -> bool {
        self.played || self.state == State::Speaking
    }

    /// Whether the script plays to somebody who was heard to be a person, not just to whoever may be there.
    fn speaks_to_a_person(&self) -> bool {
        let heard = self.acted_on.as_ref().and_then(|o| o.reading);
        self.state == State::Speaking && heard.is_some_and(|(d, _)| d == Disposition::Answered)
    }

    fn act_on(&mut self, opinion: &Opinion, why: HangUp) -> Vec<Act> {
        self.acted_on = Some(opinion.clone());
        self.end(why)
    }

    fn speak(&mut self) -> Vec<Act> {
        if self.plan.script {
            self.state = State::Speaking;
            vec![Act::Play]
        } else {
            self.end(HangUp::Done)
        }
    }

    fn end(&mut self, why: HangUp) -> Vec<Act> {
        self.state = State::Ending;
        vec![Act::HangUp(why)]
    }
}

#[cfg(test)]
mod tests;
