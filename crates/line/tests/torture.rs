//! Hostile and odd messages, thrown at the sockets of a running line: each is answered or refused, nothing panics, and
//! the line still dials.

mod peer;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use hark_line::{FactKind, HangUp};
use peer::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts panics of every task and thread.
fn watch_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        before(info);
    }));
}

/// The messages, by name.
fn messages() -> BTreeMap<String, Vec<u8>> {
    let text = include_str!("torture/messages.txt");
    let mut out = BTreeMap::new();
    for part in text.split("\n=== ").skip(1) {
        let (name, message) = part.split_once('\n').expect("a name and a message");
        out.insert(name.to_owned(), bytes(&format!("{message}\n")));
    }
    assert!(out.len() >= 50, "{} messages", out.len());
    out
}

/// Our notation, as bytes.
fn bytes(message: &str) -> Vec<u8> {
    let mut text = message.to_owned();
    while let Some(from) = text.find("{REPEAT:") {
        let to = from + text[from..].find('}').expect("a closing brace");
        let mut parts = text[from + 8..to].splitn(2, ':');
        let times = parts.next().and_then(|n| n.parse().ok()).expect("a count");
        let repeated = parts.next().expect("a text").repeat(times);
        text.replace_range(from..=to, &repeated);
    }
    let text = text.replace('\n', "\r\n");
    let length = text
        .split_once("\r\n\r\n")
        .map_or(0, |(_, body)| unescape(body).len());
    unescape(&text.replace("$LEN", &length.to_string()))
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        match rest
            .get(at + 2..at + 4)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        {
            Some(byte) => {
                out.push(byte);
                rest = &rest[at + 4..];
            }
            None => {
                out.extend_from_slice(b"\\x");
                rest = &rest[at + 2..];
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// A line under test, with a call ringing on it, and where it listens.
struct Victim {
    line: hark_line::Line,
    peer: Peer,
    call: hark_line::Call,
    invite: Message,
    at: SocketAddr,
    socket: UdpSocket,
    asked: u32,
}

impl Victim {
    async fn start() -> Self {
        watch_panics();
        let mut peer = Peer::start().await;
        let line = line(vec![(TRUNK, trunk(peer.address()))]).await;
        let call = dial(&line);
        let invite = peer.expect("INVITE").await;
        peer.reply(&invite, 180, "Ringing", "t1").await;
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        Self {
            line,
            peer,
            call,
            at: invite.from,
            invite,
            socket,
            asked: 0,
        }
    }

    /// Sends a datagram, and then a question whose answer shows that the datagram was dealt with. Returns how many
    /// answers the datagram got.
    async fn throw(&mut self, message: &[u8]) -> usize {
        self.socket.send_to(message, self.at).await.expect("sendable");
        self.asked += 1;
        let mark = format!("mark{}", self.asked);
        let us = self.socket.local_addr().expect("bound");
        // Of the call, so that no limit for strangers counts it; with a tag that is not the call's, so that it is
        // answered 481.
        let question = format!(
            "OPTIONS sip:x@h SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{mark}.\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:b@h>;tag=nobody\r\nCall-ID: {}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            self.invite.call_id()
        );
        self.socket
            .send_to(question.as_bytes(), self.at)
            .await
            .expect("sendable");
        let mut answers = 0;
        let mut buffer = vec![0; 65_536];
        loop {
            let received = tokio::time::timeout(PATIENCE, self.socket.recv_from(&mut buffer)).await;
            let (n, _) = received
                .unwrap_or_else(|_| panic!("the line died of\n{}", String::from_utf8_lossy(message)))
                .expect("readable");
            if String::from_utf8_lossy(&buffer[..n]).contains(&format!("z9hG4bK{mark}.")) {
                return answers;
            }
            answers += 1;
        }
    }

    /// The call that rang all the while is answered and ended, and another one is placed.
    async fn still_dials(mut self) {
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "something panicked");
        self.peer.reply_sdp(&self.invite, 200, "OK", "t1").await;
        until(&mut self.call, |f| *f == FactKind::Answered).await;
        self.call.hang_up(HangUp::Done);
        loop {
            let message = self.peer.any().await;
            if message.is("BYE") {
                self.peer.reply(&message, 200, "OK", "").await;
                break;
            }
        }
        let mut second = dial_with(&self.line, request("second"));
        self.peer.answer("t2").await;
        until(&mut second, |f| *f == FactKind::Answered).await;
    }
}

#[tokio::test]
async fn torture_over_udp() {
    let mut victim = Victim::start().await;
    let mut answered = Vec::new();
    for (name, message) in messages() {
        let answers = victim.throw(&message).await;
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "{name}");
        if answers > 0 {
            answered.push(name.split(':').next().unwrap_or_default().to_owned());
        }
    }
    // Well-formed requests of methods we know get an answer.
    for name in [
        "esc01",
        "lwsdisp",
        "semiuri",
        "trws",
        "mpart01",
        "regaut01",
        "zeromf",
        "bye without a dialog",
        "cancel of nothing",
    ] {
        assert!(
            answered.iter().any(|a| a == name),
            "{name} went unanswered; answered: {answered:?}"
        );
    }
    victim.still_dials().await;
}

#[tokio::test]
async fn torture_over_tcp() {
    let victim = Victim::start().await;
    for (name, message) in messages() {
        let mut stream = TcpStream::connect(victim.at)
            .await
            .expect("it listens on TCP too");
        stream.write_all(&message).await.expect("writable");
        // Half a message more, and gone: the line must not wait for the rest.
        stream.write_all(b"INVITE sip:half").await.ok();
        stream.shutdown().await.ok();
        let mut buffer = Vec::new();
        let read = stream.read_to_end(&mut buffer);
        assert!(
            tokio::time::timeout(PATIENCE, read).await.is_ok(),
            "{name}: the connection is kept open for ever"
        );
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "{name}");
    }
    victim.still_dials().await;
}

