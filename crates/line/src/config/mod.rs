//! What the telephone is told: where it listens, over which trunks it dials, and what it may dial.
//!
//! Everything is checked once, by [`Line::start`](crate::Line::start); after that no part of the line asks again.
//! A trunk is closed until its `allowed_prefixes` open it.

mod numbering;
mod prefix;
mod secret;
mod trunk;

use std::net::{IpAddr, Ipv4Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::numbering::{NumberFormat, Numbering};
pub use self::prefix::{Prefix, PrefixError};
pub(crate) use self::secret::{Secret, read_secret};
pub(crate) use self::trunk::split_address;
pub use self::trunk::{TlsOptions, Transport, TrunkConfig};
use crate::media::PortRange;

/// The machine's side of all trunks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LineConfig {
    /// The local address for SIP and RTP.
    pub bind: IpAddr,
    /// The local SIP port, UDP and TCP; 0 takes any free one.
    pub sip_port: u16,
    /// The address peers reach us at, where it is not the local one (NAT, containers).
    pub advertise: Option<IpAddr>,
    /// The local RTP ports, `"first-last"`.
    pub rtp_ports: PortRange,
    /// Threads that pace media; 0 is one per two cores, at least one.
    pub media_threads: usize,
    /// The right side of From and Call-ID; by default the advertised address.
    pub domain: Option<String>,
}

impl Default for LineConfig {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            sip_port: 0,
            advertise: None,
            rtp_ports: PortRange::new(20_000, 29_999).expect("5000 pairs lie in this range"),
            media_threads: 0,
            domain: None,
        }
    }
}

/// A setting that cannot work, told with the key's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct ConfigError {
    /// The key, as it stands in the file: `trunk.main.max_channels`.
    pub key: String,
    /// What is wrong and how to mend it.
    pub what: String,
}

impl ConfigError {
    pub(crate) fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            what: what.into(),
        }
    }
}

impl LineConfig {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// The first key that cannot work.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(advertise) = self.advertise
            && advertise.is_unspecified()
        {
            return Err(ConfigError::new(
                "line.advertise",
                format!(
                    "{advertise} is no address a peer can send to; give the public one, or leave the key out"
                ),
            ));
        }
        if let Some(domain) = &self.domain
            && !trunk::is_host(domain)
        {
            return Err(ConfigError::new(
                "line.domain",
                format!("{domain:?} is no host name or address"),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_is_not_advertised() {
        let config = LineConfig {
            advertise: Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            ..LineConfig::default()
        };
        assert_eq!(config.check().expect_err("must be refused").key, "line.advertise");
    }
}
