//! SIP on a stream, TCP or TLS: framing of our own, between the socket and the library.
//!
//! Why not the library's: it adds an announced length without a check (a panic, and a connection that looks alive for
//! ever), keeps half a message without a deadline, and never gives a write up. Here a message has a size limit and a
//! deadline, a write too, and whatever ends the stream ends the connection, so that the next call makes a new one.

use std::net::SocketAddr;
use std::time::Duration;

use rsipstack::sip::SipMessage;
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transport::channel::ChannelConnection;
use rsipstack::transport::{SipAddr, SipConnection, TransportEvent};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::Transport;

/// The longest message taken.
const MAX_MESSAGE: usize = 64 * 1024;

/// Messages waiting to be written.
const MAX_WAITING: usize = 256;

/// How long a message may take to arrive once it began, and to be written.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a connection of a stream and hands it to the library. It ends with the stream, when `stop` is cancelled, or
/// after `idle` without a message.
pub(super) async fn open(
    io: impl AsyncRead + AsyncWrite + Send + 'static,
    (transport, peer): (Transport, SocketAddr),
    endpoint: &EndpointInnerRef,
    stop: &CancellationToken,
    idle: Option<Duration>,
) -> Result<SipConnection, String> {
    let kind = match transport {
        Transport::Tls => rsipstack::sip::Transport::Tls,
        Transport::Tcp | Transport::Udp => rsipstack::sip::Transport::Tcp,
    };
    let address = SipAddr {
        r#type: Some(kind),
        addr: peer.into(),
    };
    let token = stop.child_token();
    // The library wants this end unbounded; the reader below is as slow as the network, and the library's own queue
    // behind it has no bound either.
    #[expect(clippy::disallowed_methods, reason = "the library's interface")]
    let (arriving, incoming) = mpsc::unbounded_channel();
    let (outgoing, leaving) = mpsc::channel(MAX_WAITING);
    let channel = ChannelConnection::create_connection_bounded(
        incoming,
        outgoing,
        address.clone(),
        Some(token.clone()),
    )
    .await
    .map_err(|e| e.to_string())?;
    let connection = SipConnection::Channel(channel);
    let (read, write) = tokio::io::split(io);
    let ours = connection.clone();
    let deliver = move |message: SipMessage| {
        let message = SipConnection::update_msg_received(message, peer, kind).ok()?;
        arriving
            .send(TransportEvent::Incoming(message, ours.clone(), address.clone()))
            .ok()
    };
    let (pongs, pinged) = mpsc::channel(1);
    let reading = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = reading.cancelled() => {}
            why = receive(read, idle, pongs, deliver) => tracing::debug!(%peer, why, "a SIP connection ended"),
        }
        reading.cancel();
    });
    tokio::spawn(async move {
        tokio::select! {
            () = token.cancelled() => {}
            () = send(write, leaving, pinged) => {}
        }
        token.cancel();
    });
    endpoint.transport_layer.add_connection(connection.clone());
    Ok(connection)
}

/// Reads messages until the stream ends; returns why.
async fn receive(
    mut stream: impl AsyncRead + Unpin,
    idle: Option<Duration>,
    pongs: mpsc::Sender<()>,
    deliver: impl Fn(SipMessage) -> Option<()>,
) -> &'static str {
    let mut buffer = Vec::new();
    let mut chunk = vec![0; 8 * 1024];
    loop {
        loop {
            match next(&mut buffer) {
                Frame::Message(message) => match SipMessage::try_from(message.as_slice()) {
                    Ok(message) => drop(deliver(message)),
                    // Its frame was sound, so the next message is found all the same.
                    Err(error) => tracing::debug!(%error, "a message that is none was dropped"),
                },
                Frame::Ping => drop(pongs.try_send(())),
                Frame::Partial => break,
                Frame::Broken(why) => return why,
            }
        }
        let patience = if buffer.is_empty() { idle } else { Some(PATIENCE) };
        let reading = stream.read(&mut chunk);
        let read = match patience {
            Some(patience) => match tokio::time::timeout(patience, reading).await {
                Ok(read) => read,
                Err(_) => return "nothing more came",
            },
            None => reading.await,
        };
        match read {
            Ok(0) => return "the peer closed it",
            Ok(n) => buffer.extend_from_slice(&chunk[..n]),
            Err(_) => return "the network closed it",
        }
    }
}

