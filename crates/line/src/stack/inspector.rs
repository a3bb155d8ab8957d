//! A look at every message before the stack's transactions take it.
//!
//! Why: the transaction layer delivers a response only while a transaction lives. A 2xx ends it, so repetitions of that
//! 2xx, other forks' 2xx, and answers that come after we gave up would be dropped, and calls would stay up unheard. So
//! responses to INVITEs are handed to their call here, all of them, in order; the transactions only repeat requests,
//! acknowledge refusals and keep time. Responses they make up themselves (timeouts, broken connections) come by here
//! without a sender's address, and are marked.

use std::sync::Arc;

use rsipstack::sip::{HasHeaders, Header, HeadersExt, Method, SipMessage};
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

    fn after_received(&self, message: SipMessage, from: Option<&SipAddr>) -> SipMessage {
        let SipMessage::Response(mut response) = message else {
            return message;
        };
        response
            .headers_mut()
            .retain(|h| !matches!(h, Header::Other(name, _) if name.eq_ignore_ascii_case(LOCAL)));
        if from.is_none() {
            response
                .headers_mut()
                .push(Header::Other(LOCAL.into(), "1".into()));
        }
        let invite = response
            .cseq_header()
            .is_ok_and(|c| c.method().is_ok_and(|m| m == Method::Invite));
        if invite
            && let Ok(call_id) = response.call_id_header().map(|h| h.value().to_owned())
            && self.registry.knows(&call_id)
            && self
                .registry
                .deliver(&call_id, Inbound::Reply(Box::new(response.clone())))
                .is_err()
        {
            tracing::warn!(call_id, "a response was shed: its call has too many waiting");
        }
        SipMessage::Response(response)
    }
}
