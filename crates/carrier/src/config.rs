//! What a carrier is told: where to listen, how each number behaves, how bad its lines are.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Behaviour;
use crate::behaviour::{Person, word_or_table, word_or_table_schema};

/// A carrier's configuration. Every field has a default: a carrier of people on 127.0.0.1:5060.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CarrierConfig {
    /// Where SIP is spoken, over UDP and TCP alike. Port 0 = any free one, told by `Carrier::address`.
    pub listen: SocketAddr,
    /// SIP over TLS as well.
    pub tls: Option<TlsConfig>,
    /// Address written into SDP and Contact; the one that faces the caller when absent.
    pub advertise: Option<IpAddr>,
    /// Ports for RTP, one a call; "0" = any free one.
    pub rtp_ports: PortRange,
    /// Threads that send and receive RTP. One carries several hundred calls.
    pub media_threads: usize,
    /// Ask for digest credentials before any call.
    pub digest: Option<DigestConfig>,
    /// Multiplies ringing, waiting and talking times; 0.2 = five times shorter. Sounds keep their speed, and the first
    /// 4 s of an announcement or tone are never shortened.
    pub time_scale: f64,
    /// What single numbers do; the first pattern that fits counts.
    pub numbers: Vec<NumberRule>,
    /// What all other numbers do, drawn by weight from seed and number; empty = everybody is a person.
    pub mix: Vec<Weighted>,
    /// Fixes every draw: under one seed a number always behaves the same.
    pub seed: u64,
    /// What people, machines and announcements speak unless their rule says otherwise.
    pub language: Language,
    /// Codecs accepted, of PCMU and PCMA; the caller's order decides.
    pub codecs: Vec<Codec>,
    /// What goes wrong on the way to the caller.
    pub impair: Impairment,
    /// SIP's T1 in milliseconds (RFC 3261 §17.1.1.1). Smaller only to make tests of lost messages quick.
    pub t1_ms: u32,
    /// Keeps this many seconds of what each caller said, for `Carrier::recording`; 0 = none.
    pub record_s: f64,
}

impl Default for CarrierConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 5060)),
            tls: None,
            advertise: None,
            rtp_ports: PortRange::new(10_000, 19_999),
            media_threads: 1,
            digest: None,
            time_scale: 1.0,
            numbers: Vec::new(),
            mix: Vec::new(),
            seed: 1,
            language: Language::Zh,
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            impair: Impairment::default(),
            t1_ms: 500,
            record_s: 0.0,
        }
    }
}

impl CarrierConfig {
    /// A carrier for a test: loopback, any free ports, and these rules.
    #[must_use]
    pub fn on_loopback(numbers: Vec<NumberRule>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            rtp_ports: PortRange::ANY,
            numbers,
            ..Self::default()
        }
    }

    /// Checks what types cannot say.
    ///
    /// # Errors
    /// A sentence naming the field, its value and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        let share = |name: &str, v: f64| {
            if (0.0..=1.0).contains(&v) {
                Ok(())
            } else {
                Err(format!("impair.{name} is {v}; give a share from 0 to 1"))
            }
        };
        share("loss", self.impair.loss)?;
        share("reorder", self.impair.reorder)?;
        share("duplicate", self.impair.duplicate)?;
        if !(self.time_scale > 0.0 && self.time_scale <= 100.0) {
            return Err(format!(
                "time_scale is {}; give more than 0, at most 100",
                self.time_scale
            ));
        }
        if self.codecs.is_empty() {
            return Err("codecs is empty; name PCMU, PCMA or both".into());
        }
        if !(1..=64).contains(&self.media_threads) {
            return Err(format!("media_threads is {}; give 1 to 64", self.media_threads));
        }
        if !(10..=5_000).contains(&self.t1_ms) {
            return Err(format!("t1_ms is {}; give 10 to 5000", self.t1_ms));
        }
        if let Some(w) = self
            .mix
            .iter()
            .find(|w| !(w.weight >= 0.0 && w.weight.is_finite()))
        {
            return Err(format!("a weight in mix is {}; give 0 or more", w.weight));
        }
        if !self.mix.is_empty() && self.mix.iter().all(|w| w.weight == 0.0) {
            return Err("every weight in mix is 0; give at least one behaviour some weight".into());
        }
        let behaviours = self
            .numbers
            .iter()
            .map(|n| &n.behave)
            .chain(self.mix.iter().map(|w| &w.behave));
        for behaviour in behaviours {
            behaviour.check()?;
        }
        Ok(())
    }
}

