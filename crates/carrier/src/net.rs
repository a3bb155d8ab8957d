//! Sockets: SIP over UDP, TCP and TLS, each message handed to the switch with the way back to its sender.

mod stream;
mod udp;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

pub(crate) use stream::{serve_streams, tls_acceptor};
pub(crate) use udp::{bind, serve_udp};

/// The way back to a sender.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub address: SocketAddr,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// Our own address on this way.
    pub local: SocketAddr,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Udp(Arc<UdpSocket>),
    Stream(mpsc::Sender<Vec<u8>>),
}

impl Peer {
    /// Sends bytes back. What cannot be sent now is lost, as on a real network; SIP sends again.
    pub(crate) fn send(&self, bytes: Vec<u8>) {
        let lost = match &self.way {
            Way::Udp(socket) => socket
                .try_send_to(&bytes, self.address)
                .err()
                .map(|e| e.to_string()),
            Way::Stream(queue) => queue.try_send(bytes).err().map(|e| e.to_string()),
        };
        if let Some(error) = lost {
            tracing::debug!(peer = %self.address, error, "a SIP message could not be sent");
        }
    }
}
