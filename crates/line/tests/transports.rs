//! TCP, TLS, several targets and several trunks: where an INVITE goes, and when it may go elsewhere.

mod peer;

use std::sync::Arc;

use hark_line::{EndedBy, FactKind, HangUp, TlsOptions, Transport, TrunkConfig};
use peer::*;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

fn over(transport: Transport, address: impl ToString) -> TrunkConfig {
    TrunkConfig {
        transport,
        ..trunk(address)
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

/// A port where nobody listens.
async fn closed() -> std::net::SocketAddr {
    listener().await.local_addr().expect("bound")
}

#[tokio::test]
async fn a_call_over_tcp_uses_one_connection_to_its_end() {
    let listener = listener().await;
    let address = listener.local_addr().expect("bound");
    let line = line(vec![(TRUNK, over(Transport::Tcp, address))]).await;
    let mut call = dial(&line);
    let mut stream = Stream::accept(&listener).await;
    let invite = stream.expect("INVITE").await;
    assert!(invite.header("Via").is_some_and(|v| v.starts_with("SIP/2.0/TCP")));
    assert!(
        invite
            .header("Contact")
            .is_some_and(|c| c.contains("transport=tcp"))
    );
    let rtp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let sdp = sdp(rtp.local_addr().expect("bound"));
    let contact = format!("Contact: <sip:peer@{address};transport=tcp>\r\n");
    stream
        .send(&invite.response(200, "OK", "t1", &contact, &sdp))
        .await;
    stream.expect("ACK").await;
    until(&mut call, |f| *f == FactKind::Answered).await;
    call.hang_up(HangUp::Done);
    let bye = stream.expect("BYE").await;
    stream.send(&bye.response(200, "OK", "", "", "")).await;
    let (_, ended) = end(&mut call).await;
    assert!(ended.answered);
    // The next call takes the same connection.
    let mut second = dial_with(&line, request("second"));
    let invite = stream.expect("INVITE").await;
    stream
        .send(&invite.response(486, "Busy Here", "t2", "", ""))
        .await;
    assert_eq!(end(&mut second).await.1.code, Some(486));
}

#[tokio::test]
async fn a_bye_finds_its_way_when_the_connection_was_lost() {
    let listener = listener().await;
    let address = listener.local_addr().expect("bound");
    let line = line(vec![(TRUNK, over(Transport::Tcp, address))]).await;
    let mut call = dial(&line);
    let mut stream = Stream::accept(&listener).await;
    let invite = stream.expect("INVITE").await;
    let rtp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    stream
        .send(&invite.response(200, "OK", "t1", "", &sdp(rtp.local_addr().expect("bound"))))
        .await;
    stream.expect("ACK").await;
    until(&mut call, |f| *f == FactKind::Answered).await;
    drop(stream);
    call.hang_up(HangUp::Done);
    let mut stream = Stream::accept(&listener).await;
    let bye = stream.expect("BYE").await;
    stream.send(&bye.response(200, "OK", "", "", "")).await;
}

#[tokio::test]
async fn a_refused_connection_ends_without_an_invite() {
    let line = line(vec![(TRUNK, over(Transport::Tcp, closed().await))]).await;
    let mut call = dial(&line);
    let (facts, ended) = end(&mut call).await;
    assert!(!ended.invited && ended.code.is_none());
    assert!(
        matches!(&ended.by, EndedBy::Network(why) if why.contains("refused")),
        "{ended:?}"
    );
    assert!(!facts.iter().any(|f| matches!(f, FactKind::Invited { .. })));
    assert_eq!(line.trunks()[0].calls_today, 0, "nothing was dialled");
    assert_eq!(line.free_channels(), 10);
}

#[tokio::test]
async fn a_refused_connection_goes_on_over_the_next_trunk() {
    let mut peer = Peer::start().await;
    let line = line(vec![
        ("a-down", over(Transport::Tcp, closed().await)),
        ("b-up", trunk(peer.address())),
    ])
    .await;
    let mut call = dial(&line);
    peer.answer("t1").await;
    let told = until(&mut call, |f| matches!(f, FactKind::Invited { .. })).await;
    assert!(matches!(told, FactKind::Invited { trunk, .. } if trunk.as_str() == "b-up"));
    until(&mut call, |f| *f == FactKind::Answered).await;
    call.hang_up(HangUp::Done);
    peer.take_bye().await;
    assert_eq!(end(&mut call).await.1.trunk.as_str(), "b-up");
    let status = line.trunks();
    assert_eq!((status[0].calls_today, status[1].calls_today), (0, 1));
}

#[tokio::test]
async fn a_503_before_ringing_goes_on_over_the_next_trunk_with_the_same_call_id() {
    let (mut first, mut second) = (Peer::start().await, Peer::start().await);
    let line = line(vec![
        ("a", trunk(first.address())),
        ("b", trunk(second.address())),
    ])
    .await;
    let mut call = dial(&line);
    let invite = first.expect("INVITE").await;
    first.reply(&invite, 100, "Trying", "").await;
    first.reply(&invite, 503, "Service Unavailable", "p").await;
    first.expect("ACK").await;
    let again = second.expect("INVITE").await;
    assert_eq!(
        (again.call_id(), again.cseq()),
        (invite.call_id(), invite.cseq() + 1)
    );
    second.reply(&again, 486, "Busy Here", "t2").await;
    let (facts, ended) = end(&mut call).await;
    assert_eq!((ended.code, ended.trunk.as_str()), (Some(486), "b"));
    let invited: Vec<_> = facts
        .iter()
        .filter(|f| matches!(f, FactKind::Invited { .. }))
        .collect();
    assert_eq!(invited.len(), 2, "told once for each trunk");
}

#[tokio::test]
async fn a_503_after_ringing_and_a_timeout_go_nowhere_else() {
    let (mut first, second) = (Peer::start().await, Peer::start().await);
    let quick = TrunkConfig {
        setup_timeout_s: 0.3,
        ..trunk(first.address())
    };
    let line = line(vec![("a", quick), ("b", trunk(second.address()))]).await;
    let mut call = dial(&line);
    let invite = first.expect("INVITE").await;
    first.reply(&invite, 180, "Ringing", "p").await;
    first.reply(&invite, 503, "Service Unavailable", "p").await;
    let (_, ended) = end(&mut call).await;
    assert_eq!((ended.code, ended.trunk.as_str()), (Some(503), "a"));
    let mut silent = dial_with(&line, request("silent"));
    let (_, ended) = end(&mut silent).await;
    assert_eq!((ended.by, ended.trunk.as_str()), (EndedBy::SetupTimeout, "a"));
    let mut buffer = [0; 100];
    assert!(
        second.socket.try_recv_from(&mut buffer).is_err(),
        "the second trunk was left alone"
    );
}

#[tokio::test]
async fn the_last_503_is_told_when_every_trunk_is_down() {
    let mut first = Peer::start().await;
    let line = line(vec![
        ("a", trunk(first.address())),
        ("b", over(Transport::Tcp, closed().await)),
    ])
    .await;
    let mut call = dial(&line);
    let invite = first.expect("INVITE").await;
    first.reply(&invite, 503, "Service Unavailable", "p").await;
    let (_, ended) = end(&mut call).await;
    assert_eq!(
        (ended.code, ended.by, ended.invited),
        (Some(503), EndedBy::Peer, true)
    );
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_invite_goes_nowhere_else() {
    let listener = listener().await;
    let mut spare = Peer::start().await;
    let down = over(Transport::Tcp, listener.local_addr().expect("bound"));
    let quick = TrunkConfig {
        setup_timeout_s: 0.5,
        ..down
    };
    let line = line(vec![("a", quick), ("b", trunk(spare.address()))]).await;
    let mut call = dial(&line);
    let mut stream = Stream::accept(&listener).await;
    stream.expect("INVITE").await;
    drop(stream);
    let (_, ended) = end(&mut call).await;
    assert!(ended.invited && ended.code.is_none(), "{ended:?}");
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(100), spare.raw())
            .await
            .is_err()
    );
}

struct Authority {
    ca: tempfile::NamedTempFile,
    acceptor: TlsAcceptor,
}

/// A CA of our own and a server with a certificate of it.
fn authority(name: &str) -> Authority {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).expect("parameters");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = params.self_signed(&key).expect("a CA");
    let issuer = rcgen::Issuer::new(params, key);
    let server_key = rcgen::KeyPair::generate().expect("a key");
    let server = rcgen::CertificateParams::new(vec![name.to_owned()])
        .expect("parameters")
        .signed_by(&server_key, &issuer)
        .expect("a certificate");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), ca.pem()).expect("writable");
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![server.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der())),
        )
        .expect("a server");
    Authority {
        ca: file,
        acceptor: TlsAcceptor::from(Arc::new(config)),
    }
}

