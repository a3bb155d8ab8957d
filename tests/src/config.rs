//! A `hark.toml` put together key by key.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::Place;

/// The number that every lab's trunk shows.
const CALLER_ID: &str = "+861055550000";

/// A configuration that is being written.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    file: PathBuf,
    sip: SocketAddr,
    sections: BTreeMap<String, BTreeMap<String, Value>>,
}

impl ConfigFile {
    /// The least that a lab needs: its NATS, its address, no trunk, short times.
    #[must_use]
    pub fn new(place: &Place, nats: &str) -> Self {
        let sip = place.port();
        let config = Self {
            file: place.file("hark.toml"),
            sip,
            sections: BTreeMap::new(),
        };
        config
            .set("nats", "url", json!(nats))
            .set("line", "bind", json!(place.address()))
            .set("line", "advertise", json!(place.address()))
            .set("line", "sip_port", json!(sip.port()))
            .set("line", "rtp_ports", json!(place.rtp_ports(0)))
            .set("worker", "id", json!("worker-1"))
            .set("worker", "sounds", json!(place.folder()))
            .set("campaign.default", "ring_timeout_s", json!(20))
            .set("campaign.default", "max_call_s", json!(30))
            .set("campaign.default", "listen_s", json!(4))
            .set(
                "log",
                "filter",
                json!("info,rsipstack=warn,hark_line=debug,hark_worker=debug"),
            )
    }

    /// Where the worker listens for SIP.
    #[must_use]
    pub const fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// Sets `key` of `[section]`. (JSON's text of a string, number, truth or list is TOML's too.)
    #[must_use]
    pub fn set(mut self, section: &str, key: &str, value: Value) -> Self {
        self.sections
            .entry(section.to_owned())
            .or_default()
            .insert(key.to_owned(), value);
        self
    }

    /// Adds a UDP trunk to `peer` that may dial China.
    #[must_use]
    pub fn trunk(self, name: &str, peer: SocketAddr) -> Self {
        let section = format!("trunk.{name}");
        self.set(&section, "address", json!(peer.to_string()))
            .set(&section, "transport", json!("udp"))
            .set(&section, "caller_ids", json!([CALLER_ID]))
            .set(&section, "allowed_prefixes", json!(["+86"]))
            // A peer's story should be of calls alone.
            .set(&section, "options_interval_s", json!(0))
    }

    /// Writes the file.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn write(&self) -> PathBuf {
        let mut text = String::new();
        for (section, keys) in &self.sections {
            text += &format!("[{section}]\n");
            for (key, value) in keys {
                text += &format!("{key} = {value}\n");
            }
        }
        std::fs::write(&self.file, text).unwrap_or_else(|e| panic!("{}: {e}", self.file.display()));
        self.file.clone()
    }
}
