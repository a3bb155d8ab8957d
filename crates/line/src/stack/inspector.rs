//! A look at every message before the stack's transactions take it.
//!
//! Why: the transaction layer delivers a response only while a transaction lives. A 2xx ends it, so repetitions of that
//! 2xx, other forks' 2xx, a 2xx after a refusal, and answers that come after we gave up would be dropped, and calls
//! would stay up unheard. So responses to INVITEs are handed to their call here, all of them, in order, before the stack
//! sees them ([`super::guard`]); the transactions only repeat requests, acknowledge refusals and keep time. Responses
//! they make up themselves (timeouts, broken connections) come by here without a sender's address, and are marked.

use std::sync::Arc;

use rsipstack::sip::{HasHeaders, Header, HeadersExt, Method, Response, SipMessage};
use rsipstack::transaction::endpoint::MessageInspector;
use rsipstack::transport::SipAddr;

use super::read::LOCAL;
use super::registry::{Inbound, Registry};

pub(super) struct Inspector {
    pub(super) registry: Arc<Registry>,
}

impl MessageInspector for Inspector {
    fn before_send(&self, message: SipMessage, _: Option<&SipAddr>) -> SipMessage {
        message
    }

    fn after_received(&self, mut message: SipMessage, from: Option<&SipAddr>) -> SipMessage {
        if let (SipMessage::Response(response), None) = (&mut message, from) {
            hand_over(&self.registry, response, true);
        }
        message
    }
}

/// Hands a response to the call whose INVITE it answers, if it does; `local` is one that nobody sent.
pub(super) fn hand_over(registry: &Registry, response: &mut Response, local: bool) {
    let headers = response.headers_mut();
    headers.retain(|h| !matches!(h, Header::Other(name, _) if name.eq_ignore_ascii_case(LOCAL)));
    if local {
        headers.push(Header::Other(LOCAL.into(), "1".into()));
    }
    let invite = response
        .cseq_header()
        .is_ok_and(|c| c.method().is_ok_and(|m| m == Method::Invite));
    if invite
        && let Ok(call_id) = response.call_id_header().map(|h| h.value().to_owned())
        && registry.knows(&call_id)
        && registry
            .deliver(&call_id, Inbound::Reply(Box::new(response.clone())))
            .is_err()
    {
        tracing::warn!(call_id, "a response was shed: its call has too many waiting");
    }
}
