//! The sockets, and the library's endpoint on them: UDP and TCP on one port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rsipstack::sip::Method;
use rsipstack::transaction::EndpointBuilder;
use rsipstack::transaction::endpoint::{EndpointInnerRef, EndpointOption};
use rsipstack::transport::transport_layer::DomainResolver;
use rsipstack::transport::udp::UdpConnection;
use rsipstack::transport::{SipAddr, SipConnection, TransportLayer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::sync::CancellationToken;

use super::compose::AGENT;
use super::guard::Guard;
use super::inspector::Inspector;
use super::registry::Registry;
use super::{inbound, stream};
use crate::config::{LineConfig, Transport};
use crate::error::LineError;

/// Room for a burst of datagrams while the process is busy.
const UDP_BUFFER: usize = 4 << 20;

/// Connections peers may hold open to us.
const MAX_ACCEPTED: usize = 256;

/// A peer's connection without a message is closed after this.
const IDLE: Duration = Duration::from_secs(300);

/// Free ports tried until one is free for UDP and TCP both.
const PORT_TRIES: usize = 16;

/// What is open.
pub(super) struct Opened {
    pub(super) endpoint: EndpointInnerRef,
    pub(super) udp: SipConnection,
    pub(super) local: SocketAddr,
}

/// Opens the sockets and serves them until `stop`.
pub(super) async fn open(
    config: &LineConfig,
    registry: &Arc<Registry>,
    stop: &CancellationToken,
) -> Result<Opened, LineError> {
    let (udp, tcp, local) = bind(SocketAddr::new(config.bind, config.sip_port))?;
    let failed = |e: rsipstack::Error| LineError::Stack(e.to_string());
    let udp = UdpConnection::from_socket(Arc::new(udp), None, Some(stop.child_token()))
        .await
        .map_err(failed)?;
    let transports = TransportLayer::new_with_domain_resolver(stop.child_token(), Box::new(NoNames));
    transports.add_transport(udp.clone().into());
    let endpoint = EndpointBuilder::new()
        .with_user_agent(AGENT)
        .with_transport_layer(transports)
        .with_cancel_token(stop.child_token())
        .with_option(EndpointOption {
            // ACKs are ours: to every 2xx, by the right way, with or without a Contact.
            auto_ack_2xx: false,
            // How long it rings is the call's affair.
            timerc: Duration::from_secs(24 * 3600),
            ..EndpointOption::default()
        })
        .with_allows(vec![
            Method::Invite,
            Method::Ack,
            Method::Cancel,
            Method::Bye,
            Method::Options,
            Method::Update,
        ])
        .with_transport_inspector(Box::new(Guard::new(registry.clone())))
        .with_inspector(Box::new(Inspector {
            registry: registry.clone(),
        }))
        .build();
    let incoming = endpoint.incoming_transactions().map_err(failed)?;
    let inner = endpoint.inner.clone();
    tokio::spawn(inbound::serve(incoming, registry.clone()));
    let serving = inner.clone();
    tokio::spawn(async move {
        if let Err(error) = serving.serve().await {
            tracing::error!(%error, "SIP stopped");
        }
    });
    tokio::spawn(accept(tcp, inner.clone(), stop.clone()));
    Ok(Opened {
        endpoint: inner,
        udp: udp.into(),
        local,
    })
}

/// UDP and TCP on the same port.
fn bind(wanted: SocketAddr) -> Result<(UdpSocket, TcpListener, SocketAddr), LineError> {
    let tries = if wanted.port() == 0 { PORT_TRIES } else { 1 };
    let mut last = None;
    for _ in 0..tries {
        match bind_once(wanted) {
            Ok(bound) => return Ok(bound),
            Err(source) => last = Some(source),
        }
    }
    let source = last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into());
    Err(LineError::Bind { addr: wanted, source })
}

fn bind_once(wanted: SocketAddr) -> std::io::Result<(UdpSocket, TcpListener, SocketAddr)> {
    let domain = Domain::for_address(wanted);
    let udp = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    udp.set_nonblocking(true)?;
    // The system may allow less; then it is less.
    udp.set_recv_buffer_size(UDP_BUFFER).ok();
    udp.bind(&wanted.into())?;
    let udp = UdpSocket::from_std(udp.into())?;
    let local = udp.local_addr()?;
    let tcp = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    tcp.set_reuse_address(true)?;
    tcp.set_nonblocking(true)?;
    tcp.bind(&local.into())?;
    tcp.listen(128)?;
    Ok((udp, TcpListener::from_std(tcp.into())?, local))
}

/// Takes connections of peers that do not use ours.
async fn accept(listener: TcpListener, endpoint: EndpointInnerRef, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let (accepted, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: let others finish.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if endpoint.transport_layer.connections_count() >= MAX_ACCEPTED {
            tracing::warn!("too many connections; one is refused");
            continue;
        }
        if let Err(why) = stream::open(accepted, (Transport::Tcp, peer), &endpoint, &stop, Some(IDLE)).await {
            tracing::warn!(why, "a connection could not be taken");
        }
    }
}

/// The stack looks up no names: that is done before, with deadlines, and its one loop must never wait for a name server.
struct NoNames;

#[async_trait]
impl DomainResolver for NoNames {
    async fn resolve(&self, target: &SipAddr) -> rsipstack::Result<SipAddr> {
        Err(rsipstack::Error::DnsResolutionError(target.to_string()))
    }
}
