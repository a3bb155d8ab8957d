//! Ways to a peer: the UDP socket, and TCP and TLS connections, which are made before anything is sent. "It could not
//! connect" is then a fact, and the call may go elsewhere.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rsipstack::sip::{Request, SipMessage};
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transport::{SipAddr, SipConnection};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::compose::Here;
use super::{stream, tls};
use crate::config::{LineConfig, TlsOptions, Transport, TrunkConfig, split_address};

/// A write to a peer that does not read is given up after this.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);

/// A way to one peer.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) transport: Transport,
    pub(super) peer: SocketAddr,
    pub(super) connection: SipConnection,
    /// Our address, as the peer shall see it.
    pub(super) ip: IpAddr,
    via: String,
    contact: String,
    security: Option<Arc<Security>>,
}

/// What a TLS connection is checked against.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Security {
    ca_file: Option<std::path::PathBuf>,
    name: String,
}

/// What makes two calls share a connection: the peer, and what it was checked against.
type Key = (SocketAddr, Option<Arc<Security>>);

/// A connection, and our end of it.
#[derive(Clone)]
struct Link {
    connection: SipConnection,
    local: SocketAddr,
}

/// Makes ways and keeps connections for the next call.
pub(super) struct Ways {
    endpoint: EndpointInnerRef,
    udp: SipConnection,
    local: SocketAddr,
    advertise: Option<IpAddr>,
    cancel: CancellationToken,
    kept: Mutex<HashMap<Key, Link>>,
}

impl Ways {
    pub(super) fn new(
        endpoint: EndpointInnerRef,
        udp: SipConnection,
        local: SocketAddr,
        config: &LineConfig,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            endpoint,
            udp,
            local,
            advertise: config.advertise,
            cancel,
            kept: Mutex::default(),
        }
    }

    /// A way to a trunk's target.
    pub(super) async fn to_trunk(
        &self,
        config: &TrunkConfig,
        peer: SocketAddr,
        patience: Duration,
    ) -> Result<Way, String> {
        let security = (config.transport == Transport::Tls).then(|| Arc::new(security(config)));
        self.to(config.transport, peer, security, patience).await
    }

    /// The same peer again: its connection may be gone by now.
    pub(super) async fn again(&self, way: &Way, patience: Duration) -> Result<Way, String> {
        if way.transport == Transport::Udp || is_open(&way.connection) {
            return Ok(way.clone());
        }
        self.to(way.transport, way.peer, way.security.clone(), patience)
            .await
    }

    /// A way to another place of the same dialog, over UDP or TCP.
    pub(super) async fn elsewhere(
        &self,
        transport: Transport,
        peer: SocketAddr,
        patience: Duration,
    ) -> Result<Way, String> {
        self.to(transport, peer, None, patience).await
    }

    async fn to(
        &self,
        transport: Transport,
        peer: SocketAddr,
        security: Option<Arc<Security>>,
        patience: Duration,
    ) -> Result<Way, String> {
        let link = match transport {
            Transport::Udp => Link {
                connection: self.udp.clone(),
                local: self.local,
            },
            Transport::Tcp | Transport::Tls => self.link(peer, security.clone(), patience).await?,
        };
        let ip = self.our_address(peer);
        let here = SocketAddr::new(ip, self.local.port()).to_string();
        // Nobody can connect to us by TLS: the peer must use this connection, which it finds by this address.
        let contact = match transport {
            Transport::Tls => SocketAddr::new(ip, link.local.port()).to_string(),
            Transport::Udp | Transport::Tcp => here.clone(),
        };
        Ok(Way {
            transport,
            peer,
            connection: link.connection,
            ip,
            via: here,
            contact,
            security,
        })
    }

    /// A connection that is open, or a new one.
    async fn link(
        &self,
        peer: SocketAddr,
        security: Option<Arc<Security>>,
        patience: Duration,
    ) -> Result<Link, String> {
        let key = (peer, security);
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(kept) = kept.filter(|link| is_open(&link.connection)) {
            return Ok(kept);
        }
        let made = tokio::time::timeout(patience, self.connect(peer, key.1.as_deref())).await;
        let link = match made {
            Ok(made) => made?,
            Err(_) => return Err(format!("cannot connect to {peer}: no answer within {patience:?}")),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, link| is_open(&link.connection));
        kept.insert(key, link.clone());
        Ok(link)
    }

    async fn connect(&self, peer: SocketAddr, security: Option<&Security>) -> Result<Link, String> {
        let failed = |e: std::io::Error| format!("cannot connect to {peer}: {e}");
        let tcp = TcpStream::connect(peer).await.map_err(failed)?;
        let local = tcp.local_addr().map_err(failed)?;
        // A SIP message is one write; waiting for more only adds delay.
        tcp.set_nodelay(true).ok();
        let connection = match security {
            None => stream::open(tcp, (Transport::Tcp, peer), &self.endpoint, &self.cancel, None).await?,
            Some(security) => {
                let tls = tls::connect(tcp, peer, security.ca_file.as_deref(), &security.name).await?;
                stream::open(tls, (Transport::Tls, peer), &self.endpoint, &self.cancel, None).await?
            }
        };
        Ok(Link { connection, local })
    }

    /// Our address, as this peer should see it.
    pub(super) fn our_address(&self, peer: SocketAddr) -> IpAddr {
        if let Some(advertise) = self.advertise {
            return advertise;
        }
        if !self.local.ip().is_unspecified() {
            return self.local.ip();
        }
        // The system knows by which address it would send; nothing is sent here.
        let toward = || {
            let socket = UdpSocket::bind(SocketAddr::new(self.local.ip(), 0)).ok()?;
            socket.connect(peer).ok()?;
            Some(socket.local_addr().ok()?.ip())
        };
        toward().unwrap_or(IpAddr::from([127, 0, 0, 1]))
    }

    pub(super) const fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Way {
    /// How our messages name where they leave from.
    pub(super) fn here(&self) -> Here<'_> {
        Here {
            transport: self.transport,
            via: &self.via,
            contact: &self.contact,
        }
    }

    /// Where the stack shall send.
    pub(super) fn destination(&self) -> SipAddr {
        let transport = match self.transport {
            Transport::Udp => rsipstack::sip::Transport::Udp,
            Transport::Tcp => rsipstack::sip::Transport::Tcp,
            Transport::Tls => rsipstack::sip::Transport::Tls,
        };
        SipAddr {
            r#type: Some(transport),
            addr: self.peer.into(),
        }
    }

    /// Sends a request that no transaction minds: an ACK.
    pub(super) async fn send(&self, request: Request) {
        let destination = self.destination();
        let sent = self
            .connection
            .send(SipMessage::Request(request), Some(&destination));
        match tokio::time::timeout(WRITE_PATIENCE, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(peer = %self.peer, %error, "an ACK could not be sent"),
            Err(_) => tracing::warn!(peer = %self.peer, "an ACK could not be sent: the peer does not read"),
        }
    }
}

fn is_open(connection: &SipConnection) -> bool {
    connection
        .cancel_token()
        .is_none_or(|token| !token.is_cancelled())
}

fn security(config: &TrunkConfig) -> Security {
    let host = split_address(&config.address).map_or("", |(host, _)| host);
    Security {
        ca_file: config.tls.ca_file.clone(),
        name: server_name(&config.tls, host),
    }
}

fn server_name(options: &TlsOptions, host: &str) -> String {
    options
        .server_name
        .clone()
        .unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned())
}
