//! One trunk as its owner writes it down.

use std::path::PathBuf;

use hark_outcome::Number;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Numbering, Prefix};
use crate::media::Codec;

/// How SIP travels to a trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Datagrams.
    #[default]
    Udp,
    /// A TCP connection.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl Transport {
    /// As in a Via header.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    pub(crate) const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }
}

/// Whom to trust on a TLS trunk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsOptions {
    /// A PEM file with the certificates to trust; by default the system's.
    pub ca_file: Option<PathBuf>,
    /// The name the certificate must carry, where it is not the host of `address`.
    pub server_name: Option<String>,
}

/// One trunk. Only `address` has no default; without `allowed_prefixes` it dials nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrunkConfig {
    /// `host` or `host:port`. A host without port is looked up by SRV, then by address.
    pub address: String,
    /// How SIP travels.
    #[serde(default)]
    pub transport: Transport,
    /// The digest user, where the trunk asks for one.
    #[serde(default)]
    pub username: Option<String>,
    /// The environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// The file that holds the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The numbers this trunk may show. A job's caller ID must be one of them; the first is shown by default.
    #[serde(default)]
    pub caller_ids: Vec<Number>,
    /// What to offer, most wanted first.
    #[serde(default = "default_codecs")]
    pub codecs: Vec<Codec>,
    /// Calls at once.
    #[serde(default = "default_channels")]
    pub max_channels: u32,
    /// New calls per second.
    #[serde(default = "default_rate")]
    pub max_calls_per_second: f64,
    /// Calls per UTC day, counted by this process.
    #[serde(default = "default_ceiling")]
    pub daily_ceiling: u64,
    /// What it may dial: `["+86"]`. Empty dials nothing. Plain digits, `["138"]`, serve a trunk without
    /// `numbering.country` only, and open no number written with `+`.
    #[serde(default)]
    pub allowed_prefixes: Vec<Prefix>,
    /// How numbers are read and written.
    #[serde(default)]
    pub numbering: Numbering,
    /// The user of From, where the trunk wants its account there; by default the caller ID.
    #[serde(default)]
    pub from_user: Option<String>,
    /// The host of From; by default the line's domain.
    #[serde(default)]
    pub from_domain: Option<String>,
    /// Whether to assert the caller ID in P-Asserted-Identity.
    #[serde(default)]
    pub asserted_identity: bool,
    /// Whether to hide the caller ID from the callee (`Privacy: id`).
    #[serde(default)]
    pub privacy: bool,
    /// Whether to offer reliable provisional responses (100rel). They are offered when a trunk demands them
    /// (421), and acknowledged, in any case.
    #[serde(default)]
    pub reliable_provisional: bool,
    /// The session timer to ask for, in seconds, at least 90. Without it a peer's own timer is still kept.
    #[serde(default)]
    pub session_expires_s: Option<u32>,
    /// Seconds between OPTIONS requests that prove the trunk alive; 0 never asks and takes it for alive.
    #[serde(default = "default_options_interval")]
    pub options_interval_s: u32,
    /// Seconds to connect, and then again until the first response to an INVITE.
    #[serde(default = "default_setup_timeout")]
    pub setup_timeout_s: f64,
    /// Whom to trust, for `transport = "tls"`.
    #[serde(default)]
    pub tls: TlsOptions,
    /// Which tones its country plays: `cn`, `us`. By default the ear decides.
    #[serde(default)]
    pub tone_plan: Option<String>,
    /// Whether the far end is a simulation; results say so.
    #[serde(default)]
    pub simulated: bool,
}

fn default_codecs() -> Vec<Codec> {
    vec![Codec::Pcmu, Codec::Pcma]
}
const fn default_channels() -> u32 {
    10
}
const fn default_rate() -> f64 {
    5.0
}
const fn default_ceiling() -> u64 {
    10_000
}
const fn default_options_interval() -> u32 {
    30
}
const fn default_setup_timeout() -> f64 {
    5.0
}

