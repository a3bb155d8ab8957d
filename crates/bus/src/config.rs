//! `[nats]` of the configuration file, and what it must hold to be used.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::BusError;
use crate::subjects::Prefix;

/// Where NATS is and how to speak with it. Secrets never stand here: only the names of what holds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BusConfig {
    /// Servers, comma separated: `nats://host:4222` or `tls://host:4222`.
    pub url: String,
    /// First token of every subject; streams and buckets are named after it. Lower-case letters, digits, `-`, `_`.
    pub prefix: String,
    /// A `.creds` file (JWT and seed).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_file: Option<PathBuf>,
    /// A file holding an NKey seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nkey_file: Option<PathBuf>,
    /// User name; the password comes from `password_env`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Name of the environment variable that holds the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// Name of the environment variable that holds a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// PEM file of the authority that signed the server's certificate. Default: the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_ca_file: Option<PathBuf>,
    /// Refuse to speak without TLS.
    pub tls_required: bool,
    /// How many servers keep each message. 1 for a single server, 3 for production.
    pub replicas: u8,
    /// Seconds one server may take to accept a connection.
    pub connect_timeout_s: f64,
    /// Seconds one request may take before it is tried again or given up.
    pub request_timeout_s: f64,
    /// Seconds without a heartbeat after which a job is given to another worker. Heartbeats come three times as often.
    pub ack_wait_s: f64,
    /// Seconds after which a silent worker counts as gone; whole seconds, at least 1.
    pub presence_ttl_s: u32,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self {
            url: "nats://127.0.0.1:4222".to_owned(),
            prefix: "hark".to_owned(),
            credentials_file: None,
            nkey_file: None,
            user: None,
            password_env: None,
            token_env: None,
            tls_ca_file: None,
            tls_required: false,
            replicas: 1,
            connect_timeout_s: 5.0,
            request_timeout_s: 5.0,
            ack_wait_s: 30.0,
            presence_ttl_s: 15,
        }
    }
}

/// A configuration that was checked. Never printed: it may hold a password.
#[derive(Clone)]
pub(crate) struct Checked {
    pub servers: Vec<String>,
    /// User and password from the first server's address; the user alone is a token. The library ignores them.
    pub url_login: Option<(String, Option<String>)>,
    pub prefix: Prefix,
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    pub ack_wait: Duration,
}

impl BusConfig {
    /// Checks every field without touching the network.
    ///
    /// # Errors
    /// [`BusError::Config`] names the first wrong field.
    pub fn check(&self) -> Result<(), BusError> {
        self.checked().map(drop)
    }

    pub(crate) fn checked(&self) -> Result<Checked, BusError> {
        let servers: Vec<String> = self
            .url
            .split(',')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect();
        if servers.is_empty() {
            return Err(wrong("url", "is empty; write for example nats://127.0.0.1:4222"));
        }
        let mut addresses = Vec::with_capacity(servers.len());
        for server in &servers {
            let address: async_nats::ServerAddr = server.parse().map_err(|_| {
                wrong(
                    "url",
                    format!(
                        "{:?} is no server address; write nats://host:4222",
                        redact(server)
                    ),
                )
            })?;
            addresses.push(address);
        }
        let url_login = addresses
            .first()
            .and_then(|a| Some((unescape(a.username()?), a.password().map(unescape))));
        let prefix = Prefix::new(&self.prefix).map_err(|problem| wrong("prefix", problem))?;
        if !matches!(self.replicas, 1 | 3 | 5) {
            return Err(wrong(
                "replicas",
                format!("is {}; NATS keeps 1, 3 or 5 copies", self.replicas),
            ));
        }
        if self.presence_ttl_s == 0 {
            return Err(wrong("presence_ttl_s", "is 0; give at least 1 second"));
        }
        let ways = [
            ("credentials_file", self.credentials_file.is_some()),
            ("nkey_file", self.nkey_file.is_some()),
            ("user", self.user.is_some()),
            ("token_env", self.token_env.is_some()),
            ("url", url_login.is_some()),
        ];
        let mut given = ways.iter().filter(|(_, given)| *given).map(|(name, _)| *name);
        if let (Some(first), Some(second)) = (given.next(), given.next()) {
            return Err(wrong(
                second,
                format!("is given beside nats.{first}; give one way to sign in"),
            ));
        }
        if self.user.is_some() != self.password_env.is_some() {
            return Err(wrong(
                "user",
                "and nats.password_env belong together; give both or neither",
            ));
        }
        Ok(Checked {
            servers,
            url_login,
            prefix,
            connect_timeout: seconds("connect_timeout_s", self.connect_timeout_s)?,
            request_timeout: seconds("request_timeout_s", self.request_timeout_s)?,
            ack_wait: seconds("ack_wait_s", self.ack_wait_s)?,
        })
    }
}

