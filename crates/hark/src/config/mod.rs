//! One file, then the environment, then flags; each overrides the one before.
//!
//! The file is TOML. `HARK_SECTION__KEY=value` in the environment sets `section.key`, `--set section.key=value` on the
//! command line does the same. An unknown key is an error that says where it stands and names the nearest known one.

mod keys;
mod overlay;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hark_bus::BusConfig;
use hark_carrier::CarrierConfig;
use hark_line::{LineConfig, TrunkConfig};
use hark_outcome::{CampaignId, TrunkId};
use hark_worker::{CampaignConfig, WorkerConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where NATS is, and how to be let in.
    pub nats: BusConfig,
    /// Sockets and ports of the telephone.
    pub line: LineConfig,
    /// The trunks, by name.
    pub trunk: BTreeMap<TrunkId, TrunkConfig>,
    /// The campaigns, by name. `default` always exists.
    pub campaign: BTreeMap<CampaignId, CampaignConfig>,
    /// This worker.
    pub worker: WorkerConfig,
    /// The simulated carrier of `hark carrier`.
    pub carrier: CarrierConfig,
    /// Logging.
    pub log: LogConfig,
}

/// `[log]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// What to log, in the syntax of `tracing`'s filters: `info`, `warn,hark_line=debug`, …
    pub filter: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            json: false,
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {why}; give its path with --config, or run without one to use the defaults", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// Not TOML, or a value of the wrong kind.
    #[error("{place}: {why}")]
    Malformed {
        /// File, or variable.
        place: String,
        /// What and where.
        why: String,
    },
    /// A key nobody knows.
    #[error("{place}: unknown key {key}{}", nearest.as_ref().map(ToString::to_string).unwrap_or_default())]
    UnknownKey {
        /// File and line, or variable.
        place: String,
        /// The whole path of the key.
        key: String,
        /// The nearest known key.
        nearest: Option<Nearest>,
    },
    /// A room's own check of its settings.
    #[error("{0}")]
    Room(String),
    /// A value that is well-formed but cannot be meant.
    #[error("{key} {why}")]
    Value {
        /// The whole path of the key.
        key: String,
        /// What is wrong and what would be right.
        why: String,
    },
}

/// The known key that is nearest to an unknown one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// Its name.
    pub name: String,
    /// Near enough to be what was meant.
    pub slip: bool,
}

impl std::fmt::Display for Nearest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.slip {
            write!(f, "; did you mean {}?", self.name)
        } else {
            write!(
                f,
                "; the nearest known key is {}; `hark schema config` lists all",
                self.name
            )
        }
    }
}

/// What overrides the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Environment variables, as (name, value).
    pub environment: Vec<(String, String)>,
    /// `--set key=value`.
    pub set: Vec<String>,
}

impl Overrides {
    /// The process's environment and these flags.
    pub fn from_process(set: Vec<String>) -> Self {
        Self {
            environment: std::env::vars().collect(),
            set,
        }
    }
}