async fn send(
    mut stream: impl AsyncWrite + Unpin,
    mut leaving: mpsc::Receiver<TransportEvent>,
    mut pinged: mpsc::Receiver<()>,
) {
    loop {
        let bytes = tokio::select! {
            event = leaving.recv() => match event {
                Some(TransportEvent::Incoming(message, ..)) => message.to_bytes(),
                Some(_) => continue,
                None => return,
            },
            Some(()) = pinged.recv() => b"\r\n".to_vec(),
        };
        let written = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        match tokio::time::timeout(PATIENCE, written).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Frame {
    Message(Vec<u8>),
    /// A double line end between messages (RFC 5626 §3.5.1).
    Ping,
    /// More must come.
    Partial,
    /// Where the next message begins is lost.
    Broken(&'static str),
}

/// Takes the next frame off the buffer.
fn next(buffer: &mut Vec<u8>) -> Frame {
    if buffer.starts_with(b"\r\n\r\n") {
        buffer.drain(..4);
        return Frame::Ping;
    }
    while buffer.starts_with(b"\r\n") && !b"\r\n\r\n".starts_with(buffer.as_slice()) {
        buffer.drain(..2);
    }
    let Some(head) = buffer.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4) else {
        return if buffer.len() > MAX_MESSAGE {
            Frame::Broken("a message too large")
        } else {
            Frame::Partial
        };
    };
    let length = match body_length(&buffer[..head]) {
        Ok(length) => length,
        Err(why) => return Frame::Broken(why),
    };
    match head.checked_add(length) {
        Some(total) if total > MAX_MESSAGE => Frame::Broken("a message too large"),
        Some(total) if total <= buffer.len() => Frame::Message(buffer.drain(..total).collect()),
        Some(_) => Frame::Partial,
        None => Frame::Broken("a message too large"),
    }
}

/// The length its head announces; without one there is no body.
fn body_length(head: &[u8]) -> Result<usize, &'static str> {
    let mut found = None;
    for line in head.split(|b| *b == b'\n') {
        let Some(colon) = line.iter().position(|b| *b == b':') else {
            continue;
        };
        let name = line[..colon].trim_ascii();
        if !name.eq_ignore_ascii_case(b"content-length") && !name.eq_ignore_ascii_case(b"l") {
            continue;
        }
        let value = std::str::from_utf8(line[colon + 1..].trim_ascii())
            .ok()
            .and_then(|v| v.parse().ok());
        match (value, found) {
            (None, _) => return Err("a Content-Length that is no number"),
            (Some(value), Some(before)) if value != before => return Err("two Content-Lengths"),
            (value, _) => found = value,
        }
    }
    Ok(found.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(bytes: &[u8]) -> Vec<Frame> {
        let mut buffer = bytes.to_vec();
        let mut out = Vec::new();
        loop {
            match next(&mut buffer) {
                Frame::Partial => return out,
                broken @ Frame::Broken(_) => {
                    out.push(broken);
                    return out;
                }
                frame => out.push(frame),
            }
        }
    }

    #[test]
    fn messages_are_found_whole_and_in_order() {
        let one = b"A\r\nContent-Length: 3\r\n\r\nabc";
        let two = b"B\r\nl : 0\r\n\r\n";
        let all = [&b"\r\n"[..], one, two, b"\r\n\r\n", one].concat();
        let wanted = [
            Frame::Message(one.to_vec()),
            Frame::Message(two.to_vec()),
            Frame::Ping,
            Frame::Message(one.to_vec()),
        ];
        assert_eq!(frames(&all), wanted);
    }

    #[test]
    fn a_message_that_comes_byte_by_byte_is_the_same_message() {
        let one = b"\r\nA\r\nContent-Length: 3\r\n\r\nabc";
        let mut buffer = Vec::new();
        let mut got = Vec::new();
        for byte in one {
            buffer.push(*byte);
            match next(&mut buffer) {
                Frame::Partial => {}
                frame => got.push(frame),
            }
        }
        assert_eq!(got, [Frame::Message(one[2..].to_vec())]);
    }

    #[test]
    fn lengths_that_cannot_be_end_the_stream() {
        for length in [
            "18446744073709551615",
            "18446744073709551616",
            "-1",
            "x",
            "70000",
            "1\r\nl: 2",
        ] {
            let message = format!("A\r\nContent-Length: {length}\r\n\r\n");
            assert!(
                matches!(frames(message.as_bytes())[..], [Frame::Broken(_)]),
                "{length}"
            );
        }
        assert!(matches!(
            frames(&vec![b'x'; MAX_MESSAGE + 1])[..],
            [Frame::Broken(_)]
        ));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_or_loop(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\r\\n:lL 0-9a]{0,60}") {
            let _ = frames(&bytes);
            prop_assert!(frames(text.as_bytes()).len() <= text.len());
        }
    }
}