pub(crate) fn wrong(field: &'static str, problem: impl Into<String>) -> BusError {
    BusError::Config {
        field,
        problem: problem.into(),
    }
}

fn seconds(field: &'static str, value: f64) -> Result<Duration, BusError> {
    if (0.05..=3600.0).contains(&value) {
        Ok(Duration::from_secs_f64(value))
    } else {
        Err(wrong(
            field,
            format!("is {value}; give seconds from 0.05 to 3600"),
        ))
    }
}

/// Undoes `%41`-escapes; what is no escape stays.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten();
        let byte = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A server address without its password, for messages.
pub(crate) fn redact(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://…@{}", &url[..scheme], &url[at + 1..]),
        (None, Some(at)) => format!("…@{}", &url[at + 1..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(config: &BusConfig) -> String {
        config.check().expect_err("must be refused").to_string()
    }

    #[test]
    fn the_default_is_good() {
        BusConfig::default().check().expect("the default is checked");
    }

    #[test]
    fn each_wrong_field_is_named() {
        let base = BusConfig::default;
        let cases = [
            (
                "nats.url",
                BusConfig {
                    url: " , ".into(),
                    ..base()
                },
            ),
            (
                "nats.prefix",
                BusConfig {
                    prefix: "a.b".into(),
                    ..base()
                },
            ),
            (
                "nats.replicas",
                BusConfig {
                    replicas: 2,
                    ..base()
                },
            ),
            (
                "nats.request_timeout_s",
                BusConfig {
                    request_timeout_s: f64::NAN,
                    ..base()
                },
            ),
            (
                "nats.user",
                BusConfig {
                    user: Some("u".into()),
                    ..base()
                },
            ),
            (
                "nats.presence_ttl_s",
                BusConfig {
                    presence_ttl_s: 0,
                    ..base()
                },
            ),
        ];
        for (field, config) in cases {
            let text = problem(&config);
            assert!(text.starts_with(field), "{field}: {text}");
        }
    }

    #[test]
    fn two_ways_to_sign_in_are_refused() {
        let config = BusConfig {
            token_env: Some("T".into()),
            nkey_file: Some("k".into()),
            ..BusConfig::default()
        };
        assert!(problem(&config).contains("one way"), "{}", problem(&config));
    }

    #[test]
    fn user_and_password_in_a_url_are_used() {
        let config = BusConfig {
            url: "nats://me:p%40ss%@host:4222".into(),
            ..BusConfig::default()
        };
        let login = config.checked().expect("valid").url_login;
        assert_eq!(login, Some(("me".into(), Some("p@ss%".into()))));
        let config = BusConfig {
            url: "nats://t0ken@host:4222".into(),
            ..BusConfig::default()
        };
        assert_eq!(
            config.checked().expect("valid").url_login,
            Some(("t0ken".into(), None))
        );
        let config = BusConfig {
            token_env: Some("T".into()),
            ..config
        };
        assert!(problem(&config).contains("one way"));
    }

    #[test]
    fn a_password_in_a_url_is_never_shown() {
        assert_eq!(redact("nats://me:s3cret@host:4222"), "nats://…@host:4222");
        assert_eq!(redact("nats://host:4222"), "nats://host:4222");
    }
}
