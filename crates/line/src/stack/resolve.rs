//! Where a trunk is: its address, or the targets its SRV records name, in the order they are tried (RFC 3263).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;

use crate::config::{Transport, TrunkConfig, split_address};

/// Looking names up. A trait, so that tests can bring their own names.
#[async_trait]
pub(super) trait Names: Send + Sync {
    /// The SRV records of a name; empty if it has none.
    async fn srv(&self, name: &str) -> Vec<Srv>;
    /// The addresses of a host.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String>;
}

/// One SRV record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Srv {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    pub(super) target: String,
}

/// More targets than any call should try.
const MAX_TARGETS: usize = 8;

/// The system's resolver.
pub(super) struct SystemNames {
    dns: Option<TokioResolver>,
}

impl SystemNames {
    pub(super) fn new() -> Self {
        let dns = TokioResolver::builder_tokio().and_then(|mut builder| {
            let options = builder.options_mut();
            options.timeout = Duration::from_secs(1);
            options.attempts = 2;
            builder.build()
        });
        if let Err(error) = &dns {
            tracing::warn!(%error, "no SRV records can be looked up; trunks without a port use their default one");
        }
        Self { dns: dns.ok() }
    }
}

#[async_trait]
impl Names for SystemNames {
    async fn srv(&self, name: &str) -> Vec<Srv> {
        let Some(dns) = &self.dns else { return Vec::new() };
        let Ok(found) = dns.srv_lookup(name).await else {
            return Vec::new();
        };
        found
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::SRV(srv) => Some(Srv {
                    priority: srv.priority,
                    weight: srv.weight,
                    port: srv.port,
                    target: srv.target.to_string().trim_end_matches('.').to_owned(),
                }),
                _ => None,
            })
            .collect()
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        // The system's way, so that /etc/hosts and a cluster's search domains count.
        let found = tokio::net::lookup_host((host, 0))
            .await
            .map_err(|e| e.to_string())?;
        Ok(found.map(|a| a.ip()).collect())
    }
}

/// Where to send what goes to a trunk, first choice first. `local` is our own address: only targets of its family can
/// be reached from it. `patience` bounds the whole look-up.
pub(super) async fn targets(
    names: &dyn Names,
    config: &TrunkConfig,
    local: IpAddr,
    patience: Duration,
) -> Result<Vec<SocketAddr>, String> {
    let all = all_targets(names, config, patience).await?;
    let family = if local.is_ipv4() { "IPv4" } else { "IPv6" };
    let reachable: Vec<_> = all
        .into_iter()
        .filter(|t| t.is_ipv4() == local.is_ipv4())
        .collect();
    if reachable.is_empty() {
        return Err(format!(
            "{} has no {family} address; line.bind = {local} can reach no other",
            config.address
        ));
    }
    Ok(reachable)
}

async fn all_targets(
    names: &dyn Names,
    config: &TrunkConfig,
    patience: Duration,
) -> Result<Vec<SocketAddr>, String> {
    let (host, port) = split_address(&config.address).ok_or("its address is no host")?;
    if let Some(ip) = literal(host) {
        return Ok(vec![SocketAddr::new(
            ip,
            port.unwrap_or(config.transport.default_port()),
        )]);
    }
    let found = tokio::time::timeout(patience, look_up(names, host, port, config.transport)).await;
    match found {
        Ok(Ok(targets)) if targets.is_empty() => Err(format!("{host} has no address")),
        Ok(Ok(targets)) => Ok(targets),
        Ok(Err(why)) => Err(format!("{host} cannot be looked up: {why}")),
        Err(_) => Err(format!(
            "{host} cannot be looked up: no name server answered within {patience:?}"
        )),
    }
}

/// An address written as such.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

async fn look_up(
    names: &dyn Names,
    host: &str,
    port: Option<u16>,
    transport: Transport,
) -> Result<Vec<SocketAddr>, String> {
    if let Some(port) = port {
        let found = names.addresses(host).await?;
        return Ok(found
            .into_iter()
            .take(MAX_TARGETS)
            .map(|ip| SocketAddr::new(ip, port))
            .collect());
    }
    let service = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
    };
    let records = ordered(names.srv(&format!("{service}.{host}")).await, rand::random::<u32>);
    if records.is_empty() {
        let found = names.addresses(host).await?;
        let port = transport.default_port();
        return Ok(found
            .into_iter()
            .take(MAX_TARGETS)
            .map(|ip| SocketAddr::new(ip, port))
            .collect());
    }
    let mut targets = Vec::new();
    let mut trouble = None;
    for record in records {
        match names.addresses(&record.target).await {
            Ok(found) => targets.extend(found.into_iter().map(|ip| SocketAddr::new(ip, record.port))),
            Err(why) => trouble = Some(format!("{}: {why}", record.target)),
        }
        if targets.len() >= MAX_TARGETS {
            break;
        }
    }
    targets.truncate(MAX_TARGETS);
    match trouble {
        Some(why) if targets.is_empty() => Err(why),
        _ => Ok(targets),
    }
}

