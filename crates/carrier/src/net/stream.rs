//! SIP over TCP and TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::{Peer, Way};
use crate::sip::Framer;
use crate::switch::Switch;
use crate::{CarrierError, TlsConfig};

/// Messages waiting for a slow reader.
const QUEUE: usize = 1_024;
/// A TLS handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Reads certificate and key.
pub(crate) fn tls_acceptor(config: &TlsConfig) -> Result<TlsAcceptor, CarrierError> {
    let bad = |file: &std::path::Path, reason: String| CarrierError::Tls {
        file: file.display().to_string(),
        reason,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&config.cert_file)
        .and_then(Iterator::collect)
        .map_err(|e| bad(&config.cert_file, e.to_string()))?;
    let key =
        PrivateKeyDer::from_pem_file(&config.key_file).map_err(|e| bad(&config.key_file, e.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|b| b.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|e| bad(&config.cert_file, e.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// Accepts connections until the carrier stops.
pub(crate) async fn serve_streams(listener: TcpListener, tls: Option<TlsAcceptor>, switch: Arc<Switch>) {
    loop {
        let accepted = tokio::select! {
            a = listener.accept() => a,
            () = switch.stopped() => return,
        };
        match accepted {
            Ok((socket, address)) => {
                let Ok(local) = socket.local_addr() else { continue };
                let _ = socket.set_nodelay(true);
                let (tls, switch) = (tls.clone(), switch.clone());
                switch.clone().spawn(async move {
                    match tls {
                        None => converse(socket, address, local, "tcp", switch).await,
                        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(socket)).await {
                            Ok(Ok(socket)) => converse(socket, address, local, "tls", switch).await,
                            Ok(Err(e)) => tracing::debug!(peer = %address, error = %e, "TLS handshake"),
                            Err(_) => tracing::debug!(peer = %address, "TLS handshake took too long"),
                        },
                    }
                });
            }
            Err(e) => {
                // Out of descriptors, most likely: let some close.
                tracing::warn!(error = %e, "the carrier cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Reads and writes one connection until either side has gone.
async fn converse<S>(
    socket: S,
    address: SocketAddr,
    local: SocketAddr,
    transport: &'static str,
    switch: Arc<Switch>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut read, mut write) = tokio::io::split(socket);
    let (queue, mut to_write) = mpsc::channel::<Vec<u8>>(QUEUE);
    let peer = Peer {
        address,
        transport,
        local,
        way: Way::Stream(queue),
    };
    let writer = async {
        while let Some(bytes) = to_write.recv().await {
            if write.write_all(&bytes).await.is_err() || write.flush().await.is_err() {
                return;
            }
        }
    };
    let reader = async {
        let mut framer = Framer::default();
        let mut buffer = vec![0u8; 16_384];
        loop {
            match read.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(n) => framer.push(&buffer[..n]),
            }
            loop {
                match framer.next() {
                    Ok(Some(message)) => switch.datagram(&message, &peer),
                    Ok(None) => break,
                    Err(_) => return switch.malformed(),
                }
            }
        }
    };
    tokio::select! {
        () = reader => {}
        () = writer => {}
        () = switch.stopped() => {}
    }
}
