//! A call in its owner's hands: facts come out, wishes go in. The call itself lives in its own task, which finishes
//! CANCEL and BYE whatever becomes of this handle.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hark_outcome::{Attempt, Number};
use tokio::sync::Notify;

use crate::facts::{Fact, FactKind, HangUp};
use crate::sink::FrameSink;

/// Facts kept for an owner who does not read. Beyond it, notes and provisional responses are shed, never the end.
const MAX_WAITING_FACTS: usize = 256;

/// What to call and how long it may take.
pub struct CallRequest {
    /// Which attempt; names the Call-ID.
    pub attempt: Attempt,
    /// The number to show; by default the trunk's first.
    pub caller_id: Option<Number>,
    /// From the INVITE to the answer.
    pub ring_timeout: Duration,
    /// From the answer to our BYE.
    pub max_duration: Duration,
    /// Where the sound goes.
    pub sink: Box<dyn FrameSink>,
}

/// A call. Dropping it hangs up politely.
pub struct Call {
    shared: Arc<Shared>,
}

/// A wish to play, or to stop.
pub(crate) enum Playing {
    Play(Arc<[i16]>),
    Stop,
}

#[derive(Default)]
struct State {
    facts: VecDeque<Fact>,
    ended: bool,
    hang_up: Option<HangUp>,
    playing: Option<Playing>,
}

/// What handle and task share. Wishes keep only the latest: nothing can queue without bound.
#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    fact: Notify,
    wish: Notify,
}

impl Call {
    pub(crate) fn new() -> (Self, Arc<Shared>) {
        let shared = Arc::new(Shared::default());
        (
            Self {
                shared: shared.clone(),
            },
            shared,
        )
    }

    /// The next fact; `None` after [`FactKind::Ended`].
    pub async fn next(&mut self) -> Option<Fact> {
        loop {
            let waiting = self.shared.fact.notified();
            {
                let mut state = self.shared.lock();
                if let Some(fact) = state.facts.pop_front() {
                    return Some(fact);
                }
                if state.ended {
                    return None;
                }
            }
            waiting.await;
        }
    }

    /// Ends the call: CANCEL before the answer, BYE after it. The first reason given counts.
    pub fn hang_up(&self, why: HangUp) {
        self.shared.hang_up(why);
    }

    /// Plays a sound (8 kHz, mono) to the callee, in place of the one that plays. Before the answer it waits.
    pub fn play(&self, sound: Arc<[i16]>) {
        self.shared.wish_playing(Playing::Play(sound));
    }

    /// Stops playing at once.
    pub fn stop_playing(&self) {
        self.shared.wish_playing(Playing::Stop);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.shared.hang_up(HangUp::Shutdown);
    }
}

impl Shared {
    /// Held for a few instructions only; a panic inside cannot leave it half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn hang_up(&self, why: HangUp) {
        self.lock().hang_up.get_or_insert(why);
        self.wish.notify_one();
    }

    fn wish_playing(&self, playing: Playing) {
        self.lock().playing = Some(playing);
        self.wish.notify_one();
    }

    /// Tells the owner something.
    pub(crate) fn tell(&self, fact: Fact) {
        {
            let mut state = self.lock();
            if state.ended {
                return;
            }
            state.ended = matches!(fact.what, FactKind::Ended(_));
            let shed = matches!(fact.what, FactKind::Note(_) | FactKind::Provisional { .. });
            if shed && state.facts.len() >= MAX_WAITING_FACTS {
                return;
            }
            state.facts.push_back(fact);
        }
        self.fact.notify_one();
    }

    /// Waits until the owner wants something.
    pub(crate) async fn wished(&self) {
        self.wish.notified().await;
    }

    pub(crate) fn wanted_hang_up(&self) -> Option<HangUp> {
        self.lock().hang_up
    }

    pub(crate) fn take_playing(&self) -> Option<Playing> {
        self.lock().playing.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Fact {
        Fact {
            at: Duration::ZERO,
            what: FactKind::Note(text.into()),
        }
    }

    #[tokio::test]
    async fn facts_come_in_order_and_an_unread_flood_is_shed() {
        let (mut call, shared) = Call::new();
        for n in 0..1000 {
            shared.tell(note(&n.to_string()));
        }
        shared.tell(Fact {
            at: Duration::ZERO,
            what: FactKind::Answered,
        });
        let mut got = Vec::new();
        for _ in 0..=MAX_WAITING_FACTS {
            got.push(call.next().await.expect("a fact"));
        }
        assert_eq!(got[0], note("0"));
        assert_eq!(
            got[MAX_WAITING_FACTS].what,
            FactKind::Answered,
            "what counts is never shed"
        );
    }

    #[test]
    fn dropping_a_call_wants_it_hung_up_and_the_first_reason_counts() {
        let (call, shared) = Call::new();
        call.hang_up(HangUp::Verdict);
        drop(call);
        assert_eq!(shared.wanted_hang_up(), Some(HangUp::Verdict));
        let (call, shared) = Call::new();
        drop(call);
        assert_eq!(shared.wanted_hang_up(), Some(HangUp::Shutdown));
    }
}