/// How the numbers that fit a pattern behave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberRule {
    /// A number, or the start of one followed by `*`. A `+` counts for nothing, on either side; digits are compared as
    /// they were dialled.
    pub pattern: String,
    /// What it does: a word, or a table with `kind` and parameters.
    #[serde(deserialize_with = "word_or_table")]
    #[schemars(schema_with = "word_or_table_schema")]
    pub behave: Behaviour,
}

impl NumberRule {
    /// A rule.
    #[must_use]
    pub fn new(pattern: impl Into<String>, behave: Behaviour) -> Self {
        Self {
            pattern: pattern.into(),
            behave,
        }
    }

    /// Whether a dialled number fits.
    #[must_use]
    pub fn fits(&self, number: &str) -> bool {
        let number = number.trim_start_matches('+');
        let pattern = self.pattern.trim_start_matches('+');
        match pattern.strip_suffix('*') {
            Some(start) => number.starts_with(start),
            None => number == pattern,
        }
    }
}

/// A behaviour and how often it is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Its share, against the sum of all weights.
    pub weight: f64,
    /// What the number does.
    #[serde(deserialize_with = "word_or_table")]
    #[schemars(schema_with = "word_or_table_schema")]
    pub behave: Behaviour,
}

impl Weighted {
    /// A weighted behaviour.
    #[must_use]
    pub const fn new(weight: f64, behave: Behaviour) -> Self {
        Self { weight, behave }
    }

    /// The mix of a configuration that names none: people.
    pub(crate) fn people() -> Vec<Self> {
        vec![Self::new(1.0, Behaviour::Person(Person::default()))]
    }
}

/// What happens to RTP on its way to the caller. Nothing, by default.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Impairment {
    /// Share of packets lost, 0–1.
    pub loss: f64,
    /// Each packet is late by 0 to this many milliseconds.
    pub jitter_ms: u32,
    /// Share of packets held back until after their successor, 0–1.
    pub reorder: f64,
    /// Share of packets sent twice, 0–1.
    pub duplicate: f64,
}

/// SIP over TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Where to listen; port 0 = any free one, told by `Carrier::tls_address`.
    pub listen: SocketAddr,
    /// Certificate chain, PEM.
    pub cert_file: PathBuf,
    /// Private key, PEM.
    pub key_file: PathBuf,
}

/// Digest credentials the carrier demands (RFC 7616, MD5, qop=auth).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestConfig {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// Realm.
    #[serde(default = "realm")]
    pub realm: String,
    /// Challenge as a proxy does (407) instead of as a server (401).
    #[serde(default)]
    pub proxy: bool,
}

impl fmt::Debug for DigestConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestConfig({}@{})", self.user, self.realm)
    }
}

fn realm() -> String {
    "carrier.test".into()
}

/// A language spoken by prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Mandarin.
    Zh,
    /// English.
    En,
}

/// A codec of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Codec {
    /// µ-law, payload type 0.
    #[serde(rename = "PCMU")]
    Pcmu,
    /// A-law, payload type 8.
    #[serde(rename = "PCMA")]
    Pcma,
}

