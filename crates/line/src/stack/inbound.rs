//! What peers ask of us. Inside a call the call decides; outside, nothing is accepted but OPTIONS: this telephone only
//! dials.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rsipstack::sip::headers::make_header;
use rsipstack::sip::{HeadersExt, Method, SipMessage, StatusCode};
use rsipstack::transaction::{Transaction, TransactionReceiver};
use tokio::sync::{Semaphore, oneshot};

use super::compose::ALLOW;
use super::registry::{Inbound, Reaction, Registry};

/// Requests answered at once. The guard lets strangers send only so many; a call's own peer can fill its queue.
const MAX_AT_ONCE: usize = 4_096;

/// A call that does not decide in this time is too busy to be asked.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long the ACK of an answered re-INVITE may take: 64*T1, and a little.
const ACK_PATIENCE: Duration = Duration::from_secs(35);

/// Answers until the stack closes.
pub(super) async fn serve(mut incoming: TransactionReceiver, registry: Arc<Registry>) {
    let room = Arc::new(Semaphore::new(MAX_AT_ONCE));
    let shed = AtomicU64::new(0);
    while let Some(transaction) = incoming.recv().await {
        let Ok(permit) = room.clone().try_acquire_owned() else {
            let shed = shed.fetch_add(1, Ordering::Relaxed) + 1;
            if shed.is_power_of_two() {
                tracing::warn!(shed, "too many requests at once; some go unanswered");
            }
            continue;
        };
        let registry = registry.clone();
        tokio::spawn(async move {
            answer(transaction, &registry).await;
            drop(permit);
        });
    }
}

async fn answer(mut transaction: Transaction, registry: &Registry) {
    let request = transaction.original.clone();
    let call_id = request
        .call_id_header()
        .map(|h| h.value().to_owned())
        .unwrap_or_default();
    let method = request.method;
    let in_dialog = request
        .to_header()
        .ok()
        .and_then(|h| h.tag().ok().flatten())
        .is_some();
    let reaction = if in_dialog {
        let (sender, receiver) = oneshot::channel();
        match registry.deliver(&call_id, Inbound::Request(Box::new(request), sender)) {
            Ok(()) => match tokio::time::timeout(PATIENCE, receiver).await {
                Ok(Ok(reaction)) => reaction,
                // The call ended in this moment.
                Ok(Err(_)) => Reaction::of(481),
                Err(_) => Reaction::of(500),
            },
            Err(_) => Reaction::of(if registry.knows(&call_id) {
                500
            } else {
                outside(method, true)
            }),
        }
    } else {
        Reaction::of(outside(method, false))
    };
    let offered = reaction.sdp.is_some();
    let code = reaction.code;
    let mut headers: Vec<_> = reaction
        .headers
        .into_iter()
        .map(|(name, value)| make_header(name, value))
        .collect();
    if reaction.sdp.is_some() {
        headers.push(make_header("Content-Type", "application/sdp".into()));
    }
    if matches!(code, 405 | 200) && !headers.iter().any(|h| h.name() == "Allow") {
        headers.push(make_header("Allow", ALLOW.into()));
    }
    let body = reaction.sdp.map(String::into_bytes);
    if let Err(error) = transaction
        .reply_with(StatusCode::from(code), headers, body)
        .await
    {
        tracing::debug!(%error, "an answer could not be sent");
        return;
    }
    // The stack itself repeats a refusal when the INVITE is repeated, and takes its ACK: no task need wait for that.
    if method != Method::Invite || code >= 300 {
        return;
    }
    // Until the ACK, or until the stack gives up waiting for it.
    let acknowledged = async {
        while let Some(message) = transaction.receive().await {
            if let SipMessage::Request(ack) = message
                && ack.method == Method::Ack
            {
                return Some(ack.body);
            }
        }
        None
    };
    let ack = tokio::time::timeout(ACK_PATIENCE, acknowledged)
        .await
        .ok()
        .flatten();
    if let Some(sdp) = ack.filter(|sdp| offered && !sdp.is_empty()) {
        registry.deliver(&call_id, Inbound::Ack(sdp)).ok();
    }
}

/// The code for a request that belongs to no call.
const fn outside(method: Method, in_dialog: bool) -> u16 {
    match method {
        Method::Options if !in_dialog => 200,
        Method::Invite if !in_dialog => 403,
        Method::Register | Method::Subscribe | Method::Publish | Method::Message | Method::Refer
            if !in_dialog =>
        {
            405
        }
        _ => 481,
    }
}

impl Reaction {
    pub(super) const fn of(code: u16) -> Self {
        Self {
            code,
            headers: Vec::new(),
            sdp: None,
        }
    }
}
