//! SIP over UDP, and the pair of ports that UDP and TCP share.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use super::{Peer, Way};
use crate::CarrierError;
use crate::switch::Switch;

/// Room for a burst of INVITEs while the machine is busy.
const RECEIVE_BUFFER: usize = 4 << 20;
/// How often a free port is looked for that is free for both.
const TRIES: usize = 20;

/// Binds UDP and TCP to the same port; any free one if it is 0.
pub(crate) async fn bind(listen: SocketAddr) -> Result<(UdpSocket, TcpListener), CarrierError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let failed = |what| {
            move |source| CarrierError::Listen {
                what,
                address: listen,
                source,
            }
        };
        let udp = udp_socket(listen).map_err(failed("UDP"))?;
        let address = udp.local_addr().map_err(failed("UDP"))?;
        match TcpListener::bind(address).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(_) if listen.port() == 0 && tries < TRIES => {}
            Err(source) => {
                return Err(CarrierError::Listen {
                    what: "TCP",
                    address,
                    source,
                });
            }
        }
    }
}

fn udp_socket(listen: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(listen), Type::DGRAM, Some(Protocol::UDP))?;
    // A smaller buffer than asked for is still one.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&listen.into())?;
    UdpSocket::from_std(socket.into())
}

/// Reads datagrams until the carrier stops.
pub(crate) async fn serve_udp(socket: UdpSocket, switch: Arc<Switch>) {
    let socket = Arc::new(socket);
    let Ok(local) = socket.local_addr() else { return };
    let mut buffer = vec![0u8; 65_536];
    loop {
        let received = tokio::select! {
            r = socket.recv_from(&mut buffer) => r,
            () = switch.stopped() => return,
        };
        match received {
            Ok((n, address)) => {
                let peer = Peer {
                    address,
                    transport: "udp",
                    local,
                    way: Way::Udp(socket.clone()),
                };
                switch.datagram(&buffer[..n], &peer);
            }
            // An earlier answer met a closed port: nothing to do with the next datagram.
            Err(e) => tracing::debug!(error = %e, "UDP receive"),
        }
    }
}
