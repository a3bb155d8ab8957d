//! Everything that touches sockets and the SIP library.
//!
//! Of the library (rsipstack) the parser, the transports and the transactions are used, not its dialogs: those send
//! PRACK astray, drop UPDATE before the answer, lose a 200 without Contact, and know no session timers. What a call does
//! is decided in [`core`](crate::core); here it is carried out.
//!
//! - `endpoint`: sockets, and the library's endpoint on them
//! - `resolve`, `way`, `stream`, `tls`, `hunt`: where a trunk is, and a way to it
//! - `guard`, `inspector`, `registry`, `inbound`: what arrives, whose it is, and how much of it
//! - `compose`, `read`, `text`, `digest`: messages as text, and back
//! - `driver`, `perform`, `transact`: one call's task
//! - `keepalive`: OPTIONS

mod compose;
mod digest;
mod driver;
mod endpoint;
mod guard;
mod hunt;
mod inbound;
mod inspector;
mod keepalive;
mod perform;
mod read;
mod registry;
mod resolve;
mod stream;
mod text;
mod tls;
mod transact;
mod way;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod srv_tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsipstack::transaction::endpoint::EndpointInnerRef;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::compose::{Identity, InviteParts};
use self::driver::Start;
use self::hunt::Hunt;
use self::registry::Registry;
use self::resolve::{Names, SystemNames};
use self::way::Ways;
use crate::call::{Call, CallRequest};
use crate::config::LineConfig;
use crate::error::{LineError, ProbeError, ProbeReport};
use crate::gate;
use crate::media::sdp::{self, OfferParams};
use crate::media::{MediaConfig, MediaEngine, MediaHealth, PortRange};
use crate::route::{Leg, Reservation};
use crate::trunk::Trunk;

/// SIP and media of one line. Dropping it lets live calls say goodbye.
pub(crate) struct Stack {
    core: Arc<Core>,
}

/// What calls share.
struct Core {
    endpoint: EndpointInnerRef,
    ways: Ways,
    names: Box<dyn Names>,
    registry: Arc<Registry>,
    media: MediaEngine,
    rtp_ports: PortRange,
    domain: Option<String>,
    /// No new calls; live ones hang up.
    closing: CancellationToken,
    /// Sockets close.
    stop: CancellationToken,
    live: watch::Sender<usize>,
}

/// A call that is not settled yet counts as live.
struct Live(watch::Sender<usize>);

impl Stack {
    pub(crate) async fn start(config: &LineConfig, trunks: Vec<Arc<Trunk>>) -> Result<Self, LineError> {
        Self::start_with(config, trunks, Box::new(SystemNames::new())).await
    }

    async fn start_with(
        config: &LineConfig,
        trunks: Vec<Arc<Trunk>>,
        names: Box<dyn Names>,
    ) -> Result<Self, LineError> {
        // Another part of the process may have chosen one already; any will do.
        rustls::crypto::ring::default_provider().install_default().ok();
        for trunk in trunks
            .iter()
            .filter(|t| t.config.transport == crate::config::Transport::Tls)
        {
            tls::trusted(trunk.config.tls.ca_file.as_deref()).map_err(|why| crate::config::ConfigError {
                key: format!("trunk.{}.tls.ca_file", trunk.id),
                what: why,
            })?;
        }
        let media = MediaEngine::start(MediaConfig {
            bind: config.bind,
            ports: config.rtp_ports,
            threads: media_threads(config.media_threads),
        })
        .map_err(|e| LineError::Media(e.to_string()))?;
        let stop = CancellationToken::new();
        let registry = Arc::new(Registry::default());
        let opened = endpoint::open(config, &registry, &stop).await?;
        let ways = Ways::new(
            opened.endpoint.clone(),
            opened.udp,
            opened.local,
            config,
            stop.clone(),
        );
        let core = Arc::new(Core {
            endpoint: opened.endpoint,
            ways,
            names,
            registry,
            media,
            rtp_ports: config.rtp_ports,
            domain: config.domain.clone(),
            closing: CancellationToken::new(),
            stop,
            live: watch::Sender::new(0),
        });
        for trunk in trunks.into_iter().filter(|t| t.config.options_interval_s > 0) {
            tokio::spawn(keepalive::watch(
                Arc::downgrade(&core),
                trunk,
                core.closing.clone(),
            ));
        }
        Ok(Self { core })
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.core.closing.is_cancelled()
    }

    /// The SIP address we listen on.
    pub(crate) fn local(&self) -> SocketAddr {
        self.core.ways.local()
    }