/// A range of UDP ports, written "10000-19999"; "0" = whatever the system gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Whatever the system gives.
    pub const ANY: Self = Self { first: 0, last: 0 };

    /// From `first` to `last`, both included.
    #[must_use]
    pub const fn new(first: u16, last: u16) -> Self {
        Self { first, last }
    }

    /// The first port.
    #[must_use]
    pub const fn first(self) -> u16 {
        self.first
    }

    /// How many even ports, on which RTP stands, there are.
    #[must_use]
    pub const fn pairs(self) -> u16 {
        (self.last - self.first) / 2 + 1
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ANY {
            f.write_str("0")
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl std::str::FromStr for PortRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is no port range; write for example \"10000-19999\", or \"0\" for any");
        if text.trim() == "0" {
            return Ok(Self::ANY);
        }
        let (first, last) = text.split_once('-').ok_or_else(wrong)?;
        let first: u16 = first.trim().parse().map_err(|_| wrong())?;
        let last: u16 = last.trim().parse().map_err(|_| wrong())?;
        if first == 0 || first > last {
            Err(wrong())
        } else {
            Ok(Self { first, last })
        }
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for PortRange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CarrierPortRange".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(0|[0-9]+-[0-9]+)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::Refuse;

    #[test]
    fn a_rule_fits_its_number_and_its_prefix_with_or_without_plus() {
        let one = NumberRule::new("+8613800000001", Behaviour::Busy(Refuse::default()));
        assert!(one.fits("8613800000001") && one.fits("+8613800000001") && !one.fits("86138000000012"));
        let many = NumberRule::new("86138*", Behaviour::Busy(Refuse::default()));
        assert!(many.fits("+8613800000001") && !many.fits("+8613900000001"));
    }

    #[test]
    fn a_behaviour_is_a_word_or_a_table() {
        let config: CarrierConfig = toml::from_str(
            "numbers = [{ pattern = \"1*\", behave = \"busy\" },\
             { pattern = \"2*\", behave = { kind = \"person\", answer_after_s = 2.5 } }]",
        )
        .expect("both forms");
        assert_eq!(config.numbers[0].behave, Behaviour::Busy(Refuse::default()));
        let Behaviour::Person(person) = &config.numbers[1].behave else {
            panic!("a person")
        };
        assert_eq!(person.answer_after_s, 2.5);
    }

    #[test]
    fn an_unknown_key_or_kind_is_refused_by_name() {
        let error = |text: &str| {
            toml::from_str::<CarrierConfig>(text)
                .expect_err("refused")
                .to_string()
        };
        assert!(error("loudness = 3").contains("loudness"));
        assert!(error("mix = [{ weight = 1, behave = \"bussy\" }]").contains("bussy"));
        assert!(
            error("mix = [{ weight = 1, behave = { kind = \"person\", answer = 2 } }]").contains("answer")
        );
    }

    #[test]
    fn a_config_written_as_toml_reads_back_the_same() {
        let config = CarrierConfig {
            mix: crate::realistic_mix(&[Language::Zh, Language::En]),
            ..Default::default()
        };
        let text = toml::to_string(&config).expect("writes");
        assert_eq!(toml::from_str::<CarrierConfig>(&text).expect("reads"), config);
        config.check().expect("the shipped mix is sound");
    }

    #[test]
    fn the_schema_allows_both_forms_of_a_behaviour() {
        let schema = serde_json::to_value(schemars::schema_for!(CarrierConfig)).expect("a schema");
        let behave = &schema["$defs"]["NumberRule"]["properties"]["behave"]["anyOf"];
        assert_eq!(behave[0]["type"], "string", "{schema:#}");
        assert_eq!(behave[1]["$ref"], "#/$defs/Behaviour");
    }

    #[test]
    fn impossible_values_are_refused_with_what_is_allowed() {
        let config = CarrierConfig {
            time_scale: 0.0,
            ..Default::default()
        };
        assert!(config.check().expect_err("refused").contains("more than 0"));
        assert!("9-1".parse::<PortRange>().is_err());
    }
}
