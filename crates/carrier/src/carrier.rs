//! The carrier as its users hold it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::media::Engine;
use crate::net::{bind, serve_streams, serve_udp, tls_acceptor};
use crate::switch::Switch;
use crate::{CarrierConfig, Report};

/// A running carrier. Clones are the same carrier; it stops at [`Carrier::shutdown`] or when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Carrier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    switch: Arc<Switch>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.switch.stop();
    }
}

/// Why a carrier could not start.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    /// A value of the configuration makes no sense.
    #[error("carrier configuration: {0}")]
    Config(String),
    /// A port could not be had.
    #[error(
        "the carrier cannot listen on {address} ({what}): {source}; free the port, or choose another with `listen`"
    )]
    Listen {
        /// UDP, TCP, TLS or RTP.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Certificate or key cannot be used.
    #[error("TLS file {file}: {reason}; it must be PEM and readable")]
    Tls {
        /// Which file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A media thread could not start.
    #[error("the carrier cannot start a media thread: {0}")]
    Thread(io::Error),
}

impl Carrier {
    /// Starts a carrier.
    ///
    /// # Errors
    /// [`CarrierError`]: a senseless value, a port that is taken, an unusable certificate.
    pub async fn start(config: CarrierConfig) -> Result<Self, CarrierError> {
        config.check().map_err(CarrierError::Config)?;
        let tls = match &config.tls {
            None => None,
            Some(tls) => {
                let failed = |source| CarrierError::Listen {
                    what: "TLS",
                    address: tls.listen,
                    source,
                };
                let listener = TcpListener::bind(tls.listen).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                Some((tls_acceptor(tls)?, listener, address))
            }
        };
        let (udp, tcp) = bind(config.listen).await?;
        let address = udp.local_addr().map_err(|source| CarrierError::Listen {
            what: "UDP",
            address: config.listen,
            source,
        })?;
        let engine = Engine::start(
            config.media_threads,
            config.rtp_ports,
            config.impair,
            config.record_s,
        )
        .map_err(CarrierError::Thread)?;
        let switch = Switch::new(config, engine);
        switch.spawn(serve_udp(udp, switch.clone()));
        switch.spawn(serve_streams(tcp, None, switch.clone()));
        let tls_address = tls.map(|(acceptor, listener, address)| {
            switch.spawn(serve_streams(listener, Some(acceptor), switch.clone()));
            address
        });
        tracing::info!(%address, ?tls_address, "a simulated telephone network listens");
        Ok(Self {
            inner: Arc::new(Inner {
                address,
                tls_address,
                switch,
            }),
        })
    }

    /// Where SIP is spoken over UDP and TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.inner.address
    }

    /// Where SIP is spoken over TLS.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.inner.tls_address
    }

    /// What it saw so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.inner.switch.ledger().report(self.inner.switch.now())
    }

    /// Calls that are up, or being set up, now.
    #[must_use]
    pub fn live_calls(&self) -> usize {
        self.inner.switch.ledger().live()
    }

    /// Drops every SIP message from now on, both ways, as a dead trunk does; `false` = speaks again.
    pub fn mute(&self, mute: bool) {
        self.inner.switch.mute(mute);
    }

    /// What the caller of a Call-ID said, 8 kHz, as far as `record_s` kept it.
    #[must_use]
    pub fn recording(&self, call_id: &str) -> Option<Vec<i16>> {
        self.inner.switch.ledger().recording(call_id)
    }

    /// Stops: no message is answered any more, sockets are closed. Calls that are up just fall silent.
    pub async fn shutdown(&self) {
        self.inner.switch.stop();
        self.inner.switch.wait().await;
    }
}