impl Config {
    /// Reads `path` (if any) and applies the overrides.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing wrong.
    pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Self::parse("", "defaults", overrides);
        };
        let text = std::fs::read_to_string(path).map_err(|why| ConfigError::Unreadable {
            path: path.to_owned(),
            why,
        })?;
        Self::parse(&text, &path.display().to_string(), overrides)
    }

    /// Parses `text`, which came from `place`.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing wrong.
    pub fn parse(text: &str, place: &str, overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut table: toml::Table = toml::from_str(text).map_err(|e| ConfigError::Malformed {
            place: place.to_owned(),
            why: e.to_string(),
        })?;
        keys::check(&table, |key| keys::place_in(text, place, key))?;
        overlay::apply(&mut table, overrides)?;
        let config: Self = toml::Value::Table(table)
            .try_into()
            .map_err(|e: toml::de::Error| ConfigError::Malformed {
                place: place.to_owned(),
                why: e.to_string(),
            })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        for (id, campaign) in &self.campaign {
            if let Some((key, why)) = campaign.fault() {
                return Err(ConfigError::Value {
                    key: format!("campaign.{id}.{key}"),
                    why,
                });
            }
            if let Err(e) = hark_worker::tones::ear_for(&campaign.tone_plans) {
                return Err(ConfigError::Value {
                    key: format!("campaign.{id}.tone_plans"),
                    why: e.to_string(),
                });
            }
            if let Some(missing) = campaign.trunks.iter().find(|t| !self.trunk.contains_key(*t)) {
                let why = format!(
                    "names trunk {missing}, but there is no [trunk.{missing}]; known: {}",
                    self.trunk
                        .keys()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", ")
                );
                return Err(ConfigError::Value {
                    key: format!("campaign.{id}.trunks"),
                    why,
                });
            }
        }
        for (id, trunk) in &self.trunk {
            trunk
                .check(id.as_str())
                .map_err(|e| ConfigError::Room(e.to_string()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, "hark.toml", &Overrides::default())
    }

    #[test]
    fn nothing_at_all_is_a_valid_configuration() {
        let config = parse("").expect("defaults");
        assert!(config.trunk.is_empty());
    }

    #[test]
    fn unknown_key_names_its_line_and_the_nearest() {
        let err = parse("[nats]\nurl = \"nats://x\"\n\n[trunk.main]\nadress = \"1.2.3.4\"\n")
            .expect_err("a slip")
            .to_string();
        assert!(
            err.contains("hark.toml:5") && err.contains("trunk.main.adress") && err.contains("address"),
            "{err}"
        );
    }

    #[test]
    fn key_unlike_any_other_still_names_the_nearest() {
        let err = parse("[trunk.m]\naddress = \"h\"\nzzqq = 1\n")
            .expect_err("unknown")
            .to_string();
        assert!(
            err.contains("hark.toml:3") && err.contains("the nearest known key is"),
            "{err}"
        );
    }

    #[test]
    fn unknown_key_inside_a_list_is_found_too() {
        let text = "[carrier]\nnumbers = [{ patern = \"1*\", behave = \"busy\" }]\n";
        let err = parse(text).expect_err("a slip").to_string();
        assert!(
            err.contains("carrier.numbers.patern") && err.contains("did you mean pattern"),
            "{err}"
        );
    }

    #[test]
    fn unknown_section_names_the_nearest() {
        let err = parse("[nat]\nurl = \"x\"\n").expect_err("a slip").to_string();
        assert!(err.contains("nat") && err.contains("did you mean nats"), "{err}");
    }

    #[test]
    fn environment_overrides_the_file_and_flags_override_both() {
        let overrides = Overrides {
            environment: vec![
                ("HARK_NATS__PREFIX".into(), "env".into()),
                ("HARK_AUDIO".into(), "/x".into()),
            ],
            set: vec![],
        };
        let text = "[nats]\nprefix = \"file\"\n";
        let config = Config::parse(text, "hark.toml", &overrides).expect("valid");
        assert_eq!(config.nats.prefix, "env");
        let overrides = Overrides {
            set: vec!["nats.prefix=flag".into()],
            ..overrides
        };
        assert_eq!(
            Config::parse(text, "hark.toml", &overrides)
                .expect("valid")
                .nats
                .prefix,
            "flag"
        );
    }

    #[test]
    fn environment_slip_names_the_variable() {
        let overrides = Overrides {
            environment: vec![("HARK_NATS__PREFIXX".into(), "a".into())],
            set: vec![],
        };
        let err = Config::parse("", "defaults", &overrides)
            .expect_err("a slip")
            .to_string();
        assert!(
            err.contains("HARK_NATS__PREFIXX") && err.contains("prefix"),
            "{err}"
        );
    }

    #[test]
    fn campaign_with_a_missing_trunk_is_refused_by_name() {
        let err = parse("[campaign.a]\ntrunks = [\"x\"]\n")
            .expect_err("no such trunk")
            .to_string();
        assert!(
            err.contains("campaign.a.trunks") && err.contains("[trunk.x]"),
            "{err}"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_parse_panic(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}
