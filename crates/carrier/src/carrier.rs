//! The carrier as its users hold it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

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
    #[expect(clippy::unused_async, reason = "the sockets come with the next step")]
    pub async fn start(config: CarrierConfig) -> Result<Self, CarrierError> {
        config.check().map_err(CarrierError::Config)?;
        Ok(Self {
            inner: Arc::new(Inner {
                address: config.listen,
                tls_address: None,
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
        Report::default()
    }

    /// Calls that are up, or being set up, now.
    #[must_use]
    pub fn live_calls(&self) -> usize {
        0
    }

    /// Drops every SIP message from now on, both ways, as a dead trunk does; `false` = speaks again.
    pub fn mute(&self, _mute: bool) {}

    /// What the caller of a Call-ID said, 8 kHz, as far as `record_s` kept it.
    #[must_use]
    pub fn recording(&self, _call_id: &str) -> Option<Vec<i16>> {
        None
    }

    /// Stops: no message is answered any more, sockets are closed. Calls that are up just fall silent.
    #[expect(clippy::unused_async, reason = "the sockets come with the next step")]
    pub async fn shutdown(&self) {}
}