impl TrunkConfig {
    /// A trunk at an address, everything else by default: it dials nothing yet.
    #[must_use]
    pub fn at(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            transport: Transport::default(),
            username: None,
            password_env: None,
            password_file: None,
            caller_ids: Vec::new(),
            codecs: default_codecs(),
            max_channels: default_channels(),
            max_calls_per_second: default_rate(),
            daily_ceiling: default_ceiling(),
            allowed_prefixes: Vec::new(),
            numbering: Numbering::default(),
            from_user: None,
            from_domain: None,
            asserted_identity: false,
            privacy: false,
            reliable_provisional: false,
            session_expires_s: None,
            options_interval_s: default_options_interval(),
            setup_timeout_s: default_setup_timeout(),
            tls: TlsOptions::default(),
            tone_plan: None,
            simulated: false,
        }
    }

    /// Checks what the types cannot. `name` is the trunk's, for the message.
    ///
    /// # Errors
    /// The first key that cannot work.
    pub fn check(&self, name: &str) -> Result<(), ConfigError> {
        let bad = |key: &str, what: String| Err(ConfigError::new(format!("trunk.{name}.{key}"), what));
        if split_address(&self.address).is_none() {
            return bad(
                "address",
                format!(
                    "{:?} is neither host nor host:port; for example \"sip.example.com\"",
                    self.address
                ),
            );
        }
        if self.codecs.is_empty() {
            return bad(
                "codecs",
                "at least one codec is needed, for example [\"PCMU\"]".into(),
            );
        }
        if self.max_channels == 0 {
            return bad("max_channels", "0 channels carry no call; give at least 1".into());
        }
        if !(self.max_calls_per_second > 0.0 && self.max_calls_per_second <= 10_000.0) {
            return bad(
                "max_calls_per_second",
                "give more than 0 and at most 10000".into(),
            );
        }
        if !(self.setup_timeout_s >= 0.1 && self.setup_timeout_s <= 60.0) {
            return bad("setup_timeout_s", "give 0.1 to 60 seconds".into());
        }
        if self.session_expires_s.is_some_and(|s| s < 90) {
            return bad(
                "session_expires_s",
                "RFC 4028 allows no session timer under 90 seconds".into(),
            );
        }
        let numbering = &self.numbering;
        if let Some(country) = &numbering.country
            && (country.is_empty() || country.len() > 3 || !country.bytes().all(|b| b.is_ascii_digit()))
        {
            return bad(
                "numbering.country",
                format!("{country:?} is no country code; write it without '+', \"86\""),
            );
        }
        if let (Some(country), Some(plain)) = (
            &numbering.country,
            self.allowed_prefixes.iter().find(|p| p.is_plain()),
        ) {
            return bad(
                "allowed_prefixes",
                format!(
                    "{plain} is no E.164 prefix, and with numbering.country every number is known as E.164; write it \
                     with '+' and its country, for example \"+{country}{plain}\""
                ),
            );
        }
        if !numbering
            .prefix
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'*' | b'#'))
        {
            return bad(
                "numbering.prefix",
                "only digits, '+', '*' and '#' can be dialled".into(),
            );
        }
        for (key, text) in [("from_user", &self.from_user), ("username", &self.username)] {
            if text
                .as_ref()
                .is_some_and(|t| t.is_empty() || !t.bytes().all(is_user_byte))
            {
                return bad(
                    key,
                    "only letters, digits and -_.!~*'+ can stand in a SIP user".into(),
                );
            }
        }
        if self.from_domain.as_ref().is_some_and(|d| !is_host(d)) {
            return bad("from_domain", "no host name or address".into());
        }
        if self.tls.server_name.as_ref().is_some_and(|d| !is_host(d)) {
            return bad("tls.server_name", "no host name or address".into());
        }
        if self.transport != Transport::Tls && self.tls != TlsOptions::default() {
            return bad("tls", "set but unused; add transport = \"tls\"".into());
        }
        Ok(())
    }
}

fn is_user_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-_.!~*'+@".contains(&b)
}

/// Whether a text can stand as a host in a SIP URI.
pub(super) fn is_host(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    if let Some(inner) = inner {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !text.is_empty()
        && text.len() <= 253
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// Host and port of an address; `None` if it is neither form. IPv6 stands in brackets.
pub(crate) fn split_address(text: &str) -> Option<(&str, Option<u16>)> {
    let end_of_host = text.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match text[end_of_host..].rfind(':') {
        Some(at) => {
            let (host, port) = text.split_at(end_of_host + at);
            (host, Some(port[1..].parse::<u16>().ok().filter(|p| *p > 0)?))
        }
        None => (text, None),
    };
    is_host(host).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_split_into_host_and_port() {
        assert_eq!(split_address("sip.example.com"), Some(("sip.example.com", None)));
        assert_eq!(split_address("10.0.0.1:5070"), Some(("10.0.0.1", Some(5070))));
        assert_eq!(split_address("[::1]:5070"), Some(("[::1]", Some(5070))));
        assert_eq!(split_address("[::1]"), Some(("[::1]", None)));
        for bad in [
            "",
            ":5060",
            "a b",
            "host:0",
            "host:99999",
            "sip:host",
            "host\r\nX: y",
        ] {
            assert_eq!(split_address(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_wrong_key_is_named() {
        let good = TrunkConfig::at("sip.example.com");
        assert_eq!(good.check("a"), Ok(()));
        let cases: [(&str, TrunkConfig); 6] = [
            ("trunk.a.address", TrunkConfig::at("sip:host")),
            (
                "trunk.a.max_channels",
                TrunkConfig {
                    max_channels: 0,
                    ..good.clone()
                },
            ),
            (
                "trunk.a.max_calls_per_second",
                TrunkConfig {
                    max_calls_per_second: f64::NAN,
                    ..good.clone()
                },
            ),
            (
                "trunk.a.session_expires_s",
                TrunkConfig {
                    session_expires_s: Some(30),
                    ..good.clone()
                },
            ),
            (
                "trunk.a.from_user",
                TrunkConfig {
                    from_user: Some("a>b".into()),
                    ..good.clone()
                },
            ),
            (
                "trunk.a.tls",
                TrunkConfig {
                    tls: TlsOptions {
                        server_name: Some("x".into()),
                        ca_file: None,
                    },
                    ..good.clone()
                },
            ),
        ];
        for (key, config) in cases {
            assert_eq!(config.check("a").expect_err(key).key, key);
        }
    }

    #[test]
    fn plain_prefixes_and_a_country_do_not_go_together() {
        let plain = TrunkConfig {
            allowed_prefixes: vec!["138".parse().expect("plain digits")],
            ..TrunkConfig::at("h")
        };
        assert_eq!(plain.check("a"), Ok(()));
        let numbering = Numbering {
            country: Some("86".into()),
            ..Numbering::default()
        };
        let error = TrunkConfig { numbering, ..plain }
            .check("a")
            .expect_err("ambiguous");
        assert_eq!(error.key, "trunk.a.allowed_prefixes");
        assert!(error.to_string().contains("+86138"), "{error}");
    }

    #[test]
    fn a_trunk_dials_nothing_by_default() {
        assert!(TrunkConfig::at("h").allowed_prefixes.is_empty());
    }
}
