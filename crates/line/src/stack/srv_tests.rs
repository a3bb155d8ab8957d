//! A trunk named by SRV records, with names of our own.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use hark_outcome::{Attempt, CampaignId, JobId, Number, Phase, TrunkId};
use hark_sound::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::resolve::Srv;
use super::*;
use crate::config::{Transport, TrunkConfig};
use crate::facts::FactKind;
use crate::route::Route;
use crate::sink::FrameSink;

/// `carrier.example` has two targets, on two ports of this machine.
struct Records(Vec<u16>);

#[async_trait]
impl Names for Records {
    async fn srv(&self, name: &str) -> Vec<Srv> {
        assert_eq!(name, "_sip._tcp.carrier.example");
        (1..)
            .zip(&self.0)
            .map(|(priority, port)| Srv {
                priority,
                weight: 0,
                port: *port,
                target: "t".into(),
            })
            .collect()
    }
    async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, String> {
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

struct Deaf;

impl FrameSink for Deaf {
    fn frame(&mut self, _: Phase, _: &Frame) {}
}

async fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("bound").port()
}

#[tokio::test]
async fn the_next_srv_target_is_tried_after_a_refused_connection_and_after_a_503() {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let closed = port(&bind().await.expect("a port")).await;
    let (busy, good) = (bind().await.expect("a port"), bind().await.expect("a port"));
    let names = Records(vec![closed, port(&busy).await, port(&good).await]);
    let id = TrunkId::new("main").expect("valid");
    let config = TrunkConfig {
        transport: Transport::Tcp,
        allowed_prefixes: vec!["+86".parse().expect("a prefix")],
        options_interval_s: 0,
        ..TrunkConfig::at("carrier.example")
    };
    let trunk = Arc::new(Trunk::new(id, config, Arc::new(Notify::new()), |_| None).expect("good"));
    let line = LineConfig {
        bind: IpAddr::from([127, 0, 0, 1]),
        media_threads: 1,
        ..LineConfig::default()
    };
    let stack = Stack::start_with(&line, vec![trunk.clone()], Box::new(names))
        .await
        .expect("it starts");

    let to = Number::parse("+8613800138000").expect("a number");
    let passed = gate::pass(&trunk.id, &trunk.config, &to, None).expect("allowed");
    let leg = Leg {
        trunk: trunk.clone(),
        passed,
    };
    let hold = trunk.reserve().expect("free");
    let reservation = Reservation {
        route: Route { to, legs: vec![leg] },
        leg: 0,
        hold,
    };
    let mut call = stack.dial(
        reservation,
        CallRequest {
            attempt: Attempt::first(CampaignId::default(), JobId::new("srv").expect("valid")),
            caller_id: None,
            ring_timeout: Duration::from_secs(10),
            max_duration: Duration::from_secs(10),
            sink: Box::new(Deaf),
        },
    );
    let mut seen = Vec::new();
    for (listener, code) in [(&busy, 503), (&good, 486)] {
        let (mut stream, _) = tokio::time::timeout(Duration::from_secs(5), listener.accept())
            .await
            .expect("a connection in time")
            .expect("acceptable");
        let mut buffer = vec![0; 8192];
        let n = stream.read(&mut buffer).await.expect("readable");
        let invite = String::from_utf8_lossy(&buffer[..n]).into_owned();
        let line = |name: &str| {
            invite
                .lines()
                .find(|l| l.starts_with(name))
                .unwrap_or_default()
                .to_owned()
        };
        seen.push((line("Call-ID"), line("CSeq")));
        let head: Vec<_> = ["Via", "From", "To", "Call-ID", "CSeq"]
            .iter()
            .map(|n| line(n))
            .collect();
        let response = format!(
            "SIP/2.0 {code} No\r\n{}\r\nContent-Length: 0\r\n\r\n",
            head.join("\r\n")
        );
        stream.write_all(response.as_bytes()).await.expect("writable");
        if code == 486 {
            let ended = loop {
                match tokio::time::timeout(Duration::from_secs(5), call.next())
                    .await
                    .expect("in time")
                {
                    Some(fact) => {
                        if let FactKind::Ended(ended) = fact.what {
                            break ended;
                        }
                    }
                    None => panic!("no end"),
                }
            };
            assert_eq!(ended.code, Some(486));
        }
    }
    assert_eq!(seen[0].0, seen[1].0, "the same call");
    assert_eq!(
        (seen[0].1.as_str(), seen[1].1.as_str()),
        ("CSeq: 1 INVITE", "CSeq: 2 INVITE")
    );
    assert_eq!(trunk.status().calls_today, 1, "counted once");
}