/// Bytes flipped, cut and doubled in messages of the real call: it must survive what comes by its own Call-ID.
#[tokio::test]
async fn mutations_of_the_calls_own_messages() {
    let mut victim = Victim::start().await;
    let sdp = victim.peer.sdp();
    let extra = format!(
        "{}Record-Route: <sip:p;lr>\r\nAllow: UPDATE\r\n",
        victim.peer.contact()
    );
    let seeds = [
        victim
            .invite
            .response(183, "Session Progress", "t1", &extra, &sdp),
        victim.invite.response(182, "Queued", "t2", "", ""),
        victim.peer.request(
            "UPDATE",
            &victim.invite,
            "t1",
            1,
            "Session-Expires: 1800;refresher=uac\r\n",
            &sdp,
        ),
        victim
            .peer
            .request("INFO", &victim.invite, "t1", 2, "Reason: Q.850;cause=16\r\n", "x"),
    ];
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    for round in 0..1_500 {
        let mut message = seeds[round % seeds.len()].clone().into_bytes();
        // The status line stays: a mutation must not answer or refuse the call.
        let safe = message.iter().position(|b| *b == b'\n').unwrap_or(0) + 1;
        for _ in 0..=random(4) {
            let at = safe + random(message.len() - safe);
            match random(4) {
                0 => message[at] = random(256) as u8,
                1 => message.truncate(at.max(safe + 1)),
                2 => drop(message.remove(at.min(message.len() - 1))),
                _ => message.insert(at, b";,<>\"@:=\r\n\0%"[random(12)]),
            }
            if message.len() <= safe + 1 {
                break;
            }
        }
        victim.throw(&message).await;
        assert_eq!(
            PANICS.load(Ordering::SeqCst),
            0,
            "round {round}:\n{}",
            String::from_utf8_lossy(&message)
        );
    }
    victim.still_dials().await;
}

/// A stranger's flood keeps no call from being answered or placed.
#[tokio::test]
async fn a_flood_of_requests_is_survived() {
    let victim = Victim::start().await;
    for n in 0..5_000 {
        let text = format!(
            "INVITE sip:x@h SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKf{n}\r\nFrom: <sip:a@h>;tag={n}\r\nTo: <sip:b@h>\r\n\
             Call-ID: f{n}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        );
        victim
            .socket
            .send_to(text.as_bytes(), victim.at)
            .await
            .expect("sendable");
        if n % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    victim.still_dials().await;
}