#[tokio::test]
async fn a_call_over_tls_checks_the_certificate() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let authority = authority("carrier.example");
    let listener = listener().await;
    let tls = TlsOptions {
        ca_file: Some(authority.ca.path().to_owned()),
        server_name: Some("carrier.example".into()),
    };
    let address = listener.local_addr().expect("bound");
    let line = line(vec![(
        TRUNK,
        TrunkConfig {
            tls,
            ..over(Transport::Tls, address)
        },
    )])
    .await;
    let mut call = dial(&line);
    let (stream, from) = listener.accept().await.expect("a connection");
    let mut stream = authority.acceptor.accept(stream).await.expect("a handshake");
    let mut buffer = Vec::new();
    let invite = loop {
        if let Some(text) = take_message(&mut buffer) {
            break Message { text, from };
        }
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.expect("readable");
        buffer.extend_from_slice(&chunk[..n]);
    };
    assert!(invite.header("Via").is_some_and(|v| v.starts_with("SIP/2.0/TLS")));
    assert!(
        invite
            .header("Contact")
            .is_some_and(|c| c.contains(&from.port().to_string())),
        "reachable by this connection"
    );
    stream
        .write_all(invite.response(486, "Busy Here", "t1", "", "").as_bytes())
        .await
        .expect("writable");
    let (_, ended) = end(&mut call).await;
    assert_eq!(ended.code, Some(486));
}

