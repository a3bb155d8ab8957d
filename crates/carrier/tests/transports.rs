//! SIP over streams, a bad line, and many calls at once.

mod phone;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use hark_carrier::behaviour::{Person, Refuse, Tone};
use hark_carrier::{
    Behaviour, Carrier, CarrierConfig, CarrierError, Impairment, NumberRule, PortRange, TlsConfig,
};
use phone::{NUMBER, Phone, carrier, carrier_with, eventually};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

const OFFER: &str = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n";

fn request(method: &str, transport: &str, to_tag: &str, cseq: u32) -> String {
    let body = if method == "INVITE" { OFFER } else { "" };
    format!(
        "{method} sip:{NUMBER}@carrier SIP/2.0\r\nv: SIP/2.0/{transport} 127.0.0.1:9;branch=z9hG4bK{cseq}{method}\r\n\
         f: <sip:100@test>;tag=a\r\nt: <sip:{NUMBER}@test>{to_tag}\r\ni: stream@test\r\nCSeq: {cseq} {method}\r\n\
         m: <sip:100@127.0.0.1:9>\r\nl: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads until a text has come.
async fn until<S: AsyncRead + Unpin>(stream: &mut S, got: &mut String, what: &str) {
    let mut buffer = [0; 4096];
    while !got.contains(what) {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer)).await;
        let n = read
            .unwrap_or_else(|_| panic!("no {what} in {got}"))
            .expect("readable");
        assert!(n > 0, "closed before {what}: {got}");
        got.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
}

async fn whole_call<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, transport: &str) {
    let invite = request("INVITE", transport, "", 1);
    // In two pieces, as a network may deliver it.
    let (first, second) = invite.split_at(100);
    stream.write_all(first.as_bytes()).await.expect("writable");
    stream.flush().await.expect("writable");
    tokio::time::sleep(Duration::from_millis(20)).await;
    stream.write_all(second.as_bytes()).await.expect("writable");
    let mut got = String::new();
    until(&mut stream, &mut got, "SIP/2.0 200").await;
    until(&mut stream, &mut got, "a=sendrecv").await;
    let tag = got
        .rsplit(";tag=")
        .next()
        .and_then(|t| t.split("\r\n").next())
        .expect("a tag")
        .to_owned();
    let tag = format!(";tag={tag}");
    // ACK and BYE in one write.
    let both = request("ACK", transport, &tag, 1) + &request("BYE", transport, &tag, 2);
    stream.write_all(both.as_bytes()).await.expect("writable");
    until(&mut stream, &mut got, "CSeq: 2 BYE").await;
}

fn quick_person() -> Behaviour {
    Behaviour::Person(Person {
        answer_after_s: 1.0,
        ..Person::default()
    })
}

#[tokio::test]
async fn a_whole_call_over_tcp() {
    let carrier = carrier(quick_person()).await;
    whole_call(TcpStream::connect(carrier.address()).await.expect("open"), "TCP").await;
    let report = carrier.report();
    assert_eq!(
        (report.calls[0].transport.as_str(), report.live_calls),
        ("tcp", 0)
    );
    assert_eq!(report.faults().count(), 0, "{report:?}");
}

#[tokio::test]
async fn a_whole_call_over_tls() {
    let made = rcgen::generate_simple_self_signed(vec!["carrier.test".into()]).expect("a certificate");
    let file = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file
    };
    let (cert, key) = (file(&made.cert.pem()), file(&made.signing_key.serialize_pem()));
    let tls = TlsConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        cert_file: cert.path().into(),
        key_file: key.path().into(),
    };
    let rule = NumberRule::new("*", quick_person());
    let config = CarrierConfig {
        tls: Some(tls),
        time_scale: 0.1,
        ..CarrierConfig::on_loopback(vec![rule])
    };
    let carrier = carrier_with(config).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("our own");
    let client =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
    let address = carrier.tls_address().expect("TLS is on");
    let socket = TcpStream::connect(address).await.expect("open");
    let name = ServerName::try_from("carrier.test").expect("a name");
    let stream = tokio_rustls::TlsConnector::from(Arc::new(client))
        .connect(name, socket)
        .await
        .expect("secured");
    whole_call(stream, "TLS").await;
    assert_eq!(carrier.report().calls[0].transport, "tls");
}

#[tokio::test]
async fn a_port_that_is_taken_and_a_file_that_is_no_certificate_are_told() {
    let first = carrier(quick_person()).await;
    let taken = CarrierConfig {
        listen: first.address(),
        ..CarrierConfig::default()
    };
    let error = Carrier::start(taken).await.expect_err("refused");
    assert!(
        error.to_string().contains(&first.address().to_string()),
        "{error}"
    );
    let tls = TlsConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        cert_file: "/dev/null".into(),
        key_file: "/dev/null".into(),
    };
    let config = CarrierConfig {
        tls: Some(tls),
        ..CarrierConfig::on_loopback(vec![])
    };
    let error = Carrier::start(config).await.expect_err("refused");
    assert!(
        matches!(&error, CarrierError::Tls { file, .. } if file == "/dev/null"),
        "{error}"
    );
}

#[tokio::test]
async fn a_bad_line_loses_and_repeats_packets_as_it_was_told() {
    let config = CarrierConfig {
        time_scale: 0.1,
        impair: Impairment {
            loss: 0.3,
            jitter_ms: 30,
            reorder: 0.1,
            duplicate: 0.1,
        },
        rtp_ports: PortRange::new(38_000, 38_999),
        ..CarrierConfig::on_loopback(vec![NumberRule::new("*", Behaviour::BusyTone(Tone::default()))])
    };
    let carrier = carrier_with(config).await;
    let mut phone = Phone::new(&carrier).await;
    phone.invite().await;
    let progress = phone.until(183).await;
    assert!(
        progress
            .rtp()
            .is_some_and(|a| (38_000..=38_999).contains(&a.port()) && a.port() % 2 == 0)
    );
    let got = phone.packets(Duration::from_secs(3)).await.len();
    // 150 sent, 70 % arrive, a tenth of them twice.
    assert!((90..=140).contains(&got), "{got}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_calls_at_once_all_end_as_they_should() {
    let carrier = carrier(Behaviour::Busy(Refuse {
        ringing: true,
        after_s: 5.0,
        ..Refuse::default()
    }))
    .await;
    let calls: Vec<_> = (0..60)
        .map(|_| {
            let carrier = carrier.clone();
            tokio::spawn(async move {
                let mut phone = Phone::new(&carrier).await;
                phone.invite().await;
                phone.until(180).await;
                let end = phone.until(486).await;
                phone.ack(&end).await;
            })
        })
        .collect();
    for call in calls {
        call.await.expect("each ends in 486");
    }
    eventually("every ACK is seen", || {
        carrier.report().calls.iter().all(|c| c.acked.is_some())
    })
    .await;
    let report = carrier.report();
    assert_eq!(
        (report.calls.len(), report.live_calls, report.faults().count()),
        (60, 0, 0)
    );
    assert_eq!(report.numbers[NUMBER], 60);
    assert!(report.peak_calls > 30, "{}", report.peak_calls);
}