    pub(crate) fn dial(&self, mut reservation: Reservation, request: CallRequest) -> Call {
        let (call, shared) = Call::new();
        let trunk = reservation.trunk().clone();
        let CallRequest {
            attempt,
            caller_id,
            ring_timeout,
            max_duration,
            sink,
        } = request;
        if let Some(wanted) = &caller_id {
            // The gate once more: only a caller ID of the trunk's own leaves.
            let to = reservation.route.to.clone();
            let leg = reservation.leg;
            for (at, candidate) in reservation.route.legs.iter_mut().enumerate() {
                match gate::pass(&candidate.trunk.id, &candidate.trunk.config, &to, Some(wanted)) {
                    Ok(passed) => candidate.passed = passed,
                    Err(barred) if at == leg => {
                        driver::never(&shared, trunk, barred.to_string());
                        return call;
                    }
                    // Not over this trunk, then.
                    Err(_) => candidate.passed.dialled.clear(),
                }
            }
            let mut at = 0;
            reservation.route.legs.retain(|l| {
                at += 1;
                at - 1 <= leg || !l.passed.dialled.is_empty()
            });
        }
        let domain = self.core.domain(
            self.core
                .ways
                .our_address(SocketAddr::new(self.local().ip(), 5060)),
        );
        let call_id = format!("{}@{domain}", attempt.call_id());
        let Some(place) = self.core.registry.enter(&call_id) else {
            driver::never(&shared, trunk, "this attempt is being dialled already".into());
            return call;
        };
        let (events, media_events) = mpsc::channel(driver::MEDIA_EVENTS);
        let media = match self.core.media.open(sink, events) {
            Ok(media) => media,
            Err(error) => {
                driver::never(&shared, trunk, error.to_string());
                return call;
            }
        };
        let span = tracing::info_span!("call", call_id, trunk = %trunk);
        let start = Start {
            core: self.core.clone(),
            shared,
            hunt: Hunt::new(reservation),
            place,
            media,
            media_events,
            call_id,
            ring: ring_timeout,
            talk: max_duration,
        };
        tokio::spawn(driver::run(start).instrument(span));
        call
    }

    pub(crate) fn media_health(&self) -> MediaHealth {
        self.core.media.health()
    }

    pub(crate) async fn probe(&self, trunk: &Trunk) -> Result<ProbeReport, ProbeError> {
        keepalive::probe(&self.core, trunk).await
    }

    /// The INVITE a trunk would be sent first.
    pub(crate) fn preview(&self, leg: &Leg) -> String {
        let config = &leg.trunk.config;
        let peer = crate::config::split_address(&config.address).and_then(|(host, _)| resolve::literal(host));
        let peer = SocketAddr::new(
            peer.unwrap_or(IpAddr::from([192, 0, 2, 1])),
            config.transport.default_port(),
        );
        let ip = self.core.ways.our_address(peer);
        let domain = self.core.domain(ip);
        let identity = Identity::new(
            leg,
            format!("{:032x}@{domain}", 0),
            "0000000000000000".into(),
            &domain,
        );
        let here = SocketAddr::new(ip, self.local().port()).to_string();
        let sdp = sdp::offer(&OfferParams {
            address: ip,
            rtp_port: self.core.rtp_ports.even_ports().next().unwrap_or(0),
            codecs: &config.codecs,
            session_id: 0,
            version: 1,
        });
        identity.invite(
            compose::Here {
                transport: config.transport,
                via: &here,
                contact: &here,
            },
            InviteParts {
                cseq: 1,
                branch: "z9hG4bK000000000000000000000000",
                reliable: config.reliable_provisional,
                session: config.session_expires_s,
                min_se: None,
                authorization: None,
                sdp: &sdp,
            },
        )
    }

    pub(crate) async fn shutdown(&self, deadline: Duration) {
        self.core.closing.cancel();
        let mut live = self.core.live.subscribe();
        let waited = tokio::time::timeout(deadline, live.wait_for(|live| *live == 0)).await;
        if waited.is_err() {
            tracing::warn!(
                left = *self.core.live.borrow(),
                "closing with calls that did not say goodbye in time"
            );
        }
        self.core.stop.cancel();
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.core.closing.cancel();
    }
}

impl Core {
    /// The right side of From and Call-ID.
    fn domain(&self, ip: IpAddr) -> String {
        self.domain.clone().unwrap_or_else(|| match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        })
    }

    fn live(&self) -> Live {
        self.live.send_modify(|live| *live += 1);
        Live(self.live.clone())
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.send_modify(|live| *live = live.saturating_sub(1));
    }
}

fn media_threads(configured: usize) -> usize {
    if configured > 0 {
        return configured;
    }
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}
