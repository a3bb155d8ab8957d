//! Requests of ours that the stack repeats and times: each in a task of its own, because the stack's `receive` may not
//! be cancelled half way.

use std::time::Duration;

use rsipstack::sip::{Request, SipMessage, StatusCodeKind};
use rsipstack::transaction::Transaction;
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::transaction::{TransactionEvent, TransactionEventSender};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::read;
use super::way::Way;
use crate::core::Reply;

/// Beyond the stack's own 32 s: whatever it does, a request is over then.
const LONGEST: Duration = Duration::from_secs(40);

/// A running INVITE.
pub(super) struct InviteHandle {
    key: TransactionKey,
    events: TransactionEventSender,
    final_seen: CancellationToken,
}

/// How long the stack may take to acknowledge a refusal that has come in.
const ACK_PATIENCE: Duration = Duration::from_millis(200);

impl InviteHandle {
    /// Waits until the stack has acknowledged a refusal, so that the ACK leaves before a next INVITE: strict peers take
    /// the two in no other order.
    pub(super) async fn acknowledged(&self) {
        let _ = tokio::time::timeout(ACK_PATIENCE, self.final_seen.cancelled()).await;
    }

    /// Repeats the INVITE no more. What comes late still reaches the call.
    pub(super) fn abandon(&self) {
        self.events
            .send(TransactionEvent::Terminate(self.key.clone()))
            .ok();
    }
}

/// Sends an INVITE. Its responses reach the call through the registry.
pub(super) fn invite(
    endpoint: &EndpointInnerRef,
    way: &Way,
    request: Request,
) -> Result<InviteHandle, String> {
    let mut transaction = client(endpoint, way, request)?;
    let handle = InviteHandle {
        key: transaction.key.clone(),
        events: transaction.tu_sender.clone(),
        final_seen: CancellationToken::new(),
    };
    let final_seen = handle.final_seen.clone();
    tokio::spawn(async move {
        // Whatever ends this task, nobody need wait for its ACK any more.
        let _seen = final_seen.clone().drop_guard();
        if let Err(error) = transaction.send().await {
            tracing::warn!(%error, "an INVITE could not be sent");
            return;
        }
        // Ends by itself: every state of the transaction has a timer.
        while let Some(message) = transaction.receive().await {
            if matches!(&message, SipMessage::Response(r) if r.status_code.kind() != StatusCodeKind::Provisional)
            {
                final_seen.cancel();
            }
        }
    });
    Ok(handle)
}

/// Sends another request; the receiver gets its final response, or one made up for a timeout.
pub(super) fn request(
    endpoint: &EndpointInnerRef,
    way: &Way,
    request: Request,
) -> oneshot::Receiver<Answered> {
    let (sender, receiver) = oneshot::channel();
    let transaction = client(endpoint, way, request);
    // A stream that closes takes the request or its answer with it: nothing repeats it there.
    let closed = way
        .connection
        .cancel_token()
        .filter(|_| way.connection.is_reliable());
    tokio::spawn(async move {
        let answered = match transaction {
            Ok(transaction) => tokio::select! {
                answered = tokio::time::timeout(LONGEST, run(transaction)) => answered.unwrap_or_else(|_| timeout()),
                () = closes(closed) => lost(503, "the connection closed"),
            },
            Err(why) => lost(503, &why),
        };
        sender.send(answered).ok();
    });
    receiver
}

/// A final response, and what only a probe wants to know of it.
pub(super) struct Answered {
    pub(super) reply: Reply,
    pub(super) server: Option<String>,
    pub(super) allow: Option<String>,
}

async fn run(mut transaction: Transaction) -> Answered {
    if let Err(error) = transaction.send().await {
        return lost(503, &error.to_string());
    }
    while let Some(message) = transaction.receive().await {
        if let SipMessage::Response(response) = message
            && response.status_code.kind() != StatusCodeKind::Provisional
        {
            return Answered {
                reply: read::reply(&response),
                server: read::value(&response, "Server").or_else(|| read::value(&response, "User-Agent")),
                allow: read::value(&response, "Allow"),
            };
        }
    }
    timeout()
}

async fn closes(token: Option<CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => std::future::pending().await,
    }
}

fn timeout() -> Answered {
    lost(408, "no answer")
}

/// Made up here: nobody sent it.
fn lost(code: u16, phrase: &str) -> Answered {
    let reply = Reply {
        code,
        phrase: phrase.to_owned(),
        local: true,
        ..Reply::default()
    };
    Answered {
        reply,
        server: None,
        allow: None,
    }
}

fn client(endpoint: &EndpointInnerRef, way: &Way, request: Request) -> Result<Transaction, String> {
    let key = TransactionKey::from_request(&request, TransactionRole::Client).map_err(|e| e.to_string())?;
    let mut transaction =
        Transaction::new_client(key, request, endpoint.clone(), Some(way.connection.clone()));
    transaction.destination = Some(way.destination());
    Ok(transaction)
}
