//! A SIP peer by hand: a raw socket that says exactly what a test tells it to, and shows what it got. It shares no code
//! with the line.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use hark_line::{
    Call, CallRequest, Ended, Fact, FactKind, FrameSink, Line, LineConfig, PortRange, TrunkConfig,
};
use hark_outcome::{Attempt, CampaignId, JobId, Number, Phase, TrunkId};
use hark_sound::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// Everything a test waits for comes within this, or the test fails.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A message as text.
#[derive(Debug, Clone)]
pub struct Message {
    pub text: String,
    pub from: SocketAddr,
}

impl Message {
    pub fn start(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.start().split(' ').next().unwrap_or_default()
    }

    /// The Request-URI.
    pub fn uri(&self) -> &str {
        self.start().split(' ').nth(1).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    pub fn headers<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.text
            .lines()
            .take_while(|l| !l.is_empty())
            .filter_map(move |line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim())
            })
    }

    pub fn branch(&self) -> &str {
        let via = self.header("Via").unwrap_or_default();
        via.split("branch=")
            .nth(1)
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
    }

    pub fn cseq(&self) -> u32 {
        self.header("CSeq")
            .and_then(|c| c.split(' ').next()?.parse().ok())
            .unwrap_or_default()
    }

    pub fn call_id(&self) -> &str {
        self.header("Call-ID").unwrap_or_default()
    }

    pub fn tag(&self, name: &str) -> Option<&str> {
        self.header(name)?.split("tag=").nth(1)
    }

    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    pub fn is(&self, method: &str) -> bool {
        self.method() == method
    }

    /// The response to this request. `extra` are whole header lines.
    pub fn response(&self, code: u16, phrase: &str, tag: &str, extra: &str, body: &str) -> String {
        let vias: String = self.headers("Via").map(|v| format!("Via: {v}\r\n")).collect();
        let to = self.header("To").unwrap_or_default();
        let to = if to.contains("tag=") || tag.is_empty() {
            to.to_owned()
        } else {
            format!("{to};tag={tag}")
        };
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "SIP/2.0 {code} {phrase}\r\n{vias}From: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n{extra}{kind}Content-Length: {}\r\n\r\n{body}",
            self.header("From").unwrap_or_default(),
            self.call_id(),
            self.header("CSeq").unwrap_or_default(),
            body.len()
        )
    }
}

/// A peer on UDP.
pub struct Peer {
    pub socket: UdpSocket,
    /// Where it takes RTP.
    pub rtp: UdpSocket,
    seen: HashSet<(String, String)>,
    /// Repetitions skipped.
    pub repeated: usize,
}

impl Peer {
    pub async fn start() -> Self {
        let bind = || UdpSocket::bind("127.0.0.1:0");
        Self {
            socket: bind().await.expect("a port"),
            rtp: bind().await.expect("a port"),
            seen: HashSet::new(),
            repeated: 0,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    pub fn sdp(&self) -> String {
        sdp(self.rtp.local_addr().expect("bound"))
    }

    pub fn contact(&self) -> String {
        format!("Contact: <sip:peer@{}>\r\n", self.address())
    }

    /// The next message, repetitions skipped.
    pub async fn any(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let message = self.raw().await;
                let id = (
                    message.method().to_owned(),
                    format!("{}{}", message.branch(), message.start()),
                );
                if self.seen.insert(id) {
                    return message;
                }
                self.repeated += 1;
            }
        })
        .await
        .expect("a message within the patience of the test")
    }

    /// The next message, even a repetition.
    pub async fn raw(&mut self) -> Message {
        let mut buffer = vec![0; 65_536];
        let (length, from) = self.socket.recv_from(&mut buffer).await.expect("readable");
        Message {
            text: String::from_utf8_lossy(&buffer[..length]).into_owned(),
            from,
        }
    }

    /// The next request of a method; others before it are an error, but for keepalive.
    pub async fn expect(&mut self, method: &str) -> Message {
        loop {
            let message = self.any().await;
            if message.is(method) {
                return message;
            }
            assert!(message.is("OPTIONS"), "expected {method}, got\n{}", message.text);
        }
    }

    pub async fn send(&self, to: SocketAddr, text: &str) {
        self.socket.send_to(text.as_bytes(), to).await.expect("sendable");
    }

    /// Answers, with our Contact for a call.
    pub async fn reply(&self, to: &Message, code: u16, phrase: &str, tag: &str) {
        self.send(to.from, &to.response(code, phrase, tag, &self.contact(), ""))
            .await;
    }

    pub async fn reply_sdp(&self, to: &Message, code: u16, phrase: &str, tag: &str) {
        self.send(
            to.from,
            &to.response(code, phrase, tag, &self.contact(), &self.sdp()),
        )
        .await;
    }

    /// A request inside the dialog of `invite`, from fork `tag`.
    pub fn request(
        &self,
        method: &str,
        invite: &Message,
        tag: &str,
        cseq: u32,
        extra: &str,
        body: &str,
    ) -> String {
        let contact = invite.header("Contact").unwrap_or_default();
        let uri = contact
            .trim_start_matches('<')
            .split('>')
            .next()
            .unwrap_or_default();
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKpeer{method}{cseq}{tag}\r\nMax-Forwards: 70\r\n\
             From: {};tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n{}{extra}{kind}Content-Length: {}\r\n\r\n{body}",
            self.address(),
            invite.header("To").unwrap_or_default(),
            invite.header("From").unwrap_or_default(),
            invite.call_id(),
            self.contact(),
            body.len()
        )
    }

    /// Answers a call to the ACK. Returns INVITE and ACK.
    pub async fn answer(&mut self, tag: &str) -> (Message, Message) {
        let invite = self.expect("INVITE").await;
        self.reply(&invite, 180, "Ringing", tag).await;
        self.reply_sdp(&invite, 200, "OK", tag).await;
        let ack = self.expect("ACK").await;
        (invite, ack)
    }

    /// Takes the BYE.
    pub async fn take_bye(&mut self) -> Message {
        let bye = self.expect("BYE").await;
        self.reply(&bye, 200, "OK", "").await;
        bye
    }
}