#[tokio::test]
async fn certificate_errors_say_how_to_mend_them() {
    let authority = authority("carrier.example");
    let other = self::authority("carrier.example");
    for (ca, name, wanted) in [
        (other.ca.path(), "carrier.example", "ca_file"),
        (authority.ca.path(), "somebody.example", "server_name"),
    ] {
        let listener = listener().await;
        let acceptor = authority.acceptor.clone();
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = acceptor.accept(stream).await;
            }
        });
        let tls = TlsOptions {
            ca_file: Some(ca.to_owned()),
            server_name: Some(name.into()),
        };
        let line = line(vec![(
            TRUNK,
            TrunkConfig {
                tls,
                ..over(Transport::Tls, address)
            },
        )])
        .await;
        let mut call = dial(&line);
        let (_, ended) = end(&mut call).await;
        let EndedBy::Network(why) = &ended.by else {
            panic!("{ended:?}")
        };
        assert!(why.contains(wanted) && !ended.invited, "{why}");
        let error = line
            .probe(&trunk_id())
            .await
            .expect_err("the probe says the same");
        assert!(error.to_string().contains(wanted), "{error}");
    }
    let missing = TlsOptions {
        ca_file: Some("/nonexistent/ca.pem".into()),
        server_name: None,
    };
    let config = TrunkConfig {
        tls: missing,
        ..over(Transport::Tls, "127.0.0.1:5061")
    };
    let error = hark_line::Line::start(peer::config(), [(trunk_id(), config)].into())
        .await
        .err()
        .expect("refused");
    assert!(error.to_string().contains("/nonexistent/ca.pem"), "{error}");
}
