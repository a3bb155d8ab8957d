//! TLS to a trunk: whom we trust, and certificate errors a person can act on.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where systems keep the certificates they trust.
const SYSTEM_STORES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Shakes hands over a connected stream.
pub(super) async fn connect(
    stream: TcpStream,
    peer: SocketAddr,
    ca_file: Option<&Path>,
    name: &str,
) -> Result<TlsStream<TcpStream>, String> {
    let roots = trusted(ca_file)?;
    let server = ServerName::try_from(name.to_owned())
        .map_err(|_| format!("{name:?} can stand in no certificate; set trunk.*.tls.server_name"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
        .connect(server, stream)
        .await
        .map_err(|error| explain(peer, name, &error.to_string()))
}

/// The trusted certificates: of the trunk's own file, or the system's.
pub(super) fn trusted(ca_file: Option<&Path>) -> Result<RootCertStore, String> {
    let pem = match ca_file {
        Some(path) => std::fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?,
        None => SYSTEM_STORES
            .iter()
            .find_map(|path| std::fs::read(path).ok())
            .ok_or("this system has no certificate store; install ca-certificates, or name a file here")?,
    };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .filter_map(Result::ok)
        .collect();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates);
    match (added, ca_file) {
        (0, Some(path)) => Err(format!("{} holds no certificate in PEM form", path.display())),
        (0, None) => Err("the system's certificate store is empty; name a file here".to_owned()),
        _ => Ok(roots),
    }
}

/// What a failed handshake means.
fn explain(peer: SocketAddr, name: &str, error: &str) -> String {
    let mend = if error.contains("UnknownIssuer") || error.contains("BadSignature") {
        "its certificate is signed by nobody we trust; put its CA into trunk.*.tls.ca_file"
    } else if error.contains("NotValidForName") || error.contains("not valid for name") {
        "its certificate is for another name; set trunk.*.tls.server_name to the name in it"
    } else if error.contains("Expired") || error.contains("expired") {
        "its certificate has expired; the carrier must renew it (or this machine's clock is wrong)"
    } else if error.contains("NotValidYet") || error.contains("not valid yet") {
        "its certificate is not valid yet; check this machine's clock"
    } else if error.contains("corrupt message") || error.contains("InvalidContentType") {
        "it does not speak TLS there; check the port, or use transport = \"tcp\""
    } else {
        return format!("cannot connect to {peer} as {name}: {error}");
    };
    format!("cannot connect to {peer} as {name}: {mend} ({error})")
}
