//! A telephone of a few lines, by raw socket: it says exactly what a test tells it to say.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::net::SocketAddr;
use std::time::Duration;

use hark_carrier::{Behaviour, Carrier, CarrierConfig, NumberRule};
use tokio::net::UdpSocket;

/// Nothing in these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

pub const NUMBER: &str = "+8613800000001";

/// A carrier whose only number does this, with waits ten times shorter.
pub async fn carrier(behave: Behaviour) -> Carrier {
    let rule = NumberRule::new("*", behave);
    carrier_with(CarrierConfig {
        time_scale: 0.1,
        ..CarrierConfig::on_loopback(vec![rule])
    })
    .await
}

pub async fn carrier_with(config: CarrierConfig) -> Carrier {
    Carrier::start(config).await.expect("a free port on loopback")
}

/// What came over the wire.
#[derive(Debug, Clone)]
pub struct Wire(pub String);

impl Wire {
    pub fn first_line(&self) -> &str {
        self.0.lines().next().unwrap_or_default()
    }

    /// Code of a response, 0 for a request.
    pub fn code(&self) -> u16 {
        let line = self.first_line();
        if line.starts_with("SIP/2.0") {
            line.split(' ').nth(1).and_then(|c| c.parse().ok()).unwrap_or(0)
        } else {
            0
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|l| l.strip_prefix(&format!("{name}: ")))
    }

    pub fn to_tag(&self) -> &str {
        self.header("To")
            .and_then(|t| t.split("tag=").nth(1))
            .unwrap_or_default()
    }

    pub fn sdp(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    pub fn rtp(&self) -> Option<SocketAddr> {
        let ip = self.sdp().lines().find_map(|l| l.strip_prefix("c=IN IP4 "))?;
        let port = self
            .sdp()
            .lines()
            .find_map(|l| l.strip_prefix("m=audio "))?
            .split(' ')
            .next()?;
        format!("{ip}:{port}").parse().ok()
    }
}

/// One phone with one call.
pub struct Phone {
    pub sip: UdpSocket,
    pub rtp: UdpSocket,
    pub carrier: SocketAddr,
    pub call_id: String,
    pub tag: String,
    pub cseq: u32,
    /// Branch of the last INVITE.
    pub branch: String,
    pub codecs: &'static str,
    pub extra: String,
}

impl Phone {
    pub async fn new(carrier: &Carrier) -> Self {
        let sip = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let rtp = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let id = sip.local_addr().expect("bound").port();
        Self {
            sip,
            rtp,
            carrier: carrier.address(),
            call_id: format!("call-{id}@test"),
            tag: format!("t{id}"),
            cseq: 1,
            branch: String::new(),
            codecs: "0 8",
            extra: String::new(),
        }
    }

    pub fn offer(&self) -> String {
        let port = self.rtp.local_addr().expect("bound").port();
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP {} 101\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n",
            self.codecs
        )
    }

    pub fn text(&self, method: &str, to: &str, branch: &str, cseq: u32, body: &str) -> String {
        let here = self.sip.local_addr().expect("bound");
        format!(
            "{method} sip:{NUMBER}@{c} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch={branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:100@test>;tag={t}\r\nTo: {to}\r\nCall-ID: {i}\r\nCSeq: {cseq} {cs}\r\n\
             Contact: <sip:100@{here}>\r\n{extra}Content-Type: application/sdp\r\nContent-Length: {n}\r\n\r\n{body}",
            c = self.carrier,
            t = self.tag,
            i = self.call_id,
            cs = method,
            extra = self.extra,
            n = body.len(),
        )
    }

    pub async fn send(&self, text: &str) {
        self.sip
            .send_to(text.as_bytes(), self.carrier)
            .await
            .expect("loopback");
    }

    pub async fn invite(&mut self) {
        self.branch = format!("z9hG4bK-{}-{}", self.tag, self.cseq);
        let text = self.text(
            "INVITE",
            &format!("<sip:{NUMBER}@test>"),
            &self.branch,
            self.cseq,
            &self.offer(),
        );
        self.send(&text).await;
    }

    pub async fn next(&self) -> Wire {
        self.next_within(PATIENCE)
            .await
            .expect("the carrier says something in time")
    }

    pub async fn next_within(&self, patience: Duration) -> Option<Wire> {
        let mut buffer = vec![0; 8192];
        let n = tokio::time::timeout(patience, self.sip.recv(&mut buffer))
            .await
            .ok()?
            .expect("loopback");
        Some(Wire(String::from_utf8_lossy(&buffer[..n]).into_owned()))
    }

    /// The next message with this code, whatever comes before it.
    pub async fn until(&self, code: u16) -> Wire {
        loop {
            let wire = self.next().await;
            if wire.code() == code {
                return wire;
            }
            assert!(wire.code() < 200, "waiting for {code}, got {}", wire.0);
        }
    }

    /// The next request of this method.
    pub async fn until_request(&self, method: &str) -> Wire {
        loop {
            let wire = self.next().await;
            if wire.first_line().starts_with(method) {
                return wire;
            }
        }
    }

    pub async fn ack(&self, response: &Wire) {
        let branch = if response.code() < 300 {
            format!("{}-ack", self.branch)
        } else {
            self.branch.clone()
        };
        let to = response.header("To").expect("a To");
        self.send(&self.text("ACK", to, &branch, self.cseq, "")).await;
    }

    pub async fn bye(&mut self, response: &Wire) {
        self.cseq += 1;
        let to = response.header("To").expect("a To");
        self.send(&self.text(
            "BYE",
            to,
            &format!("{}-bye{}", self.branch, self.cseq),
            self.cseq,
            "",
        ))
        .await;
    }

    pub async fn cancel(&self) {
        let to = format!("<sip:{NUMBER}@test>");
        self.send(&self.text("CANCEL", &to, &self.branch, self.cseq, ""))
            .await;
    }

    /// 200 to a request of the carrier's.
    pub async fn ok(&self, request: &Wire, body: &str) {
        let mut text = String::from("SIP/2.0 200 OK\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            text += &format!("{name}: {}\r\n", request.header(name).expect("mandatory"));
        }
        let here = self.sip.local_addr().expect("bound");
        text += &format!(
            "Contact: <sip:100@{here}>\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.send(&text).await;
    }

    /// Packets that arrive within a time: when, payload type, payload.
    pub async fn packets(&self, during: Duration) -> Vec<(Duration, u8, Vec<u8>)> {
        let start = std::time::Instant::now();
        let mut got = Vec::new();
        let mut buffer = [0; 2048];
        while let Some(left) = during.checked_sub(start.elapsed()) {
            match tokio::time::timeout(left, self.rtp.recv_from(&mut buffer)).await {
                Ok(Ok((n, _))) if n >= 12 => {
                    got.push((start.elapsed(), buffer[1] & 0x7F, buffer[12..n].to_vec()))
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        got
    }
}

/// Waits until a look succeeds.
pub async fn eventually(what: &str, mut look: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !look() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
