//! Who is on the phone: Call-ID to the task of that call.
//!
//! Everything that arrives for a call goes through here, in the order of its arrival: every response to one of its
//! INVITEs, whether or not a transaction still minds it (late ones, other forks, repetitions), and the peer's requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rsipstack::sip::{Request, Response};
use tokio::sync::{mpsc, oneshot};

/// Messages waiting for one call. A peer that sends more loses some, as on a bad network.
const MAX_WAITING: usize = 64;

/// Something for a call.
pub(super) enum Inbound {
    /// A response to an INVITE.
    Reply(Box<Response>),
    /// A request; the answer goes back through the channel.
    Request(Box<Request>, oneshot::Sender<Reaction>),
    /// The ACK of a re-INVITE that we answered with an offer, with the peer's answer.
    Ack(Vec<u8>),
}

/// How a request is answered.
#[derive(Debug)]
pub(super) struct Reaction {
    pub(super) code: u16,
    /// Whole header lines.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) sdp: Option<String>,
}

/// All calls.
#[derive(Default)]
pub(super) struct Registry {
    calls: Mutex<HashMap<String, mpsc::Sender<Inbound>>>,
}

/// A call's place. Dropping it takes the call out.
pub(super) struct Place {
    registry: Arc<Registry>,
    call_id: String,
    pub(super) inbound: mpsc::Receiver<Inbound>,
}

impl Registry {
    /// Enters a call; `None` if one of that Call-ID is there already.
    pub(super) fn enter(self: &Arc<Self>, call_id: &str) -> Option<Place> {
        let (sender, inbound) = mpsc::channel(MAX_WAITING);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.contains_key(call_id) {
            return None;
        }
        calls.insert(call_id.to_owned(), sender);
        Some(Place {
            registry: self.clone(),
            call_id: call_id.to_owned(),
            inbound,
        })
    }

    /// Hands something to a call; gives it back if there is no such call, or it cannot take more.
    pub(super) fn deliver(&self, call_id: &str, inbound: Inbound) -> Result<(), Inbound> {
        let sender = self
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(call_id)
            .cloned();
        match sender {
            Some(sender) => sender
                .try_send(inbound)
                .map_err(mpsc::error::TrySendError::into_inner),
            None => Err(inbound),
        }
    }

    pub(super) fn knows(&self, call_id: &str) -> bool {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(call_id)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.registry
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.call_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_id_is_one_call_and_its_place_is_left_clean() {
        let registry = Arc::new(Registry::default());
        let place = registry.enter("a").expect("free");
        assert!(registry.enter("a").is_none());
        assert!(registry.deliver("a", Inbound::Ack(vec![])).is_ok());
        assert!(registry.deliver("b", Inbound::Ack(vec![])).is_err());
        drop(place);
        assert!(!registry.knows("a"));
    }

    #[test]
    fn a_flood_is_bounded() {
        let registry = Arc::new(Registry::default());
        let _place = registry.enter("a").expect("free");
        let taken = (0..10_000)
            .filter(|_| registry.deliver("a", Inbound::Ack(vec![])).is_ok())
            .count();
        assert_eq!(taken, MAX_WAITING);
    }
}
