//! Challenges: answered once, with the same Call-ID and the next CSeq, and never guessed at twice.

mod peer;

use hark_line::{EndedBy, FactKind, HangUp, TrunkConfig};
use peer::*;
use sha2::{Digest, Sha256};

fn with_password(peer: &Peer) -> (TrunkConfig, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "secret\n").expect("writable");
    let config = TrunkConfig {
        username: Some("alice".into()),
        password_file: Some(file.path().to_owned()),
        ..trunk(peer.address())
    };
    (config, file)
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

fn field<'a>(header: &'a str, name: &str) -> &'a str {
    let at = header.find(&format!(" {name}=")).expect(name) + name.len() + 2;
    header[at..]
        .split(',')
        .next()
        .unwrap_or_default()
        .trim_matches('"')
}

/// Checks SHA-256 credentials as a registrar would.
fn verify(message: &Message, header: &str) {
    let value = message.header(header).expect("credentials");
    assert_eq!(
        field(value, "uri"),
        message.uri(),
        "the digest covers the URI that was sent"
    );
    let ha1 = sha256("alice:carrier:secret");
    let ha2 = sha256(&format!("{}:{}", message.method(), message.uri()));
    let (nonce, nc, cnonce) = (field(value, "nonce"), field(value, "nc"), field(value, "cnonce"));
    let wanted = sha256(&format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}"));
    assert_eq!(field(value, "response"), wanted, "{value}");
}

const CHALLENGE: &str = "Digest realm=\"carrier\", nonce=\"abc\", qop=\"auth\", algorithm=SHA-256";

#[tokio::test]
async fn a_407_is_answered_and_the_call_counts_once() {
    let mut peer = Peer::start().await;
    let (config, _file) = with_password(&peer);
    let line = line(vec![(TRUNK, config)]).await;
    let mut call = dial(&line);
    let first = peer.expect("INVITE").await;
    assert!(first.header("Proxy-Authorization").is_none());
    // An older scheme beside it: the stronger one is taken.
    let extra = format!(
        "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"old\"\r\nProxy-Authenticate: {CHALLENGE}\r\n"
    );
    peer.send(
        first.from,
        &first.response(407, "Proxy Authentication Required", "p", &extra, ""),
    )
    .await;
    peer.expect("ACK").await;
    let second = peer.expect("INVITE").await;
    verify(&second, "Proxy-Authorization");
    assert_eq!(
        (second.call_id(), second.cseq()),
        (first.call_id(), first.cseq() + 1)
    );
    assert_ne!(second.branch(), first.branch());
    peer.reply_sdp(&second, 200, "OK", "t1").await;
    let ack = peer.expect("ACK").await;
    assert_eq!(
        ack.header("Proxy-Authorization"),
        second.header("Proxy-Authorization")
    );
    until(&mut call, |f| *f == FactKind::Answered).await;
    assert_eq!(line.trunks()[0].calls_today, 1);
    call.hang_up(HangUp::Done);
    // BYE carries credentials of its own, and is challenged all the same.
    let bye = peer.expect("BYE").await;
    verify(&bye, "Proxy-Authorization");
    let extra =
        "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"next\", qop=\"auth\", algorithm=SHA-256\r\n";
    peer.send(
        bye.from,
        &bye.response(407, "Proxy Authentication Required", "", extra, ""),
    )
    .await;
    let again = peer.take_bye().await;
    verify(&again, "Proxy-Authorization");
    assert_eq!(again.cseq(), bye.cseq() + 1);
}

#[tokio::test]
async fn a_call_answered_after_a_challenge_keeps_its_channel() {
    let mut peer = Peer::start().await;
    let (config, _file) = with_password(&peer);
    let line = line(vec![(TRUNK, config)]).await;
    let all = line.free_channels();
    let mut call = dial(&line);
    let first = peer.expect("INVITE").await;
    let extra = format!("WWW-Authenticate: {CHALLENGE}\r\n");
    peer.send(first.from, &first.response(401, "Unauthorized", "p", &extra, ""))
        .await;
    peer.expect("ACK").await;
    peer.answer("t1").await;
    until(&mut call, |f| *f == FactKind::Answered).await;
    assert_eq!(line.free_channels(), all - 1);
    call.hang_up(HangUp::Done);
    peer.take_bye().await;
    end(&mut call).await;
    line.channel_freed().await;
    assert_eq!(line.free_channels(), all);
}

#[tokio::test]
async fn a_second_challenge_is_final() {
    let mut peer = Peer::start().await;
    let (config, _file) = with_password(&peer);
    let line = line(vec![(TRUNK, config)]).await;
    let mut call = dial(&line);
    let extra = format!("WWW-Authenticate: {CHALLENGE}\r\n");
    for _ in 0..2 {
        let invite = peer.expect("INVITE").await;
        peer.send(
            invite.from,
            &invite.response(401, "Unauthorized", "p", &extra, ""),
        )
        .await;
        peer.expect("ACK").await;
    }
    let (_, ended) = end(&mut call).await;
    assert_eq!((ended.code, ended.by), (Some(401), EndedBy::Peer));
}

#[tokio::test]
async fn a_trunk_without_credentials_ends_at_the_challenge() {
    let mut peer = Peer::start().await;
    let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
    let mut call = dial(&line);
    let invite = peer.expect("INVITE").await;
    let extra = format!("WWW-Authenticate: {CHALLENGE}\r\n");
    peer.send(
        invite.from,
        &invite.response(401, "Unauthorized", "p", &extra, ""),
    )
    .await;
    let (_, ended) = end(&mut call).await;
    assert_eq!(ended.code, Some(401));
}

#[tokio::test]
async fn a_missing_password_is_told_at_start() {
    let config = TrunkConfig {
        username: Some("alice".into()),
        password_env: Some("HARK_TEST_NO_SUCH_VARIABLE".into()),
        ..trunk("127.0.0.1:5060")
    };
    let error = hark_line::Line::start(peer::config(), [(trunk_id(), config)].into())
        .await
        .err()
        .expect("refused");
    let text = error.to_string();
    assert!(
        text.contains("trunk.main.password_env") && text.contains("HARK_TEST_NO_SUCH_VARIABLE"),
        "{text}"
    );
}