/// RFC 2782: lowest priority number first; among equals drawn by weight.
fn ordered(mut records: Vec<Srv>, mut draw: impl FnMut() -> u32) -> Vec<Srv> {
    // A target of "." says that there is no such service.
    records.retain(|r| !r.target.is_empty() && r.target != ".");
    records.sort_by_key(|r| (r.priority, r.weight));
    let mut out = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let equals = records.iter().take_while(|r| r.priority == priority).count();
        let total: u32 = records[..equals].iter().map(|r| u32::from(r.weight)).sum();
        let drawn = draw() % (total + 1);
        let mut sum = 0;
        let chosen = records[..equals]
            .iter()
            .position(|r| {
                sum += u32::from(r.weight);
                sum >= drawn
            })
            .unwrap_or(0);
        out.push(records.remove(chosen));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv {
            priority,
            weight,
            port: 5070,
            target: target.into(),
        }
    }

    #[test]
    fn priority_comes_before_weight() {
        let records = vec![
            srv(20, 100, "backup"),
            srv(10, 1, "light"),
            srv(10, 99, "heavy"),
            srv(5, 0, "."),
        ];
        let order = |draw: u32| {
            ordered(records.clone(), || draw)
                .into_iter()
                .map(|r| r.target)
                .collect::<Vec<_>>()
        };
        assert_eq!(order(0), ["light", "heavy", "backup"]);
        assert_eq!(order(50), ["heavy", "light", "backup"]);
    }

    #[test]
    fn weights_are_honoured_in_the_long_run() {
        let mut draws = (0..101).cycle();
        let mut heavy = 0;
        for _ in 0..101 {
            let records = vec![srv(1, 10, "light"), srv(1, 90, "heavy")];
            let draw = draws.next().unwrap_or(0);
            heavy += usize::from(ordered(records, || draw)[0].target == "heavy");
        }
        assert!((85..=95).contains(&heavy), "{heavy} of 101");
    }

    struct Fake;

    #[async_trait]
    impl Names for Fake {
        async fn srv(&self, name: &str) -> Vec<Srv> {
            if name == "_sip._udp.srv.example" {
                vec![srv(2, 0, "b"), srv(1, 0, "a"), srv(3, 0, "gone")]
            } else {
                vec![]
            }
        }
        async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
            match host {
                "a" => Ok(vec![IpAddr::from([10, 0, 0, 1])]),
                "b" => Ok(vec![IpAddr::from([10, 0, 0, 2])]),
                "plain.example" => Ok(vec![IpAddr::from([10, 0, 0, 3])]),
                _ => Err("no such name".into()),
            }
        }
    }

    #[tokio::test]
    async fn a_host_without_port_is_looked_up_by_srv_then_by_address() {
        let ask = |address: &str| {
            let config = TrunkConfig::at(address);
            let local = IpAddr::from([127, 0, 0, 1]);
            async move { targets(&Fake, &config, local, Duration::from_secs(1)).await }
        };
        let all = |list: &[&str]| {
            Ok(list
                .iter()
                .map(|a| a.parse().expect("an address"))
                .collect::<Vec<SocketAddr>>())
        };
        assert_eq!(ask("srv.example").await, all(&["10.0.0.1:5070", "10.0.0.2:5070"]));
        assert_eq!(ask("plain.example").await, all(&["10.0.0.3:5060"]));
        assert_eq!(ask("plain.example:5099").await, all(&["10.0.0.3:5099"]));
        assert_eq!(ask("192.0.2.1").await, all(&["192.0.2.1:5060"]));
        assert!(
            ask("[::1]:5061")
                .await
                .expect_err("not from an IPv4 address")
                .contains("line.bind")
        );
        assert!(
            ask("nowhere.example")
                .await
                .expect_err("no such name")
                .contains("nowhere.example")
        );
    }
}