pub fn sdp(rtp: SocketAddr) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n",
        ip = rtp.ip(),
        port = rtp.port()
    )
}

/// Reads SIP from a stream, one message at a time.
pub struct Stream {
    pub stream: TcpStream,
    buffer: Vec<u8>,
    pub from: SocketAddr,
}

impl Stream {
    pub async fn accept(listener: &TcpListener) -> Self {
        let (stream, from) = tokio::time::timeout(PATIENCE, listener.accept())
            .await
            .expect("a connection in time")
            .expect("acceptable");
        Self {
            stream,
            buffer: Vec::new(),
            from,
        }
    }

    pub async fn any(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(message) = take_message(&mut self.buffer) {
                    return Message {
                        text: message,
                        from: self.from,
                    };
                }
                let mut chunk = [0; 4096];
                let n = self.stream.read(&mut chunk).await.expect("readable");
                assert!(n > 0, "the line closed the connection");
                self.buffer.extend_from_slice(&chunk[..n]);
            }
        })
        .await
        .expect("a message within the patience of the test")
    }

    pub async fn expect(&mut self, method: &str) -> Message {
        loop {
            let message = self.any().await;
            if message.is(method) {
                return message;
            }
            assert!(message.is("OPTIONS"), "expected {method}, got\n{}", message.text);
        }
    }

    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("writable");
    }
}

/// One whole message off the front of a stream's buffer.
pub fn take_message(buffer: &mut Vec<u8>) -> Option<String> {
    while buffer.starts_with(b"\r\n") {
        buffer.drain(..2);
    }
    let text = String::from_utf8_lossy(buffer).into_owned();
    let head = text.find("\r\n\r\n")? + 4;
    let length: usize = text[..head]
        .lines()
        .find_map(|l| {
            l.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(|v| v.trim().parse().unwrap_or(0))
        })
        .unwrap_or(0);
    if buffer.len() < head + length {
        return None;
    }
    let message = text[..head + length].to_owned();
    buffer.drain(..head + length);
    Some(message)
}

/// A sink that hears nothing.
pub struct Deaf;

impl FrameSink for Deaf {
    fn frame(&mut self, _: Phase, _: &Frame) {}
}

pub const TRUNK: &str = "main";

pub fn number() -> Number {
    Number::parse("+8613800138000").expect("a number")
}

pub fn trunk_id() -> TrunkId {
    TrunkId::new(TRUNK).expect("valid")
}

/// A trunk to a test peer: quick, and never asked by OPTIONS.
pub fn trunk(address: impl ToString) -> TrunkConfig {
    TrunkConfig {
        allowed_prefixes: vec!["+86".parse().expect("a prefix")],
        caller_ids: vec![Number::parse("+861088886666").expect("a number")],
        options_interval_s: 0,
        setup_timeout_s: 2.0,
        ..TrunkConfig::at(address.to_string())
    }
}

pub fn config() -> LineConfig {
    LineConfig {
        bind: "127.0.0.1".parse().expect("an address"),
        rtp_ports: PortRange::new(30_000, 39_999).expect("a range"),
        media_threads: 1,
        ..LineConfig::default()
    }
}

pub async fn line(trunks: Vec<(&str, TrunkConfig)>) -> Line {
    let trunks: BTreeMap<_, _> = trunks
        .into_iter()
        .map(|(name, config)| (TrunkId::new(name).expect("valid"), config))
        .collect();
    Line::start(config(), trunks).await.expect("the line starts")
}

pub fn request(job: &str) -> CallRequest {
    CallRequest {
        attempt: Attempt::first(CampaignId::default(), JobId::new(job).expect("valid")),
        caller_id: None,
        ring_timeout: Duration::from_secs(30),
        max_duration: Duration::from_secs(60),
        sink: Box::new(Deaf),
    }
}

pub fn dial(line: &Line) -> Call {
    dial_with(line, request("job"))
}

pub fn dial_with(line: &Line, request: CallRequest) -> Call {
    let route = line.route(&number(), &[], None).expect("allowed");
    let reservation = line.reserve(&route).expect("a free channel");
    line.dial(reservation, request)
}

/// The next fact, in time.
pub async fn fact(call: &mut Call) -> Fact {
    tokio::time::timeout(PATIENCE, call.next())
        .await
        .expect("a fact within the patience of the test")
        .expect("not over")
}

/// Waits for a fact of a kind.
pub async fn until(call: &mut Call, wanted: impl Fn(&FactKind) -> bool) -> FactKind {
    loop {
        let fact = fact(call).await.what;
        if wanted(&fact) {
            return fact;
        }
        assert!(
            !matches!(fact, FactKind::Ended(_)),
            "the call ended first: {fact:?}"
        );
    }
}

/// Everything to the end.
pub async fn end(call: &mut Call) -> (Vec<FactKind>, Ended) {
    let mut facts = Vec::new();
    loop {
        match fact(call).await.what {
            FactKind::Ended(ended) => {
                assert!(call.next().await.is_none(), "nothing follows the end");
                return (facts, ended);
            }
            other => facts.push(other),
        }
    }
}
